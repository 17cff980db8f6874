"""Lines to what each says by itself: a call's pieces as observations, and decisions, tokens and ends of sessions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource
from quowarranto.sources import keys
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped
from quowarranto.sources.mcp.wire import NAMES, Auth, Decision, Envelope, Message, Policy, envelope
from quowarranto.sources.strict import strict_object
from quowarranto.sources.times import instant
from quowarranto.sources.uris import without_secrets

# What a server asks of its client; everything else is asked by the client.
FROM_SERVER = frozenset({"sampling/createMessage", "elicitation/create", "roots/list"})
_NAMED = {"tools/call": "mcp_tool", "prompts/get": "mcp_prompt"}
_HELD = ("message", "request", "response")
_ENDED = frozenset({"session_closed", "session_ended", "session_terminated"})
_FIRST, _LAST = 0, 253_402_300_799
_encode = msgspec.json.Encoder().encode


def read(entry: Entry) -> Outcome:
    """What one line says.

    Raises:
        RejectedEntry: no message of JSON-RPC in an envelope with a time; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    line = envelope(value)
    at = instant("time", line.time)
    if line.event == "policy_loaded" and line.policy is not None:
        return [_policy(line.policy, at)]
    if (line.event in _ENDED or line.http_method == "DELETE") and line.session:
        return _session_end(line, at)
    found = [item for message in _messages(line) for item in _of_message(line, at, *message)]
    if not found:
        return Skipped("a notification, a ping, or an error that answers no request")
    return found


def _messages(line: Envelope) -> list[tuple[Message | None, Message | None]]:
    """Requests, each with its response where both are on the line, and responses alone."""
    if line.request is not None or line.response is not None:
        pairs = [(line.request, line.response)]
    elif line.message is None:
        raise RejectedEntry("it holds no message")
    else:
        held = line.message if isinstance(line.message, tuple) else (line.message,)
        pairs = [(None, one) if one.is_response else (one, None) for one in held]
    for request, response in pairs:
        if request is not None and request.method is None:
            raise RejectedEntry("the request names no `method`")
        if response is not None and not response.is_response:
            raise RejectedEntry("the response has neither `result` nor `error`")
        if request is not None and response is not None and _differ(request, response):
            raise RejectedEntry("the response answers another request")
    return pairs


def _differ(request: Message, response: Message) -> bool:
    """The number 1 and the text "1" are two ids. Some logs leave the response's id out."""
    left, right = name_of(request), name_of(response)
    return left is not None and right is not None and left != right


def name_of(message: Message) -> str | None:
    """The message's id as JSON writes it."""
    return None if message.id is msgspec.UNSET or message.id is None else _encode(message.id).decode()


def _of_message(
    line: Envelope, at: Instant, request: Message | None, response: Message | None
) -> Iterator[Record | Observation]:
    one = request or response
    assert one is not None
    name = name_of(one) or (name_of(response) if response else None)
    if name is None or (request is not None and request.method == "ping"):
        return
    sender = _asker(line, request)
    told: dict[str, Any] = {"scope": line.scope, "server": line.server or "", "id": name, "sender": sender}
    who, behalf = _who(line, sender)
    told |= {"who": who and [who.type, who.id], "behalf": [[one.type, one.id] for one in behalf]}
    told["status"] = line.status
    if response is not None:
        told["answer"] = _answer(response)
    if request is not None:
        action = f"mcp/{line.scope or line.server or '-'}/{name}@{at}"
        told |= {"action": action, "session": line.session, "origin": line.origin, **_asked(request, line)}
        told["correlates"] = _correlates(line, request)
        cites = list(line.cites)
        if line.session and sender == "client" and request.method != "initialize":
            cites.insert(0, session_key(line.session))
        if who is not None and sender == "client":
            yield from _token(line)
            cites += [key for key in (_token_key(line.auth),) if key]
        told["cites"] = cites
    elif line.session:
        told["session"] = line.session
    if line.decision is not None and sender != "server":
        told["decision"] = _decision(line.decision, at)
    yield Observation(f"mcp/{line.scope}/{name}", at, told)


def _asker(line: Envelope, request: Message | None) -> str | None:
    """Who asked: the sender of a request, the receiver of a response; None where the log does not say."""
    if request is not None:
        return line.sender if line.response is None and line.sender else _usual(request)
    return {"client": "server", "server": "client", None: None}[line.sender]


def _usual(request: Message) -> str:
    return "server" if request.method in FROM_SERVER else "client"


def _asked(request: Message, line: Envelope) -> dict[str, Any]:
    """What was asked, without arguments: verb, resource, and what ties the rounds of one call together."""
    params, method, server = request.params or {}, request.method or "", line.server or "unknown"
    verb, kind, target = method, "mcp_server", server
    name, uri = params.get("name"), params.get("uri")
    if method in _NAMED and isinstance(name, str) and name:
        verb, kind, target = f"{method}:{name}", _NAMED[method], f"{server}/{name}"
    elif method.startswith("resources/") and isinstance(uri, str) and uri:
        kind, target = "mcp_resource", without_secrets(uri)
    out: dict[str, Any] = {"verb": verb, "resource": [kind, target]}
    if isinstance(state := params.get("requestState"), str):
        out["state"] = _digest(state)
    if isinstance(inputs := params.get("inputResponses"), dict):
        out["inputs"] = _digest("\n".join(sorted(inputs)))
    meta = _object(params.get("_meta"))
    client = _object(meta.get("io.modelcontextprotocol/clientInfo") or params.get("clientInfo"))
    if isinstance(client.get("name"), str):
        out["client"] = client["name"]
    version = meta.get("io.modelcontextprotocol/protocolVersion") or params.get("protocolVersion")
    if isinstance(version, str):
        out["protocol"] = version
    return out


def _answer(response: Message) -> dict[str, Any]:
    if response.error is not None:
        code = response.error.get("code")
        return {"error": code if isinstance(code, int) else 0}
    result = _object(response.result)
    out: dict[str, Any] = {}
    if result.get("isError") is True:
        out["failed"] = True
    if result.get("resultType") == "input_required":
        out["state"] = _digest(result["requestState"]) if isinstance(result.get("requestState"), str) else None
        out["inputs"] = _digest("\n".join(sorted(_object(result.get("inputRequests")))))
        out["unfinished"] = True
    if isinstance(result.get("protocolVersion"), str) and "serverInfo" in result:
        out["opened"] = True
    if (
        result.get("action") in ("accept", "decline", "cancel")
        or "roots" in result
        or {"role", "model"} <= result.keys()
    ):
        out["of_client"] = True  # what only a client answers
    return out


def _who(line: Envelope, sender: str | None) -> tuple[Principal | None, tuple[Principal, ...]]:
    """Whoever was authenticated. What a client says of itself (`clientInfo`) is nobody's proof of anything."""
    if sender == "server":
        return Principal("mcp_server", line.server or "unknown"), ()
    behalf = tuple(Principal(one.type, one.id) for one in line.on_behalf_of if one.type and one.id)
    if line.principal is not None and line.principal.type and line.principal.id:
        return Principal(line.principal.type, line.principal.id), behalf
    auth = line.auth
    who = _claimed(auth)
    if who is not None and auth.sub and who.id != auth.sub:
        return who, (Principal("user", auth.sub), *behalf)
    return who, behalf


def _claimed(auth: Auth) -> Principal | None:
    """Whom a token is for: the agent that acts, failing that the client it was given to, failing that its subject."""
    if client := (auth.act and auth.act.sub) or auth.client_id or auth.azp:
        return Principal("agent", client)
    return Principal("user", auth.sub) if auth.sub else None


def _token_key(auth: Auth) -> str | None:
    try:
        return keys.token_of_issuer(auth.iss, auth.jti) if auth.iss and auth.jti else None
    except ValueError:
        return None


def _token(line: Envelope) -> list[AuthorityFact]:
    """The token by its claims; one that names the person it is for and the agent that acts rests on a delegation.

    A token whose beginning is not told is cited all the same, and what is known of it is then up to its issuer's log.
    """
    auth = line.auth
    key = _token_key(auth)
    start, until = _seconds(auth.nbf if auth.nbf is not None else auth.iat), _seconds(auth.exp)
    if key is None or start is None:
        return []
    if line.principal is not None:  # the token's names may be other spellings than those the gateway acts by
        return [AuthorityFact(kind="credential", id=key, time=start, valid_until=until)]
    facts = [AuthorityFact(kind="credential", id=key, time=start, valid_until=until, principal=_claimed(auth))]
    if auth.act is not None and auth.act.sub and auth.sub and auth.act.sub != auth.sub:
        by, lent = Principal("user", auth.sub), f"{key}/act"
        facts[0] = msgspec.structs.replace(facts[0], cites=(lent,))
        delegate = facts[0].principal
        facts.append(
            AuthorityFact(kind="delegation", id=lent, time=start, valid_until=until, principal=delegate, by=by)
        )
    return facts


def _decision(decision: Decision, at: Instant) -> dict[str, Any]:
    return {
        "allow": decision.allow,
        "id": decision.id,
        "at": instant("decision.time", decision.time) if decision.time else at,
        "policies": list(decision.policies),
    }


def _policy(policy: Policy, at: Instant) -> AuthorityFact:
    """One version of what the gateway decides by; the next one takes its place."""
    return AuthorityFact(
        kind="policy",
        id=f"mcp/policy/{policy.id}@{policy.revision}",
        time=at,
        series=f"mcp/policy/{policy.id}",
        attributes={"revision": policy.revision} | ({"policy_sha256": policy.sha256} if policy.sha256 else {}),
    )


def _session_end(line: Envelope, at: Instant) -> list[Record | Observation]:
    assert line.session is not None
    who, behalf = _who(line, "client")
    key = session_key(line.session)
    refused = line.status in (401, 403)
    failed = line.status is not None and line.status >= 400
    token = _token(line)
    action = Action(
        id=f"{key}/close@{at}",
        time=at,
        principal=who or Principal("anonymous", line.session),
        on_behalf_of=behalf,
        action="session:close",
        resource=Resource("mcp_session", line.session),
        outcome="denied" if refused else "failure" if failed else "success",
        origin=line.origin,
        cites=(key, *(one for one in (_token_key(line.auth),) if one), *line.cites),
    )
    if failed:
        return [action, *token]
    # One microsecond later: the call that ends a session is judged by what stood before.
    ended = AuthorityFact(
        kind="session", id=key, time=at + 1, fact="ended", end="closed", attributes={"ended_by": action.id}
    )
    return [action, *token, ended]


def session_key(session: str) -> str:
    """Servers must not take a session's id for a proof of who calls, so it is a name and no secret."""
    return f"mcp/session/{session}"


def _correlates(line: Envelope, request: Message) -> list[str]:
    meta = _object((request.params or {}).get("_meta"))
    texts = (line.traceparent, line.trace_id, meta.get("traceparent"))
    found = [keys.maybe(keys.trace, text) for text in texts if isinstance(text, str)]
    return sorted({key for key in (*found, keys.maybe(keys.request, line.request_id)) if key})


def _seconds(value: float | None) -> Instant | None:
    """Seconds since the epoch (RFC 7519 NumericDate); what lies outside the calendar is none."""
    return int(value * 1_000_000) if value is not None and _FIRST < value <= _LAST else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def recognise(sample: Sample) -> int:
    """A message of JSON-RPC in an envelope; one without any is a message all the same, and is refused line by line."""
    for document in sample.documents:
        if isinstance(document, dict):
            held = [document.get(name) for field in _HELD for name in NAMES[field]]
            if any(_is_message(one) for one in held):
                return 90
            if any(
                isinstance(one, dict) and isinstance(one.get("method"), str) for one in (document.get("mcpRequest"),)
            ):
                return 80
            if _is_message(document):
                return 60
    return 0


def _is_message(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and _is_message(value[0])
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        return False
    return isinstance(value.get("method"), str) or "result" in value or "error" in value
