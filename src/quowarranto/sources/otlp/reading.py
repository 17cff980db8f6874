"""Spans and log events that tell of a call: who, what, on what, and how it went."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource
from quowarranto.records import model as records
from quowarranto.sources import keys
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped
from quowarranto.sources.otlp.wire import Batch, Group, LogRecord, Span, hexadecimal, named, nanoseconds
from quowarranto.sources.strict import reason_of, strict_object
from quowarranto.sources.uris import without_secrets

_NOTHING = "no span or event of a call by somebody who is named"
_REFUSED = frozenset(
    ("401", "403", "permission_denied", "unauthenticated", "unauthorized", "forbidden", "access_denied")
)
_AGENTS = {"invoke_agent": "agent:invoke", "create_agent": "agent:create"}
_ALLOWS, _DENIES = frozenset(("accept", "allow", "approved")), frozenset(("reject", "deny", "denied"))
Said = Mapping[str, str]


def read(entry: Entry) -> Outcome:
    """The calls in one request of OTLP, or in the part of it that is about one resource.

    Raises:
        RejectedEntry: it is none, or a span in it has no time or no id; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    if "resourceMetrics" in value or "scopeMetrics" in value:
        return Skipped("measurements")
    whole = "resourceSpans" in value or "resourceLogs" in value
    if not whole and not value.keys() & set(_SCOPES):
        raise RejectedEntry("neither spans nor log records")
    try:
        batch = msgspec.convert(value, Batch) if whole else None
        groups = batch.resource_spans + batch.resource_logs if batch else (msgspec.convert(value, Group),)
    except msgspec.ValidationError as error:
        raise RejectedEntry(reason_of(error)) from None
    found = [one for group in groups for one in _of_group(group)]
    return found or Skipped(_NOTHING)


_SCOPES = ("scopeSpans", "scopeLogs", "instrumentationLibrarySpans", "instrumentationLibraryLogs")


def _of_group(group: Group) -> Iterator[Record]:
    about = named(group.resource.attributes)
    for scope in (*group.scope_spans, *group.instrumentation_library_spans):
        for span in scope.spans:
            yield from _of_span(span, about)
    for scope in (*group.scope_logs, *group.instrumentation_library_logs):
        for place, event in enumerate((*scope.log_records, *scope.logs)):
            yield from _of_event(event, about, place)


# ---- spans -----------------------------------------------------------------------------------------------------------


def _of_span(span: Span, about: Said) -> Iterator[Record]:
    said = named(span.attributes)
    what = _what(said, about, span.is_server)
    if what is None:
        return
    trace, own = hexadecimal(span.trace_id, 16), hexadecimal(span.span_id, 8)
    if trace is None or own is None:
        raise RejectedEntry("`traceId` or `spanId` is not an id")
    at = nanoseconds("startTimeUnixNano", span.start_time_unix_nano)
    if at is None:
        raise RejectedEntry("`startTimeUnixNano` is missing")
    who, behalf = _who(said, about, span.is_server)
    verb, resource = what
    name, stage = _name(span, said, trace, own)
    session = said.get("mcp.session.id")
    yield Action(
        id=name,
        time=at,
        principal=who,
        on_behalf_of=behalf,
        action=verb,
        resource=resource,
        outcome=_outcome(said, span.failed),
        origin=_origin(said, about, span.is_server),
        cites=(f"mcp/session/{session}",) if session else (),
        correlates=(keys.trace(trace),),
        attributes=_attributes(said, about),
        stage=stage,
    )


def _name(span: Span, said: Said, trace: str, own: str) -> tuple[str, int]:
    """Client and server each tell of one request of MCP. Where both number it, they are one action, and the server's
    word counts: it knows who called. Without a number two requests of one parent could not be told apart."""
    number = said.get("jsonrpc.request.id")
    parent = hexadecimal(span.parent_span_id, 8) if span.parent_span_id else None
    asking = parent if span.is_server else own
    if "mcp.method.name" not in said or number is None or asking is None:
        return f"otlp/span/{trace}/{own}", 0
    within = "/".join((trace, asking, said.get("mcp.session.id", "-"), said["mcp.method.name"], number))
    return f"otlp/mcp/{within}", 2 if span.is_server else 1


def _what(said: Said, about: Said, is_server: bool) -> tuple[str, Resource] | None:
    method, tool, operation = (
        said.get("mcp.method.name"),
        said.get("gen_ai.tool.name"),
        said.get("gen_ai.operation.name"),
    )
    if method is not None:
        return _of_mcp(method, said, _server(said, about, is_server))
    if operation == "execute_tool" and tool:
        return f"tool:{tool}", Resource("tool", tool)
    if operation in _AGENTS:
        return _AGENTS[operation], Resource("agent", _agent(said) or _service(about))
    if is_server and "enduser.id" in said:
        return _of_request(said, about)
    return None


def _of_mcp(method: str, said: Said, server: str) -> tuple[str, Resource] | None:
    """As the messages themselves are read (`mcp`)."""
    if method == "ping" or method.startswith("notifications/"):
        return None
    for call, kind, name in (
        ("tools/call", "mcp_tool", "gen_ai.tool.name"),
        ("prompts/get", "mcp_prompt", "gen_ai.prompt.name"),
    ):
        if method == call and name in said:
            return f"{method}:{said[name]}", Resource(kind, f"{server}/{said[name]}")
    if method.startswith("resources/") and "mcp.resource.uri" in said:
        return method, Resource("mcp_resource", without_secrets(said["mcp.resource.uri"]))
    return method, Resource("mcp_server", server)


def _of_request(said: Said, about: Said) -> tuple[str, Resource] | None:
    verb = said.get("http.request.method") or said.get("http.method")
    service = _service(about)
    if verb:
        path = said.get("url.path") or said.get("http.route") or said.get("http.target", "").partition("?")[0]
        return verb, Resource("http", f"{service}{path}")
    if call := said.get("rpc.method"):
        return f"{said.get('rpc.service', '')}/{call}".lstrip("/"), Resource("rpc", service)
    return None


def _server(said: Said, about: Said, is_server: bool) -> str:
    return _service(about) if is_server else said.get("mcp.server.name") or said.get("server.address") or "unknown"


def _service(about: Said) -> str:
    space, name = about.get("service.namespace"), about.get("service.name", "unknown")
    return f"{space}/{name}" if space else name


def _agent(said: Said) -> str | None:
    return said.get("gen_ai.agent.id") or said.get("gen_ai.agent.name")


def _who(said: Said, about: Said, is_server: bool) -> tuple[Principal, tuple[Principal, ...]]:
    """A server knows the end user that it authenticated, and perhaps the agent that asked for that one; an asking
    service knows itself and perhaps for whom it asks."""
    person = said.get("enduser.id") or said.get("user.id")
    user = (_end_user(person),) if person else ()
    if is_server:
        if user and (asking := said.get("gen_ai.agent.id")):
            return Principal("agent", asking), user
        if user:
            return user[0], ()
        return Principal("anonymous", said.get("client.address") or said.get("network.peer.address") or "unknown"), ()
    agent = _agent(said)
    return (Principal("agent", agent) if agent else Principal("workload", _service(about))), user


def _end_user(name: str) -> Principal:
    """An end user may be a workload, under a name that tells so."""
    if (workload := keys.maybe(keys.spiffe_id, name)) is not None:
        return Principal("workload", workload)
    if name.startswith("system:serviceaccount:") and (account := keys.maybe(keys.service_account, name)) is not None:
        return Principal("service_account", account)
    return Principal("user", name)


def _origin(said: Said, about: Said, is_server: bool) -> str | None:
    if is_server:
        return said.get("client.address") or said.get("network.peer.address")
    return about.get("k8s.pod.name") or about.get("host.name") or about.get("service.instance.id")


def _outcome(said: Said, failed: bool) -> records.Outcome:
    status = said.get("http.response.status_code") or said.get("http.status_code") or ""
    codes = {said.get("error.type", "").lower(), status, said.get("rpc.response.status_code", "").lower()}
    if codes & _REFUSED or said.get("rpc.grpc.status_code") in ("7", "16"):
        return "denied"
    broken = status[:1] in ("4", "5") and len(status) == 3
    return "failure" if failed or broken or said.get("error.type") else "success"


_KEPT = {
    "service": "service.name",
    "agent": "gen_ai.agent.name",
    "model": "gen_ai.request.model",
    "tool_call": "gen_ai.tool.call.id",
    "conversation": "gen_ai.conversation.id",
    "protocol": "mcp.protocol.version",
    "error": "error.type",
}


def _attributes(said: Said, about: Said) -> dict[str, Any]:
    both = {**about, **said}
    return {name: both[field] for name, field in _KEPT.items() if field in both}


# ---- log events ------------------------------------------------------------------------------------------------------


def _of_event(event: LogRecord, about: Said, place: int) -> Iterator[Record]:
    """What coding agents tell of their tools: that one was decided about, and how one went."""
    said = named(event.attributes)
    tool = said.get("gen_ai.tool.name") or said.get("tool_name")
    decision, success = said.get("decision", "").lower(), said.get("success", "").lower()
    if not tool or not (decision in _ALLOWS | _DENIES or success in ("true", "false")):
        return
    at = nanoseconds("timeUnixNano", event.time_unix_nano)
    at = at or nanoseconds("observedTimeUnixNano", event.observed_time_unix_nano)
    if at is None:
        raise RejectedEntry("`timeUnixNano` is missing")
    person = next((said[n] for n in ("enduser.id", "user.email", "user.account_uuid", "user.id") if n in said), None)
    who, behalf = Principal("agent", _agent(said) or _service(about)), (Principal("user", person),) if person else ()
    call = said.get("gen_ai.tool.call.id") or said.get("tool_use_id")
    session, number = said.get("session.id", "-"), said.get("event.sequence")
    name = f"{session}/{call}" if call else f"{session}/{number}" if number else _digest(event, at, place)
    trace = keys.maybe(keys.trace, hexadecimal(event.trace_id, 16))
    if decision in _ALLOWS | _DENIES:
        yield AuthorityFact(
            kind="decision",
            id=f"otlp/decision/{name}",
            time=at,
            effect="allow" if decision in _ALLOWS else "deny",
            principal=who,
            request={
                "subject": {"type": who.type, "id": who.id},
                "action": {"name": f"tool:{tool}"},
                "resource": {"type": "tool", "id": tool},
            },
            attributes={"decided_by": said["source"]} if "source" in said else {},
        )
        return
    yield Action(
        id=f"otlp/event/{name}",
        time=at,
        principal=who,
        on_behalf_of=behalf,
        action=f"tool:{tool}",
        resource=Resource("tool", tool),
        outcome="success" if success == "true" else "failure",
        origin=about.get("host.name"),
        cites=(f"otlp/decision/{name}",) if call else (),
        correlates=(trace,) if trace else (),
        attributes=_attributes(said, about) | ({"session": session} if session != "-" else {}),
    )


def _digest(event: LogRecord, at: Instant, place: int) -> str:
    told = sorted((one.key, one.value.text or "") for one in event.attributes)
    return hashlib.sha256(msgspec.json.encode([at, place, told])).hexdigest()


def recognise(sample: Sample) -> int:
    """By the names of its lists, of resources or of scopes."""
    if sample.wrapper in ("resourceSpans", "resourceLogs"):
        return 90
    return 90 if any(isinstance(one, dict) and _is_ours(one) for one in sample.documents) else 0


def _is_ours(document: dict[str, Any]) -> bool:
    lists = ("resourceSpans", "resourceLogs", "resourceMetrics", *_SCOPES)
    return any(isinstance(document.get(name), list) for name in lists)
