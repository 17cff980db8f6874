"""Judging slab by slab gives what judging all at once gives, also where an answer needs several slabs (SPEC 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import FEW
from quowarranto.records import Action, AuthorityFact, Principal, Record, Resource
from tests import engine, model
from tests.model import Judgement
from tests.together import Batch, in_order
from tests.worlds import shuffled, world

PAY, DB = Principal("service_account", "pay"), Resource("secret", "db")
S = 1_000_000

_RELATIONS = {
    "chains": "SELECT x.rec, v.node, v.term, v.bits, x.how, x.under FROM action_use x JOIN use_visit v USING (use)",
    "parents": "SELECT x.rec, v.node, v.parent FROM action_use x JOIN use_parent v USING (use)",
    "faults": "SELECT rec, code, a FROM fault",
    "findings": "SELECT finding, code, a, p, actions, first_us, last_us FROM finding",
    "samples": "SELECT finding, rec, nth, action FROM sample",
}


def _everything(records: Sequence[Record], slab: int | None) -> tuple[list[Judgement], dict[str, list[Any]]]:
    used = DuckDB(threads=1)
    judgements = in_order(engine.judge(records, engine=used, slab=slab))
    return judgements, {name: sorted(used.rows(sql), key=str) for name, sql in _RELATIONS.items()}


def _some_worlds(seed: int, worlds: int, actions: int) -> list[Record]:
    batch = Batch([world(7000 + 50 * seed + at, actions) for at in range(worlds)])
    return shuffled(batch.records, seed)


@pytest.mark.parametrize(("slab", "worlds", "actions"), [(1, 1, 12), (7, 1, 60), (1000, 40, 60)])
@pytest.mark.parametrize("seed", range(2))
def test_slabs_change_nothing(slab: int, worlds: int, actions: int, seed: int) -> None:
    """Verdicts, chains, faults, findings and samples."""
    records = _some_worlds(seed, worlds, actions)
    assert _everything(records, slab) == _everything(records, None)


def _act(key: str, *cites: str, at: int = 100, **more: Any) -> Action:
    return Action(id=key, time=at * S, principal=PAY, action="read", resource=DB, cites=cites, **more)


def _fact(kind: Any, key: str, at: int = 0, **says: Any) -> AuthorityFact:
    return AuthorityFact(kind=kind, id=key, time=at * S, **says)


_ROTATED: list[Record] = [_fact("credential", "key"), _fact("credential", "key", 50, fact="ended", end="rotated")]

ACROSS: dict[str, list[Record]] = {
    "two records of one id": [
        *(_act("twice", "grant", at=at) for at in (10, 20)),
        _act("once", "grant", at=15),
        _fact("grant", "grant"),
    ],
    "the stages of one request": [
        _act("request", at=10, stage=0),
        _act("other", at=11),
        _act("request", "grant", at=12, stage=1),
        _fact("grant", "grant"),
    ],
    "an origin that is seen before the rotation, in a later slab": [
        *_ROTATED,
        _act("late from a known place", "key", at=90, origin="here"),
        _act("late from elsewhere", "key", at=91, origin="there"),
        _act("early", "key", at=10, origin="here"),
    ],
    "a key without record from several origins": [
        _act("first", "gone", origin="here"),
        _act("second", "gone", origin="there"),
        _act("another key", "lost", origin="here"),
    ],
    "authorities that unauthorised actions obtained, one upon the other": [
        _act("uses the last", "c3", at=90),
        _act("makes c3", "c2", at=80),
        _act("makes c2", "c1", at=70),
        _act("makes c1", "ended", at=60),
        _fact("grant", "ended", valid_until=50 * S),
        *(_fact("grant", f"c{n}", issued_by=f"makes c{n}") for n in (1, 2, 3)),
    ],
    "the span of the control records": [
        _act("within", at=10),
        _act("after", at=30),
        _act("before", at=-5),
        _fact("grant", "first", 0),
        _fact("grant", "last", 20),
    ],
    "decisions that a later slab opens again": [
        *(_act(f"by decision {n % 3} at {n}", f"decision/{n % 3}", at=n) for n in range(8)),
        *(_fact("decision", f"decision/{n}", n, cites=("grant",), valid_until=(n + 4) * S) for n in range(3)),
        _fact("grant", "grant", scope=(), valid_until=2 * S),
    ],
}


@pytest.mark.parametrize("what", ACROSS)
@pytest.mark.parametrize("slab", [1, 2])
def test_what_crosses_slabs_is_judged_as_the_model_does(what: str, slab: int) -> None:
    records = ACROSS[what]
    judgements, others = _everything(records, slab)
    assert judgements == model.judge(records)
    assert others == _everything(records, None)[1]


@pytest.mark.parametrize("slab", [None, 40])
def test_an_authority_of_many_terms_is_judged_as_the_model_does(slab: int | None) -> None:
    """More stretches of time than are looked at one by one: of the first step, of what lies below it, of sessions."""
    records: list[Record] = [
        *(_fact("session", "session", 20 * n, valid_until=(20 * n + 10) * S, principal=PAY) for n in range(2 * FEW)),
        *(_fact("grant", "grant", 20 * n, valid_until=(20 * n + 15) * S) for n in range(2 * FEW)),
        _fact("credential", "key", cites=("grant",)),
        *(_act(f"cited {at}", "key", "session", at=at) for at in range(0, 40 * FEW, 7)),
        *(_act(f"bare {at}", at=at) for at in range(0, 40 * FEW, 7)),
    ]
    assert in_order(engine.judge(records, slab=slab)) == model.judge(records)
