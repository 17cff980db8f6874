"""SPIRE server: who called which API, for which registration entry, and which SVIDs were issued.

Reads     the server's log in JSON or in logrus's text form: lines `API accessed` of `type` `audit`, and the ordinary
          lines `Signed X509 SVID`, which alone tell a certificate's serial.
Yields    an Action per audit line; registration entries as grants; SVIDs as credentials.
Time      `time` of the line, RFC 3339.
Not seen  anything while `audit_log_enabled` is off; which workload an agent fetched an SVID for beyond its SPIFFE ID;
          what agents hand out from their caches.
Source    SPIRE doc/auditlog.md, pkg/server/api/audit/audit.go, pkg/server/api/{svid,entry}/v1/service.go.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource, Rule
from quowarranto.records import Outcome as Ending
from quowarranto.sources import keys
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.strict import strict_json
from quowarranto.sources.times import instant

_PAIR = re.compile(r'\s*(?P<name>[^\s="]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]*))(?=\s|$)')
_AUDIT = "API accessed"
_SIGNED = "Signed X509 SVID"
_REFUSED = frozenset({"7", "16", "PermissionDenied", "Unauthenticated"})
"""Codes of gRPC as JSON and as text write them."""
_FOR_A_WORKLOAD = frozenset({"BatchNewX509SVID", "NewJWTSVID", "BatchNewWITSVID"})
"""What agents ask for on behalf of a workload, under a registration entry."""
_ISSUING = _FOR_A_WORKLOAD | {"MintX509SVID", "MintJWTSVID", "MintWITSVID"}
_TEXTS = ("request_id", "service", "method", "entry_id", "spiffe_id", "parent_id", "agent_id", "authorized_as")
_BOUNDS = ("expires_at", "expiration")
_LATEST_S = 253_402_300_799


def read(entry: Entry) -> Outcome:
    """The observation of an audit line, or of the line that tells a certificate's serial.

    Raises:
        RejectedEntry: it is neither JSON nor text of logrus, or an audit line without what every one has.
    """
    line = _fields(entry.data)
    message = line.get("msg")
    if not isinstance(message, str) or "time" not in line:
        raise RejectedEntry("`msg` or `time` is missing")
    audited = message == _AUDIT and line.get("type") == "audit"
    if not audited and not (message == _SIGNED and "serial_num" in line and line.get("request_id")):
        return Skipped("an ordinary line of the server")
    at = instant("time", _text(line, "time"))
    said: dict[str, Any] = {name: _text(line, name) for name in _TEXTS}
    if not said["service"] or not said["method"]:
        raise RejectedEntry("`service` or `method` is missing")
    said["spiffe_id"] = keys.maybe(keys.spiffe_id, said["spiffe_id"]) or ""
    said |= {
        "what": "audit" if audited else "signed",
        "digest": hashlib.sha256(entry.data).hexdigest()[:12],
        "caller": _caller(line),
        "address": _text(line, "caller_addr"),
        "outcome": _outcome(line),
        "until": _until(line),
        "bounded": any(_text(line, name) for name in _BOUNDS),
        "serial": keys.maybe(keys.serial_of_decimal, _text(line, "serial_num")),
        "flags": [name for name in ("admin", "downstream") if _text(line, name) == "true"],
    }
    return (Observation(f"request/{said['request_id']}", at, said),)


def _fields(data: bytes) -> dict[str, Any]:
    if data[:1] == b"{":
        value = strict_json(data)
        return dict(value) if isinstance(value, dict) else {}
    try:
        text = data.decode().strip()
    except UnicodeDecodeError:
        raise RejectedEntry("not UTF-8") from None
    out: dict[str, Any] = {}
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            raise RejectedEntry("neither JSON nor the text form of logrus")
        if found["name"] in out:
            raise RejectedEntry("a key stands twice in one line")
        out[found["name"]] = _unquoted(found["quoted"]) if found["quoted"] is not None else found["bare"]
        at = found.end()
    return out


def _unquoted(text: str) -> str:
    """Go's quoting is that of JSON but for bytes that are no text (`\\x..`) and a few control characters."""
    try:
        return msgspec.json.decode(f'"{text}"', type=str)  # half a surrogate pair is no text
    except ValueError:
        return re.sub(r"\\(?:x[0-9a-f]{2}|.)", "\ufffd", text)


def _text(line: dict[str, Any], name: str) -> str:
    """A field as text, however its form writes numbers and flags; nothing else is taken."""
    value = line.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int)) else ""


def _caller(line: dict[str, Any]) -> list[str]:
    identity = keys.maybe(keys.spiffe_id, _text(line, "caller_id"))
    if identity:
        return ["spiffe_id", identity]
    if uid := _text(line, "caller_uid"):
        return ["unix_user", f"uid {uid}"]
    return ["anonymous", _text(line, "caller_addr") or "unknown"]


def _outcome(line: dict[str, Any]) -> Ending:
    if _text(line, "status") != "error":
        return "success"
    return "denied" if _text(line, "status_code") in _REFUSED else "failure"


def _until(line: dict[str, Any]) -> Instant | None:
    """The end of an SVID or an entry: RFC 3339, or seconds since the epoch, where 0 is none."""
    text = next((text for name in _BOUNDS if (text := _text(line, name))), "")
    if re.fullmatch(r"[0-9]{1,12}", text):
        return int(text) * 1_000_000 if 0 < int(text) <= _LATEST_S else None
    return instant("expires_at", text) if text else None


# ---- records ---------------------------------------------------------------------------------------------------------


def derive(observations: Sequence[Observation]) -> Iterable[tuple[Record, Observation]]:
    """A certificate's serial and its audit line are two lines of one request."""
    issued: dict[str, list[Observation]] = defaultdict(list)
    bounds: dict[str, Instant | None] = {}
    for item in sorted(observations, key=lambda one: (one.at, one.data["digest"])):
        said = item.data
        if said["what"] == "audit":
            yield _action(item), item
            if said["outcome"] == "success":
                yield from ((fact, item) for fact in _entry(item, bounds))
        if said["method"] in _ISSUING and said["outcome"] == "success":
            issued[_svid_key(said)].append(item)
    for key, items in issued.items():
        yield _svid(key, items), items[0]


def _action(item: Observation) -> Action:
    said = item.data
    caller = Principal(*said["caller"])
    workload = said["spiffe_id"] if said["method"] in _FOR_A_WORKLOAD else ""
    acted_for = (Principal("spiffe_id", workload),) if workload and workload != caller.id else ()
    needed = said["method"] in _FOR_A_WORKLOAD and said["entry_id"]
    return Action(
        id=_action_id(item),
        time=item.at,
        principal=caller,
        on_behalf_of=acted_for,
        action=f"{said['service']}/{said['method']}",
        resource=_resource(said),
        outcome=said["outcome"],
        origin=said["address"].rpartition(":")[0] or said["address"] or None,
        cites=(f"spire/entry/{said['entry_id']}",) if needed else (),
        attributes={"authorized_as": said["authorized_as"]} if said["authorized_as"] else {},
    )


def _resource(said: dict[str, Any]) -> Resource:
    for kind in ("entry_id", "spiffe_id", "agent_id"):
        if said[kind]:
            return Resource({"entry_id": "registration_entry", "agent_id": "agent"}.get(kind, kind), said[kind])
    return Resource("api", said["service"])


def _entry(item: Observation, bounds: dict[str, Instant | None]) -> Iterator[AuthorityFact]:
    """It allows the issuing of an SVID, and nothing that is done with one.

    An update says only what it changes: an end that it does not speak of stays, which `bounds` keeps by entry.

    The line of a creation shows what was asked for, and the id is usually the server's to choose: then nothing says
    which entry came of it, and a like one may have stood before.
    """
    said = item.data
    entry = said["entry_id"]
    if said["method"] == "BatchDeleteEntry" and entry:
        ended_by = {"ended_by": _action_id(item)}
        yield AuthorityFact(
            kind="grant", id=f"spire/entry/{entry}", time=item.at, fact="ended", end="revoked", attributes=ended_by
        )
    elif said["method"] in ("BatchCreateEntry", "BatchUpdateEntry"):
        attributes = {"parent_id": said["parent_id"]} if said["parent_id"] else {}
        if entry and (said["method"] == "BatchCreateEntry" or said.get("bounded", True)):
            bounds[entry] = said["until"]
        yield AuthorityFact(
            kind="grant",
            id=f"spire/entry/{entry}" if entry else f"spire/entry/made-by/{said['request_id']}/{said['digest']}",
            time=item.at,
            valid_until=bounds.get(entry) if entry else said["until"],
            principal=Principal("spiffe_id", said["spiffe_id"]) if said["spiffe_id"] else None,
            scope=(Rule(("svid.v1.SVID/*",), None),),
            issued_by=_action_id(item),
            attributes=attributes | dict.fromkeys(said["flags"], True),
        )


def _svid(key: str, items: list[Observation]) -> AuthorityFact:
    """It cites nothing: it outlives the deletion of its entry, and several of one entry are in use at a time."""
    audit = next((item for item in items if item.data["what"] == "audit"), None)
    said = (audit or items[0]).data
    serial = next((item.data["serial"] for item in items if item.data["serial"]), None)
    until = next((item.data["until"] for item in items if item.data["until"] is not None), None)
    subject = next((item.data["spiffe_id"] for item in items if item.data["spiffe_id"]), "")
    return AuthorityFact(
        kind="credential",
        id=key,
        time=items[0].at,
        aliases=(keys.x509_certificate(serial),) if serial else (),
        valid_until=until,
        principal=Principal("spiffe_id", subject) if subject else None,
        issued_by=_action_id(audit) if audit else None,
        attributes={"entry": said["entry_id"]} if said["entry_id"] else {},
    )


def _svid_key(said: dict[str, Any]) -> str:
    return f"spire/svid/{said['request_id']}/{said['entry_id'] or said['spiffe_id']}"


def _action_id(item: Observation) -> str:
    """One request of a batch writes several lines, which only differ in what they are about."""
    return f"spire/{item.data['request_id'] or 'request'}/{item.data['digest']}"


def recognise(sample: Sample) -> int:
    """logrus's fields, with those that only this server has."""
    for document in sample.documents:
        if not isinstance(document, dict) or not document.keys() >= {"level", "msg", "time"}:
            continue
        if document.get("msg") == _AUDIT and document.get("type") == "audit":
            return 95
        if "subsystem_name" in document:
            return 60
    if sample.text.lstrip().startswith("{"):
        return 0
    if re.search(r'^time=\S+ level=\w+ msg="API accessed" .*\btype=audit\b', sample.text, re.MULTILINE):
        return 95
    return 60 if re.search(r"^time=\S+ level=\w+ msg=.*\bsubsystem_name=\w+", sample.text, re.MULTILINE) else 0


SOURCE = Source(
    name="spire",
    title="SPIRE server",
    reads=("audit lines of the server's log, JSON or text", "the lines that tell the serial of a certificate"),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="proven",
    raise_it='`audit_log_enabled = true`, with `log_level = "DEBUG"` for the serials of certificates',
)
