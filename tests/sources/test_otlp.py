"""OTLP: ids and times as its JSON has them, and one action for what client and server both tell of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sources.golden import HERE
from tests.sources.sampled import entries

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action
from quowarranto.sources import Entry
from quowarranto.sources.otlp import SOURCE

SPAN: dict[str, Any] = {
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
    "spanId": "00f067aa0ba902b7",
    "kind": 2,
    "startTimeUnixNano": "1772355600123456789",
    "attributes": [
        {"key": "enduser.id", "value": {"stringValue": "svc"}},
        {"key": "http.request.method", "value": {"stringValue": "GET"}},
    ],
}


def read(*spans: dict[str, Any]) -> list[Action]:
    found = SOURCE.read(Entry(json.dumps({"scopeSpans": [{"spans": spans}]}).encode()))
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, Action)]


def test_nanoseconds_as_text_are_cut_and_never_rounded() -> None:
    assert read(SPAN)[0].time == 1772355600123456


def test_an_id_that_a_generic_encoder_wrote_as_base64_is_the_same_id() -> None:
    """Encoders of protobuf that do not know OTLP write bytes as base64."""
    assert read(SPAN | {"traceId": "S/kvNXezTaajzpKdDg5HNg==", "spanId": "APBnqgupArc="})[0].id == read(SPAN)[0].id


@pytest.mark.parametrize("at", ["", "x", "-1", "1e18", 0, -1, 10**22, "٣"])
def test_a_span_without_a_time_that_exists_is_refused(at: object) -> None:
    with pytest.raises(RejectedEntry):
        read(SPAN | {"startTimeUnixNano": at})


def test_client_and_server_of_one_request_are_one_action_and_two_requests_of_one_parent_are_two() -> None:
    found = [SOURCE.read(entry) for entry in entries(HERE / "otlp" / "mcp")]
    actions = [one for outcome in found if isinstance(outcome, list) for one in outcome if isinstance(one, Action)]
    filed = [one for one in actions if one.action == "tools/call:file_invoice"]
    assert len({one.id for one in filed}) == 1
    assert sorted(one.stage for one in filed) == [1, 2]
    assert len({one.id for one in actions if one.action == "tools/call:delete_invoice"}) == 2


def test_what_a_tool_was_given_is_not_kept() -> None:
    found = [SOURCE.read(entry) for case in ("mcp", "events") for entry in entries(HERE / "otlp" / case)]
    assert [word for word in ("Bearer", "secret", "sig=1", "pw") if word in str(found)] == []
