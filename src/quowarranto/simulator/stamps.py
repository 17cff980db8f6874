"""Instants in the spellings of the systems; written for speed, since the background writes millions of them."""

from __future__ import annotations

from functools import lru_cache

from quowarranto.records import Instant, format_instant

_MINUTE = 60_000_000


@lru_cache(maxsize=4096)
def _minute(number: int) -> str:
    return format_instant(number * _MINUTE)[:17]


def second_stamp(at: Instant) -> str:
    """`2026-10-05T09:30:00Z`."""
    minute, rest = divmod(at, _MINUTE)
    return f"{_minute(minute)}{rest // 1_000_000:02}Z"


def micro_stamp(at: Instant) -> str:
    """`2026-10-05T09:30:00.000123Z`."""
    minute, rest = divmod(at, _MINUTE)
    second, micros = divmod(rest, 1_000_000)
    return f"{_minute(minute)}{second:02}.{micros:06}Z"


def nano_stamp(at: Instant) -> str:
    """`2026-10-05T09:30:00.000123456Z`, with three digits that say nothing."""
    return f"{micro_stamp(at)[:-1]}{at % 997:03}Z"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def prose_stamp(at: Instant) -> str:
    """`Oct 5, 2026, 9:30:00 AM`, as CloudTrail writes when credentials expire (UTC, which it does not say)."""
    text = second_stamp(at)
    hour = int(text[11:13])
    day = f"{_MONTHS[int(text[5:7]) - 1]} {int(text[8:10])}, {text[:4]}"
    return f"{day}, {hour % 12 or 12}:{text[14:19]} {'AM' if hour < 12 else 'PM'}"
