"""A world in which much hangs on little, for measuring how an engine bears it.

Three actions in ten cite one and the same credential, which is renewed every hour and revoked for a while now and then.
Two in ten are of one principal that cites nothing: sometimes a decision about the same question again and again speaks
for it, sometimes its one session, else a grant on the resource pattern `*`, which matches everything. The other half is
of a thousand services with a credential each; of everything a hundredth is of somebody else than its credential.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from quowarranto.records import Instant
from quowarranto.simulator.scene import DAY, HOUR, MINUTE, SECOND
from quowarranto.simulator.stamps import micro_stamp
from quowarranto.simulator.world import DAYS, START

_SERVICES = 1000
_EVERYTHING = '"scope":{"actions":["*"],"resources":["*"]}'
_BATCH = '"principal":{"type":"workload","id":"batch"}'
_HOT = '"principal":{"type":"workload","id":"hot"}'


def simulate_skewed(path: Path, actions: int, *, start: datetime = START) -> tuple[int, int]:
    """Write so many actions, after the facts about their authorities, into one file of JSON lines.

    Returns: how many actions and how many facts were written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = int(start.timestamp()) * 1_000_000
    facts = 0
    with path.open("w", encoding="utf-8") as file:
        for line in _facts(begin, actions):
            file.write(line)
            facts += 1
        for number in range(actions):
            file.write(_action(number, begin + number * DAYS * DAY // actions))
    return actions, facts


def _fact(kind: str, key: str, at: Instant, rest: str = "") -> str:
    return f'{{"kind":"{kind}","id":"{key}","time":"{micro_stamp(at)}"{rest and "," + rest}}}\n'


def _facts(begin: Instant, actions: int) -> Iterator[str]:
    yield _fact("policy", "policy/main", begin - 90 * DAY)
    yield _fact("grant", "grant/everything", begin - 60 * DAY, f'{_EVERYTHING},"cites":["policy/main"]')
    yield _fact("grant", "grant/batch", begin - 60 * DAY, f'{_BATCH},{_EVERYTHING},"cites":["policy/main"]')
    for hour in range(DAYS * 24):
        at = begin + hour * HOUR
        until = f'"valid_until":"{micro_stamp(at + 61 * MINUTE)}"'
        yield _fact("credential", "credential/hot", at, f'{_HOT},{until},"cites":["grant/everything"]')
        if hour % 50 == 0:
            yield _fact("credential", "credential/hot", at + 40 * MINUTE, '"fact":"ended","end":"revoked"')
        if hour % 7 == 0:
            until = f'"valid_until":"{micro_stamp(at + 30 * MINUTE)}"'
            yield _fact("session", f"session/{hour}", at, f'{_BATCH},{until},"cites":["grant/batch"]')
    for number in range(3, actions, 30):
        at = begin + number * DAYS * DAY // actions - SECOND
        asked = '"action":{"name":"job:run"},"resource":{"type":"job","id":"nightly"}'
        request = f'"request":{{"subject":{{"type":"workload","id":"batch"}},{asked}}}'
        yield _fact("decision", f"decision/{number}", at, f'{_BATCH},{request},"cites":["policy/main"]')
    for service in range(_SERVICES):
        who = f'"principal":{{"type":"workload","id":"svc-{service}"}}'
        yield _fact("credential", f"credential/{service}", begin - DAY, f'{who},"cites":["grant/everything"]')


def _action(number: int, at: Instant) -> str:
    service = number * 7919 % _SERVICES
    other = number % 97 == 5
    place = number % 10
    if place < 3:
        who, more = "hot", ',"cites":["credential/hot"]'
    elif place < 5:
        who, more = "batch", ""
    else:
        who, more = f"svc-{service}", f',"cites":["credential/{service}"]'
    asked = number % 10 == 3 and number % 3 == 0
    verb, kind, resource = ("job:run", "job", "nightly") if asked else ("object:get", "object", f"o/{number}")
    return (
        f'{{"kind":"action","id":"a/{number}","time":"{micro_stamp(at)}",'
        f'"principal":{{"type":"workload","id":"{"nobody" if other else who}"}},'
        f'"action":"{verb}","resource":{{"type":"{kind}","id":"{resource}"}}{more}}}\n'
    )
