"""The engine gives the answers of the case files and of the plain model, and no order, split or thread changes them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby

import msgspec
import pytest

from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import LinkageError
from quowarranto.records import Action, AuthorityFact, Principal, Record, Resource, Rule
from tests import engine, model
from tests.cases_io import Case, disagreements, load_cases
from tests.model import Judgement
from tests.together import Batch, differing_seeds, in_order
from tests.worlds import EXPECTATIONS, shuffled, split, world

CHUNK = 50
"""Worlds judged in one run."""


def _engine(
    records: Sequence[Record], numbers: Iterable[int] | None = None, *, threads: int = 1, strong: bool = False
) -> list[Judgement]:
    return in_order(engine.judge(records, numbers=numbers, engine=DuckDB(threads=threads, strong_hashes=strong)))


# -- the answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", load_cases(), ids=str)
def test_the_engine_gives_the_answer_in_the_case_file(case: Case) -> None:
    judgements = _judged_together().get(case.name) or engine.judge(
        case.records, skew_us=case.skew_us, window_us=case.window_us, expectations=case.expectations
    )
    assert disagreements(case, judgements) == [], case.about


@cache
def _judged_together() -> dict[str, list[Judgement]]:
    """Judgements of the case files, all of one clock in one run, which saves minutes.

    Those that turn on the span of all facts (QW105) are left out, and every twentieth, to be judged alone. In no other
    case is the span of its own facts exceeded, and so neither is that of all.
    """
    out = {}
    cases = [case for number, case in enumerate(load_cases()) if number % 20 and "QW105" not in str(case.expect)]
    cases = [case for case in cases if not case.expectations]
    for (skew, window), group in groupby(sorted(cases, key=_clock), _clock):
        of_a_clock = list(group)
        batch = Batch([case.records for case in of_a_clock])
        judgements = engine.judge(batch.records, skew_us=skew, window_us=window, engine=DuckDB(threads=1))
        for case, found in zip(of_a_clock, batch.apart(judgements), strict=True):
            out[case.name] = found
    return out


def _clock(case: Case) -> tuple[int, int]:
    return case.skew_us, case.window_us


@pytest.mark.parametrize("chunk", range(8))
def test_the_engine_judges_random_worlds_as_the_model_does(chunk: int) -> None:
    seeds = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    assert differing_seeds(seeds, _engine) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_world_alone_is_judged_as_the_model_does(seed: int) -> None:
    assert _engine(world(seed)) == model.judge(world(seed))


def test_a_case_without_records_has_no_judgements() -> None:
    assert _engine([]) == []


def test_actions_without_any_fact_are_judged_as_the_model_does() -> None:
    actions: list[Record] = [one for one in world(1) if isinstance(one, Action)]
    assert _engine(actions) == model.judge(actions)


def test_facts_without_any_action_give_no_judgement() -> None:
    assert _engine([one for one in world(1) if isinstance(one, AuthorityFact)]) == []


def test_of_several_stages_of_one_action_the_highest_counts() -> None:
    action = Action(
        id="a", time=0, principal=Principal("user", "ada"), action="read", resource=Resource("file", "x"), stage=1
    )
    first = msgspec.structs.replace(action, stage=0, outcome="denied")
    last = msgspec.structs.replace(action, stage=2, outcome="denied", time=5)
    assert [one.verdict for one in _engine([first, action])] == ["unproven"]
    assert [one.verdict for one in _engine([action, first, first])] == ["unproven"]
    assert [(one.verdict, "QW606" in one.codes) for one in _engine([last, action, first])] == [("refused", False)]


PATTERNS = (
    *("*", "db", "db*", "d?*", "*b", "d*b", "", "secret:db", "secret:db*", "secret:*", "sec*:db", "*:db", "secret:d_*"),
    *("se:cret:*", "secret:x:*", ":db", "secret:", "api/x:*", "a!b*", "a%*", "secret:a!b*", "secret:a_b*", "s_cret:*"),
)
RESOURCES = (
    *(("secret", name) for name in ("db", "dbx", "d", "a!b", "a%b", "a_b", "x:y", "", "axb")),
    *(("se:cret", "db"), ("secret:x", "y"), ("", "db"), ("api/x", "y"), ("api", "x:y"), ("s_cret", "db")),
)


def test_every_form_of_a_pattern_covers_what_the_model_says() -> None:
    """Alone, which is tried row by row, and among others, which is tried once per verb and resource."""
    records: list[Record] = []
    for n, pattern in enumerate(PATTERNS):
        records += [
            _grant(f"alone/{n}", scope=(Rule(("read",), (pattern,)),)),
            _grant(f"among/{n}", scope=(Rule(("read",), (pattern, "nothing")), Rule(("write",), None))),
        ]
    for n, (kind, name) in enumerate(RESOURCES):
        for grant in [one.id for one in records if isinstance(one, AuthorityFact)]:
            act = _act(f"{grant} {n}", grant, verb="read" if n % 5 else "write")
            records.append(msgspec.structs.replace(act, resource=Resource(kind, name)))
    assert _engine(records) == model.judge(records)


def test_a_decision_is_tested_to_the_microsecond() -> None:
    """By an action that cites it, and where an authority rests on it."""
    made, until, skew = 10_000_000, 20_000_000, 2_000_000
    moments = [at + by for at in (made - skew, made, until, until + skew) for by in (-1, 0, 1)]
    decisions = [
        AuthorityFact(kind="decision", id=f"{name}/{limited}", time=made, valid_until=until if limited else None)
        for name in ("cited", "below")
        for limited in (True, False)
    ]
    records: list[Record] = [
        *decisions,
        *(AuthorityFact(kind="credential", id=f"key/{n}", time=0, cites=(f"below/{n}",)) for n in (True, False)),
        AuthorityFact(kind="decision", id="over before it is made", time=made, valid_until=made - 3_000_000),
        AuthorityFact(kind="decision", id="just over before it is made", time=made, valid_until=made - 1_000_000),
    ]
    keys = [one.id for one in records if isinstance(one, AuthorityFact)]
    records += [_act(f"{key} at {at}", key, time=at) for key in keys for at in [*moments, made - 3_000_000]]
    assert _engine(records) == model.judge(records)


# -- SPEC 7: what does not change an answer ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_records_changes_nothing(seed: int) -> None:
    records = _some_worlds(seed)
    assert _engine(shuffled(records, seed)) == _engine(records)


@pytest.mark.parametrize("seed", range(3))
def test_the_batches_and_the_numbers_of_the_records_change_nothing(seed: int) -> None:
    """Records arrive in files and batches, each of which numbers them from a place of its own."""
    records = _some_worlds(seed)
    batches = split(records, seed, parts=5)
    starts = random.Random(seed).sample(range(0, 2**50, 2**20), len(batches))
    numbers = [start + at for start, batch in zip(starts, batches, strict=True) for at in range(len(batch))]
    assert _engine([record for batch in batches for record in batch], numbers) == _engine(records)


@pytest.mark.parametrize("seed", range(2))
def test_records_seen_twice_count_once(seed: int) -> None:
    records = _some_worlds(seed)
    assert _engine([*records, *shuffled(records, seed)]) == _engine(records)


@pytest.mark.parametrize("seed", range(2))
def test_the_number_of_threads_changes_nothing(seed: int) -> None:
    records = _some_worlds(seed)
    assert _engine(records, threads=4) == _engine(records)


def test_an_engine_that_has_judged_before_gives_the_same_answer() -> None:
    used = DuckDB(threads=1)
    engine.judge(_some_worlds(1), engine=used)
    assert in_order(engine.judge(_some_worlds(0), engine=used)) == _engine(_some_worlds(0))


@pytest.mark.parametrize("seed", range(2))
def test_the_order_of_the_records_changes_no_finding(seed: int) -> None:
    records = _some_worlds(seed)
    assert _findings(shuffled(records, seed)) == _findings(records)


def _some_worlds(seed: int) -> list[Record]:
    return Batch([world(1000 + 10 * seed + at) for at in range(10)]).records


def _findings(records: list[Record]) -> list[tuple[object, ...]]:
    used = DuckDB(threads=1)
    engine.judge(records, engine=used)
    return used.rows(
        "SELECT f.finding, f.code, n.id, p.type, p.id, f.actions, f.first_us, f.last_us, s.nth, i.id FROM finding f "
        "LEFT JOIN authority n ON n.a = f.a LEFT JOIN principal p ON p.p = f.p "
        "JOIN sample s ON s.finding = f.finding JOIN actions_in i ON i.rec = s.rec ORDER BY ALL"
    )


# -- two names with one hash -------------------------------------------------------------------------------------------


def test_the_strong_hashes_give_the_same_answer() -> None:
    assert differing_seeds(range(900, 900 + CHUNK), lambda records: _engine(records, strong=True)) == []


def _colliding(where: str) -> DuckDB:
    """An engine in which all names `a` of which this SQL condition holds have one hash."""
    poor = DuckDB(threads=1)
    poor.connection.execute(
        "CREATE OR REPLACE TEMP MACRO hash64"
        f"(a) AS CASE WHEN {where} THEN 7 ELSE hash(a) END, "
        f"(a, b) AS CASE WHEN {where} THEN 7 ELSE hash(a, b) END, "
        f"(a, b, c) AS CASE WHEN {where} THEN 7 ELSE hash(a, b, c) END"
    )
    return poor


@pytest.mark.parametrize("different", [3, 30, 100, 1000])
def test_a_hash_with_few_values_is_found_out_or_does_no_harm(different: int) -> None:
    for seed in range(4):
        poor = DuckDB(threads=1)
        poor.connection.execute(
            f"CREATE OR REPLACE TEMP MACRO hash64(a) AS hash(a) % {different}, "
            f"(a, b) AS hash(a, b) % {different}, (a, b, c) AS hash(a, b, c) % {different}"
        )
        records = world(seed, 20)
        try:
            judgements = in_order(engine.judge(records, engine=poor))
        except LinkageError:
            continue
        assert judgements == model.judge(records)


PAY, DB = Principal("service_account", "pay"), Resource("secret", "db")
SCOPED = {"reads": (Rule(("read",), None),), "writes": (Rule(("write",), None),)}


def _act(key: str, *cites: str, time: int = 100, verb: str = "read", who: Principal = PAY, **more: object) -> Action:
    return Action(id=key, time=time, principal=who, action=verb, resource=DB, cites=cites, **more)  # type: ignore[arg-type]


def _grant(key: str, **says: object) -> AuthorityFact:
    return AuthorityFact(kind="grant", id=key, time=0, **says)  # type: ignore[arg-type]


_TWO_SCOPES: list[Record] = [
    *(_grant(key, scope=scope) for key, scope in SCOPED.items()),
    *(_act(f"{key} {verb}", key, verb=verb) for key in SCOPED for verb in ("read", "write")),
]

_TWO_SETS: list[Record] = [
    *_TWO_SCOPES,
    _grant("all", scope=(Rule(None, None),)),
    *(AuthorityFact(kind="credential", id=f"key {key}", time=0, cites=(key, "all")) for key in SCOPED),
    *(_act(f"key {key} {verb}", f"key {key}", verb=verb) for key in SCOPED for verb in ("read", "write")),
]

COLLISIONS: dict[str, tuple[str, list[Record]]] = {
    "ids": ("a IN ('a1', 'a2')", [_act("a1"), _act("a2", "grant"), _act("a2", "grant"), _grant("grant")]),
    "verbs": ("a IN ('read', 'write')", _TWO_SCOPES),
    "scopes": ("CAST(a AS VARCHAR) LIKE '[{%'", _TWO_SCOPES),
    "sets of scopes": ("typeof(a) LIKE '%[]'", _TWO_SETS),
    "principals": (
        "a = 'service_account'",
        [_grant("grant", principal=PAY), _act("a1", "grant"), _act("a2", "grant", who=Principal(PAY.type, "pal"))],
    ),
    "origins": (
        "a IN ('here', 'there')",
        [
            AuthorityFact(kind="credential", id="key", time=0),
            AuthorityFact(kind="credential", id="key", time=50_000_000, fact="ended", end="rotated"),
            _act("before", "key", origin="here"),
            _act("after", "key", origin="there", time=90_000_000),
        ],
    ),
    "origins of dangling keys": (
        "a IN ('here', 'there')",
        [_act("a1", "gone", origin="here"), _act("a2", "gone", origin="there")],
    ),
}


COMPARED = ("ids", "origins", "origins of dangling keys")


@pytest.mark.parametrize("what", COLLISIONS)
def test_two_names_with_one_hash_are_found_out_and_never_taken_for_each_other(what: str) -> None:
    where, records = COLLISIONS[what]
    try:
        judgements = in_order(engine.judge(records, engine=_colliding(where)))
    except LinkageError:
        assert what not in COMPARED, "these are told apart by the name itself"
    else:
        assert judgements == model.judge(records)
        assert what in COMPARED


def test_engine_and_model_agree_where_something_is_demanded() -> None:
    """SPEC 9; a few hundred worlds at once."""
    batch = Batch([world(seed) for seed in range(9_000, 9_200)])
    judgements = engine.judge(batch.records, engine=DuckDB(threads=1), expectations=EXPECTATIONS)
    assert {code for one in judgements for code in one.codes} >= {"QW303", "QW405", "QW503"}
    assert batch.differing(judgements, lambda records: model.judge(records, expectations=EXPECTATIONS)) == []
