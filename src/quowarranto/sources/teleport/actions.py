"""One event as an action: who did what, whether it was let through, and which authorities the event names."""

from __future__ import annotations

import re
from typing import Any

from quowarranto.records import Action, Instant, Outcome, Resource
from quowarranto.sources import keys as shared
from quowarranto.sources.teleport import keys
from quowarranto.sources.teleport.wire import Event, actor, address, of_user, texts

OPENS = frozenset(("session.start", "db.session.start", "app.session.start", "windows.desktop.session.start"))
ENDS = frozenset(("session.end", "db.session.end", "app.session.end", "windows.desktop.session.end"))
OF_OTHERS = frozenset(("session.join", "session.recording.access"))
"""They name a session that somebody else opened: it is looked at, not acted under."""

_REFUSED = re.compile(
    r"access denied|access to \S+ denied|not authorized|not allowed|permission denied|lock targeting|"
    r"not in the set of valid principals|is locked|has been locked|no roles mapped",
    re.IGNORECASE,
)
# Attempts to prove who one is: whatever the error, no access was given.
_PROOFS = frozenset(("user.login", "auth", "bot.join", "instance.join", "recovery_code.used", "session.rejected"))
_NETWORK_DENIED = 1  # EventAction DENIED


def action_of(event: Event, at: Instant, uid: str) -> Action:
    principal, on_behalf_of = actor(event)
    return Action(
        id=action_id(event, uid),
        time=at,
        principal=principal,
        on_behalf_of=on_behalf_of,
        action=_verb(event),
        resource=resource_of(event),
        outcome=outcome_of(event),
        origin=address(event),
        cites=_cites(event),
        correlates=_correlates(event),
        attributes=_attributes(event),
    )


def action_id(event: Event, uid: str) -> str:
    """With the kind of the event: some versions and samples use one `uid` for the steps of one thing."""
    return f"teleport/{event.event}/{uid}"


def outcome_of(event: Event) -> Outcome:
    """`denied` where Teleport, or the cluster behind it, refused; other errors are failures."""
    status = event.status if isinstance(event.status, dict) else {}
    failed = False in (event.success, status.get("success")) or event.code[-1:].upper() in ("W", "E")
    if event.event == "session.network" and event.action in (_NETWORK_DENIED, "DENIED"):
        return "denied"
    if event.response_code is not None and event.response_code >= 400:
        return "denied" if event.response_code in (401, 403) else "failure"
    if not failed:
        return "failure" if event.return_code else "success"
    error = event.error or status.get("error")
    refused = isinstance(error, str) and _REFUSED.search(error)
    return "denied" if refused or event.event in _PROOFS else "failure"


def resource_of(event: Event) -> Resource:
    """What was reached, under the name by which access requests name it; else what the event is about."""
    kind, _, _ = event.event.rpartition(".")
    if event.kubernetes_cluster and not event.identity:
        return Resource("kube_cluster", event.kubernetes_cluster + _within_cluster(event))
    if event.db_service:
        return Resource("database", event.db_service + (f"/{event.db_name}" if event.db_name else ""))
    if event.app_name:
        return Resource("app", event.app_name)
    if desktop := event.desktop_name or event.desktop_addr:
        return Resource("windows_desktop", desktop)
    if event.event == "cert.create":
        return Resource("certificate", event.cert_type or "unknown")
    if event.event.startswith("access_request.") and event.id:
        return Resource("access_request", event.id)
    if event.token_name:
        return Resource("join_token", event.token_name)
    if event.name:
        return Resource(kind or event.event, event.name)
    if event.server_id:
        return Resource("node", event.server_id)
    return Resource("cluster", event.cluster_name or "unknown")


def rests_on(event: Event) -> tuple[str, ...]:
    """What the certificate in use rests on: a bot's instance, access requests, else the roles that the event names.

    A certificate that came of a request carries its holder's own roles as well, and nothing tells the two apart. The
    log never says which roles a bot was given, so a bot rests on its instance alone.
    """
    if event.event == "cert.create":
        return _rests_certificate(event.identity or {})
    requests = tuple(keys.request_key(request) for request in event.access_requests or () if request)
    if event.bot_name:
        instance = event.bot_instance_id
        bot = keys.bot_key(event.cluster_name, event.bot_name)
        own = keys.instance_key(event.bot_name, instance) if instance else bot
        return () if event.event == "bot.join" else (own, *requests)
    holder = of_user(event)
    if requests or holder is None:
        return requests
    return tuple(keys.role_key(event.cluster_name, holder, role) for role in event.user_roles or () if role)


def _rests_certificate(identity: dict[str, Any]) -> tuple[str, ...]:
    """A bot's own certificate is the first thing it gets, and begins with it; those for its outputs rest on it."""
    requests = tuple(keys.request_key(request) for request in texts(identity.get("access_requests")))
    bot, instance = identity.get("bot_name"), identity.get("bot_instance_id")
    if identity.get("impersonator") and isinstance(bot, str) and isinstance(instance, str) and bot and instance:
        return (keys.instance_key(bot, instance), *requests)
    return requests


def _cites(event: Event) -> tuple[str, ...]:
    cites: list[str] = []
    if event.sid and event.event not in OPENS and event.event not in OF_OTHERS:
        cites.append(keys.session_key(event.sid))
    cites += rests_on(event)
    if event.event.endswith(".join") and (token := keys.token_key(event.cluster_name, event.token_name or "")):
        cites.append(token)
    return tuple(dict.fromkeys(cites))


def _correlates(event: Event) -> tuple[str, ...]:
    """A bot that joins from a workflow shows the claims of its run, which GitHub signed and Teleport checked."""
    claims = event.attributes or {}
    run, attempt, environment = (claims.get(name) for name in ("run_id", "run_attempt", "environment"))
    if event.event != "bot.join" or not isinstance(run, str) or not run.isdecimal():
        return ()
    found = [shared.maybe(lambda text: shared.github_run(run, text), attempt if isinstance(attempt, str) else None)]
    if event.method == "github" and isinstance(environment, str) and environment:
        found += [shared.github_deployment(run, environment), shared.github_deployment(run, None)]
    return tuple(key for key in found if key)


def _verb(event: Event) -> str:
    if event.event.endswith("request") and (method := event.verb or event.method):
        return f"{event.event}:{method}"
    return event.event


def _within_cluster(event: Event) -> str:
    if event.request_path:
        return event.request_path.partition("?")[0]
    if event.kubernetes_pod_namespace and event.kubernetes_pod_name:
        return f"/api/v1/namespaces/{event.kubernetes_pod_namespace}/pods/{event.kubernetes_pod_name}"
    return ""


def _attributes(event: Event) -> dict[str, Any]:
    """Names and states only: commands, queries, bodies and errors may hold what was typed in."""
    named = {
        "code": event.code,
        "cluster": event.cluster_name,
        "login": event.login,
        "roles": event.user_roles or event.roles,
        "state": event.state,
        "proposed_state": event.proposed_state,
        "method": event.method if event.event.endswith((".join", ".login")) else None,
        "program": event.program,
        "session": event.sid,
    }
    return {name: value for name, value in named.items() if value}
