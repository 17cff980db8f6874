"""A call that CloudTrail logged, as a request: what the event tells for certain, and nothing else.

No event lists the context that was evaluated. Keys that follow from the event are given, keys that it rules out are
listed as absent, all others stay unknown. Which policies are in force is not the event's to say: no kind is taken to be
known in full (`context.policies` is empty), so that a refusal or a permit needs every kind to be given or declared.
Source    AWS CloudTrail user guide, "record contents", "userIdentity element"; IAM user guide, "Global condition
          context keys"; service authorization reference for actions that are logged under other names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, Principal, format_instant
from quowarranto.replay.language import Request, in_shape
from quowarranto.sources.cloudtrail.event import Event, Identity, text_of, to_event, unwrapped
from quowarranto.sources.cloudtrail.resources import resource_of
from quowarranto.sources.cloudtrail.verbs import actions_behind
from quowarranto.sources.strict import strict_json

_PEOPLE = {
    "IAMUser": "user",
    "Root": "root",
    "AssumedRole": "assumed-role",
    "FederatedUser": "federated-user",
    "WebIdentityUser": "federated",
    "SAMLUser": "federated",
    "AWSService": "service",
}
_API_DATE = re.compile(r"20\d{6}(v\d+)?$")
_LONG_TERM = "AKIA"


def request_of(recorded: Mapping[str, Any] | None, raw: str | None = None) -> Request | None:
    """The request of an event of CloudTrail (`raw`); else what was recorded, where it has AuthZEN's shape."""
    try:
        value = unwrapped(strict_json((raw or "").encode("utf-8", "replace")))
        return _of_event(to_event(value), text_of(value, "vpcEndpointId"))
    except (RejectedEntry, RecursionError):
        return in_shape(recorded)


def request_of_action(action: Action) -> Request | None:
    """The request of an action of source `cloudtrail`, from what the case keeps of it; `None`: of another source."""
    if action.resource.type not in ("arn", "service") or ":" not in action.action:
        return None
    service, _, name = action.action.partition(":")
    said = action.attributes
    context: dict[str, Any] = {"policies": [], "aws:CurrentTime": format_instant(action.time)} | _address(
        action.origin, ""
    )
    context |= {"aws:RequestedRegion": said["region"]} if isinstance(said.get("region"), str) else {}
    context |= {"aws:UserAgent": said["user_agent"]} if isinstance(said.get("user_agent"), str) else {}
    key = next((one.removeprefix("aws/key/") for one in action.cites if one.startswith("aws/key/")), None)
    mfa, issued = said.get("mfa"), said.get("key_issued_at")
    context |= _of_key(key, mfa if isinstance(mfa, bool) else None, issued if isinstance(issued, str) else None)
    return Request(
        subject=_kept_subject(action.principal, said.get("session")),
        action={"name": _action(service, name, {})},
        resource=_resource(action.resource.type, action.resource.id),
        context=context,
    )


def _kept_subject(who: Principal, session: Any) -> dict[str, Any]:
    """A session of a role is kept as the role, with the session's name beside."""
    parts = who.id.split(":", 5)
    if who.type != "role" or len(parts) < 6 or not isinstance(session, str):
        return {"type": who.type, "id": who.id, "properties": {}}
    name = parts[5].rpartition("/")[2]
    arn = f"arn:{parts[1]}:sts::{parts[4]}:assumed-role/{name}/{session}"
    return {"type": "assumed-role", "id": arn, "properties": {"role": who.id}}


def _of_event(event: Event, endpoint: str) -> Request:
    identity = event.userIdentity
    what = resource_of(event)
    resource = _resource(what.type, what.id)
    owners = {
        text_of(one, "accountId")
        for one in event.resources or ()
        if isinstance(one, dict) and text_of(one, "ARN", "arn") == resource["id"]
    }
    if len(owners) == 1 and (owner := owners.pop()):
        resource["properties"] = {"account": owner}
    return Request(
        subject=_subject(identity),
        action={"name": _action(event.service, event.eventName, event.asked)},
        resource=resource,
        context=_context(event, endpoint),
    )


def _subject(identity: Identity) -> dict[str, Any]:
    kind = _PEOPLE.get(identity.type or "", "unknown")
    issuer = identity.sessionContext.sessionIssuer if identity.sessionContext else None
    properties: dict[str, Any] = {}
    if identity.accountId:
        properties["account"] = str(identity.accountId)
    if issuer is not None and issuer.arn:
        properties["user" if kind == "federated-user" else "role"] = issuer.arn
    if identity.principalId:
        properties["uniqueId"] = identity.principalId.partition(":")[0]
    if identity.identityProvider:
        properties["provider"] = identity.identityProvider
    name = identity.invokedBy if kind == "service" else identity.arn
    return {"type": kind, "id": name, "properties": properties}


def _action(service: str, event: str, parameters: Mapping[str, Any]) -> str | None:
    """What IAM calls it; `None` where that does not follow from the event's name."""
    if service == "s3" and "versionId" in parameters:
        return None  # versions of objects have actions of their own
    names = actions_behind(service, _API_DATE.sub("", event) if service == "lambda" else event)
    return names[0] if len(names) == 1 else None


def _resource(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "id": f"arn:{name}" if kind == "arn" else None, "properties": {}}


def _context(event: Event, endpoint: str) -> dict[str, Any]:
    identity = event.userIdentity
    attributes = (identity.sessionContext.attributes if identity.sessionContext else None) or {}
    found: dict[str, Any] = {"policies": [], "aws:CurrentTime": format_instant(event.at())}
    for key, value in (
        ("aws:RequestedRegion", event.awsRegion),
        ("aws:UserAgent", event.userAgent),
        ("aws:userid", identity.principalId),
        ("aws:SourceIdentity", identity.sessionContext.sourceIdentity if identity.sessionContext else None),
    ):
        if value:
            found[key] = value
    if not identity.invokedBy:
        found |= _address(event.sourceIPAddress, endpoint)
    mfa, issued = attributes.get("mfaAuthenticated"), attributes.get("creationDate")
    known = {"true": True, "false": False}.get(str(mfa).lower())
    return found | _of_key(identity.accessKeyId, known, issued if isinstance(issued, str) else None)


def _address(address: str | None, endpoint: str) -> dict[str, Any]:
    """The name of a service is no address; behind a VPC endpoint the address is another key's."""
    try:
        ipaddress.ip_address(address or "")
    except ValueError:
        return {}
    if endpoint:
        return {"aws:VpcSourceIp": address, "aws:SourceVpce": endpoint, "aws:SourceIp": []}
    return {"aws:SourceIp": address} if ipaddress.ip_address(address or "").is_global else {}


def _of_key(key: str | None, mfa: bool | None, issued: str | None) -> dict[str, Any]:
    """Long-term keys never bring these keys of the context along; temporary ones as the session says."""
    if (key or "").startswith(_LONG_TERM):
        return {"absent": ["aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge", "aws:TokenIssueTime"]}
    return dict(_of_session(mfa, issued))


def _of_session(mfa: bool | None, issued: str | None) -> Iterator[tuple[str, Any]]:
    if mfa is not None:
        yield "aws:MultiFactorAuthPresent", mfa
    if mfa is False:
        yield "aws:MultiFactorAuthAge", []
    if issued is not None:
        yield "aws:TokenIssueTime", issued
