"""Keycloak: log-ins, sessions, tokens, and roles given by administrators.

Reads     user events and admin events as objects of JSON (the REST API's arrays, listeners that write JSON), and lines
          of the `jboss-logging` listener in the server's JSON log, with `key="value"` or JSON in `message`.
Yields    an Action per event; sessions; access and refresh tokens as credentials; roles and groups given to users.
Time      `time`, milliseconds since the epoch; of the server's JSON log `timestamp`, with its zone.
Not seen  what a role allows, members of groups and what groups give, how long a token is valid, secrets of clients.
Source    Keycloak org.keycloak.events.EventType, events.Details, events.admin.OperationType and ResourceType;
          JBossLoggingEventListenerProvider.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource
from quowarranto.records import Outcome as Ending
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.folding import folded
from quowarranto.sources.strict import read_as, strict_json, strict_object
from quowarranto.sources.times import instant

PREFIX = "keycloak/"
LOGGER = "org.keycloak.events"
_PAIR = re.compile(r'(?:^|, )([A-Za-z_][A-Za-z0-9_.]*)=(?:"((?:[^"\\]|\\.)*)"|([^",]*))(?=, |$)')
_FIELDS = ("type", "realmId", "realmName", "clientId", "userId", "sessionId", "ipAddress", "error", "operationType",
           "resourceType", "resourcePath")  # fmt: skip
_REFUSED = re.compile(
    r"invalid_|not_allowed|access_denied|unauthori[sz]ed|disabled|forbidden|not_found|expired|rejected|denied|locked"
)
"""Errors that mean that a control said no; all others are failures."""
_ISSUING = frozenset(("CLIENT_LOGIN", "CODE_TO_TOKEN", "REFRESH_TOKEN", "TOKEN_EXCHANGE", "OAUTH2_DEVICE_CODE_TO_TOKEN",
                      "AUTHREQID_TO_TOKEN", "PERMISSION_TOKEN"))  # fmt: skip
"""Events at whose end there is a new token."""
_BEGINS = frozenset(("LOGIN", "CLIENT_LOGIN", "IMPERSONATE"))
_ROLES = re.compile(r"users/(?P<user>[^/]+)/role-mappings/(?:realm|clients/[^/]+)")
_GROUP = re.compile(r"users/(?P<user>[^/]+)/groups/(?P<group>[^/]+)")
_KEPT = ("grant_type", "scope", "auth_method", "client_auth_method", "audience", "username", "identity_provider",
         "impersonator")  # fmt: skip
_LATEST_MS = 253_402_300_799_999
_LONGEST = 512


class _AuthDetails(msgspec.Struct, frozen=True):
    realmId: str | None = None
    clientId: str | None = None
    userId: str | None = None
    ipAddress: str | None = None


class _Event(msgspec.Struct, frozen=True):
    """A user event, or an admin event: that has an `operationType` and `authDetails`."""

    time: int | None = None
    id: str | None = None
    type: str | None = None
    realmId: str | None = None
    realmName: str | None = None
    clientId: str | None = None
    userId: str | None = None
    sessionId: str | None = None
    ipAddress: str | None = None
    error: str | None = None
    details: dict[str, Any] | None = None
    operationType: str | None = None
    resourceType: str | None = None
    resourcePath: str | None = None
    representation: str | dict[str, Any] | list[Any] | None = None
    authDetails: _AuthDetails | None = None

    def detail(self, name: str) -> str:
        """A text of the details, empty where there is none."""
        found = (self.details or {}).get(name)
        return found if isinstance(found, str) and found != "null" else ""


def read(entry: Entry) -> Outcome:
    """The records of an event.

    Raises:
        RejectedEntry: it is none, or it does not say when it happened.
    """
    value = strict_object(entry.data)
    logged: Instant | None = None
    if "loggerName" in value:
        if value["loggerName"] != LOGGER:
            return Skipped("a line of the server's log that is no event")
        logged, value = _logged(value)
    event = read_as(value, _Event)
    digest = hashlib.sha256(entry.data).hexdigest()
    time = _time(event) if logged is None else logged
    if event.operationType is not None:
        return _administered(event, time, digest)
    if not event.type:
        raise RejectedEntry("neither `type` nor `operationType`")
    action = _happened(event, time, digest)
    return [action, *_facts(event, action)]


def _logged(line: dict[str, Any]) -> tuple[Instant, dict[str, Any]]:
    """The event in a line of the server's log, and when the line was written."""
    written, message = line.get("timestamp"), line.get("message")
    if not isinstance(written, str) or not isinstance(message, str):
        raise RejectedEntry("`timestamp` or `message` is missing")
    time = instant("timestamp", written)
    if message.lstrip().startswith("{"):
        return time, strict_object(message.encode("utf-8", "surrogatepass"))
    pairs: dict[str, str] = {}
    for found in _PAIR.finditer(message):  # the first counts: what clients and users wrote themselves comes later
        pairs.setdefault(found[1], found[2] if found[2] is not None else found[3])
    if "type" not in pairs and "operationType" not in pairs:
        raise RejectedEntry("`message` is no event")
    known = {name: pairs[name] for name in _FIELDS if pairs.get(name, "null") != "null"}
    who = {name: known.pop(name) for name in ("clientId", "userId", "ipAddress") if name in known}
    if "operationType" in known:
        return time, known | {"authDetails": who}
    return time, known | who | {"details": {name: text for name, text in pairs.items() if name not in _FIELDS}}


def _time(event: _Event) -> Instant:
    if event.time is None:
        raise RejectedEntry("`time` is missing")
    if not 0 <= event.time <= _LATEST_MS:
        raise RejectedEntry("`time`: not milliseconds since the epoch")
    return event.time * 1000


# ---- what users and clients did --------------------------------------------------------------------------------------


def _happened(event: _Event, time: Instant, digest: str) -> Action:
    kind = str(event.type).removesuffix("_ERROR")
    said = {"client": event.clientId, "realm": event.realmName or event.realmId, "error": event.error}
    said |= {name: event.detail(name)[:_LONGEST] for name in _KEPT}
    return Action(
        id=f"{PREFIX}{event.id or digest}",
        time=time,
        principal=_who(event),
        action=kind,
        resource=Resource("client", event.clientId) if event.clientId else _realm(event),
        outcome=_outcome(event),
        origin=event.ipAddress or None,
        cites=_cites(event, kind),
        attributes={name: text for name, text in said.items() if text},
    )


def _who(event: _Event) -> Principal:
    """By the user's id, which admin events have too; a log-in that failed may only know the name that was tried."""
    if event.userId:
        return Principal("user", event.userId)
    name = event.detail("username")
    return Principal("user_name", name) if name else Principal("client", event.clientId or "unknown")


def _realm(event: _Event) -> Resource:
    return Resource("realm", event.realmName or event.realmId or "unknown")


def _outcome(event: _Event) -> Ending:
    if not event.error and not (event.type or "").endswith("_ERROR"):
        return "success"
    return "denied" if _REFUSED.search((event.error or "").lower()) else "failure"


def _session(event: _Event) -> str | None:
    """`code_id` is the session's id where a log-in is under way."""
    found = event.sessionId or event.detail("code_id")
    return f"{PREFIX}session/{found}" if found else None


def _token(event: _Event, name: str) -> str | None:
    found = event.detail(name)
    return f"{PREFIX}token/{found}" if found else None


def _cites(event: _Event, kind: str) -> tuple[str, ...]:
    """The refresh token that was used, and the session; what begins a session does not rest on it."""
    session = None if kind in _BEGINS else _session(event)
    used = _token(event, "refresh_token_id") if kind == "REFRESH_TOKEN" else None
    return tuple(key for key in (used, session) if key is not None)


def _facts(event: _Event, action: Action) -> list[Record | Observation]:
    """What the event brought about; nothing where it failed."""
    if action.outcome != "success":
        return []
    session, kind, out = _session(event), action.action, list[Record | Observation]()
    if session is not None and kind in _BEGINS:
        out.append(_established("session", session, action))
    if session is not None and kind == "LOGOUT":
        out.append(AuthorityFact(kind="session", id=session, time=action.time, fact="ended", end="closed"))
    if kind in _ISSUING:
        fresh = "updated_refresh_token_id" if kind == "REFRESH_TOKEN" else "refresh_token_id"
        cites = None if session is None else (session,)
        out += [
            _established("credential", key, action, cites=cites)
            for key in (_token(event, "token_id"), _token(event, fresh))
            if key is not None
        ]
    if kind == "REVOKE_GRANT" and (key := _token(event, "token_id")) is not None:
        out.append(AuthorityFact(kind="credential", id=key, time=action.time, fact="ended", end="revoked"))
    return out


def _established(kind: Any, key: str, action: Action, cites: tuple[str, ...] | None = None) -> AuthorityFact:
    return AuthorityFact(
        kind=kind, id=key, time=action.time, principal=action.principal, cites=cites, issued_by=action.id
    )


# ---- what administrators did -----------------------------------------------------------------------------------------


def _administered(event: _Event, time: Instant, digest: str) -> list[Record | Observation]:
    by = event.authDetails or _AuthDetails(clientId=event.clientId, userId=event.userId, ipAddress=event.ipAddress)
    what = event.resourceType or "UNKNOWN"
    said = {"client": by.clientId, "realm": event.realmName or event.realmId, "error": event.error}
    action = Action(
        id=f"{PREFIX}{event.id or digest}",
        time=time,
        principal=Principal("user", by.userId) if by.userId else Principal("client", by.clientId or "unknown"),
        action=f"{what}:{event.operationType}",
        resource=Resource(folded(what), event.resourcePath) if event.resourcePath else _realm(event),
        outcome=_outcome(event),
        origin=by.ipAddress or None,
        attributes={name: text for name, text in said.items() if text},
    )
    return [action, *_given(event, action)] if action.outcome == "success" else [action]


def _given(event: _Event, action: Action) -> list[Record]:
    """Roles and groups given to a user, or taken. What they allow is not in the log, so they cover nothing."""
    path = event.resourcePath or ""
    group, roles = _GROUP.fullmatch(path), _ROLES.fullmatch(path)
    if group is not None and event.resourceType == "GROUP_MEMBERSHIP":
        return _grant(event, action, f"group/{group['group']}", group["user"], {})
    if roles is None or event.resourceType not in ("REALM_ROLE_MAPPING", "CLIENT_ROLE_MAPPING"):
        return []
    out: list[Record] = []
    for role in _represented(event.representation):
        if isinstance(name := role.get("id") or role.get("name"), str) and name:
            called = {"role": role["name"]} if isinstance(role.get("name"), str) else {}
            out += _grant(event, action, f"role/{name}", roles["user"], called)
    return out


def _represented(value: Any) -> list[dict[str, Any]]:
    """The representation is JSON in a text; what is none says nothing."""
    if isinstance(value, str):
        try:
            value = strict_json(value.encode("utf-8", "surrogatepass"))
        except RejectedEntry:
            return []
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)]


def _grant(event: _Event, action: Action, what: str, user: str, said: dict[str, Any]) -> list[Record]:
    key = f"{PREFIX}{what}/user/{user}"
    if event.operationType == "DELETE":
        return [AuthorityFact(kind="grant", id=key, time=action.time, fact="ended", end="revoked")]
    if event.operationType != "CREATE":
        return []
    who = Principal("user", user)
    return [
        AuthorityFact(
            kind="grant", id=key, time=action.time, principal=who, scope=(), issued_by=action.id, attributes=said
        )
    ]


def recognise(sample: Sample) -> int:
    """Events by the names of their members; lines of the server's log by the logger's name."""
    return max((_likeness(one) for one in sample.documents if isinstance(one, dict)), default=0)


def _likeness(document: dict[str, Any]) -> int:
    if str(document.get("loggerName", "")).startswith("org.keycloak"):
        return 95 if document["loggerName"] == LOGGER else 75
    if "realmId" not in document or "time" not in document:
        return 0
    if "operationType" in document and ("authDetails" in document or "resourcePath" in document):
        return 93
    kind = document.get("type")
    return 93 if isinstance(kind, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", kind) else 0


SOURCE = Source(
    name="keycloak",
    title="Keycloak",
    reads=("user events and admin events as JSON", "events in the server's JSON log"),
    recognise=recognise,
    read=read,
    ceiling="partial",
    raise_it="save admin events with their representation: only that names the roles that were given",
)
