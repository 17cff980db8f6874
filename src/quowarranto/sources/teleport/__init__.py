"""Teleport: who did what in which session, under which access request, and who approved that.

Reads     audit events as JSON lines or arrays, as the auth server and the event handler write them.
Yields    an Action per event; sessions, certificates, instances of bots and join tokens; observations of
          access requests, bots, roles of users and locks, of which `derive` makes approvals and grants.
Time      RFC 3339 on the clock of the node or of the auth server, whole seconds or finer; the year 1 stands for none.
Not seen  what a role allows; roles that come of access lists and login rules; what expires by itself; commands and
          queries (left out on purpose: they may hold what was typed).
Source    gravitational/teleport api/proto/teleport/legacy/types/events/events.proto; lib/events/codes.go.
"""

from __future__ import annotations

import hashlib
import re

from quowarranto.errors import RejectedEntry
from quowarranto.records import Record
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.teleport.actions import ENDS, action_of
from quowarranto.sources.teleport.facts import facts_of, observations_of, session_end
from quowarranto.sources.teleport.history import derive
from quowarranto.sources.teleport.wire import Event
from quowarranto.sources.times import instant

__all__ = ["SOURCE", "derive", "read", "recognise"]

_CODE = re.compile(r"[A-Z][A-Z0-9]{2,7}[0-9][IWE]", re.IGNORECASE)
_NO_ACTS = frozenset(
    (
        *("session.data", "session.leave", "session.upload", "session.process_exit", "session.connect", "resize"),
        *("print", "app.session.chunk", "client.disconnect", "db.session.malformed_packet"),
    )
)


def read(entry: Entry) -> Outcome:
    """The records of one event."""
    value = strict_object(entry.data)
    event = read_as(value, Event)
    if not event.event:
        raise RejectedEntry("`event` is empty")
    at = instant("time", event.time)
    if event.event in _NO_ACTS:
        return Skipped("a session's bookkeeping: nothing was done and nothing ended")
    if event.event in ENDS:
        if not event.sid:
            return Skipped("the end of a session that is not named")
        return (session_end(event, at, event.sid),)
    uid = event.uid or "sha256:" + hashlib.sha256(entry.data).hexdigest()
    action = action_of(event, at, uid)
    if event.event == "access_request.expire":
        return tuple(observations_of(event, action)) or Skipped("the end of a request that is not named")
    found: list[Record | Observation] = [action]
    found += facts_of(event, action, uid)
    found += observations_of(event, action)
    return found


def recognise(sample: Sample) -> int:
    """An event's name with its code and time."""
    return max((_likeness(document) for document in sample.documents if isinstance(document, dict)), default=0)


def _likeness(document: dict[str, object]) -> int:
    event, code, time = document.get("event"), document.get("code"), document.get("time")
    if not isinstance(event, str) or not isinstance(code, str) or not isinstance(time, str):
        return 0
    return 92 if event and _CODE.fullmatch(code) else 0


SOURCE = Source(
    name="teleport",
    title="Teleport audit events",
    reads=("audit events (JSON lines or an array, from the auth server, the event handler or `tctl`)",),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="proven",
    raise_it=(
        "have people and bots reach resources by access requests, whose ids the events then carry, and keep the log "
        "from before the bots and users in it were made"
    ),
)
