"""The observed changes as one timeline: ordered, without copies, snapshots corrected by what the log knows better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from quowarranto.records import Instant, Principal
from quowarranto.sources.cloudtrail.changes import (
    Change,
    Default,
    Dropped,
    Gone,
    Held,
    Holder,
    Issued,
    Joined,
    Left,
    Made,
    PolicyGone,
    Text,
    TrustSet,
)
from quowarranto.sources.entry import Observation
from quowarranto.sources.losses import tells_of_loss

# Event times are whole seconds. Within one, things are made before they are used, and undone in the reverse order.
_ORDER = (Issued, Made, Text, Default, TrustSet, Held, Joined, Left, Dropped, PolicyGone, Gone)

# AWS attaches it to the user of a leaked key. Only an event tells when; guessed too early it denies what was allowed.
_QUARANTINE = "AWSCompromisedKeyQuarantine"

Who = tuple[str, str, str]
"""A holder by type, account and name."""


class Step(NamedTuple):
    """One change and where it was read."""

    change: Change
    observation: Observation

    @property
    def at(self) -> Instant:
        return self.observation.at

    def when(self, principal: Principal | None) -> Instant:
        """A call that changes its own caller's rights is held against the rights from before it."""
        own = principal is not None and self.change.actor == f"{principal.type}:{principal.id}"
        return self.at + 1 if own else self.at


def timeline(observations: Sequence[Observation]) -> list[Step]:
    """Every change once, in an order that depends on the changes alone."""
    return list(_corrected(_ordered(observations)))


def _ordered(observations: Sequence[Observation]) -> list[Step]:
    encode = msgspec.json.Encoder(order="sorted").encode
    keyed: dict[tuple[Instant, int, bytes], Step] = {}
    for observation in observations:
        if tells_of_loss(observation):
            continue
        change = msgspec.convert(observation.data, Change)
        key = (observation.at, _ORDER.index(type(change)), encode(observation.data))
        keyed.setdefault(key, Step(change, observation))
    return [keyed[key] for key in sorted(keyed)]


def _corrected(steps: list[Step]) -> Iterator[Step]:
    """Snapshots less what the log knows better: that which an event made did not hold before that event."""
    logged = {_subject(step.change) for step in steps if step.change.by is not None}
    for step in steps:
        change = step.change
        if change.by is None:
            if isinstance(change, Held) and (_subject(change) in logged or _QUARANTINE in change.policy):
                continue
            if isinstance(change, Joined | Text) and _subject(change) in logged:
                continue
            if isinstance(change, Made) and _subject(change) in logged:
                step = step._replace(change=msgspec.structs.replace(change, trust=None))
            if isinstance(change, Text) and change.default and change.version != "v1":
                later = ("default", change.policy, change.version) in logged
                step = step._replace(change=msgspec.structs.replace(change, default=not later))
        yield step


def _subject(change: Change) -> tuple[object, ...]:
    """What a change and a snapshot's account of it have in common."""
    if isinstance(change, Held):
        return ("held", who_of(change.holder), change.policy)
    if isinstance(change, Joined):
        return ("joined", who_of(change.user), who_of(change.group))
    if isinstance(change, Made | TrustSet):
        return ("trust", who_of(change.holder))
    if isinstance(change, Text):
        return ("text", change.policy, change.version)
    if isinstance(change, Default):
        return ("default", change.policy, change.version)
    return ()


def arns_of(steps: list[Step]) -> dict[Who, str]:
    """Where an ARN was said it has the path, which most events leave out; of several the last counts."""
    found: dict[Who, str] = {}
    for step in steps:
        holder = getattr(step.change, "holder", None)
        if isinstance(holder, Holder) and holder.arn:
            found[who_of(holder)] = holder.arn
    return found


def who_of(holder: Holder) -> Who:
    return (holder.type, holder.account, holder.name)
