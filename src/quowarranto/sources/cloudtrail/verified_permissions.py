"""Amazon Verified Permissions: what it decided, and the policies that came and went.

CloudTrail does not say which policies determined a decision: only the caller is told. So a decision names no ground
(QW109); in lines that the host itself writes (source `cedar`) it does, and a policy has the same key there.

Source    Verified Permissions user guide, "Logging API calls using CloudTrail"; data events, off by default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quowarranto.records import Action, AuthorityFact, Principal
from quowarranto.sources.cedar import policy_key
from quowarranto.sources.cloudtrail.event import Event, part_of, text_of

SERVICE = "verifiedpermissions.amazonaws.com"
_SINGLE = frozenset(("IsAuthorized", "IsAuthorizedWithToken"))
_BATCH = frozenset(("BatchIsAuthorized", "BatchIsAuthorizedWithToken"))
_EFFECTS = {"ALLOW": "allow", "DENY": "deny"}


def verified(event: Event, action: Action) -> Iterator[AuthorityFact]:
    """The decisions and changes of policies that a successful event tells of."""
    if event.eventSource != SERVICE:
        return
    told = event.additionalEventData if isinstance(event.additionalEventData, dict) else {}
    if event.eventName in _SINGLE:
        yield from _decided(event, action, event.asked, told.get("decision"), action.id)
    elif event.eventName in _BATCH:
        results = told.get("results")
        for place, one in enumerate(results if isinstance(results, list) else []):
            if isinstance(one, dict):
                asked = {"principal": event.asked.get("principal")} | part_of(one, "request")
                yield from _decided(event, action, asked, one.get("decision"), f"{action.id}/{place}")
    elif event.eventName in ("CreatePolicy", "UpdatePolicy", "DeletePolicy"):
        yield from _policy(event, action)


def _decided(event: Event, action: Action, asked: dict[str, Any], said: Any, name: str) -> Iterator[AuthorityFact]:
    """A decision about the entity that asked, where the event names what was asked for; else nothing is known of it."""
    effect = _EFFECTS.get(said) if isinstance(said, str) else None
    verb = text_of(part_of(asked, "action"), "actionId")
    who, what = (_entity(part_of(asked, part)) for part in ("principal", "resource"))
    if effect is None or not verb or what is None:
        return
    request: dict[str, Any] = {"action": {"name": verb}, "resource": {"type": what[0], "id": what[1]}}
    if who is not None:
        request["subject"] = {"type": who[0], "id": who[1]}
    yield AuthorityFact(
        kind="decision",
        id=f"avp/decision/{name}",
        time=action.time,
        principal=None if who is None else Principal(*who),
        effect="allow" if effect == "allow" else "deny",
        request=request,
        issued_by=action.id,
        attributes={"policy_store": text_of(event.asked, "policyStoreId")},
    )


def _entity(value: dict[str, Any]) -> tuple[str, str] | None:
    kind, name = text_of(value, "entityType"), text_of(value, "entityId")
    return (kind, name) if kind and name else None


def _policy(event: Event, action: Action) -> Iterator[AuthorityFact]:
    store = text_of(event.asked, "policyStoreId") or text_of(event.answered, "policyStoreId")
    policy = text_of(event.answered, "policyId") or text_of(event.asked, "policyId")
    if not store or not policy:
        return
    key = policy_key(store, policy)
    if event.eventName == "DeletePolicy":
        yield AuthorityFact(kind="policy", id=key, time=action.time, fact="ended", end="closed")
    else:
        yield AuthorityFact(kind="policy", id=key, time=action.time, issued_by=action.id)
