"""Instants: RFC 3339 text to whole microseconds since the epoch, UTC, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

Instant = int
"""Microseconds since 1970-01-01T00:00:00Z. Finer digits are cut off, never rounded (SPEC 2)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST: Instant = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST: Instant = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND

_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:)(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


_days: dict[str, Instant] = {}
_DAYS_KEPT = 100_000
_MINUTES = {f"{hour:02}:{minute:02}:": (hour * 60 + minute) * 60_000_000 for hour in range(24) for minute in range(60)}
_SECONDS = {f"{second:02}.": second * 1_000_000 for second in range(60)}


def parse_instant(text: str) -> Instant:
    """Read an RFC 3339 time with any fraction and offset.

    Raises:
        ValueError: the text is not RFC 3339, or has no zone (a zone is never guessed).
    """
    # Most logs write `2026-03-01T09:14:07.123456Z`, on few different days.
    fraction = text[20:26]
    if len(text) == 27 and text[26] == "Z" and fraction.isdecimal() and fraction.isascii():
        day, minute, second = _days.get(text[:11]), _MINUTES.get(text[11:17]), _SECONDS.get(text[17:20])
        if minute is not None and second is not None:
            if day is None:
                if len(_days) >= _DAYS_KEPT:
                    _days.clear()
                day = _days[text[:11]] = _parse(f"{text[:11]}00:00:00Z")
            return day + minute + second + int(fraction)
    return _parse(text)


class _Minutes(dict[str, Instant]):
    """Whole minutes as logs write them before the second: `2026-03-01T09:14:`."""

    def __missing__(self, text: str) -> Instant:
        if len(self) >= _DAYS_KEPT:
            self.clear()
        self[text] = minute = parse_instant(f"{text}00Z")
        return minute


_minutes = _Minutes()


def instants(texts: Sequence[str]) -> list[Instant | None]:
    """Many times at once; None for what `parse_instant` would refuse."""
    fractions = [text[20:26] for text in texts]
    digits, zones = "".join(fractions), {text[26:] for text in texts}
    if set(map(len, texts)) == {27} and zones == {"Z"} and digits.isdecimal() and digits.isascii():
        try:
            return [
                _minutes[text[:17]] + _SECONDS[text[17:20]] + int(fraction)
                for text, fraction in zip(texts, fractions, strict=True)
            ]
        except (ValueError, KeyError):
            pass  # one of them does not exist, or is a leap second
    known = {text: _instant_or_none(text) for text in set(texts)}
    return [known[text] for text in texts]


def _instant_or_none(text: str) -> Instant | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _parse(text: str) -> Instant:
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError(_why_not(text))
    day, clock, second, fraction, zone = found.groups()
    leap = second == "60"
    if zone in ("Z", "z"):
        zone = "+00:00"
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'59' if leap else second}{zone}")
        micros = (moment - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError) as error:
        raise ValueError("not a time that exists") from error
    if leap:
        micros += 1_000_000
    if fraction:
        micros += int(fraction[:6].ljust(6, "0"))
    if not _FIRST <= micros <= _LAST:  # an offset or a leap second leads there, and it could not be written again
        raise ValueError("a time outside the years 1 to 9999")
    return micros


def _why_not(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?", text, re.ASCII):
        return "a time without a zone"
    return "not an RFC 3339 time"


def format_instant(at: Instant) -> str:
    """Write an instant as RFC 3339 in UTC, with a fraction only where there is one.

    What lies outside the years 1 to 9999 (a count of seconds may) is written as the last moment on that side.
    """
    seconds, micros = divmod(min(max(at, _FIRST), _LAST), 1_000_000)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    if len(text) < 19:  # years below 1000: strftime does not pad them everywhere
        text = text.rjust(19, "0")
    return f"{text}.{micros:06d}".rstrip("0") + "Z" if micros else f"{text}Z"
