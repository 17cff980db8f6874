"""What a request to Boundary says: an action, the decision behind it, and what it began or ended."""

from __future__ import annotations

import re
from typing import Any

from quowarranto.records import Action, AuthorityFact, Principal, Record, Resource
from quowarranto.records import Outcome as Ending
from quowarranto.sources.boundary.roles import observed, role_key
from quowarranto.sources.boundary.wire import Auth, Request, UserInfo, moment, objects
from quowarranto.sources.entry import Observation

PREFIX = "boundary/"
_TOKEN, _SESSION = re.compile(r"at_[0-9A-Za-z]{4,64}"), re.compile(r"s_[0-9A-Za-z]{4,64}")
_ANONYMOUS = frozenset(("u_anon", ""))


def records(request: Request) -> list[Record | Observation]:
    """The action first, then its decision, then what came of it."""
    decision = _decision(request)
    action = _action(request, decision)
    out: list[Record | Observation] = [action, *([] if decision is None else [decision])]
    if action.outcome == "success":
        out += [*_tokens(request, action), *_sessions(request, action), *observed(request, action)]
    return out


def _auth(request: Request) -> Auth:
    return request.audit.auth or Auth()


def _who(request: Request) -> Principal:
    user = (_auth(request).user_info or UserInfo()).id
    if user in _ANONYMOUS:
        info = request.audit.request_info
        return Principal("anonymous", (info.client_ip if info is not None else "") or "unknown")
    return Principal("user", user)


def token_key(name: str) -> str:
    return f"{PREFIX}token/{name}"


def session_key(name: str) -> str:
    return f"{PREFIX}session/{name}"


def _outcome(request: Request) -> Ending:
    if request.status in (401, 403):
        return "denied"
    return "success" if request.status < 400 else "failure"


def _action(request: Request, decision: AuthorityFact | None) -> Action:
    auth, info = _auth(request), request.audit.request_info
    roles = sorted({one.role_id for one in (auth.grants_info.grants if auth.grants_info else ()) if one.role_id})
    said = {
        "status": request.status,
        "request_id": info.id if info is not None else "",
        "account": (auth.user_info or UserInfo()).auth_account_id,
        "roles": roles[:50],
        "correlation_id": request.audit.correlation_id,
    }
    token = token_key(auth.auth_token_id) if _TOKEN.fullmatch(auth.auth_token_id) else None
    used = session_key(request.id) if request.thing == "session" and request.id.startswith("s_") else None
    cites = [] if decision is None else [decision.id]
    return Action(
        id=PREFIX + request.audit.id,
        time=request.at,
        principal=_who(request),
        action=request.verb,
        resource=Resource(request.thing, request.id),
        outcome=_outcome(request),
        origin=(info.client_ip if info is not None else "") or None,
        cites=(*cites, *([token] if token else [])),
        attributes={name: value for name, value in (said | {"session": used}).items() if value},
    )


def _decision(request: Request) -> AuthorityFact | None:
    """What Boundary decided: all of the user's grants are in the record, not which of them let the request through. So
    a role is named only where all grants are of one."""
    auth = _auth(request)
    if auth.grants_info is None or request.status == 401:
        return None
    who, roles = _who(request), {one.role_id for one in auth.grants_info.grants if one.role_id}
    refused = request.status == 403
    return AuthorityFact(
        kind="decision",
        id=f"{PREFIX}decision/{request.audit.id}",
        time=request.at,
        principal=who,
        effect="deny" if refused else "allow",
        cites=tuple(role_key(role) for role in roles) if len(roles) == 1 else (),
        request={
            "subject": {"type": who.type, "id": who.id},
            "action": {"name": request.verb},
            "resource": {"type": request.thing, "id": request.id},
        },
        attributes={"grants": [one.grant for one in auth.grants_info.grants][:50]},
    )


def _named(body: Any, shape: re.Pattern[str], *names: str) -> tuple[str, dict[str, Any]] | None:
    """The first object in a body that has such an id under one of these names."""
    for one in objects(body):
        for name in names:
            if isinstance(found := one.get(name), str) and shape.fullmatch(found):
                return found, one
    return None


def _tokens(request: Request, action: Action) -> list[Record]:
    if request.verb == "delete" and request.thing == "auth-token" and _TOKEN.fullmatch(request.id):
        key = token_key(request.id)
        return [AuthorityFact(kind="credential", id=key, time=request.at, fact="ended", end="revoked")]
    if request.thing != "auth-method" or not request.verb.startswith("authenticate"):
        return []
    found = _named(request.answered, _TOKEN, "id", "auth_token_id")
    if found is None:
        return []
    name, said = found
    user = said.get("user_id")
    return [
        AuthorityFact(
            kind="credential",
            id=token_key(name),
            time=request.at,
            valid_until=moment(said.get("expiration_time")),
            principal=Principal("user", user) if isinstance(user, str) and user else None,
            issued_by=action.id,
        )
    ]


def _sessions(request: Request, action: Action) -> list[Record]:
    if request.thing == "session" and request.verb in ("cancel", "cancel-self") and _SESSION.fullmatch(request.id):
        own = session_key(request.id)
        return [AuthorityFact(kind="session", id=own, time=request.at, fact="ended", end="revoked")]
    if request.thing != "target" or request.verb != "authorize-session":
        return []
    found = _named(request.answered, _SESSION, "session_id", "id")
    if found is None:
        return []
    return [
        AuthorityFact(
            kind="session",
            id=session_key(found[0]),
            time=request.at,
            valid_until=moment(found[1].get("expiration")),
            principal=action.principal,
            cites=action.cites or None,
            issued_by=action.id,
        )
    ]
