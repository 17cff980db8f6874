"""Instants in the spellings of the systems; written for speed, since the background writes millions of them."""

from __future__ import annotations

from functools import lru_cache

from quowarranto.records import Instant, format_instant

_DAY_S = 86_400


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return format_instant(number * _DAY_S * 1_000_000)[:11]


def second_stamp(at: Instant) -> str:
    """`2026-10-05T09:30:00Z`."""
    day, second = divmod(at // 1_000_000, _DAY_S)
    minute, second = divmod(second, 60)
    return f"{_day(day)}{minute // 60:02}:{minute % 60:02}:{second:02}Z"


def micro_stamp(at: Instant) -> str:
    """`2026-10-05T09:30:00.000123Z`."""
    whole, micros = divmod(at, 1_000_000)
    day, second = divmod(whole, _DAY_S)
    minute, second = divmod(second, 60)
    return f"{_day(day)}{minute // 60:02}:{minute % 60:02}:{second:02}.{micros:06}Z"


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
