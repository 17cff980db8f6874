"""What an event of the system log says: an action, and what it began or ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource, Rule
from quowarranto.records.secret_shapes import holds_a_secret
from quowarranto.sources.okta.wire import Event, Target

PREFIX = "okta/"
_DECIDERS = ("PolicyEntity", "PolicyRule")
_RESULTS = {"SUCCESS": "success", "ALLOW": "success", "CHALLENGE": "success", "DENY": "denied"}
"""A challenge is an answer too: more is asked before anything is decided. All others are failures."""
_DENIALS = re.compile(
    r"invalid_credentials|locked_out|access_?denied|not_?authori[sz]ed|forbidden|verification_error|permission"
    r"|not[ _]assigned|network_zone_blacklist|sign.on.*denied|password_expired|user_suspended",
    re.IGNORECASE,
)
"""Reasons of a failure that mean that a control said no."""
_SIGNED_ON = frozenset(("user.session.start", "user.authentication.sso", "user.authentication.auth_via_mfa"))
"""What the decision about a sign-on was made for; other events of its transaction are not."""
_KNOWN_TYPES = {"User": "user", "PublicClientApp": "app", "AppInstance": "app", "SystemPrincipal": "system"}
_LONGEST = 512


def principal_of(event: Event) -> Principal:
    """Users by their log-in, which other systems know them by; everything else by its id."""
    actor = event.actor
    kind = _KNOWN_TYPES.get(actor.type) or _snake(actor.type) or "unknown"
    if kind == "user" and actor.alternateId and actor.alternateId.lower() != "unknown":
        return Principal(kind, actor.alternateId)
    return Principal(kind, actor.id or actor.alternateId or "unknown")


def _person(target: Target) -> Principal:
    return Principal("user", target.alternateId or str(target.id))


def _snake(text: str) -> str:
    if holds_a_secret(text):
        return text
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()).strip("_")


def session_of(event: Event) -> str | None:
    """The key of the session; calls with a token, and what Okta does itself, have none."""
    found = event.authenticationContext.externalSessionId if event.authenticationContext is not None else None
    if not found or found.lower() == "unknown" or found.startswith("trs"):
        return None
    return f"{PREFIX}session/{found}"


def token_of(event: Event) -> str | None:
    """The key of the API token that the call was made with."""
    detail = (event.transaction.detail or {}) if event.transaction is not None else {}
    found = detail.get("requestApiTokenId")
    return f"{PREFIX}token/{found}" if isinstance(found, str) and found else None


def resource_of(event: Event) -> Resource:
    """The first target that is no policy; without one the organisation."""
    targets = [one for one in event.target or () if one.id and one.type]
    for one in [*(one for one in targets if one.type not in _DECIDERS), *targets]:
        return Resource(_snake(str(one.type)) or "target", str(one.id))
    return Resource("okta_organization", "all")


def outcome_of(event: Event) -> Any:
    """`success`, `failure` or `denied`; an event without an outcome tells of what happened."""
    result = event.outcome.result if event.outcome is not None else None
    if result is None:
        return "success"
    found = _RESULTS.get(result.upper(), "failure")
    if found == "failure" and event.outcome is not None and _DENIALS.search(event.outcome.reason or ""):
        return "denied"
    return found


def transaction_of(event: Event) -> tuple[str, ...]:
    """The key of the request that the event was part of."""
    found = event.transaction.id if event.transaction is not None else None
    if not found or found.lower() == "unknown":
        return ()
    return (f"{PREFIX}transaction/{found}",)


def action_of(event: Event, time: Instant) -> Action:
    """Every event is one."""
    session, token = session_of(event), token_of(event)
    cites = [key for key in (token, None if event.eventType == "user.session.start" else session) if key]
    decision = _decision_key(event)
    if decision is not None:
        cites.insert(0, decision)
    client = event.client
    raw = client.userAgent.rawUserAgent if client is not None and client.userAgent is not None else None
    said = {
        "actor": event.actor.id or None,
        "reason": event.outcome.reason if event.outcome is not None else None,
        "result": event.outcome.result if event.outcome is not None else None,
        "user_agent": raw,
        "client": client.id if client is not None else None,
        "request_id": event.debug("requestId"),
        "scopes": event.debug("grantedScopes"),
        "rules": [one.id for one in event.targets(*_DECIDERS)] or None,
    }
    return Action(
        id=f"{PREFIX}{event.uuid}",
        time=time,
        principal=principal_of(event),
        action=event.eventType,
        resource=resource_of(event),
        outcome=outcome_of(event),
        origin=(client.ipAddress or None) if client is not None else None,
        cites=tuple(cites),
        correlates=transaction_of(event) if event.eventType in _SIGNED_ON else (),
        attributes={
            name: value[:_LONGEST] if isinstance(value, str) else value for name, value in said.items() if value
        },
    )


def _decision_key(event: Event) -> str | None:
    result = (event.outcome.result or "").upper() if event.outcome is not None else ""
    if event.eventType == "policy.evaluate_sign_on" and result in ("ALLOW", "DENY"):
        return f"{PREFIX}decision/{event.uuid}"
    return None


def facts_of(event: Event, action: Action) -> list[Record]:
    """What the event brought about; nothing where it failed."""
    decision = _decision_key(event)
    if decision is not None:
        return [_decision(event, action, decision)]
    make = _MAKERS.get(event.eventType)
    return [] if make is None or action.outcome != "success" else list(make(event, action))


def _decision(event: Event, action: Action, key: str) -> AuthorityFact:
    """The rule that decided on a sign-on: the last one named, the policy before it."""
    rules = [f"{PREFIX}policy_rule/{one.id}" for one in event.targets("PolicyRule")]
    return AuthorityFact(
        kind="decision",
        id=key,
        time=action.time,
        principal=action.principal,
        effect="deny" if action.outcome == "denied" else "allow",
        cites=tuple(rules[-1:]),
        correlates=transaction_of(event),
    )


def _begun(event: Event, action: Action) -> list[AuthorityFact]:
    key = session_of(event)
    if key is None:
        return []
    return [AuthorityFact(kind="session", id=key, time=action.time, principal=action.principal, issued_by=action.id)]


def _over(event: Event, action: Action) -> list[AuthorityFact]:
    key = session_of(event)
    return [] if key is None else [AuthorityFact(kind="session", id=key, time=action.time, fact="ended", end="closed")]


def _token(event: Event, action: Action) -> list[AuthorityFact]:
    return [
        AuthorityFact(
            kind="credential",
            id=f"{PREFIX}token/{one.id}",
            time=action.time,
            principal=action.principal,
            issued_by=action.id,
        )
        for one in event.targets("Token")
    ]


def _token_gone(event: Event, action: Action) -> list[AuthorityFact]:
    return [
        AuthorityFact(kind="credential", id=f"{PREFIX}token/{one.id}", time=action.time, fact="ended", end="revoked")
        for one in event.targets("Token")
    ]


def _rule(event: Event, action: Action) -> list[AuthorityFact]:
    return [
        AuthorityFact(kind="policy", id=f"{PREFIX}policy_rule/{one.id}", time=action.time, issued_by=action.id)
        for one in event.targets("PolicyRule")
    ]


def _rule_gone(event: Event, action: Action) -> list[AuthorityFact]:
    return [
        AuthorityFact(kind="policy", id=f"{PREFIX}policy_rule/{one.id}", time=action.time, fact="ended", end="closed")
        for one in event.targets("PolicyRule")
    ]


def _assigned(event: Event, action: Action, *, ended: bool = False) -> list[AuthorityFact]:
    """A user may sign on to an application."""
    apps, people = event.targets("AppInstance"), event.targets("User")
    return [
        _ended_grant(f"{PREFIX}app/{app.id}/user/{who.id}", action)
        if ended
        else AuthorityFact(
            kind="grant",
            id=f"{PREFIX}app/{app.id}/user/{who.id}",
            time=action.time,
            principal=_person(who),
            scope=(Rule(("user.authentication.sso",), (f"app_instance:{app.id}",)),),
            issued_by=action.id,
        )
        for app in apps
        for who in people
    ]


def _ended_grant(key: str, action: Action) -> AuthorityFact:
    return AuthorityFact(kind="grant", id=key, time=action.time, fact="ended", end="revoked")


def _role(event: Event, action: Action, *, ended: bool = False) -> list[AuthorityFact]:
    """A user becomes an administrator: what a role allows is not in the log, so the grant allows nothing by itself."""
    return [
        _ended_grant(f"{PREFIX}privilege/{one.id}", action)
        if ended
        else AuthorityFact(
            kind="grant",
            id=f"{PREFIX}privilege/{one.id}",
            time=action.time,
            principal=_person(one),
            scope=(),
            issued_by=action.id,
            attributes={"privileges": (event.debug("privilegeGranted") or "")[:_LONGEST]},
        )
        for one in event.targets("User")
    ]


_MAKERS: dict[str, Callable[[Event, Action], list[AuthorityFact]]] = {
    "user.session.start": _begun,
    "user.session.end": _over,
    "system.api_token.create": _token,
    "system.api_token.revoke": _token_gone,
    "policy.rule.add": _rule,
    "policy.rule.update": _rule,
    "policy.rule.activate": _rule,
    "policy.rule.deactivate": _rule_gone,
    "policy.rule.delete": _rule_gone,
    "application.user_membership.add": _assigned,
    "application.user_membership.remove": lambda event, action: _assigned(event, action, ended=True),
    "user.account.privilege.grant": _role,
    "user.account.privilege.revoke": lambda event, action: _role(event, action, ended=True),
}
