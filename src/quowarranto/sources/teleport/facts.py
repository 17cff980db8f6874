"""What an event brought about by itself: sessions, bots and their instances, join tokens, certificates, locks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quowarranto.records import Action, AuthorityFact, Instant, Principal
from quowarranto.sources.entry import Observation
from quowarranto.sources.teleport import keys
from quowarranto.sources.teleport.actions import OPENS, rests_on
from quowarranto.sources.teleport.wire import Event, moment, of_user, principal_named

_HOLDERS = frozenset(("user.create", "user.update", "user.delete", "bot.create", "bot.update", "bot.delete"))


def facts_of(event: Event, action: Action, uid: str) -> Iterator[AuthorityFact]:
    """Only what succeeded has brought anything about."""
    if action.outcome != "success":
        return
    if event.event in OPENS and event.sid:
        yield _session(event, action, event.sid)
    elif event.event == "cert.create":
        yield _certificate(event, action, uid)
    elif event.event == "bot.join" and event.bot_name and event.bot_instance_id:
        yield _instance(event, action, event.bot_name, event.bot_instance_id)
    elif event.event == "join_token.create" and (key := keys.token_key(event.cluster_name, event.name or "")):
        yield AuthorityFact(
            kind="grant",
            id=key,
            time=action.time,
            valid_until=moment("expires", event.expires),
            issued_by=action.id,
            attributes={"roles": event.roles or [], "join_method": event.join_method or ""},
        )


def session_end(event: Event, at: Instant, sid: str) -> AuthorityFact:
    """The end as the node saw it; the event itself may be written when the recording is uploaded, much later."""
    return AuthorityFact(
        kind="session",
        id=keys.session_key(sid),
        time=moment("session_stop", event.session_stop) or at,
        fact="ended",
        end="closed",
    )


def observations_of(event: Event, action: Action) -> Iterator[Observation]:
    """Steps of access requests, roles of users, and locks: `derive` puts them together."""
    if action.outcome != "success":
        return
    if event.event.startswith("access_request.") and event.id:
        yield Observation(f"request/{event.id}", action.time, _request(event, action))
    elif event.event in _HOLDERS and event.name:
        yield _holder(event, action, event.name)
    elif event.event in ("lock.created", "lock.deleted") and event.name:
        target = event.target if isinstance(event.target, dict) else {}
        yield Observation(
            f"lock/{event.name}",
            action.time,
            {
                "event": event.event,
                "by": action.id,
                "cluster": event.cluster_name,
                "expires": moment("expires", event.expires),
                "target": {name: value for name, value in target.items() if isinstance(value, str) and value},
            },
        )
    if event.event in OPENS and event.sid:
        user = of_user(event)
        named = {"sid": event.sid, "type": user.type if user else "", "id": user.id if user else ""}
        whose = {"cluster": event.cluster_name, "roles": sorted(set(event.user_roles or ()))}
        yield Observation(f"session/{event.sid}", action.time, named | whose)


def _session(event: Event, action: Action, sid: str) -> AuthorityFact:
    """Whatever happens in a session names it, so it has no principal: nothing else is to be put down to it by guess."""
    return AuthorityFact(
        kind="session",
        id=keys.session_key(sid),
        time=action.time,
        cites=rests_on(event),
        issued_by=action.id,
        attributes={"opened_by": f"{action.principal.type}:{action.principal.id}"},
    )


def _certificate(event: Event, action: Action, uid: str) -> AuthorityFact:
    identity = event.identity or {}
    return AuthorityFact(
        kind="credential",
        id=keys.certificate_key(uid),
        time=action.time,
        valid_until=moment("identity.expires", identity.get("expires")),
        principal=action.principal,
        cites=rests_on(event),
        issued_by=action.id,
        attributes={"roles": identity.get("roles")} if identity.get("roles") else {},
    )


def _instance(event: Event, action: Action, bot: str, instance: str) -> AuthorityFact:
    """The log does not say until when: the instance renews its certificates for as long as it may."""
    return AuthorityFact(
        kind="credential",
        id=keys.instance_key(bot, instance),
        time=action.time,
        principal=action.principal,
        cites=(keys.bot_key(event.cluster_name, bot),),
        issued_by=action.id,
        attributes={"method": event.method or "", "end": "not in the record"},
    )


def _holder(event: Event, action: Action, name: str) -> Observation:
    """A user's roles from now on, or that a bot exists, or that either does no more."""
    kind, _, step = event.event.partition(".")
    holder = Principal("bot", name) if kind == "bot" else principal_named(name)
    return Observation(
        f"{kind}/{holder.type}/{holder.id}" + (f"/in/{event.cluster_name}" if event.cluster_name else ""),
        action.time,
        {
            "type": holder.type,
            "id": holder.id,
            "cluster": event.cluster_name,
            "by": action.id,
            "is_there": step != "delete",
            "roles": sorted(set(event.roles or ())),
            "expires": moment("expires", event.expires),
        },
    )


def _request(event: Event, action: Action) -> dict[str, Any]:
    """One step of a request, as plain values."""
    is_review = event.event == "access_request.review"
    by = event.delegator or event.updated_by
    return {
        "event": event.event,
        "by": action.id,
        "cluster": event.cluster_name,
        "user": [action.principal.type, action.principal.id] if event.event == "access_request.create" else None,
        "state": event.state or "",
        "roles": event.roles or [],
        "reason": event.reason or "",
        "reviewer": (event.reviewer or event.username) if is_review else "",
        "proposed": event.proposed_state or event.state or "",
        "updated_by": by if event.event == "access_request.update" and by else "",
        "from": moment("assume_start_time", event.assume_start_time),
        "until": moment("expires", event.expires) or moment("max_duration", event.max_duration),
        "resources": [
            {name: value for name, value in one.items() if name in ("kind", "name", "sub_resource")}
            for one in event.resource_ids or ()
        ],
    }
