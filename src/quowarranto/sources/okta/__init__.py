"""Okta: log-ins, sessions, API tokens, and what administrators changed.

Reads     LogEvent objects of the system log: JSON lines, arrays (the API), bodies of event hooks, events of
          EventBridge; names of members in small letters too, as some collectors write them.
Yields    an Action per event; sessions, API tokens, sign-on decisions with the rule that decided, changes of rules,
          assignments of applications, privileges of administrators; observations of users, of which `derive` makes the
          ends of what they held.
Time      `published`, RFC 3339, milliseconds.
Not seen  groups and what they give, what a role or a rule allows, OAuth tokens after they were issued, how long a
          session may last.
Source    developer.okta.com, "System Log API" and "Event types".
"""

from __future__ import annotations

import re
from typing import Any

from quowarranto.records import Record
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.okta.history import derive, told_by
from quowarranto.sources.okta.ordinary import ORDINARY
from quowarranto.sources.okta.wire import events_of, understood
from quowarranto.sources.strict import strict_json
from quowarranto.sources.times import instant

__all__ = ["SOURCE", "derive", "read", "recognise"]

_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")


def read(entry: Entry) -> Outcome:
    """The records of an event, or of the events that were delivered together."""
    value = strict_json(entry.data)
    if isinstance(value, dict) and isinstance(value.get("verification"), str) and "data" not in value:
        return Skipped("the challenge that an event hook is set up with")
    found: list[Record | Observation] = []
    for one in events_of(value):
        event = understood(one)
        found += told_by(event, instant("published", event.published))
    return found or Skipped("a delivery without events")


def recognise(sample: Sample) -> int:
    """A type of event beside an actor and a published time."""
    return max((_likeness(document) for document in sample.documents), default=0)


def _likeness(document: Any) -> int:
    if not isinstance(document, dict):
        return 0
    data, detail = document.get("data"), document.get("detail")
    if isinstance(data, dict) and isinstance(data.get("events"), list) and data["events"]:
        return _likeness(data["events"][0])
    if isinstance(detail, dict) and "detail-type" in document:
        return _likeness(detail)
    named = {name.lower(): value for name, value in document.items() if isinstance(name, str)}
    event_type, actor = named.get("eventtype"), named.get("actor")
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type) or not isinstance(actor, dict):
        return 0
    if "published" in named and "uuid" in named:
        return 92
    return 80 if "legacyeventtype" in named or "displaymessage" in named else 0


SOURCE = Source(
    name="okta",
    title="Okta system log",
    reads=("LogEvent objects (API, event hooks, EventBridge, collectors)",),
    recognise=recognise,
    read=read,
    derive=derive,
    chosen=frozenset(("user_agent",)),
    ordinary=(ORDINARY,),
    ceiling="proven",
    raise_it="keep the log from before the tokens and sign-on rules in it were made: both are then named",
)
