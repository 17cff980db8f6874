"""OpenFGA: which relations it answered for, and which relationships and models were written.

Reads     the server's log, JSON or text, as far as it goes: lines `grpc_req_complete` with request and response.
Yields    a Decision per check (each of a batch), a Policy per model with which one was made or that was written, a
          Grant per relationship from its writing to its deletion, an Action per write.
Time      `ts` (seconds since the epoch, or RFC 3339), when the call was answered, on the server's clock.
Not seen  who called: the log names no caller; relationships that were there before the log, or came with a check
          (contextual); what a model says. A relationship that is written lets its user do more than itself.
Source    openfga/openfga pkg/middleware/logging/logging.go, pkg/logger; openfga/api, openfga_service.proto.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource, Rule
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.keys import maybe, request, trace
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.times import instant

_DONE = "grpc_req_complete"
_TEXT = re.compile(
    rb"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))\s+\S+\s+(?P<message>[^{]*?)\s*(?P<fields>\{.*\})?\s*"
)
_LAST = 253_402_300_799
_WRITES = {"Write": "openfga:Write", "WriteAuthorizationModel": "openfga:WriteAuthorizationModel"}
_STORES = {"CreateStore": "openfga:CreateStore", "DeleteStore": "openfga:DeleteStore"}


class Key(msgspec.Struct, frozen=True):
    user: str
    relation: str
    object: str


class Keys(msgspec.Struct, frozen=True):
    tuple_keys: tuple[Key, ...] = ()


class Check(msgspec.Struct, frozen=True):
    tuple_key: Key
    correlation_id: str = ""


class Asked(msgspec.Struct, frozen=True):
    store_id: str | None = None
    authorization_model_id: str | None = None
    tuple_key: Key | None = None
    checks: tuple[Check, ...] = ()
    writes: Keys | None = None
    deletes: Keys | None = None


class One(msgspec.Struct, frozen=True):
    allowed: bool | None = None


class Answered(msgspec.Struct, frozen=True):
    allowed: bool | None = None
    authorization_model_id: str | None = None
    result: dict[str, One] = {}


class Line(msgspec.Struct, frozen=True):
    grpc_method: str
    ts: float | int | str | None = None
    timestamp: float | int | str | None = None
    grpc_code: int = 0
    request_id: str | None = None
    trace_id: str | None = None
    store_id: str | None = None
    authorization_model_id: str | None = None
    peer_address: str | None = msgspec.field(default=None, name="peer.address")
    raw_request: Asked | None = None
    raw_response: Answered | None = None


def read(entry: Entry) -> Outcome:
    """The records of one line.

    Raises:
        RejectedEntry: it is none; the reason names fields, never values.
    """
    value = _fields(entry.data)
    if value.get("msg") != _DONE:
        if "msg" not in value or "grpc_method" in value:
            raise RejectedEntry("not a line of a completed call, nor another one of the log")
        return Skipped("another line of the server's log")
    method = value.get("grpc_method")
    if not isinstance(method, str):
        raise RejectedEntry("`grpc_method` is missing")
    if method.rpartition("/")[2] not in ("Check", "BatchCheck", *_WRITES, *_STORES):
        return Skipped("a call that neither decides nor changes anything")
    line = read_as(value, Line)
    at = _at(line)
    name = line.request_id or "sha256:" + hashlib.sha256(entry.data).hexdigest()
    if "Check" in method:
        return _checks(line, at, name) or Skipped("a check that failed: nothing was decided")
    return list(_written(line, method.rpartition("/")[2], at, name))


def _fields(data: bytes) -> dict[str, Any]:
    """The fields of a line: JSON, or the text format, in which JSON stands behind time, level and message."""
    found = _TEXT.fullmatch(data) if data[:1].isdigit() else None
    value = strict_object(found["fields"] or b"{}" if found else data)
    if found:
        value = {"msg": found["message"].decode("utf-8", "replace"), "ts": found["time"].decode(), **value}
    return value


def _at(line: Line) -> Instant:
    told = line.ts if line.ts is not None else line.timestamp
    if told is None:
        raise RejectedEntry("`ts` is missing")
    if isinstance(told, str):
        return instant("ts", re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", told))
    if not 0 < told <= _LAST:
        raise RejectedEntry("`ts` is not a time that exists")
    return round(told * 1_000_000)


def _store(line: Line) -> str:
    return (line.raw_request.store_id if line.raw_request else None) or line.store_id or "-"


def _model(line: Line) -> str | None:
    """The model that decided: a request that names none is answered by the latest, which the server logs itself."""
    return (
        line.authorization_model_id or (line.raw_request.authorization_model_id if line.raw_request else None) or None
    )


# ---- checks ----------------------------------------------------------------------------------------------------------


def _checks(line: Line, at: Instant, name: str) -> list[Record | Observation]:
    asked, answered = line.raw_request, line.raw_response
    if asked is None or answered is None or line.grpc_code:
        return []
    pairs = [("", asked.tuple_key, answered.allowed)] if asked.tuple_key else []
    for one in asked.checks:
        result = answered.result.get(one.correlation_id)
        pairs.append((f"/{one.correlation_id}", one.tuple_key, result.allowed if result else None))
    store, model = _store(line), _model(line)
    policy = f"openfga/model/{store}/{model}" if model else None
    alone = len(pairs) == 1
    shared = [key for key in (maybe(request, line.request_id), maybe(trace, line.trace_id)) if key] if alone else []
    found: list[Record | Observation] = [
        AuthorityFact(
            kind="decision",
            id=f"openfga/check/{name}{place}",
            time=at,
            effect="allow" if allowed else "deny",
            principal=_who(key.user),
            cites=(policy,) if policy else (),
            correlates=tuple(shared),
            request={
                "subject": {"type": _who(key.user).type, "id": _who(key.user).id},
                "action": {"name": key.relation},
                "resource": dict(zip(("type", "id"), _split(key.object), strict=True)),
            },
            attributes={"store": store},
        )
        for place, key, allowed in pairs
        if key is not None and allowed is not None
    ]
    if found and policy:
        found.append(Observation(f"used/{policy}", at, {"key": policy}))
    return found


def _literal(text: str) -> bool:
    """Whether a name means only itself where a pattern is expected."""
    return "*" not in text and "?" not in text


def _who(user: str) -> Principal:
    """`user:anne` is the user anne; `group:eng#member` everybody who is a member of that group."""
    kind, name = _split(user)
    return Principal(kind, name)


def _split(text: str) -> tuple[str, str]:
    kind, colon, name = text.partition(":")
    return (kind, name) if colon and kind and name else ("object", text or "unknown")


# ---- writes ----------------------------------------------------------------------------------------------------------


def _written(line: Line, method: str, at: Instant, name: str) -> Iterator[Record | Observation]:
    store = _store(line)
    peer = line.peer_address.rpartition(":")[0].strip("[]") if line.peer_address else None
    action = Action(
        id=f"openfga/call/{name}",
        time=at,
        principal=Principal("anonymous", peer or "unknown"),
        action=(_WRITES | _STORES)[method],
        resource=Resource("openfga_store", store),
        outcome="success" if not line.grpc_code else "denied" if line.grpc_code in _REFUSED else "failure",
        origin=peer,
    )
    yield action
    if line.grpc_code or line.raw_request is None:
        return
    if method == "WriteAuthorizationModel" and line.raw_response and line.raw_response.authorization_model_id:
        key = f"openfga/model/{store}/{line.raw_response.authorization_model_id}"
        yield Observation(f"made/{key}", at, {"key": key, "action": action.id})
    for deleted in line.raw_request.deletes.tuple_keys if line.raw_request.deletes else ():
        yield AuthorityFact(
            kind="grant",
            id=_tuple(store, deleted),
            time=at,
            fact="ended",
            end="revoked",
            attributes={"ended_by": action.id},
        )
    for written in line.raw_request.writes.tuple_keys if line.raw_request.writes else ():
        yield _grant(store, written, at, action.id)


_REFUSED = frozenset((7, 16, 1001, 1002, 1003, 1004, 1005, 1010, 1500, 1600))
"""Of gRPC and OpenFGA's own (`AuthErrorCode`): the caller is not known, or may not."""


def _tuple(store: str, key: Key) -> str:
    return f"openfga/tuple/{store}/{key.object}#{key.relation}@{key.user}"


def _grant(store: str, key: Key, at: Instant, action: str) -> AuthorityFact:
    """The relation itself on the object itself: what follows from it only the model knows.

    `user:*` is everybody of that type. Any other name in which `*` or `?` stands would be a pattern here and is none
    there, so it is nobody, and nothing.
    """
    kind, name = _split(key.object)
    who = _who(key.user)
    known = who.id == "*" or _literal(who.id)
    plain = _literal(name) and _literal(kind) and _literal(key.relation)
    return AuthorityFact(
        kind="grant",
        id=_tuple(store, key),
        time=at,
        principal=who if known else None,
        scope=(Rule((key.relation,), (f"{kind}:{name}",)),) if plain else (),
        issued_by=action,
    )


def derive(observations: Sequence[Observation]) -> Iterator[tuple[Record, Observation]]:
    """Each model once: from when it was written, else from the first check that it answered."""
    first: dict[str, Observation] = {}
    for seen in sorted(observations, key=lambda one: (one.name.startswith("used/"), one.at, one.name)):
        first.setdefault(seen.data["key"], seen)
    for key, seen in sorted(first.items()):
        yield AuthorityFact(kind="policy", id=key, time=seen.at, issued_by=seen.data.get("action")), seen


def recognise(sample: Sample) -> int:
    """By completed calls of its service, as JSON or in its text format."""
    if any(
        isinstance(one, dict) and str(one.get("grpc_service", "")).startswith("openfga.") for one in sample.documents
    ):
        return 95
    lines = sample.text.split("\n")[:50]
    return 90 if any(_DONE in one and "openfga." in one and one[:1].isdigit() for one in lines) else 0


SOURCE = Source(
    name="openfga",
    title="OpenFGA",
    reads=("the server's log: checks and writes, as JSON or text",),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="proven",
    raise_it="the server's log at level info, and the request id of the check in the log of whatever asked",
)
