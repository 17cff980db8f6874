"""One role or binding through time: what it may have been at a moment, from logged changes and exports of it.

Between two logged changes an object stays as it is. What it was there, the change before says, where its body was
logged; or an export that was made there; and where the change after creates it, there was none. That holds as far as
the log covers the time (`Coverage`). Around a change both sides of it may have been in force: the authorizer works on
a copy that comes a moment later, and servers of one cluster have clocks of their own.

Times: instants in microseconds. Source: kubernetes plugin/pkg/auth/authorizer/rbac (informers), SPEC 3 for the idea.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

import msgspec

from quowarranto.records import Instant

MARGIN_US = 2_000_000
"""So near to a change either side of it counts."""


class Unknown(Enum):
    """What there was is not known; not even whether there was anything."""

    UNKNOWN = 0


UNKNOWN = Unknown.UNKNOWN
Body = dict[str, Any] | None | Unknown
"""An object as a manifest; `None`: there was none, or it granted nothing to anybody."""


class Change(msgspec.Struct, frozen=True):
    """One logged change: received, answered, and what the object was then."""

    asked: Instant
    answered: Instant
    body: Body
    created: bool = False
    """There was no such object before."""


class Export(msgspec.Struct, frozen=True):
    """The object as it was at a time, and since when for certain."""

    at: Instant
    body: Body
    since: Instant | None = None
    until: Instant | None = None
    """Somebody said that it stood so from `at` until then: no log need show it."""
    said: bool = False


class Coverage:
    """The stretches of time that a log covers."""

    def __init__(self, stretches: Sequence[tuple[Instant, Instant]] = ()) -> None:
        self._starts = [start for start, _ in stretches]
        self._ends = [end for _, end in stretches]

    def covers(self, one: Instant, other: Instant) -> bool:
        """Whether nothing can have happened unseen between two moments."""
        first, last = min(one, other), max(one, other)
        place = bisect_right(self._starts, first) - 1
        return place >= 0 and last <= self._ends[place]

    def moments(self) -> list[Instant]:
        """Where a stretch begins or ends."""
        return [*self._starts, *self._ends]


class Timeline:
    """What one object was, and when."""

    def __init__(self, changes: Sequence[Change], exports: Sequence[Export], coverage: Coverage) -> None:
        self.changes = list(_in_order(changes))
        self.exports = sorted(exports, key=lambda one: one.at)
        self._coverage = coverage
        self._answered = [one.answered for one in self.changes]
        self._asked = sorted(one.asked for one in self.changes)

    def moments(self) -> list[Instant]:
        """Where what is known of it may change."""
        found = [moment for one in self.changes for moment in (one.asked - MARGIN_US, one.answered + MARGIN_US + 1)]
        for one in self.exports:
            since = None if one.since is None else one.since + MARGIN_US
            found += [at for at in (one.at, one.at + 1, since, one.until) if at is not None]
        return found

    def at(self, moment: Instant, *, else_none: bool) -> list[Body]:
        """All that it may have been.

        Args:
            else_none: where nothing is known of it, there was no such object.
        """
        past = bisect_left(self._answered, moment - MARGIN_US)
        begun = max(past, bisect_right(self._asked, moment + MARGIN_US))
        found: list[Body] = []
        for place in range(past, begun + 1):
            body = self._between(place, moment, else_none=else_none)
            if body not in found:
                found.append(body)
        return found

    def _between(self, place: int, moment: Instant, *, else_none: bool) -> Body:
        """What it was after so many changes, as far as that reaches to the moment."""
        before = self.changes[place - 1] if place else None
        after = self.changes[place] if place < len(self.changes) else None
        covers = self._coverage.covers
        if before is not None and before.body is not UNKNOWN and covers(before.asked, moment):
            return before.body
        for one in self.exports:
            begun = before is None or before.answered + MARGIN_US < one.at
            over = after is not None and one.at >= after.asked - MARGIN_US
            if begun and not over and self._reaches(one, moment):
                return one.body
        if after is not None and after.created and covers(moment, after.asked):
            return None
        return None if else_none and before is None and (after is None or after.created) else UNKNOWN

    def _reaches(self, one: Export, moment: Instant) -> bool:
        """Whether an export speaks for a moment that no logged change parts from it."""
        if one.said:
            return one.at <= moment and (one.until is None or moment < one.until)
        if self._coverage.covers(one.at, moment):
            return True
        return one.since is not None and one.since + MARGIN_US <= moment <= one.at


def _in_order(changes: Iterable[Change]) -> Iterator[Change]:
    """Each once, as they were answered; which of two that overlap came last is not known."""
    last: Change | None = None
    for one in sorted(changes, key=lambda one: (one.answered, one.asked)):
        if one == last:
            continue
        if last is not None and one.asked <= last.answered and one.body != last.body:
            one = msgspec.structs.replace(one, body=UNKNOWN, created=False)
        yield one
        last = one
