"""Instants: RFC 3339 to microseconds and back, and what lies where no calendar of Python's reaches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quowarranto.records import format_instant, parse_instant

# text, the same in UTC and to the microsecond; source: RFC 3339, 5.6 and 5.7; SPEC 2 (cut off, never rounded)
TABLE = [
    ("2026-03-01T09:14:07Z", "2026-03-01T09:14:07Z"),
    ("2026-03-01t09:14:07z", "2026-03-01T09:14:07Z"),
    ("2026-03-01T09:14:07.1234569Z", "2026-03-01T09:14:07.123456Z"),
    ("2026-03-01T09:14:07+02:30", "2026-03-01T06:44:07Z"),
    ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
]
REFUSED = [
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"),
    *("2026-02-30T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T09:14:07", "2026-03-01", "", "٢026-03-01T09:14:07Z"),
]


@pytest.mark.parametrize(("text", "wanted"), TABLE)
def test_a_time_is_read_and_written_in_utc(text: str, wanted: str) -> None:
    assert format_instant(parse_instant(text)) == wanted


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_time_or_could_not_be_written_again_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@given(st.integers(-(2**63), 2**63 - 1))
def test_whatever_was_counted_can_be_written_and_read_again(at: int) -> None:
    """Outside the years 1 to 9999 it is the nearest moment that can be written."""
    text = format_instant(at)
    assert abs(parse_instant(text)) <= abs(at)
    assert format_instant(parse_instant(text)) == text
