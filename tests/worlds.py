"""Random worlds that hit every clause of SPEC 3 to 6, and the tools around a disagreement found in one.

    world(seed)                    a list of records; the same seed gives the same world
    shuffled(records, seed)        the same records in another order
    split(records, seed, parts)    the same records in several batches
    shrink(records, disagrees)     the fewest and barest records that still disagree
    write_case(path, about, ...)   that remainder as a case file for `tests/cases`

Names and instants come from small pools, so that things collide: equal times, and times exactly one skew or window
apart or one microsecond beside that, are common. Each world draws its own rates (`_Rates`), so that worlds differ in
what goes wrong in them and how often.

`python -m tests.worlds [COUNT]` prints what the model says of COUNT worlds.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from quowarranto.records import (
    Action,
    AuthorityFact,
    Expectation,
    Principal,
    Record,
    Resource,
    Rule,
    parse_instant,
    to_native,
)

SECOND = 1_000_000
SKEW = 2 * SECOND
WINDOW = 30 * SECOND
START = parse_instant("2026-03-01T09:00:00Z")
TICKS = [START + number * 60 * SECOND for number in range(8)]
OFFSETS = [
    *(sign * (edge + beside) for sign in (-1, 1) for edge in (SKEW, WINDOW) for beside in (-1, 0, 1)),
    *(-1, 1, -SECOND, SECOND, 5 * SECOND, -5 * SECOND, -WINDOW - SKEW, WINDOW + SKEW),
]

PEOPLE = [
    Principal("service_account", "pay"),
    Principal("service_account", "pal"),
    Principal("agent", "pay"),
    Principal("user", "ada"),
]
EXPECTATIONS = (
    Expectation(name="approved", actions=("kv:*",), require=("approval",)),
    Expectation(name="granted for a while", resources=("*",), require=("grant", "policy"), standing=False),
    Expectation(name="short", actions=("get ????",), resources=("*:*",), max_lifetime_us=3_600_000_000),
    Expectation(name="none of these", principals=("nobody:*", "n?body"), require=("exception",)),
)
"""What is demanded of some actions, where anything is."""
VERBS = ["kv:read", "kv:write", "get pods"]
THINGS = [
    Resource("secret", "kv/prod/db"),
    Resource("secret", "kv/prod/dc"),
    Resource("secret", "kv/dev/db"),
    Resource("pod", "kv/prod/db"),
    Resource("pod", "prod:7"),
]
VERB_PATTERNS = ["kv:read", "kv:*", "*", "kv:?e*", "get ?ods", "kv:write"]
THING_PATTERNS = [
    *(
        "kv/prod/*",
        "kv/prod/d?",
        "*",
        "secret:kv/*",
        "kv/prod/db",
        "secret:kv/prod/db",
        "*:kv/prod/*",
        "kv/?ev/*",
        "kv/*rod/?b",
    ),
    *("pod:prod:7", "prod:7", "kv/*:x"),
]
WHOM_PATTERNS = ["*", "pa?", "p*", "pay", "pal", "?ay"]
ORIGINS = ["host-1", "host-2", "10.0.0.9", None]
TRACES = ["trace-1", "trace-2", "ticket-7", "trace-1x"]
REASONS = ["revoked", "expired", "rotated", "superseded", "closed", None]
BELOW = {
    "policy": ("policy", "approval"),
    "grant": ("policy", "approval", "exception"),
    "approval": ("policy",),
    "exception": ("approval", "policy"),
    "delegation": ("grant", "session", "approval", "policy"),
    "credential": ("grant", "approval", "delegation", "session", "credential"),
    "session": ("grant", "approval", "credential", "delegation", "exception"),
    "decision": ("policy", "grant", "decision", "session", "credential", "exception"),
}
ORDER = ("policy", "approval", "exception", "grant", "delegation", "credential", "session", "decision")


class _Rates:
    """How often what happens in this world: most things seldom or never, a few of them often."""

    def __init__(self, rng: random.Random) -> None:
        def some(often: float, seldom: float = 0.02, chance: float = 0.3) -> float:
            return often if rng.random() < chance else rng.choice((0.0, seldom))

        self.cite = rng.choice((0.15, 0.5, 0.8))
        self.dangle = some(0.25)
        self.correlate = some(0.6, chance=0.4)
        self.trace = some(0.4, chance=0.5)
        self.alias = some(0.3)
        self.alias_tangle = some(0.4)
        self.series = some(0.4, chance=0.4)
        self.ended = some(0.3, 0.05, 0.5)
        self.ended_again = some(0.5)
        self.until = some(0.35, 0.05, 0.4)
        self.grace = some(0.7, chance=0.5)
        self.renew = some(0.4)
        self.only_ended = some(0.2)
        self.odd_bounds = some(0.2)
        self.late = some(0.3)
        self.deny = some(0.15, 0.01)
        self.scope = some(0.6, 0.15, 0.4)
        self.narrow = some(0.7, 0.1, 0.4)
        self.wrong_whom = some(0.25, 0.03)
        self.nobody = rng.choice((0.2, 0.6, 0.9))
        self.brokered = rng.choice((0.03, 0.1, 0.6))
        self.away = some(0.3, chance=0.15)
        self.on_behalf = some(0.4)
        self.issued = some(0.5, 0.1, 0.4)
        self.cycle = some(0.15)
        self.deep = rng.random() < 0.1
        self.request = some(0.8, 0.3, 0.5)
        self.groundless = some(0.5, 0.1)
        self.sloppy = some(0.5, 0.1)
        self.denied = some(0.3, 0.05)
        self.twice = some(0.15)
        self.stages = some(0.2)
        self.shared_id = some(0.1)
        self.twins = some(0.2)
        self.two_kinds = some(0.1)
        self.childless = some(0.5, 0.1)


def _start(fact: AuthorityFact) -> int:
    return fact.time if fact.valid_from is None else fact.valid_from


class _Builder:
    """One world in the making: first what is done, then what could have allowed it, then what cites what."""

    def __init__(self, seed: int, actions: int) -> None:
        self.rng = random.Random(seed)
        self.rate = _Rates(self.rng)
        self.plans = [self._plan(number) for number in range(actions)]
        self.facts: list[AuthorityFact] = []
        self.keys: dict[str, list[str]] = {kind: [] for kind in ORDER}
        self.aliases: dict[str, str] = {}
        self.first: dict[str, AuthorityFact] = {}

    def often(self, rate: float) -> bool:
        return self.rng.random() < rate

    def moment(self, lowest: int = 0, highest: int = len(TICKS) - 1) -> int:
        """A tick, or a tick and one of the offsets that the tests of SPEC 4 and 5 turn on."""
        offset = 0 if self.often(0.55) else self.rng.choice(OFFSETS)
        return TICKS[self.rng.randint(lowest, highest)] + offset

    # -- actions ---------------------------------------------------------------------------------------------------

    def _plan(self, number: int) -> Action:
        rng = self.rng
        return Action(
            id=f"a{number}",
            time=self.moment(2) + (self.rng.choice((-1, 1)) * 3600 * SECOND if self.often(self.rate.away) else 0),
            principal=PEOPLE[0] if self.often(0.5) else rng.choice(PEOPLE),
            on_behalf_of=tuple(rng.sample(PEOPLE, rng.randint(1, 2))) if self.often(self.rate.on_behalf) else (),
            action=VERBS[0] if self.often(0.6) else rng.choice(VERBS),
            resource=THINGS[0] if self.often(0.6) else rng.choice(THINGS),
            outcome="denied" if self.often(self.rate.denied) else "failure" if self.often(0.05) else "success",
            origin=rng.choice(ORIGINS),
        )

    def actions(self) -> list[Record]:
        return [record for plan in self.plans for record in self._tellings(self._linked(plan))]

    def _linked(self, plan: Action) -> Action:
        """The plan with what it cites and shares; mostly by somebody whom the cited authority empowers."""
        cites: tuple[str, ...] = ()
        if any(self.keys.values()) and self.often(self.rate.cite):
            cites = tuple(self._cited() for _ in range(1 if self.often(0.85) else 2))
        if self.often(self.rate.dangle):
            cites = (*cites, self.rng.choice(("gone/1", "gone/2")))
        whom = plan.principal
        if cites and not self.often(self.rate.wrong_whom) and cites[0] in self.first:
            named = self.first[cites[0]].principal
            whom = named if named in PEOPLE else whom
        correlates = (self.rng.choice(TRACES),) if self.often(self.rate.correlate) else ()
        return msgspec.structs.replace(plan, cites=cites, correlates=correlates, principal=whom)

    def _cited(self) -> str:
        kinds = [kind for kind in ("credential", "session", "decision", *ORDER) if self.keys[kind]]
        key = self.rng.choice(self.keys[self.rng.choice(kinds)])
        return self._name(key)

    def _name(self, key: str) -> str:
        """The key, or now and then an alias of somebody, hopefully its own."""
        mine = [alias for alias, owner in self.aliases.items() if owner == key]
        return self.rng.choice(mine) if mine and self.often(0.5) else key

    def _tellings(self, action: Action) -> list[Record]:
        """Once, or twice, or in stages, or with another action of the same id."""
        out: list[Record] = [action]
        if self.often(self.rate.twice):
            out.append(action)
        if self.often(self.rate.stages):
            later = {"outcome": self.rng.choice(("success", "denied")), "stage": self.rng.randint(0, 2)}
            out.append(msgspec.structs.replace(action, **later))
        if self.often(self.rate.shared_id):
            out.append(msgspec.structs.replace(action, time=self.moment(2), cites=()))
        return out

    # -- authorities -----------------------------------------------------------------------------------------------

    def authorities(self, count: int) -> list[Record]:
        weights = [2, 3, 2, 4, 2, 5, 5, 4]
        kinds = self.rng.choices(ORDER, weights, k=count)
        for number, kind in enumerate(sorted(kinds, key=ORDER.index)):
            self._authority(kind, f"{kind}/{number}")
            if self.often(self.rate.twins):
                self._twin(kind, f"{kind}/{number}+")
        if self.rate.deep and count:
            self._deep()
        self._tangle()
        return [fact for fact in self.facts for _ in range(2 if self.often(self.rate.twice) else 1)]

    def _authority(self, kind: str, key: str) -> None:
        fact = AuthorityFact(**self._bounds(kind), **self._says(kind), kind=kind, id=key)  # type: ignore[arg-type]
        if kind == "decision":
            fact = self._deciding(fact)
        self.keys[kind].append(key)
        self.first[key] = fact
        if self.often(self.rate.alias):
            fact = self._aliased(fact)
        facts = [fact, *self._later_facts(fact)]
        if self.often(self.rate.only_ended):
            facts = [one for one in facts if one.fact == "ended"] or [self._ending(fact)]
            facts = [self._telling(one) for one in (*facts, self._ending(fact))]
        self.facts += [*self._handovers(fact), *facts]

    def _telling(self, end: AuthorityFact) -> AuthorityFact:
        """An end that says much: where there are only such, each field is that of the earliest that has it."""
        says = self._says(end.kind).items()
        return msgspec.structs.replace(end, **{name: value for name, value in says if self.often(0.6)})

    def _handovers(self, fact: AuthorityFact) -> list[AuthorityFact]:
        """Members of the series that are recorded as ended in the very moment in which this one starts."""
        if fact.series is None or not self.often(self.rate.series):
            return []
        before = [one for one in self.facts if one.series == fact.series and _start(one) < _start(fact)]
        return [msgspec.structs.replace(self._ending(one), time=_start(fact)) for one in before[-1:]]

    def _twin(self, kind: str, key: str) -> None:
        """The same once more under another key, so that ties have to be broken; now and then a field less."""
        twin = msgspec.structs.replace(self.facts[-1], id=key, aliases=())
        for name in ("principal", "scope", "effect", "cites", "grace_until", "valid_until"):
            if self.often(0.05):
                twin = msgspec.structs.replace(twin, **{name: None})
        if self.often(0.2) and kind in ("credential", "policy", "session"):
            twin = msgspec.structs.replace(twin, grace_until=self._grace())
        self.keys[kind].append(key)
        self.first[key] = twin
        self.facts.append(twin)

    def _bounds(self, kind: str) -> dict[str, Any]:
        late = self.often(self.rate.late)
        at = self.moment(2 if late else 0, 7 if late else 2)
        early = 600 if kind in ("approval", "policy") and not self.often(0.1) else 0 if self.often(0.3) else 120
        out: dict[str, Any] = {"time": at - (0 if late else early * SECOND)}
        if self.often(0.1) or self.often(self.rate.odd_bounds):
            out["valid_from"] = self.moment(0, 3)
        if self.often(self.rate.until if kind != "exception" else max(self.rate.until, 0.5)):
            out["valid_until"] = self.moment(0 if self.often(self.rate.odd_bounds) else 3)
        return out

    def _says(self, kind: str) -> dict[str, Any]:
        """The fields of one established fact; each may be missing."""
        rng = self.rng
        out: dict[str, Any] = {"principal": self._whom(kind), "scope": self._scope(), "cites": self._grounds(kind)}
        if self.often(self.rate.deny):
            out["effect"] = "deny"
        elif self.often(0.2):
            out["effect"] = "allow"
        if self.often(self.rate.issued):
            out["issued_by"] = f"a{rng.randrange(len(self.plans) + 2)}" if self.plans else "a0"
        if self.often(self.rate.trace):
            out["correlates"] = (rng.choice(TRACES),)
        if kind == "delegation" and self.often(0.85):
            out["by"] = PEOPLE[0] if self.often(0.6) else rng.choice(PEOPLE)
        if kind in ("credential", "policy", "session", "grant", "decision") and self.often(self.rate.series):
            out["series"] = "policy-1" if kind == "decision" else f"{kind}-{rng.randint(1, 2)}"
            if self.often(self.rate.grace):
                out["grace_until"] = self._grace()
        if kind in ("approval", "exception"):
            out |= self._paperwork(kind)
        return out

    def _grace(self) -> int:
        return self.moment(3) - self.rng.choice((0, SKEW, SKEW))

    def _whom(self, kind: str) -> Principal | None:
        given = {"grant": 0.8, "session": self.rate.brokered}.get(kind, 1 - self.rate.nobody)
        if not self.often(given):
            return None
        if self.often(0.3):
            types = ("service_account", "service_account", "service_account", "agent", "user")
            return Principal(self.rng.choice(types), self.rng.choice(WHOM_PATTERNS))
        return self.rng.choice(PEOPLE) if self.often(0.1 + self.rate.wrong_whom) else PEOPLE[0]

    def _scope(self) -> tuple[Rule, ...] | None:
        if not self.often(self.rate.scope):
            return None
        return tuple(self._rule() for _ in range(0 if self.often(0.05) else self.rng.choice((1, 1, 1, 2, 3))))

    def _rule(self) -> Rule:
        def listed(pool: Sequence[str]) -> tuple[str, ...] | None:
            if self.often(0.3):
                return None
            if not self.often(self.rate.narrow):
                return (self.rng.choice(pool[:4]),)
            return tuple(self.rng.choices(pool, k=self.rng.choice((1, 1, 2, 3, 0))))

        return Rule(listed(VERB_PATTERNS), listed(THING_PATTERNS))

    def _grounds(self, kind: str) -> tuple[str, ...] | None:
        """What it rests on: kinds that were built before, mostly; sometimes nothing, a ghost, or anything at all."""
        if self.often(self.rate.childless if kind not in ("policy", "approval") else 0.7):
            return None if self.often(0.7) else ()
        if self.often(self.rate.dangle * 0.3):
            return (self.rng.choice(("gone/1", "gone/3")),)
        below = [key for one in BELOW[kind] for key in self.keys[one]]
        if not below:
            return None
        return tuple(self._name(key) for key in self.rng.sample(below, min(len(below), 1 if self.often(0.7) else 2)))

    def _paperwork(self, kind: str) -> dict[str, Any]:
        rng = self.rng
        ada, bob = Principal("user", "ada"), Principal("user", "bob")
        out: dict[str, Any] = {"requested_by": ada, "decided_by": (bob,), "justification": "because", "owner": ada}
        if self.often(self.rate.sloppy):
            out["decided_by"] = rng.choice(((ada,), (ada, ada), (ada, bob), (), None))
        if self.often(self.rate.sloppy):
            out["justification"] = rng.choice(("", None))
            out["ticket"] = rng.choice(("T-1", "", None))
        if self.often(self.rate.sloppy):
            out["owner"] = rng.choice(("", None, "team-a"))
        if self.often(0.1):
            out["requested_by"] = None
        return out

    def _deciding(self, fact: AuthorityFact) -> AuthorityFact:
        """A decision near one of the actions, mostly about just that action or one that differs a little."""
        rng = self.rng
        out: dict[str, Any] = {"valid_from": None}
        plan = rng.choice(self.plans) if self.plans else None
        if plan is not None and self.often(0.9):
            out["time"] = plan.time + rng.choice((0, 0, -SECOND, -SECOND, *OFFSETS))
        if self.often(0.8):
            out["valid_until"] = None
        elif plan is not None:
            out["valid_until"] = plan.time + rng.choice((0, *OFFSETS))
        if self.often(self.rate.groundless):
            out["cites"] = rng.choice((None, ()))
        if plan is not None and self.often(self.rate.request):
            out["request"] = self._request(plan)
        return msgspec.structs.replace(fact, **out)

    def _request(self, plan: Action) -> dict[str, Any]:
        who, what = plan.principal, plan.resource
        request: dict[str, Any] = {
            "subject": {"type": who.type, "id": who.id, "properties": {"team": "x"}},
            "action": {"name": plan.action},
            "resource": {"type": what.type, "id": what.id},
            "context": {},
        }
        if self.often(0.1):
            del request[self.rng.choice(("subject", "action", "resource"))]
        elif self.often(0.1):
            request["subject"]["id"] = self.rng.choice(("*", "ada"))
        elif self.often(0.1):
            request["resource"]["type"] = "pod"
        elif self.often(0.05):
            request["subject"] = self.rng.choice(("pay", None, ["pay"], {"id": 7}))
        return request

    def _aliased(self, fact: AuthorityFact) -> AuthorityFact:
        alias = f"x/{self.rng.randint(1, 6)}"
        self.aliases.setdefault(alias, fact.id)
        return msgspec.structs.replace(fact, aliases=(alias,))

    def _later_facts(self, fact: AuthorityFact) -> list[AuthorityFact]:
        out: list[AuthorityFact] = []
        while self.often(self.rate.renew) and len(out) < 3:
            out.append(self._renewal(fact))
        if self.often(self.rate.ended):
            out.append(self._ending(fact))
            while self.often(self.rate.ended_again) and len(out) < 6:
                again, before = self._ending(fact), out[-1]
                if self.often(0.6):
                    again = msgspec.structs.replace(again, time=before.time)
                if self.often(0.3):
                    again = msgspec.structs.replace(again, end=before.end)
                out.append(again)
        return out

    def _renewal(self, fact: AuthorityFact) -> AuthorityFact:
        """Another established fact of the id: later, earlier or at the same start; barer, or with other fields."""
        says = self._says(fact.kind)
        kept = {name: value for name, value in says.items() if self.often(0.25)}
        if fact.fact == "established" and self.often(0.3):
            kept["valid_from"] = _start(fact)
            if self.often(self.rate.grace):
                kept["grace_until"] = self._grace()
        if self.often(self.rate.until):
            kept["valid_until"] = self.moment(3)
        kind = self.rng.choice(ORDER) if self.often(self.rate.two_kinds) else fact.kind
        out: dict[str, Any] = {"kind": kind, "id": self._name(fact.id), "time": self.moment(), **kept}
        return AuthorityFact(**out)

    def _ending(self, fact: AuthorityFact) -> AuthorityFact:
        out: dict[str, Any] = {
            "kind": fact.kind,
            "id": self._name(fact.id),
            "time": self.moment(0 if self.often(0.2) else 3),
            "fact": "ended",
            "end": self.rng.choice(REASONS),
        }
        if self.often(0.3 * self.rate.grace):
            out["end"] = "rotated" if fact.kind == "credential" else "superseded"
        if fact.series is not None and self.often(0.3):
            out["time"] = self.rng.choice([_start(one) for one in (fact, *self.facts) if one.series == fact.series])
        if self.often(0.15):
            out |= {name: value for name, value in self._says(fact.kind).items() if self.often(0.4)}
        if self.often(self.rate.grace):
            out["grace_until"] = (
                self._grace() if self.often(0.5) else out["time"] + self.rng.choice((-SECOND, 0, 120 * SECOND))
            )
        return AuthorityFact(**out)

    def _deep(self) -> None:
        """A path whose length lies around the 16 that may stand on it."""
        length = self.rng.randint(14, 18)
        at = START - 60 * SECOND
        for number in range(length):
            below = f"deep/{number + 1}" if number + 1 < length else self.rng.choice(("policy/0", "gone/1", "deep/0"))
            kind = "policy" if number + 1 == length else "session"
            self.facts.append(AuthorityFact(kind=kind, id=f"deep/{number}", time=at, cites=(below,)))  # type: ignore[arg-type]
        self.keys["session"] += ["deep/0", "deep/0", "deep/1", "deep/2"]

    def _tangle(self) -> None:
        """Chains and rings of aliases, and aliases that two authorities claim; cycles among citations."""
        for number, fact in enumerate(self.facts):
            if fact.aliases and self.often(self.rate.alias_tangle):
                other = self.rng.choice([*self.aliases, *self.first])
                fact = msgspec.structs.replace(fact, aliases=(*fact.aliases, other))
            elif self.first and self.often(self.rate.alias_tangle * 0.1):
                fact = msgspec.structs.replace(fact, aliases=(self.rng.choice(list(self.first)), *fact.aliases))
            if fact.kind != "policy" and fact.cites and self.often(self.rate.cycle):
                fact = msgspec.structs.replace(fact, cites=(*fact.cites[:1], self.rng.choice(list(self.first))))
            self.facts[number] = fact
        if self.facts and self.often(self.rate.alias_tangle):
            self._ring()

    def _ring(self) -> None:
        """Two or three keys, each an alias of the next, and one more that leads into the ring."""
        ring = self.rng.sample(self.facts, min(len(self.facts), self.rng.randint(2, 3)))
        for at, fact in enumerate(ring):
            above = ring[(at + 1) % len(ring)]
            self.facts.append(msgspec.structs.replace(above, aliases=(*above.aliases, fact.id)))
        into = self.rng.choice(self.facts)
        self.facts.append(msgspec.structs.replace(ring[0], aliases=(into.id, "x/ring")))
        self.aliases["x/ring"] = ring[0].id


def world(seed: int, actions: int = 60) -> list[Record]:
    """A random world of so many actions over about as many authorities; the same seed gives the same world."""
    builder = _Builder(seed, actions)
    few = builder.rng.random() < 0.05
    facts = builder.authorities(builder.rng.randint(0, 4) if few else builder.rng.randint(actions // 3, actions))
    return [*(_standing(fact, seed) for fact in facts), *builder.actions()]


def _standing(fact: Record, seed: int) -> Record:
    """Some grants say whether they stand until somebody ends them."""
    if isinstance(fact, Action):
        return fact
    said = {0: True, 1: False}.get(crc32(f"{seed} {fact.id} {fact.time}".encode()) % 5)
    return msgspec.structs.replace(fact, standing=said) if fact.kind == "grant" and said is not None else fact


def shuffled(records: Iterable[Record], seed: int) -> list[Record]:
    """The same records in another order."""
    out = list(records)
    random.Random(seed).shuffle(out)
    return out


def split(records: Iterable[Record], seed: int, parts: int = 3) -> list[list[Record]]:
    """The same records in so many batches, as files or late arrivals would bring them."""
    rng = random.Random(seed)
    out: list[list[Record]] = [[] for _ in range(parts)]
    for record in records:
        rng.choice(out).append(record)
    return out


# ---------------------------------------------------------------------------------------------------------------------
# From a disagreement to a case file


def shrink(records: list[Record], disagrees: Callable[[list[Record]], bool]) -> list[Record]:
    """The fewest records, then the barest, of which `disagrees` still holds (delta debugging)."""
    while True:
        before = records
        records = _barer(_fewer(records, disagrees), disagrees)
        if records == before:
            return records


def _fewer(records: list[Record], disagrees: Callable[[list[Record]], bool]) -> list[Record]:
    size = max(1, len(records) // 2)
    while True:
        at = 0
        while at < len(records):
            rest = records[:at] + records[at + size :]
            if disagrees(rest):
                records = rest
            else:
                at += size
        if size == 1:
            return records
        size //= 2


def _barer(records: list[Record], disagrees: Callable[[list[Record]], bool]) -> list[Record]:
    for at in range(len(records)):
        for name in records[at].__struct_fields__:
            for value in _simpler(records[at], name):
                bare = msgspec.structs.replace(records[at], **{name: value})
                rest = [*records[:at], bare, *records[at + 1 :]]
                if disagrees(rest):
                    records = rest
                    break
    return records


def _simpler(record: Record, name: str) -> list[Any]:
    """The field's default, and a list with one item fewer."""
    value = getattr(record, name)
    defaults = {one.name: one.default for one in msgspec.structs.fields(type(record))}
    out = [] if defaults[name] is msgspec.NODEFAULT or defaults[name] == value else [defaults[name]]
    if name == "attributes":
        out = [{}] if value else []
    if isinstance(value, tuple) and len(value) > 1:
        out += [value[:at] + value[at + 1 :] for at in range(len(value))]
    return out


def write_case(
    path: Path,
    about: str,
    records: Iterable[Record],
    expect: dict[str, dict[str, Any]],
    **settings: Any,
) -> None:
    """Write a case file: the sentence and the expected answers, then a record a line.

    `settings`: skew_s, window_s, expectations. The native format has no `stage`, so a case that turns on stages cannot
    be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [{"about": about, "expect": expect, **settings}, *(to_native(record) for record in records)]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------------------
# What the worlds are made of


def _histogram(worlds: int) -> None:
    from tests.model import judge

    total: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    spent = 0.0
    slowest = 0.0
    count = 0
    for seed in range(worlds):
        records = world(seed)
        begun = time.perf_counter()
        judgements = judge(records)
        took = time.perf_counter() - begun
        spent, slowest = spent + took, max(slowest, took)
        for one in judgements:
            count += 1
            verdicts[f"{one.verdict} / {one.linkage}"] += 1
            said = {one.verdict, one.linkage, f"basis {one.basis}", f"method {one.method}", f"root {one.root_cause}"}
            total.update({*one.codes, *said})
    print(f"{worlds} worlds, {count} actions, {1000 * spent / worlds:.1f} ms a world, slowest {1000 * slowest:.0f} ms")
    for tally in (verdicts, total):
        for name, number in sorted(tally.items()):
            print(f"{name:32} {number:7} {100 * number / count:5.1f} %")


if __name__ == "__main__":
    _histogram(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
