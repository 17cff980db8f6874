"""Casbin: values that nobody quoted, and times that nobody gave a zone."""

from __future__ import annotations

from contextlib import suppress

import pytest

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import AuthorityFact
from quowarranto.sources import Entry
from quowarranto.sources.casbin import SOURCE

AT = "2026-03-01T09:00:00Z "


def decision(line: str, **settings: object) -> AuthorityFact:
    assert SOURCE.configure is not None
    found = SOURCE.configure(settings).read(Entry(line.encode()))
    assert isinstance(found, list)
    assert isinstance(found[0], AuthorityFact)
    return found[0]


@pytest.mark.parametrize(
    "line", ["Request: a, b, c ---> true", "[Request: a, b, c ---> TRUE]", "INFO Request: a, b, c ---> True"]
)
def test_the_answer_is_read_however_the_logger_frames_it(line: str) -> None:
    assert decision(AT + line).effect == "allow"


@pytest.mark.parametrize(
    "line",
    [
        "Request: mallory, x ---> true, data1, read ---> false",
        "Request: alice, data1, read ---> true ---> false",
        "Enforce: subject=m, object=a, action=b, domain=, allowed=true, object=c, action=d, domain=, allowed=false",
    ],
)
def test_a_value_that_looks_like_an_answer_never_becomes_an_allow(line: str) -> None:
    """Whoever is asked about may have chosen the name."""
    with suppress(RejectedEntry):
        assert decision(AT + line).effect == "deny"


def test_a_time_without_a_zone_is_refused_until_the_settings_say_which() -> None:
    line = "2026/03/01 09:00:00 Request: a, b, c ---> true"
    with pytest.raises(RejectedEntry, match="zone"):
        decision(line)
    assert decision(line, zone="+01:00").time == decision(AT.replace("09:", "08:") + "Request: a, b, c ---> true").time
    assert decision(line, zone="Europe/Berlin").time == decision(line, zone="+01:00").time


@pytest.mark.parametrize(
    "settings",
    [{"zone": "Nowhere/Land"}, {"request": ["sub"]}, {"request": ["sub", "obj", "obj"]}, {"zone": 1}, {"model": "x"}],
)
def test_settings_that_could_not_be_obeyed_are_an_error(settings: dict[str, object]) -> None:
    assert SOURCE.configure is not None
    with pytest.raises(ConfigError):
        SOURCE.configure(settings)
