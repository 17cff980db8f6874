"""Actions and authorities in the native format, as many as one likes, for measuring the engine.

The authorities come in units of six facts around one service: a grant, an approval, a session on both, a credential on
the session, a decision a second before one of the actions, and one fact that differs from unit to unit. Their chains
are four deep (credential, session, grant, policy). Of the actions one in five cites nothing, one in twenty uses the
same hot key, a few in a hundred meet a credential that is unknown, expired, revoked or rotated.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

from quowarranto.records import Instant
from quowarranto.simulator.dice import dice
from quowarranto.simulator.scene import DAY, SECOND
from quowarranto.simulator.stamps import micro_stamp
from quowarranto.simulator.world import DAYS, START

_FACTS_PER_UNIT = 6
_UNITS_PER_POLICY = 20
_LINES_AT_ONCE = 20_000
_HOT = 0.05
_VERBS = ("orders:read", "orders:write", "stock:read", "ledger:post")


def simulate_native(
    path: Path, actions: int, authorities: int, *, seed: int = 7, start: datetime = START, hot: float = _HOT
) -> tuple[int, int]:
    """Write so many actions and so many authority facts into one file of JSON lines; the facts come first.

    Args:
        path: the file.
        actions, authorities: how many.
        seed, start: of the world.
        hot: share of the actions that use one and the same key.
    Returns: how many actions and how many facts were written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = int(start.timestamp()) * 1_000_000
    units = max(1, authorities // _FACTS_PER_UNIT)
    size = _Size(actions, units, max(1, actions // units), begin, hot)
    with path.open("wb", buffering=1 << 20) as file:
        for first in range(0, authorities, _LINES_AT_ONCE):
            last = min(authorities, first + _LINES_AT_ONCE)
            file.write("".join(_fact(number, size) for number in range(first, last)).encode())
        rng = dice(f"{seed}/native actions")
        for first in range(0, actions, _LINES_AT_ONCE):
            last = min(actions, first + _LINES_AT_ONCE)
            file.write("".join(_actions(rng, first, last, size)).encode())
    return actions, authorities


class _Size(NamedTuple):
    """How large the world is: of every `stride` actions the first is the one that a unit's decision speaks of."""

    actions: int
    units: int
    stride: int
    begin: Instant
    hot: float = _HOT

    def at(self, number: int) -> Instant:
        """When the action of this number happens."""
        return self.begin + number * DAYS * DAY // self.actions


def _fact(number: int, size: _Size) -> str:
    """The line of one authority fact; those past the last whole unit are policies."""
    unit, place = divmod(number, _FACTS_PER_UNIT)
    if unit >= size.units:
        return _policy(number, size.begin)
    if place == _FACTS_PER_UNIT - 1:
        return _odd_one(unit, size.begin)
    if place == _FACTS_PER_UNIT - 2:
        return _decision(unit, size)
    return _COMMON[place](unit, size.begin)


def _head(kind: str, key: str, at: Instant) -> str:
    return f'{{"kind":"{kind}","id":"{key}","time":"{micro_stamp(at)}"'


def _who(unit: int) -> str:
    return f'"principal":{{"type":"workload","id":"svc-{unit}"}}'


def _scope(unit: int) -> str:
    return f'"scope":{{"actions":["orders:*","stock:*","ledger:*"],"resources":["api:tenant-{unit}/*"]}}'


def _made_at(unit: int, begin: Instant) -> Instant:
    return begin - DAY - unit % 86_400 * 1_000_000


def _policy(number: int, begin: Instant) -> str:
    return f"{_head('policy', f'policy/{number}', begin - 90 * DAY)}}}\n"


def _grant(unit: int, begin: Instant) -> str:
    head = _head("grant", f"grant/{unit}", begin - 60 * DAY)
    return f'{head},{_who(unit)},{_scope(unit)},"cites":["policy/main-{unit // _UNITS_PER_POLICY}"]}}\n'


def _approval(unit: int, begin: Instant) -> str:
    head = _head("approval", f"approval/{unit}", begin - 2 * DAY)
    decided = f'"requested_by":{{"type":"user","id":"u{unit % 900}"}},"decided_by":[{{"type":"user","id":"boss"}}]'
    return f'{head},{_who(unit)},{decided},"ticket":"CHG-{unit}","justification":"routine"}}\n'


def _session(unit: int, begin: Instant) -> str:
    at = _made_at(unit, begin)
    days = 4 if unit % 33 == 7 else 60
    until = micro_stamp(at + days * DAY)
    head = _head("session", f"session/{unit}", at)
    return f'{head},"valid_until":"{until}",{_who(unit)},"cites":["grant/{unit}","approval/{unit}"]}}\n'


def _credential(unit: int, begin: Instant) -> str:
    at = _made_at(unit, begin)
    head = _head("credential", f"credential/{unit}", at)
    more = f',"delegation/{unit}"' if unit % 10 in (1, 2) else ""
    until = micro_stamp(at + 60 * DAY)
    cites = f'"cites":["session/{unit}"{more}]'
    return f'{head},"valid_until":"{until}","series":"key/{unit}",{_who(unit)},{cites}}}\n'


def _decision(unit: int, size: _Size) -> str:
    number = unit * size.stride
    head = _head("decision", f"decision/{unit}", size.at(number) - SECOND)
    cites = f'"cites":["policy/main-{unit // _UNITS_PER_POLICY}"]'
    subject = f'"subject":{{"type":"workload","id":"svc-{unit}"}},"action":{{"name":"{_VERBS[number & 3]}"}}'
    request = f'"request":{{{subject},"resource":{{"type":"api","id":"tenant-{unit}/{number & 255}"}}}}'
    return f'{head},"effect":"allow",{_who(unit)},{cites},{request}}}\n'


_COMMON = (_grant, _approval, _session, _credential)


def _odd_one(unit: int, begin: Instant) -> str:
    """The sixth fact of a unit: the unit's policy for every twentieth, else by the last digit."""
    if unit % _UNITS_PER_POLICY == 0:
        return _policy_of(unit, begin)
    digit = unit % 10
    if digit in (1, 2):
        return _delegation(unit, begin)
    if digit in (3, 4, 8):
        return _exception(unit, begin)
    if digit == 5:
        return _rotated(unit, begin)
    if digit == 6:
        head = _head("credential", f"credential/{unit}", begin + (20 + unit % 9) * DAY)
        return f'{head},"fact":"ended","end":"revoked"}}\n'
    if digit == 7:
        head = _head("session", f"session/{unit}", begin + 29 * DAY)
        return f'{head},"fact":"ended","end":"closed"}}\n'
    head = _head("grant", f"grant/batch-{unit}", begin - 50 * DAY)
    return f'{head},"principal":{{"type":"workload","id":"batch-{unit}"}},{_scope(unit)}}}\n'


def _policy_of(unit: int, begin: Instant) -> str:
    return f"{_head('policy', f'policy/main-{unit // _UNITS_PER_POLICY}', begin - 90 * DAY)}}}\n"


def _delegation(unit: int, begin: Instant) -> str:
    head = _head("delegation", f"delegation/{unit}", begin - 3 * DAY)
    return f'{head},{_who(unit)},"by":{{"type":"user","id":"u{unit % 900}"}}}}\n'


def _exception(unit: int, begin: Instant) -> str:
    head = _head("exception", f"exception/{unit}", begin - 5 * DAY)
    until = micro_stamp(begin + (10 if unit % 100 == 3 else 90) * DAY)
    return f'{head},"valid_until":"{until}",{_who(unit)},"owner":"team:risk","ticket":"RISK-{unit}"}}\n'


def _rotated(unit: int, begin: Instant) -> str:
    at = begin + (25 + unit % 4) * DAY
    head = _head("credential", f"credential/{unit}-v2", at)
    grace = micro_stamp(at + DAY)
    return f'{head},"grace_until":"{grace}","series":"key/{unit}",{_who(unit)},"cites":["session/{unit}"]}}\n'


def _actions(rng: Random, first: int, last: int, size: _Size) -> list[str]:
    """The lines of the actions with these numbers, in order of time."""
    lines = []
    draw, units = rng.random, size.units
    for number in range(first, last):
        skewed = draw()
        unit = 0 if draw() < size.hot else int(units * skewed * skewed)
        kind = draw()
        decided, rest = divmod(number, size.stride)
        if rest == 0 and decided < units:
            unit, cites = decided, f',"cites":["decision/{decided}","credential/{decided}"]' if kind < 0.5 else ""
            who = f"svc-{unit}"
        else:
            who = f"batch-{unit}" if unit % 10 == 9 and kind < 0.2 else f"svc-{unit}"
            cites = _cites(kind, unit, number)
        lines.append(
            f'{{"kind":"action","id":"a-{number:09x}","time":"{micro_stamp(size.at(number))}",'
            f'"principal":{{"type":"workload","id":"{who}"}},"action":"{_VERBS[number & 3]}",'
            f'"resource":{{"type":"api","id":"tenant-{unit}/{number & 255}"}},'
            f'"origin":"pod-{unit}-{number & 1}"{cites}}}\n'
        )
    return lines


def _cites(kind: float, unit: int, number: int) -> str:
    """A fifth cites nothing; the hot unit always shows its key."""
    if unit == 0:
        return ',"cites":["credential/0"]'
    if kind < 0.2:
        return ""
    if kind < 0.23:
        return f',"cites":["credential/lost-{number & 1023}"]'
    if kind < 0.4:
        return f',"cites":["session/{unit}"]'
    if kind < 0.5:
        return f',"cites":["session/{unit}","credential/{unit}"]'
    if kind < 0.55 and unit % 10 in (3, 4, 8):
        return f',"cites":["exception/{unit}"]'
    return f',"cites":["credential/{unit}"]'
