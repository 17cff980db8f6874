"""The time axis of a picture: which stretch of time to show, and where its ticks fall. All instants in microseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from quowarranto.export.words import DAY, HOUR, MINUTE, SECOND
from quowarranto.records import Instant, format_instant, parse_instant

FIRST = parse_instant("0001-01-01T00:00:00Z")
LAST = parse_instant("9999-12-31T23:59:59Z")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = 4 * DAY  # the first Monday after the epoch: weeks are counted from it
_STEPS = (
    *(n * 1000 for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14)),
)
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 600, 1200, 6000, 12000, 24000)


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time that a picture shows, `start` < `end`."""

    start: Instant
    end: Instant

    @property
    def across(self) -> int:
        """Its length in microseconds."""
        return self.end - self.start

    def place(self, at: Instant, left: float, right: float) -> float:
        """The x of an instant between two edges; instants outside land on the nearer edge."""
        share = (min(max(at, self.start), self.end) - self.start) / self.across
        return left + share * (right - left)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis; `under` is the second line: the date or year, where it is new."""

    at: Instant
    label: str
    under: str = ""


def fitted(start: Instant, end: Instant) -> Window:
    """The window around these instants with a margin; never empty, never outside the years 1 to 9999."""
    margin = max((end - start) * 6 // 100, 500_000 if start == end else 50)
    return Window(max(start - margin, FIRST), min(end + margin, LAST))


def ticks(window: Window, at_most: int) -> list[Tick]:
    """Round moments in the window, at most so many (and never fewer than one can make round)."""
    at_most = max(at_most, 2)
    step = next((step for step in _STEPS if window.across / step <= at_most), None)
    if step is not None:
        return list(_labelled(list(_even(window, step)), step))
    months = next((n for n in _MONTH_STEPS if window.across / (n * 30 * DAY) <= at_most), _MONTH_STEPS[-1])
    return [_calendar(at, months) for at in _monthly(window, months)]


def _even(window: Window, step: int) -> Iterator[Instant]:
    offset = _MONDAY if step >= 7 * DAY else 0
    at = -(-(window.start - offset) // step) * step + offset
    while at <= window.end:
        yield at
        at += step


def _labelled(moments: list[Instant], step: int) -> Iterator[Tick]:
    before = ""
    for at in moments:
        text = format_instant(at)
        day, time = text[:10], text[11:-1]
        if step >= DAY:
            yield Tick(at, day[5:], day[:4] if day[:4] != before else "")
            before = day[:4]
        else:
            label = f"{time[:8]}.{time[9:].ljust(3, '0')}" if step < SECOND else time[:8] if step < MINUTE else time[:5]
            yield Tick(at, label, day if day != before else "")
            before = day


def _monthly(window: Window, months: int) -> Iterator[Instant]:
    first = _EPOCH + timedelta(microseconds=window.start)
    index = -(-(first.year * 12 + first.month - 1) // months) * months
    while index < 9999 * 12:
        year, month = divmod(index, 12)
        if year >= 1:
            at = (datetime(year, month + 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
            if at > window.end:
                return
            if at >= window.start:
                yield at
        index += months


def _calendar(at: Instant, months: int) -> Tick:
    return Tick(at, format_instant(at)[: 4 if months >= 12 else 7])
