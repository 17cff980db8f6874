"""Ordinary entries of audit logs, read by their parts: who called, what on what and how it ended, and all the rest.

What a cluster wrote, calls that go on over several entries or of a lent account, calls with several decisions, and all
that changes who may do what are read as a whole.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from quowarranto.errors import RejectedEntry
from quowarranto.records import Principal
from quowarranto.sources.entry import Fields, Ordinary, Part
from quowarranto.sources.gcp import calls
from quowarranto.sources.gcp.federation import is_exchange
from quowarranto.sources.gcp.issuance import may_change
from quowarranto.sources.gcp.names import PREFIX, caller, delegates, origin, resource_of
from quowarranto.sources.gcp.policies import has_delta
from quowarranto.sources.gcp.wire import LogEntry, understood
from quowarranto.sources.layout import Layout, Member
from quowarranto.sources.members import cutter, sound, value_of

_Members = tuple[Any, ...]
_CALL, _METADATA = "protoPayload.", "protoPayload.requestMetadata."
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789_-"
"""Of these an ordinary `insertId` consists: beside a path in small letters nothing encoded can hide in it."""
_PLAIN_PATH = re.compile(r"(?:[a-z0-9_-]+/)*")
_WHO = (f"{_CALL}authenticationInfo", f"{_METADATA}callerIp", f"{_METADATA}callerSuppliedUserAgent")
_WHAT = (
    *("logName", f"{_CALL}serviceName", f"{_CALL}methodName", f"{_CALL}resourceName", f"{_CALL}authorizationInfo"),
    *(f"{_CALL}status", "resource"),
)
_OF_SEVERAL = ("operation", "trace", "labels")
_BODIES = (f"{_CALL}request", f"{_CALL}response", f"{_CALL}serviceData", f"{_CALL}metadata")
_ASIDE = (
    *("severity", f"{_CALL}@type", f"{_CALL}resourceLocation", f"{_METADATA}requestAttributes.auth"),
    *(f"{_METADATA}requestAttributes.reason", f"{_METADATA}destinationAttributes"),
)
_LAYOUT = Layout(
    members=(
        Member("protoPayload", "object", required=True),
        *(Member(f"{_CALL}{name}") for name in ("@type", "status", "authenticationInfo")),
        Member(_METADATA.rstrip("."), "object"),
        Member(f"{_METADATA}callerIp"),
        Member(f"{_METADATA}callerSuppliedUserAgent"),
        Member(f"{_METADATA}requestAttributes", "object"),
        Member(f"{_METADATA}requestAttributes.time", "text"),
        Member(f"{_METADATA}requestAttributes.reason"),
        Member(f"{_METADATA}requestAttributes.auth"),
        Member(f"{_METADATA}destinationAttributes"),
        Member(f"{_CALL}serviceName", "text", required=True),
        Member(f"{_CALL}methodName", "text", required=True),
        Member(f"{_CALL}authorizationInfo"),
        Member(f"{_CALL}resourceName"),
        *(Member(name) for name in _BODIES),
        Member(f"{_CALL}resourceLocation"),
        Member("insertId", "called", (_NAME,), required=True),
        Member("resource"),
        Member("timestamp", "time", required=True),
        Member("severity"),
        Member("labels"),
        Member("logName", "text", required=True),
        Member("operation"),
        Member("trace"),
        Member("receiveTimestamp", "text"),
    ),
    parts=(_WHO, _WHAT, _OF_SEVERAL, _BODIES, _ASIDE),
)
_NEUTRAL: dict[str, Any] = {"methodName": "-", "authenticationInfo": {"principalEmail": "-"}}
_NOBODY = Principal("-", "-")


def _entry(names: tuple[str, ...], members: _Members) -> LogEntry:
    """The entry as far as these members tell it.

    Raises:
        RejectedEntry: one of them is not what it should be, or names a key twice.
    """
    value = value_of(names, members)
    return understood(value | {"protoPayload": _NEUTRAL | value.get("protoPayload", {})})


def _who(members: _Members) -> Fields | None:
    try:
        entry = _entry(_WHO, members)
    except RejectedEntry:
        return None
    said = entry.call.authenticationInfo
    if not members[0] or said is None or not (said.principalEmail or said.principalSubject):
        return None  # another member says who it was
    who, behalf = caller(entry), delegates(entry)
    if behalf and who.type == "service_account":
        return None
    attributes = calls.attributes(entry)
    del attributes["method"]
    action = {
        "principal": who,
        "on_behalf_of": behalf,
        "origin": origin(entry),
        "cites": calls.own_key(entry),
        "attributes": attributes,
    }
    return action, {"principal": who, "request.subject": {"type": who.type, "id": who.id}}


def _what(members: _Members) -> Fields | None:
    try:
        entry = _entry(_WHAT, members)
    except RejectedEntry:
        return None
    path = "".join(f"{part}/" for part in (entry.parent, entry.log) if part)
    decisions = calls.decisions(entry, 0, _NOBODY, "-")
    if entry.call.serviceName == "k8s.io" or may_change(entry) or is_exchange(entry):
        return None
    if len(decisions) > 1 or not _PLAIN_PATH.fullmatch(path):
        return None
    action = {
        "id": path,
        "action": calls.verb_of(entry),
        "resource": resource_of(entry),
        "outcome": calls.outcome_of(entry),
        "attributes": calls.attributes(entry),
    }
    if not decisions:
        return action, None
    request = decisions[0].request or {}
    return action, {
        "id": path,
        "effect": decisions[0].effect,
        "request.action": request["action"],
        "request.resource": request["resource"],
    }


def _of_several(members: _Members) -> Fields | None:
    try:
        entry = _entry(_OF_SEVERAL, members)
    except RejectedEntry:
        return None
    if entry.goes_on:
        return None
    attributes = calls.attributes(entry)
    del attributes["method"]
    return {"correlates": calls.traced(entry), "attributes": attributes}, {}


def _bodies(members: _Members) -> Fields | None:
    """What a body says of others (whom a token stands for, what else refused a call) is left to `read`."""
    try:
        entry = _entry(_BODIES, members)
    except RejectedEntry:
        return None
    call = entry.call
    if call.metadata is None and call.serviceData is None:
        return {}, {}
    alone = replace(call, request=None, response=None, serviceData=None, metadata=None)
    told = calls.called(entry, 0, b"") == calls.called(replace(entry, protoPayload=alone), 0, b"")
    return ({}, {}) if told and not has_delta(entry) else None


ORDINARY = Ordinary(
    cut=cutter(_LAYOUT),
    layout=_LAYOUT,
    parts=(
        Part(_who, ("principal", "on_behalf_of", "origin", "cites", "attributes"), ("principal", "request.subject")),
        Part(
            _what,
            ("id", "action", "resource", "outcome", "attributes"),
            ("id", "effect", "request.action", "request.resource"),
        ),
        Part(_of_several, ("correlates", "attributes")),
        Part(_bodies, ()),
        Part(sound, ()),
    ),
    action_id=PREFIX,
    fact_id=f"{PREFIX}decision/",
    fact_tail="/0",
    cited_last=True,
)
