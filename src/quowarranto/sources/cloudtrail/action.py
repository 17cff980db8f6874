"""An event as an action: an allow-list of what it says, and nothing of the bodies."""

from __future__ import annotations

import hashlib
from typing import Any

from quowarranto.records import Action
from quowarranto.sources import keys
from quowarranto.sources.cloudtrail.event import Event, Identity, text_of
from quowarranto.sources.cloudtrail.outcomes import denied_by, outcome_of
from quowarranto.sources.cloudtrail.principals import acting, behalf, session_key, session_name, web_identity_token
from quowarranto.sources.cloudtrail.resources import resource_of


def to_action(event: Event, data: bytes) -> Action:
    """The action; its id is the event's own, so that copies from several trails are one action."""
    identity = event.userIdentity
    principal = acting(identity)
    outcome = outcome_of(event)
    return Action(
        id="aws/" + (event.eventID or "sha256:" + hashlib.sha256(data).hexdigest()),
        time=event.at(),
        principal=principal,
        on_behalf_of=behalf(identity, principal),
        action=f"{event.service}:{event.eventName}",
        resource=resource_of(event),
        outcome=outcome,
        origin=event.sourceIPAddress or None,
        cites=cites(identity) + shown_token(event),
        correlates=correlates(identity),
        attributes=attributes(event, denied=outcome == "denied"),
    )


def cites(identity: Identity) -> tuple[str, ...]:
    """The key that the call was signed with."""
    return (f"aws/key/{identity.accessKeyId}",) if identity.accessKeyId else ()


def correlates(identity: Identity) -> tuple[str, ...]:
    """The softer key of the session, where the event says when that began; of a token of GitHub the deployment.

    The session's name says what its caller likes. The subject is the token's own: GitHub signed it, AWS checked it.
    """
    if identity.type == "WebIdentityUser" and keys.is_github_issuer(identity.identityProvider or ""):
        return keys.maybe(keys.github_deployments, identity.userName) or ()
    created = _created(identity)
    key = session_key(identity.principalId, created) if created else None
    return (key,) if key else ()


def shown_token(event: Event) -> tuple[str, ...]:
    """The token that a role was assumed with, where STS tells its id (`jti`); a token of AWS's own, or of GitHub."""
    token = text_of(event.asked, "webIdentityTokenId")
    if event.eventName != "AssumeRoleWithWebIdentity" or event.service != "sts" or not token:
        return ()
    if keys.is_github_issuer(event.userIdentity.identityProvider or ""):
        found = keys.maybe(lambda jti: keys.token_of_issuer(keys.GITHUB_ISSUER, jti), token)
        return (found,) if found else ()
    extra = event.additionalEventData
    return (web_identity_token(token),) if isinstance(extra, dict) and "crossPartitionData" in extra else ()


def _created(identity: Identity) -> str | None:
    context = identity.sessionContext
    value = context.attributes.get("creationDate") if context and context.attributes else None
    return value if isinstance(value, str) and value else None


def attributes(event: Event, *, denied: bool) -> dict[str, Any]:
    """What else is worth keeping."""
    identity = event.userIdentity
    said: dict[str, Any] = {
        "account": event.account,
        "region": event.awsRegion,
        "request_id": event.requestID,
        "shared_event_id": event.sharedEventID,
        "user_agent": event.userAgent,
        "session": session_name(identity),
        "invoked_by": identity.invokedBy,
        "identity_provider": identity.identityProvider or _federated_by(identity),
        "error_code": event.errorCode,
        "denied_by": denied_by(event) if denied else None,
        "session_name": text_of(event.asked, "roleSessionName") if event.service == "sts" else None,
    }
    out = {name: value for name, value in said.items() if value}
    if event.readOnly is not None:
        out["read_only"] = event.readOnly in (True, "true")
    if (context := identity.sessionContext) is not None:
        out |= _session_attributes(context.attributes or {}, context.ec2RoleDelivery)
    return out


def _federated_by(identity: Identity) -> str | None:
    data = identity.sessionContext.webIdFederationData if identity.sessionContext else None
    return data.federatedProvider if data else None


def _session_attributes(attributes: dict[str, Any], ec2_delivery: str | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if (mfa := attributes.get("mfaAuthenticated")) is not None:
        out["mfa"] = mfa in (True, "true")
    if isinstance(created := attributes.get("creationDate"), str):
        out["key_issued_at"] = created
    if ec2_delivery:
        out["key_delivered_by"] = "instance metadata"  # such a key may have no AssumeRole event in the account
    return out
