"""Ordinary events, read by their parts: who called what, on what, how it ended, and what says nothing to us.

An event of IAM or STS may change who may do what; of a sign-in the answer is in the body: those are read as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from quowarranto.errors import RejectedEntry
from quowarranto.records import instants
from quowarranto.sources.cloudtrail import action
from quowarranto.sources.cloudtrail.event import Event, Identity, to_event
from quowarranto.sources.cloudtrail.outcomes import outcome_of
from quowarranto.sources.cloudtrail.principals import acting, behalf
from quowarranto.sources.cloudtrail.resources import resource_of
from quowarranto.sources.entry import Cut, Fields, Ordinary, Part
from quowarranto.sources.members import NOTHING, Members, together
from quowarranto.sources.strict import strict_json

CHANGING = frozenset({"iam.amazonaws.com", "sts.amazonaws.com", "cognito-identity.amazonaws.com"})
"""Only these change who may do what, or issue a key."""
_ANSWERING = CHANGING | {"signin.amazonaws.com"}


class _Event(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The members that an event of CloudTrail may have."""

    eventTime: str
    eventSource: str
    eventName: str
    eventID: str
    recipientAccountId: str
    userIdentity: msgspec.Raw
    awsRegion: str = ""
    requestID: str = ""
    sourceIPAddress: msgspec.Raw = NOTHING
    userAgent: msgspec.Raw = NOTHING
    errorCode: msgspec.Raw = NOTHING
    errorMessage: msgspec.Raw = NOTHING
    requestParameters: msgspec.Raw = NOTHING
    resources: msgspec.Raw = NOTHING
    readOnly: msgspec.Raw = NOTHING
    eventVersion: msgspec.Raw = NOTHING
    responseElements: msgspec.Raw = NOTHING
    additionalEventData: msgspec.Raw = NOTHING
    eventType: msgspec.Raw = NOTHING
    apiVersion: msgspec.Raw = NOTHING
    managementEvent: msgspec.Raw = NOTHING
    eventCategory: msgspec.Raw = NOTHING
    vpcEndpointId: msgspec.Raw = NOTHING
    vpcEndpointAccountId: msgspec.Raw = NOTHING
    serviceEventDetails: msgspec.Raw = NOTHING
    edgeDeviceDetails: msgspec.Raw = NOTHING
    tlsDetails: msgspec.Raw = NOTHING
    sessionCredentialFromConsole: msgspec.Raw = NOTHING


_cutting = Members(_Event)
_ID = "0123456789abcdefABCDEF-"
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
"""Request ids are UUIDs, and those of S3 sixteen capitals and digits."""


def cut(entries: Sequence[bytes | memoryview]) -> Cut:
    """Events as (who, what, on what, how, the rest)."""
    whole, columns = _cutting.columns(entries)
    times, services, names, ids, accounts, identities, regions, requests, *raw = columns
    addresses, agents, codes, messages, parameters, resources, read_only, versions, *rest = raw
    moments = instants(times)
    ordinary = [
        yes and at is not None and service not in _ANSWERING and account != ""
        and len(event) == 36 and not event.strip(_ID)
        and (not request.strip(_ID) or (len(request) == 16 and not request.strip(_CAPITALS)))
        for yes, at, service, account, event, request in zip(
            whole, moments, services, accounts, ids, requests, strict=True)
    ]  # fmt: skip
    return Cut(
        ordinary=ordinary,
        names=ids,
        times=moments,
        stages=[0] * len(entries),
        members=(
            list(zip(identities, addresses, agents, strict=True)),
            list(zip(services, names, regions, accounts, read_only, strict=True)),
            list(zip(services, names, regions, accounts, parameters, resources, strict=True)),
            list(zip(codes, messages, strict=True)),
            list(zip(versions, *rest, strict=True)),
        ),
        said={"request_id": requests},
    )


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
    if not service or not name:
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
    cut=cut,
    parts=(
        Part(_who, ("principal", "on_behalf_of", "origin", "cites", "correlates", "attributes")),
        Part(_what, ("action", "attributes")),
        Part(_on_what, ("resource",)),
        Part(_how, ("outcome", "attributes")),
        Part(_rest, ()),
    ),
    action_id="aws/",
)
