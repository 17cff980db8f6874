"""Sign-ins to Entra, the tokens that they issue, and calls of Microsoft Graph made with them."""

from __future__ import annotations

from typing import Any

from quowarranto.records import Action, AuthorityFact, Outcome, Principal, Record, Resource
from quowarranto.sources import keys as shared
from quowarranto.sources.azure.names import identifier, key_key, path_of, service_principal, token_key, user
from quowarranto.sources.azure.wire import Event, first, items, part, text_of
from quowarranto.sources.entry import Observation
from quowarranto.sources.folding import folded

_INTERRUPTED = frozenset(
    (
        *("16000", "16001", "50055", "50058", "50072", "50074", "50076", "50097", "50125", "50127", "50129", "50140"),
        *("50203", "65001", "90024", "90033", "90072"),
    )
)
"""Errors that ask for something more, or tell of trouble on the way: nobody was refused.
Source: Microsoft, "Microsoft Entra authentication and authorization error codes"."""
_LONGEST_NOTE = 256


def signed_in(event: Event) -> list[Record | Observation]:
    """A sign-in as an action, the token that it issued, and what conditional access decided."""
    who = _who(event)
    token_id = event.said("uniqueTokenIdentifier")
    name = first((identifier(event.said("id")), token_id, event.digest))
    outcome = _outcome(event)
    audience = first((event.said("resourceServicePrincipalId"), event.said("resourceId"), "unknown"))
    action_id = f"entra/sign-in/{name}"
    on = Resource("application", identifier(audience))
    decision = _conditional_access(event, action_id, who, on)
    credential = key_key(event.said("servicePrincipalCredentialKeyId"))
    federated = event.said("federatedCredentialId")
    cites = [
        credential,
        f"entra/federation/{identifier(federated)}" if shared.maybe(shared.guid, federated) else None,
        decision.id if decision is not None else None,
    ]
    action = Action(
        id=action_id,
        time=event.at,
        principal=who,
        action="sign-in",
        resource=on,
        outcome=outcome,
        origin=first((event.said("ipAddress"), event.address)) or None,
        cites=tuple(one for one in cites if one),
        attributes=_attributes(event),
    )
    out: list[Record | Observation] = [action]
    out += [decision] if decision is not None else []
    if outcome == "success" and (token := _token(event, who, action, token_id)) is not None:
        out.append(token)
    return out


def _who(event: Event) -> Principal:
    object_id = event.said("servicePrincipalId")
    if object_id:
        return service_principal(object_id)
    person = first((event.said("userId"), event.said("userPrincipalName")))
    if person:
        return user(person)
    app = event.said("appId")
    return service_principal(app) if app else Principal("anonymous", event.address or "unknown")


def _outcome(event: Event) -> Outcome:
    code = first((text_of(part(event.properties, "status"), "errorCode"), event.result))
    if code in ("", "0"):
        return "success"
    return "failure" if code in _INTERRUPTED else "denied"


def _token(event: Event, who: Principal, action: Action, token_id: str) -> AuthorityFact | None:
    """Its end is in no record: tokens last from an hour to a day."""
    keys = [one for text in (token_id, event.said("id")) if text and (one := token_key(text)) is not None]
    if not keys:
        return None
    return AuthorityFact(
        kind="credential",
        id=keys[0],
        aliases=tuple(one for one in dict.fromkeys(keys[1:]) if one != keys[0]),
        time=event.at,
        principal=who,
        issued_by=action.id,
        attributes={"audience": event.said("resourceDisplayName") or action.resource.id},
    )


def _conditional_access(event: Event, action_id: str, who: Principal, on: Resource) -> AuthorityFact | None:
    """What conditional access decided, by the policies that applied and were in force."""
    status = event.said("conditionalAccessStatus").lower()
    if status not in ("success", "failure"):
        return None
    applied = [
        f"entra/policy/{identifier(text_of(one, 'id'))}"
        for one in items(event.properties, "appliedConditionalAccessPolicies")
        if text_of(one, "result").lower() in ("success", "failure") and text_of(one, "id")
    ]
    return AuthorityFact(
        kind="decision",
        id=f"{action_id}/conditional-access",
        time=event.at,
        principal=who,
        effect="allow" if status == "success" else "deny",
        cites=tuple(dict.fromkeys(applied)) or None,
        request={
            "subject": {"type": who.type, "id": who.id},
            "action": {"name": "sign-in"},
            "resource": {"type": on.type, "id": on.id},
        },
    )


def _attributes(event: Event) -> dict[str, Any]:
    status = part(event.properties, "status")
    said = {
        "category": event.category,
        "app": event.said("appId"),
        "name": first((event.said("servicePrincipalName"), event.said("userPrincipalName"))),
        "audience": event.said("resourceDisplayName"),
        "code": "" if (code := text_of(status, "errorCode")) == "0" else code,
        "credential_kind": event.said("clientCredentialType"),
        "protocol": event.said("authenticationProtocol"),
        "risk": "" if (risk := event.said("riskLevelDuringSignIn")) in ("none", "hidden") else risk,
        "managed_identity": "" if (kind := event.said("managedIdentityType")) == "none" else kind,
        "user_agent": event.said("userAgent")[:_LONGEST_NOTE],
    }
    return {name: value for name, value in said.items() if value}


def asked_graph(event: Event) -> list[Record | Observation]:
    """A call of Microsoft Graph; the token is named by the sign-in that issued it."""
    status = first((event.said("responseStatusCode"), event.signature))
    outcome: Outcome = "success"
    if status in ("401", "403"):
        outcome = "denied"
    elif status[:1] in ("4", "5"):
        outcome = "failure"
    token = token_key(event.said("signInActivityId"))
    name = folded(first((event.said("requestId"), event.said("operationId"), event.digest)))
    person, object_id = event.said("userId"), event.said("servicePrincipalId")
    if object_id:
        who = service_principal(object_id)
    elif person:
        who = user(person)
    else:
        who = service_principal(app) if (app := event.said("appId")) else Principal("anonymous", event.address)
    said = {
        "app": event.said("appId"),
        "app_roles": event.said("roles")[:_LONGEST_NOTE],
        "scopes": event.said("scopes")[:_LONGEST_NOTE],
        "status": status,
        "user_agent": event.said("userAgent")[:_LONGEST_NOTE],
    }
    return [
        Action(
            id=f"graph/request/{name}",
            time=event.at,
            principal=who,
            action=f"graph:{event.said('requestMethod').upper() or 'call'}",
            resource=Resource("graph", path_of(event.said("requestUri")) or "/"),
            outcome=outcome,
            origin=first((event.said("ipAddress"), event.address)) or None,
            cites=(token,) if token else (),
            attributes={name: value for name, value in said.items() if value},
        )
    ]
