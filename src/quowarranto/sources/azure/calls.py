"""Calls of Azure Resource Manager (activity log), Key Vault and storage accounts, with the assignment that let them.

A call of Resource Manager has several records, from `Start` to its end; `history` makes one action of them.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

import msgspec

from quowarranto.records import Action, AuthorityFact, Outcome, Principal, Record, Resource
from quowarranto.sources.azure import assignments
from quowarranto.sources.azure.names import assignment_key, caller, path_of, service_principal, token_key, user
from quowarranto.sources.azure.wire import Event, body, first, items, named, part, text_of
from quowarranto.sources.entry import Observation
from quowarranto.sources.folding import folded

_STARTS = frozenset(("start", "started", "begin"))
_BEGUN = _STARTS | frozenset(("accept", "accepted", "inprogress"))
_FAILED = frozenset(
    (
        *("failure", "failed", "fail", "error", "cancelled", "canceled", "clienterror", "servererror", "timeout"),
        *("denied", "rejected", "forbidden", "unauthorized"),
    )
)
_REFUSED = re.compile(r"denied|rejected|forbidden|unauthorized|authorizationfail(?:ed|ure)|authenticationfailed", re.I)
_LONGEST_NOTE = 256
_TOKEN_HASH = re.compile(r"(?P<name>key[12]|kerb[12]|system-\d)\(", re.IGNORECASE)
ELEVATE = "microsoft.authorization/elevateaccess/action"
REGENERATE = "microsoft.storage/storageaccounts/regeneratekey/action"


# ---- Azure Resource Manager ------------------------------------------------------------------------------------------


def managed(event: Event) -> list[Record | Observation]:
    """One record of a call of Resource Manager."""
    who, checked = caller(event), event.authorization
    verb = folded(first((text_of(checked, "action"), event.operation)))
    on = Resource("azure", folded(event.resource or text_of(checked, "scope") or "/"))
    outcome = _outcome(event)
    name = _name_of_call(event, verb, on)
    decision = _evidence(event, name, who, verb, on, outcome)
    action = Action(
        id=name,
        time=event.at,
        principal=who,
        action=verb,
        resource=on,
        outcome=outcome,
        origin=event.address or None,
        cites=_cites(event, decision),
        attributes=_attributes(event),
    )
    if not event.correlation:
        return [action] if decision is None else [action, decision]
    data = {
        "action": msgspec.to_builtins(action),
        "decision": None if decision is None else msgspec.to_builtins(decision),
        "begins": event.result.lower() in _STARTS,
        "ended": event.result.lower() not in _BEGUN,
        "change": _change(event, verb, on),
    }
    return [Observation(name=f"azure-call/{name}", at=event.at, data=data)]


def _name_of_call(event: Event, verb: str, on: Resource) -> str:
    if not event.correlation:
        return f"azure/call/{event.digest}"
    digest = hashlib.sha256(f"{verb}\n{on.id}".encode()).hexdigest()[:16]
    return f"azure/call/{folded(event.correlation)}/{digest}"


def _cites(event: Event, decision: AuthorityFact | None) -> tuple[str, ...]:
    token = token_key(text_of(event.claims, "uti"))
    return tuple(one for one in (token, decision.id if decision is not None else None) if one)


def _outcome(event: Event) -> Outcome:
    status = first((text_of(event.properties, "statusCode"), event.signature))
    if event.result.lower() not in _FAILED:
        return "success"
    told = " ".join((status, event.result, event.signature, text_of(event.envelope, "resultDescription")[:200]))
    return "denied" if _REFUSED.search(told) or re.search(r"\b40[13]\b", told) else "failure"


def _evidence(
    event: Event, name: str, who: Principal, verb: str, on: Resource, outcome: Outcome
) -> AuthorityFact | None:
    """The decision, where Resource Manager names its evidence, or refused."""
    evidence = part(event.authorization, "evidence")
    if outcome == "denied":
        return decided(f"{name}/decision", event, who, verb, on, "deny", None)
    if not any(isinstance(one, str) and one for one in evidence.values()):
        return None
    ground = assignment_key(text_of(evidence, "roleAssignmentId"))
    said = {
        name: value
        for name, field in (("role", "role"), ("group", "principalId"))
        if (value := text_of(evidence, field))
        and (name != "group" or text_of(evidence, "principalType").lower() == "group")
    }
    return decided(f"{name}/decision", event, who, verb, on, "allow", ground, said)


def decided(
    key: str,
    event: Event,
    who: Principal,
    verb: str,
    on: Resource,
    effect: Literal["allow", "deny"],
    ground: str | None,
    said: dict[str, Any] | None = None,
) -> AuthorityFact:
    """A decision that rests on the role assignment that was named."""
    return AuthorityFact(
        kind="decision",
        id=key,
        time=event.at,
        principal=who,
        effect=effect,
        cites=(ground,) if ground else None,
        request={
            "subject": {"type": who.type, "id": who.id},
            "action": {"name": verb},
            "resource": {"type": on.type, "id": on.id},
        },
        attributes=said or {},
    )


def _attributes(event: Event) -> dict[str, Any]:
    claims = event.claims
    said = {
        "result": event.result,
        "app": text_of(claims, "appid", "azp"),
        "name": text_of(claims, "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "upn", "name"),
        "correlation": event.correlation,
        "category": event.category,
    }
    return {name: value for name, value in said.items() if value}


def _change(event: Event, verb: str, on: Resource) -> dict[str, Any] | None:
    """What a call does to assignments and keys, should it succeed."""
    if "microsoft.authorization/roleassignments/" in verb:
        key = assignment_key(on.id) or assignment_key(text_of(_request(event), "id"))
        if key is None:
            return None
        told = [assignments.details(one) for one in (_response(event), _request(event)) if one]
        merged = {
            name: first(one[name] for one in told) for name in ("principal", "kind", "role", "scope", "condition")
        }
        merged["scope"] = merged["scope"] or assignments.scope_in(on.id)
        return merged | {"key": key, "what": "assigned" if verb.endswith("/write") else "taken"}
    if verb == ELEVATE:
        return {"what": "elevated"}
    if verb == REGENERATE and (key_name := text_of(_request(event), "keyName").lower()):
        return {"what": "regenerated", "key": storage_key(on.id, key_name)}
    return None


def _request(event: Event) -> dict[str, Any]:
    return body(event.properties.get("requestbody", event.properties.get("requestBody")))


def _response(event: Event) -> dict[str, Any]:
    return body(event.properties.get("responseBody", event.properties.get("responsebody")))


def storage_key(account: str, name: str) -> str:
    found = re.search(r"storageaccounts/([^/]+)", account)
    return f"azure/storage-key/{found[1] if found else account}/{name}"


# ---- Key Vault -------------------------------------------------------------------------------------------------------


def vault(event: Event) -> list[Record | Observation]:
    """A call of a vault; newer records name the assignment that granted or refused it."""
    who = caller(event)
    on = Resource("azure", _in_vault(event))
    verb, status = f"keyvault:{event.operation}", text_of(event.properties, "httpStatusCode") or str(event.status_code)
    outcome: Outcome = "success"
    if status in ("401", "403") or _REFUSED.search(event.signature):
        outcome = "denied"
    elif status[:1] in "45" or event.result.lower() in _FAILED:
        outcome = "failure"
    name = _name_of_request(event)
    ground = assignment_key(text_of(event.properties, "appliedAssignmentId"))
    decision = None
    if ground is not None or outcome == "denied":
        effect: Literal["allow", "deny"] = "deny" if outcome == "denied" else "allow"
        decision = decided(f"{name}/decision", event, who, verb, on, effect, ground if effect == "allow" else None)
    action = Action(
        id=name,
        time=event.at,
        principal=who,
        action=verb,
        resource=on,
        outcome=outcome,
        origin=event.address or None,
        cites=_cites(event, decision),
        attributes=_attributes(event)
        | ({"client": client[:_LONGEST_NOTE]} if (client := event.said("clientInfo")) else {}),
    )
    return [action] if decision is None else [action, decision]


def _name_of_request(event: Event) -> str:
    """By the vault's own id of it. A correlation id is the caller's to choose, and so may name several requests."""
    if request := text_of(event.properties, "requestId"):
        return f"azure/request/{folded(request)}"
    known = folded(event.correlation)
    return f"azure/request/{known}/{event.digest[7:23]}" if known else f"azure/call/{event.digest}"


def _in_vault(event: Event) -> str:
    """The secret, key or certificate within the vault, without its version."""
    path = folded(path_of(first((event.said("id"), event.said("requestUri")))).strip("/")).split("/")
    inside = "/".join(path[:2]) if path[0] in ("secrets", "keys", "certificates") else ""
    return f"{folded(event.resource)}/{inside}".rstrip("/")


# ---- storage accounts ------------------------------------------------------------------------------------------------


def storage(event: Event) -> list[Record | Observation]:
    """A call of a storage account: with a token and the assignment that let it, with a key, or with a signature."""
    checked = items(event.identity, "authorization")
    verb = first((folded(text_of(checked[0], "action")) if checked else "", f"storage:{event.operation}"))
    who, on, outcome = _of_storage(event), Resource("azure", _stored(event)), _stored_outcome(event)
    request = folded(event.correlation)
    name = f"azure/request/{request}/{event.digest[7:23]}" if request else f"azure/call/{event.digest}"
    decisions = []
    for number, one in enumerate(checked):
        granted = text_of(one, "result").lower() not in ("denied", "deny") and not text_of(one, "denyAssignmentId")
        effect: Literal["allow", "deny"] = "allow" if granted and outcome != "denied" else "deny"
        ground = assignment_key(text_of(one, "roleAssignmentId")) if effect == "allow" else None
        decided_verb = folded(text_of(one, "action")) or verb
        decisions.append(decided(f"{name}/decision/{number}", event, who, decided_verb, on, effect, ground))
    agent = event.said("userAgentHeader")[:_LONGEST_NOTE]
    action = Action(
        id=name,
        time=event.at,
        principal=who,
        action=verb,
        resource=on,
        outcome=outcome,
        origin=event.address or None,
        cites=(*_shared_key(event), *(one.id for one in decisions)),
        attributes={
            name: value
            for name, value in (
                ("operation", event.operation),
                ("authentication", text_of(event.identity, "type")),
                ("user_agent", agent),
            )
            if value
        },
    )
    return [action, *decisions]


def _of_storage(event: Event) -> Principal:
    requester = part(event.identity, "requester")
    object_id = text_of(requester, "objectId")
    if object_id:
        return user(object_id) if text_of(requester, "upn") else service_principal(object_id)
    kind = text_of(event.identity, "type").lower()
    if kind in ("sas", "accountkey"):
        return Principal("api_key", f"{event.said('accountName') or 'unknown'}/{kind}")
    return Principal("anonymous", event.address or "unknown")


def _shared_key(event: Event) -> tuple[str, ...]:
    """The key that was used, or that signed the signature, by its name; a digest of either stays out."""
    found = _TOKEN_HASH.match(text_of(event.identity, "tokenHash"))
    if found is None:
        return ()
    account = f"storageaccounts/{folded(event.said('accountName'))}" if event.said("accountName") else event.resource
    return (storage_key(folded(account), folded(found["name"])),)


def _stored(event: Event) -> str:
    """A blob, file, queue or table within its account. The query of the address, with its signature, stays out."""
    account = re.sub(r"/(?:blob|file|queue|table)services/.*\Z", "", folded(event.resource))
    path = event.said("objectKey") or path_of(event.uri)
    parts = [one for one in path.partition("?")[0].split("/") if one]
    if parts and event.said("objectKey"):
        parts = parts[1:]  # the account
    if not parts:
        return folded(event.resource) or account or "unknown"
    if (event.said("serviceType") or "blob").lower() != "blob":
        return "/".join((account, *parts))
    within = [f"{account}/blobservices/default/containers/{parts[0]}"]
    return "/".join([*within, "blobs", *parts[1:]]) if len(parts) > 1 else within[0]


def _stored_outcome(event: Event) -> Outcome:
    told = f"{event.said('metricResponseType')} {named(event.envelope.get('statusText'))}"
    if event.status_code in (401, 403) or re.search(r"authorization|authentication", told, re.IGNORECASE):
        return "denied"
    if event.status_code >= 400 or re.search(r"error|throttl|timeout", told, re.IGNORECASE):
        return "failure"
    return "success"
