"""Records as they come from careless systems: ids lost, clocks off, logs sampled, names used again, records late."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

Row = dict[str, Any]
_TIMES = ("time", "valid_from", "valid_until", "grace_until")
_KEYS = ("cites", "correlates")


class Damage(NamedTuple):
    """Shares from 0 to 1; `clock_s` is by how much any two systems' clocks differ at most, in seconds."""

    about: str
    dropped: float = 0.0
    clock_s: float = 0.0
    sampled: float = 0.0
    renamed: float = 0.0
    late: float = 0.0


LEVELS = (
    Damage("none"),
    Damage("10 % of the ids that records name are lost, clocks differ by up to 2 s", dropped=0.1, clock_s=2),
    Damage(
        "30 % of the ids lost, clocks differ by up to 10 s, 5 % of the facts not logged, 1 % of the records late",
        dropped=0.3,
        clock_s=10,
        sampled=0.05,
        late=0.01,
    ),
    Damage(
        "60 % of the ids lost, clocks differ by up to 60 s, 20 % of the facts not logged, 5 % of the records late, 5 % "
        "of the names of principals used by another one as well",
        dropped=0.6,
        clock_s=60,
        sampled=0.2,
        renamed=0.05,
        late=0.05,
    ),
)
"""A late record is one that had not come when the judgement was made."""


def damaged(records: Sequence[Row], level: int, seed: int) -> Iterator[Row]:
    """The records that are left, each with what is left of it; same seed, same damage.

    Args:
        records: in the native format, with `source`.
        level: an index into `LEVELS`.
        seed: of the dice.
    """
    damage = LEVELS[level]
    dice = random.Random(f"{seed}/{level}")
    sources = sorted({str(row["source"]) for row in records})
    clocks = {name: timedelta(seconds=(dice.random() - 0.5) * damage.clock_s) for name in sources}
    names = _renamed(records, damage.renamed, dice)
    for row in records:
        gone = dice.random() < (damage.late if row["kind"] == "action" else damage.late + damage.sampled)
        left = _with_fewer_keys(row, damage.dropped, dice)
        if not gone:
            yield _in_other_names(_on_its_clock(left, clocks[str(row["source"])]), names)


def _with_fewer_keys(row: Row, share: float, dice: random.Random) -> Row:
    return row | {name: [key for key in row[name] if dice.random() >= share] for name in _KEYS if row.get(name)}


def _on_its_clock(row: Row, error: timedelta) -> Row:
    return row | {name: _shifted(row[name], error) for name in _TIMES if row.get(name)}


def _shifted(text: str, error: timedelta) -> str:
    moment = datetime.fromisoformat(text) + error
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _renamed(records: Sequence[Row], share: float, dice: random.Random) -> dict[tuple[str, str], str]:
    """Some principals go by the name of another of their type."""
    known = sorted({(row["principal"]["type"], row["principal"]["id"]) for row in records if row.get("principal")})
    out: dict[tuple[str, str], str] = {}
    for kind, name in known:
        others = [one for of_kind, one in known if of_kind == kind and one != name]
        if others and dice.random() < share:
            out[kind, name] = dice.choice(others)
    return out


def _in_other_names(row: Row, names: dict[tuple[str, str], str]) -> Row:
    who = row.get("principal")
    other = names.get((who["type"], who["id"])) if who else None
    return row if who is None or other is None else row | {"principal": {"type": who["type"], "id": other}}
