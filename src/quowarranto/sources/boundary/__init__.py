"""HashiCorp Boundary: what was asked of a controller, by which token, and what came of it.

Reads     audit events of a sink in the format `cloudevents-json`, an object a line.
Yields    an Action and the Decision behind it per request; auth tokens as credentials, sessions to targets, roles as
          policies and what they give to whom as grants.
Time      `data.timestamp`, RFC 3339, nanoseconds.
Not seen  which of a user's grants let a request through, members of groups, what was done within a session.
Source    Boundary internal/event/event_audit.go and cloudevents_formatter_node.go; "Audit events" and "Grants" of its
          documentation.
"""

from __future__ import annotations

from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.sources.boundary.records import records
from quowarranto.sources.boundary.roles import derive
from quowarranto.sources.boundary.wire import EVENT, understood
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped, Source
from quowarranto.sources.strict import strict_object

__all__ = ["SOURCE", "derive", "read", "recognise"]


def read(entry: Entry) -> Outcome:
    """The records of an audit event; other events of a controller or worker are no requests."""
    value = strict_object(entry.data)
    if value.get("type") in ("observation", "error", "system"):
        return Skipped("an event that is no audit event")
    if value.get("type") != "audit" or not isinstance(value.get("data"), dict):
        raise RejectedEntry("not an audit event")
    return records(understood(value["data"]))


def recognise(sample: Sample) -> int:
    """A cloud event of Boundary's, or one whose data is a request to it."""
    return max((_likeness(one) for one in sample.documents), default=0)


def _likeness(document: Any) -> int:
    if not isinstance(document, dict) or not isinstance(data := document.get("data"), dict):
        return 0
    if str(document.get("source", "")).startswith("https://hashicorp.com/boundary/"):
        return 96
    return 90 if document.get("type") == "audit" and data.get("type") == EVENT and "request_info" in data else 0


SOURCE = Source(
    name="boundary",
    title="HashiCorp Boundary",
    reads=("audit events as CloudEvents JSON",),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="proven",
    raise_it="keep the log from before the roles in it were given: what they allow is then known",
)
