"""Many worlds judged in one run of an engine, each as if it were alone.

A run costs some 150 statements however little there is to judge, so worlds are judged by the hundred. What keeps them
apart is a prefix of the world's own on every name by which records find each other: ids, aliases, citations, shared
keys, series, issuing actions, and the *types* of principals (their ids are patterns, which a prefix would change). One
prefix for all names of a world leaves their order as it was, and with it every "lowest id".

One clause looks at all facts of a case, whatever they are called: QW105 asks for the span of their times (SPEC 5). So
both sides are given two facts of an authority that nobody cites, the earliest and the latest of the whole batch. Each
world is then judged under the span of the batch, by the model too; `apart` leaves worlds alone with their own span, and
the tests judge a share of all worlds in that way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Principal, Record
from tests.model import Judgement
from tests.model import judge as model_judge
from tests.worlds import world

Judge = Callable[[Sequence[Record]], list[Judgement]]


def prefixed(records: Iterable[Record], prefix: str) -> list[Record]:
    """The records under names that no other world bears."""
    return [_action(one, prefix) if isinstance(one, Action) else _fact(one, prefix) for one in records]


def _action(action: Action, prefix: str) -> Action:
    return msgspec.structs.replace(
        action,
        id=prefix + action.id,
        principal=_who(action.principal, prefix),
        on_behalf_of=tuple(_who(one, prefix) for one in action.on_behalf_of),
        cites=_names(action.cites, prefix),
        correlates=_names(action.correlates, prefix),
    )


def _fact(fact: AuthorityFact, prefix: str) -> AuthorityFact:
    return msgspec.structs.replace(
        fact,
        id=prefix + fact.id,
        aliases=_names(fact.aliases, prefix),
        successor=_name(fact.successor, prefix),
        series=_name(fact.series, prefix),
        principal=fact.principal and _who(fact.principal, prefix),
        by=fact.by and _who(fact.by, prefix),
        cites=None if fact.cites is None else _names(fact.cites, prefix),
        issued_by=_name(fact.issued_by, prefix),
        correlates=_names(fact.correlates, prefix),
        request=_request(fact.request, prefix),
    )


def _name(name: str | None, prefix: str) -> str | None:
    return None if name is None else prefix + name


def _names(names: tuple[str, ...], prefix: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in names)


def _who(principal: Principal, prefix: str) -> Principal:
    return Principal(prefix + principal.type, principal.id)


def _request(request: dict[str, Any] | None, prefix: str) -> dict[str, Any] | None:
    subject = request.get("subject") if request is not None else None
    if request is None or not isinstance(subject, dict) or not isinstance(subject.get("type"), str):
        return request  # a subject of another shape is nobody in any world
    return {**request, "subject": {**subject, "type": prefix + subject["type"]}}


class Batch:
    """Worlds under prefixes of their own, to be judged in one run."""

    def __init__(self, worlds: Sequence[Sequence[Record]]) -> None:
        self.worlds = [prefixed(records, _prefix(number) + ":") for number, records in enumerate(worlds)]
        times = [one.time for records in self.worlds for one in records if isinstance(one, AuthorityFact)]
        self.span: list[Record] = [
            AuthorityFact(kind="policy", id="span", time=time) for time in ((min(times), max(times)) if times else ())
        ]

    @property
    def records(self) -> list[Record]:
        """What the engine is given: all worlds and the facts of the span."""
        return [*(record for records in self.worlds for record in records), *self.span]

    def apart(self, judgements: Iterable[Judgement]) -> list[list[Judgement]]:
        """Judgements of the whole batch, by world and under the names that each world has by itself."""
        out: list[list[Judgement]] = [[] for _ in self.worlds]
        for one in judgements:
            prefix, _, action = one.action.partition(":")
            authorities = tuple((key.removeprefix(prefix + ":"), kind) for key, kind in one.authorities)
            out[int(prefix.removeprefix("w"))].append(replace(one, action=action, authorities=authorities))
        return out

    def differing(self, judgements: Iterable[Judgement], model: Judge = model_judge) -> list[int]:
        """Numbers of the worlds of which these judgements of the whole batch say anything else than the model says of
        each world by itself, under the span of the batch.
        """
        said = self.apart(judgements)
        expected = self.apart(one for records in self.worlds for one in model([*records, *self.span]))
        return [number for number, ours in enumerate(said) if in_order(ours) != in_order(expected[number])]


def _prefix(number: int) -> str:
    return f"w{number:05}"


def in_order(judgements: Iterable[Judgement]) -> list[Judgement]:
    """In the order in which the model gives them: by action and content."""
    return sorted(judgements, key=lambda one: (one.action, one.content))


def differing_seeds(seeds: Sequence[int], judge: Judge, actions: int = 60) -> list[int]:
    """Seeds whose world the given judge, who is given all of them at once, judges otherwise than the model."""
    batch = Batch([world(seed, actions) for seed in seeds])
    return [seeds[number] for number in batch.differing(judge(batch.records))]
