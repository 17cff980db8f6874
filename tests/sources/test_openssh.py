"""Stamps of OpenSSH's log without year and zone."""

from __future__ import annotations

import pytest

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import format_instant, parse_instant
from quowarranto.sources import Entry, Observation, Skipped, configured

LINE = "{} web1 sshd[1]: Accepted password for deploy from 10.0.0.9 port 4000 ssh2"


def placed(stamp: str, modified: str, **settings: object) -> str:
    """When a line with this stamp happened, in a file of that time."""
    (source,) = (one for one in configured({"openssh": settings}) if one.name == "openssh")
    found = source.read(Entry(LINE.format(stamp).encode(), "auth.log", parse_instant(modified)))
    assert not isinstance(found, Skipped)
    assert isinstance(found[0], Observation)
    return format_instant(found[0].at)


@pytest.mark.parametrize(
    ("stamp", "modified", "when"),
    [
        ("Dec 31 23:59:59", "2027-01-02T00:00:00Z", "2026-12-31T22:59:59Z"),
        ("Jan  1 00:00:01", "2027-01-02T00:00:00Z", "2026-12-31T23:00:01Z"),
        ("Jul  1 12:00:00", "2027-01-02T00:00:00Z", "2026-07-01T10:00:00Z"),
        ("Feb 29 08:00:00", "2027-01-02T00:00:00Z", "2024-02-29T07:00:00Z"),
        ("Jan  2 13:00:00", "2027-01-02T00:00:00Z", "2027-01-02T12:00:00Z"),
    ],
)
def test_a_stamp_without_a_year_is_placed_before_the_files_own_time(stamp: str, modified: str, when: str) -> None:
    """A day is allowed for clocks that differ."""
    assert placed(stamp, modified, zone="Europe/Berlin") == when


def test_the_year_that_is_set_counts() -> None:
    assert placed("Jul  1 12:00:00", "2027-01-02T00:00:00Z", zone="UTC", year=2019) == "2019-07-01T12:00:00Z"
    with pytest.raises(RejectedEntry):
        placed("Feb 29 12:00:00", "2027-01-02T00:00:00Z", zone="UTC", year=2019)


@pytest.mark.parametrize(
    "settings", [{}, {"zone": "Nowhere/Else"}, {"zone": 1}, {"zones": "UTC"}, {"zone": "UTC", "year": True}]
)
def test_a_setting_that_cannot_be_obeyed_is_refused(settings: dict[str, object]) -> None:
    for source in ("openssh", "postgres"):
        with pytest.raises(ConfigError):
            configured({source: settings})
