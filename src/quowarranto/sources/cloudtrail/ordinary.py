"""Ordinary events, read by their parts: who called what, on what, how it ended, and what says nothing to us.

An event of IAM or STS may change who may do what; of a sign-in the answer is in the body: those are read as a whole.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from quowarranto.errors import RejectedEntry
from quowarranto.sources.cloudtrail import action, trails
from quowarranto.sources.cloudtrail.event import Event, Identity, to_event
from quowarranto.sources.cloudtrail.outcomes import outcome_of
from quowarranto.sources.cloudtrail.principals import acting, behalf
from quowarranto.sources.cloudtrail.resources import resource_of
from quowarranto.sources.cloudtrail.verified_permissions import SERVICE
from quowarranto.sources.entry import Fields, Ordinary, Part
from quowarranto.sources.layout import ANY_HEXADECIMAL, Layout, Member
from quowarranto.sources.members import cutter, together
from quowarranto.sources.strict import strict_json

CHANGING = frozenset(("iam.amazonaws.com", "sts.amazonaws.com", "cognito-identity.amazonaws.com", SERVICE))
"""Only these change or decide who may do what, or issue a key."""
_ANSWERING = CHANGING | {"signin.amazonaws.com"}


_ASIDE = (
    "eventVersion",
    "responseElements",
    "additionalEventData",
    "eventType",
    "apiVersion",
    "managementEvent",
    "eventCategory",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "serviceEventDetails",
    "edgeDeviceDetails",
    "tlsDetails",
    "sessionCredentialFromConsole",
)
_LAYOUT = Layout(
    members=(
        Member("eventVersion"),
        Member("userIdentity", required=True),
        Member("eventTime", "time", required=True),
        Member("eventSource", "text", required=True),
        Member("eventName", "text", required=True),
        Member("awsRegion", "text"),
        Member("sourceIPAddress"),
        Member("userAgent"),
        Member("errorCode"),
        Member("errorMessage"),
        Member("requestParameters"),
        Member("responseElements"),
        Member("additionalEventData"),
        Member("requestID", "said", called="request_id"),
        Member("eventID", "name", (ANY_HEXADECIMAL,), required=True),
        Member("readOnly"),
        Member("resources"),
        Member("eventType"),
        Member("managementEvent"),
        Member("recipientAccountId", "text", required=True),
        Member("eventCategory"),
        Member("apiVersion"),
        Member("vpcEndpointId"),
        Member("vpcEndpointAccountId"),
        Member("serviceEventDetails"),
        Member("edgeDeviceDetails"),
        Member("tlsDetails"),
        Member("sessionCredentialFromConsole"),
    ),
    parts=(
        ("userIdentity", "sourceIPAddress", "userAgent"),
        ("eventSource", "eventName", "awsRegion", "recipientAccountId", "readOnly"),
        ("eventSource", "eventName", "awsRegion", "recipientAccountId", "requestParameters", "resources"),
        ("errorCode", "errorMessage"),
        _ASIDE,
    ),
)
"""Events as (who, what, on what, how, the rest)."""


_NOBODY = Identity()
_NEUTRAL: dict[str, Any] = {"eventSource": "-", "eventName": "-", "userIdentity": {}}


def _event(**members: bytes | str) -> Event:
    """The event as far as these members tell it.

    Raises:
        RejectedEntry: one of them is not what it should be, or names a key twice.
    """
    value: dict[str, Any] = strict_json(together(members))
    return to_event(_NEUTRAL | value)


def _who(members: tuple[bytes, bytes, bytes]) -> Fields | None:
    identity, address, agent = members
    try:
        event = _event(userIdentity=identity, sourceIPAddress=address, userAgent=agent)
    except RejectedEntry:
        return None
    principal = acting(event.userIdentity)
    said = action.attributes(replace(event, userIdentity=replace(event.userIdentity, accountId=None)), denied=False)
    return {
        "principal": principal,
        "on_behalf_of": behalf(event.userIdentity, principal),
        "origin": event.sourceIPAddress or None,
        "cites": action.cites(event.userIdentity),
        "correlates": action.correlates(event.userIdentity),
        "attributes": said,
    }, None


def _what(members: tuple[str, str, str, str, bytes]) -> Fields | None:
    service, name, region, account, read_only = members
    try:
        event = _event(
            eventSource=service, eventName=name, awsRegion=region, recipientAccountId=account, readOnly=read_only
        )
    except RejectedEntry:
        return None
    if service in _ANSWERING or (service == trails.SERVICE and name in trails.SWITCHES):
        return None
    return {
        "action": f"{event.service}:{event.eventName}",
        "attributes": action.attributes(event, denied=False),
    }, None


def _on_what(members: tuple[str, str, str, str, bytes, bytes]) -> Fields | None:
    """Most events have a resource of their own, so this is made as short as it can be."""
    service, name, region, account, parameters, resources = members
    try:
        asked = strict_json(parameters) if parameters else None
        listed = strict_json(resources) if resources else None
    except RejectedEntry:
        return None
    if listed is not None and not isinstance(listed, list):
        return None
    event = Event(
        eventSource=service,
        eventName=name,
        userIdentity=_NOBODY,
        awsRegion=region,
        recipientAccountId=account,
        requestParameters=asked,
        resources=listed,
    )
    return {"resource": resource_of(event)}, None


def _how(members: tuple[bytes, bytes]) -> Fields | None:
    code, message = members
    try:
        event = _event(errorCode=code, errorMessage=message)
    except RejectedEntry:
        return None
    outcome = outcome_of(event)
    said = action.attributes(event, denied=outcome == "denied")
    return {"outcome": outcome, "attributes": said}, None


def _rest(members: tuple[bytes, ...]) -> Fields | None:
    """What is not kept must still be JSON that two readers understand alike."""
    try:
        read = [strict_json(member) for member in members if member]
    except RejectedEntry:
        return None
    return None if "Insight" in read else ({}, None)


ORDINARY = Ordinary(
    cut=cutter(_LAYOUT),
    layout=_LAYOUT,
    parts=(
        Part(_who, ("principal", "on_behalf_of", "origin", "cites", "correlates", "attributes")),
        Part(_what, ("action", "attributes")),
        Part(_on_what, ("resource",)),
        Part(_how, ("outcome", "attributes")),
        Part(_rest, ()),
    ),
    action_id="aws/",
)
