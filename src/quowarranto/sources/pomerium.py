"""Pomerium: what its policy decided about a request, and what became of the request.

Reads     Pomerium's own log, JSON lines: `authorize check` of its authorize service, `http-request` of its proxy.
Yields    a Decision per check, an Action per request with the user of its check, a Policy per route and checksum.
Time      `time`, RFC 3339 to the second; a check's when it was made, a request's when it was answered.
Not seen  what the routes' policies say; log-ins; requests and fields that the configured log fields leave out. One
          check stands for all that goes over a websocket.
Source    pomerium authorize/log.go, pkg/logfields/authorize.go and access.go.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource
from quowarranto.records import model as records
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.keys import maybe, request
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.times import instant

CHECK, REQUEST = "authorize check", "http-request"
_PLACE = ("host", "path", "method")
"""What check and request both tell, by which they are known to belong together."""
_GRAIN = 1_000_000
"""Times have whole seconds: a check may look up to one later than the request that it was made for."""


class Line(msgspec.Struct, frozen=True, rename="kebab"):
    """One line, only the fields that are read; which of them are written is configured."""

    time: str
    message: str
    service: str | None = None
    request_id: str | None = None
    user: str | None = None
    email: str | None = None
    service_account_id: str | None = None
    session_id: str | None = None
    impersonate_user_id: str | None = None
    impersonate_email: str | None = None
    ip: str | None = None
    host: str | None = None
    authority: str | None = None
    method: str | None = None
    path: str | None = None
    route_id: str | None = None
    envoy_route_id: str | None = None
    route_checksum: int | None = None
    envoy_route_checksum: int | None = None
    allow: bool | None = None
    allow_why_true: tuple[str, ...] = ()
    allow_why_false: tuple[str, ...] = ()
    deny: bool = False
    deny_why_true: tuple[str, ...] = ()
    mcp_method: str | None = None
    mcp_tool: str | None = None
    response_code: int | None = None
    response_code_details: str | None = None
    upstream_cluster: str | None = None
    forwarded_for: str | None = None


def read(entry: Entry) -> Outcome:
    """The decision of a check, or what a request says by itself.

    Raises:
        RejectedEntry: it is neither; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    if "message" in value and value["message"] not in (CHECK, REQUEST):
        return Skipped("another line of Pomerium's log")
    line = read_as(value, Line)
    at = instant("time", line.time)
    name = f"{line.request_id or '-'}/{hashlib.sha256(entry.data).hexdigest()[:16]}"
    if line.message == CHECK:
        return _check(line, at, f"pomerium/check/{name}")
    if line.response_code is None:
        return Skipped("a request without a response code: of Pomerium's own services")
    return [Observation(f"request/{line.request_id}", at, _request(line, f"pomerium/request/{name}"))]


# ---- checks ----------------------------------------------------------------------------------------------------------


def _check(line: Line, at: Instant, key: str) -> Outcome:
    if line.allow is None:
        return Skipped("a check without a result")
    who, behalf = _who(line)
    verb, resource = _what(line)
    policy = _policy(line)
    told: dict[str, Any] = {"key": key, "who": [who.type, who.id], "behalf": [[one.type, one.id] for one in behalf]}
    called = {"verb": verb, "resource": [resource.type, resource.id]} if line.mcp_method else None
    told |= {"called": called, "session": line.session_id}  # of a call of MCP the request itself shows nothing
    shared = maybe(request, line.request_id)
    found: list[Record | Observation] = [
        AuthorityFact(
            kind="decision",
            id=key,
            time=at,
            effect="allow" if line.allow and not line.deny else "deny",
            principal=who,
            cites=(policy,) if policy else (),
            correlates=(shared,) if shared else (),
            request={
                "subject": {"type": who.type, "id": who.id},
                "action": {"name": verb},
                "resource": {"type": resource.type, "id": resource.id},
            },
            attributes=_why(line),
        ),
        Observation(f"check/{line.request_id}", at, told | _place(line)),
    ]
    if policy:
        found.append(Observation(f"policy/{policy}", at, {"key": policy}))
    return found


def _who(line: Line) -> tuple[Principal, tuple[Principal, ...]]:
    """A service account acts for the user that it belongs to; whoever impersonates, for the one impersonated."""
    user = line.user or line.email
    if line.service_account_id:
        return Principal("service_account", line.service_account_id), (Principal("user", user),) if user else ()
    who = Principal("user", user) if user else Principal("anonymous", line.ip or "unknown")
    other = line.impersonate_user_id or line.impersonate_email
    return who, (Principal("user", other),) if other else ()


def _what(line: Line) -> tuple[str, Resource]:
    host, path = line.host or line.authority or "unknown", (line.path or "").partition("?")[0]
    if line.mcp_method:
        if line.mcp_tool:
            return f"{line.mcp_method}:{line.mcp_tool}", Resource("mcp_tool", f"{host}/{line.mcp_tool}")
        return line.mcp_method, Resource("mcp_server", host)
    return line.method or "request", Resource("http", host + path)


def _policy(line: Line) -> str | None:
    """A route with what is configured of it, by its checksum; 0 is none."""
    route, checksum = line.route_id or line.envoy_route_id, line.route_checksum or line.envoy_route_checksum
    return f"pomerium/route/{route}@{checksum}" if route and checksum else None


def _why(line: Line) -> dict[str, Any]:
    said = {
        "allowed_by": list(line.allow_why_true),
        "not_allowed_by": list(line.allow_why_false),
        "denied_by": list(line.deny_why_true),
        "email": line.email,
        "session": line.session_id,
    }
    return {name: value for name, value in said.items() if value}


# ---- requests --------------------------------------------------------------------------------------------------------


def _place(line: Line) -> dict[str, Any]:
    """The place of a line; None for what it does not tell."""
    path = line.path.partition("?")[0] if line.path else None
    return {"host": line.host or line.authority, "path": path, "method": line.method}


def _request(line: Line, name: str) -> dict[str, Any]:
    verb, resource = _what(line)
    said = {"action": name, "verb": verb, "resource": [resource.type, resource.id], "outcome": _outcome(line)}
    origin = line.ip or (line.forwarded_for or "").partition(",")[0].strip() or None
    return said | {"request_id": line.request_id, "origin": origin, "code": line.response_code} | _place(line)


def _outcome(line: Line) -> records.Outcome:
    """Pomerium refuses by an error or by sending to the log-in; a service behind it may refuse as well."""
    code = line.response_code or 0
    if (line.response_code_details or "").startswith("ext_authz_denied") or code in (401, 403):
        return "denied"
    return "failure" if code >= 400 or code == 0 else "success"


def derive(observations: Sequence[Observation]) -> Iterator[tuple[Record, Observation]]:
    """Requests with the user of their check, and each version of a route once."""
    checks = defaultdict[str, list[Observation]](list)
    first: dict[str, Observation] = {}
    ordered = sorted(observations, key=lambda one: (one.at, one.name, str(sorted(one.data.items()))))
    for seen in ordered:
        if seen.name.startswith("check/"):
            checks[seen.name.removeprefix("check/")].append(seen)
        elif seen.name.startswith("policy/"):
            first.setdefault(seen.name, seen)
    before: dict[tuple[Any, ...], Observation] = {}
    for seen in ordered:
        if seen.name.startswith("request/"):
            own = seen.data["request_id"]
            place = (own, *(seen.data[name] for name in _PLACE))
            made = [one for one in checks[own] if _belongs(one, seen, before.get(place))] if own else []
            yield _action(seen, made, alone=bool(made) or not checks[own]), seen
            before[place] = seen
    for _, seen in sorted(first.items()):
        yield AuthorityFact(kind="policy", id=seen.data["key"], time=seen.at), seen


def _belongs(check: Observation, made: Observation, before: Observation | None) -> bool:
    """A client may send a request id of its own, so the id alone is no proof: place and time must fit as well.

    A check that is older than an earlier request of that id and place was made for that one or another before it.
    """
    same = all(None in (check.data[name], made.data[name]) or check.data[name] == made.data[name] for name in _PLACE)
    return same and _since(made, before) <= check.at <= made.at + _GRAIN


def _since(made: Observation, before: Observation | None) -> Instant:
    """From when on a check is this request's own: after the one before, unless both are too close to be told apart."""
    if before is None:
        return 0
    return before.at - _GRAIN if made.at <= before.at + _GRAIN else before.at + 1


def _action(made: Observation, checks: list[Observation], *, alone: bool) -> Action:
    """Where several checks fit, all are cited: an attempt that was refused must not hide behind one that was not.

    `alone`: no check of another request bears its id, so that sharing it joins nothing wrong.
    """
    data = made.data
    last = checks[-1].data if checks else None
    keys = dict.fromkeys(one.data["key"] for one in checks)
    shared = maybe(request, data["request_id"]) if alone else None
    what = (last["called"] if last else None) or data
    attributes = {"response_code": data["code"]} | ({"session": last["session"]} if last and last["session"] else {})
    return Action(
        id=data["action"],
        time=made.at,
        principal=Principal(*last["who"]) if last else Principal("anonymous", data["origin"] or "unknown"),
        on_behalf_of=tuple(Principal(*pair) for pair in last["behalf"]) if last else (),
        action=what["verb"],
        resource=Resource(*what["resource"]),
        outcome=data["outcome"],
        origin=data["origin"],
        cites=tuple(keys),
        correlates=(shared,) if shared else (),
        attributes=attributes,
    )


def recognise(sample: Sample) -> int:
    """By its two messages with the services that write them; other lines of its log alone are not enough."""
    return max((_likely(one) for one in sample.documents if isinstance(one, dict)), default=0)


def _likely(document: dict[str, Any]) -> int:
    message, service = document.get("message"), document.get("service")
    if message == CHECK and ("allow" in document or service == "authorize"):
        return 95
    if message == REQUEST and service == "envoy":
        return 95
    return 55 if service in ("authorize", "envoy", "pomerium") and "server-name" in document else 0


SOURCE = Source(
    name="pomerium",
    title="Pomerium",
    reads=("its log: authorize checks and requests, as JSON lines",),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="proven",
    raise_it="`request-id`, `user`, `service-account-id`, `route-id` and `route-checksum` among `authorize_log_fields`",
)
