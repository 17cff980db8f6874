"""CloudEvents: a meaning is taken from the settings, and what it needs and does not find is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import Action, AuthorityFact
from quowarranto.sources import Entry, Outcome, Skipped
from quowarranto.sources.cloudevents import SOURCE

RECORD: dict[str, Any] = {
    "kind": "action",
    "principal": {"type": "service_account", "id": "{data.by}"},
    "action": "{type}",
    "resource": {"type": "order", "id": "{subject}"},
}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/orders",
    "type": "order.shipped",
    "subject": "17",
    "time": "2026-03-01T09:00:00Z",
    "data": {"by": "svc"},
}


def read(record: dict[str, Any], words: dict[str, Any] | None = None, **changed: object) -> Outcome:
    assert SOURCE.configure is not None
    source = SOURCE.configure({"events": [{"type": "order.*", "record": record, "words": words or {}}]})
    return source.read(Entry(json.dumps(EVENT | changed).encode()))


def first(outcome: Outcome) -> Action | AuthorityFact:
    assert not isinstance(outcome, Skipped)
    assert isinstance(outcome[0], (Action, AuthorityFact))
    return outcome[0]


def test_an_event_becomes_the_record_that_the_settings_describe() -> None:
    found = first(read(RECORD))
    assert isinstance(found, Action)
    assert (found.id, found.principal.id, found.resource.id) == ("cloudevents//orders/1", "svc", "17")


@pytest.mark.parametrize("data", [None, {}, {"by": ""}, {"by": None}, {"by": {}}, "text", []])
def test_what_a_meaning_needs_and_the_event_lacks_is_refused(data: object) -> None:
    with pytest.raises(RejectedEntry):
        read(RECORD, data=data)


def test_an_outcome_in_a_word_that_nobody_explained_is_never_taken_for_success() -> None:
    record, words = RECORD | {"outcome": "{data.end}"}, {"outcome": {"ok": "success"}}
    assert isinstance(first(read(record, words, data={"by": "svc", "end": "ok"})), Action)
    for end in ("OK", "blocked"):
        with pytest.raises(RejectedEntry):
            read(record, words, data={"by": "svc", "end": end})


def test_an_event_cannot_widen_a_scope() -> None:
    grant = {"kind": "grant", "id": "g/{id}", "scope": {"resources": ["order:{data.order}"]}}
    assert isinstance(first(read(grant, data={"order": "17"})), AuthorityFact)
    with pytest.raises(RejectedEntry):
        read(grant, data={"order": "*"})


@pytest.mark.parametrize("field", ["principal", "by"])
def test_an_event_cannot_empower_more_than_whom_it_names(field: str) -> None:
    """An approval that somebody asked for in the name of `*` would be everybody's."""
    fact = {"kind": "delegation", "id": "g/{id}", field: {"type": "user", "id": "{data.user}"}}
    assert isinstance(first(read(fact, data={"user": "ada"})), AuthorityFact)
    for name in ("*", "ad?", "*@example.org"):
        with pytest.raises(RejectedEntry, match=f"`{field}`: a pattern"):
            read(fact, data={"user": name})
    meant = fact | {field: {"type": "user", "id": "*"}}
    assert isinstance(first(read(meant, data={"user": "ada"})), AuthorityFact)


def test_an_event_without_a_time_is_skipped_unless_the_settings_say_where_it_is() -> None:
    assert isinstance(read(RECORD, time=None), Skipped)
    assert first(read(RECORD | {"time": "{data.at}"}, time=None, data={"by": "s", "at": "2026-03-01T09:00:00Z"})).time


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "wish"},
        {"kind": "action"},
        RECORD | {"unknown": "x"},
        RECORD | {"action": "{data by}"},
        RECORD | {"action": "{"},
        {"kind": "grant"},
    ],
)
def test_a_meaning_that_could_not_be_obeyed_is_an_error(record: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        read(record)
