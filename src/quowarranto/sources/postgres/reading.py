"""Entries to observations: a session's lines only tell together who it was, so each is kept for `derive`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import Instant
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.folding import folded
from quowarranto.sources.postgres.statements import understood
from quowarranto.sources.postgres.wire import Audit, Message, audit_of, message_of
from quowarranto.sources.strict import strict_json
from quowarranto.sources.times import instant

_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) ([A-Za-z]{2,6}|[+-]\d\d(?::?\d\d)?)", re.ASCII)
_UNIVERSAL = frozenset({"UTC", "GMT", "Z"})
_ERRORS = frozenset({"ERROR", "FATAL", "PANIC"})
_ROW = re.compile(
    r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]{1,6},(?:"(?:[^"]|"")*")?,(?:"(?:[^"]|"")*")?,\d+,'
    r'(?:"[^"\n]*")?,[0-9a-f]+\.[0-9a-f]+,\d+,',
    re.MULTILINE,
)
_OBJECT = frozenset({"timestamp", "pid", "session_id", "line_num", "error_severity"})
_DENIED_OBJECT = re.compile(r'permission denied for (?P<kind>[a-z ]{1,30}) (?P<name>[^\s"]{1,200}|"[^"]{1,200}")')


def read(entry: Entry, zone: ZoneInfo | None = None) -> Outcome:
    """The observation of one message.

    Raises:
        RejectedEntry: it is no message of the server, or its time has a zone that nobody has named.
    """
    message = message_of(strict_json(entry.data))
    at = _instant("timestamp", message.timestamp, zone)
    audit = audit_of(message)
    if audit is not None:
        said = _audited(message, audit)
    elif message.error_severity in _ERRORS:
        if not message.user:
            return Skipped("an error of the server's own processes")
        said = _error(message)
    elif message.message.startswith("connection authorized:"):
        said = {"what": "connect"}
    elif message.message.startswith("disconnection:"):
        said = {"what": "disconnect"}
    else:
        return Skipped("neither an audit line, an error nor the begin or end of a connection")
    if not message.user:
        raise RejectedEntry("`user` is empty")
    started = _instant("session_start", message.session_start, zone)
    common = {
        "line": message.line_num,
        "user": message.user,
        "database": message.dbname,
        "host": message.remote_host,
        "transaction_id": message.vxid,
        "started": started,
    }
    return (Observation(message.session_id, at, common | said),)


def _audited(message: Message, audit: Audit) -> dict[str, Any]:
    out: dict[str, Any] = {
        "what": "audit",
        "kind": audit.kind,
        "statement": [audit.statement_id, audit.substatement_id],
        "category": audit.category,
        "command": audit.command,
        "object": [folded(audit.object_type), audit.object_name] if audit.object_name else None,
        "text": _trace_of(audit.text),
    }
    return out | understood(audit.command, audit.text)


def _error(message: Message) -> dict[str, Any]:
    found = _DENIED_OBJECT.match(message.message)
    target = understood("SET", message.statement).get("target") if message.ps == "SET" else None
    return {
        "what": "error",
        "target": target,
        "code": message.state_code,
        "command": message.ps,
        "inside": bool(message.context),
        "fatal": message.error_severity != "ERROR",
        "object": [found["kind"], found["name"].strip('"')] if found else None,
        "text": _trace_of(message.statement) if message.statement else None,
    }


def _trace_of(text: str) -> str:
    """Enough to tell two statements of one transaction apart, too little to guess a text from it."""
    return hashlib.sha256(text.strip().rstrip(";").encode()).hexdigest()[:6]


def _instant(field: str, text: str, zone: ZoneInfo | None) -> Instant:
    found = _TIME.fullmatch(text)
    if found is None:
        raise RejectedEntry(f"`{field}`: not a time of the server's log")
    clock, name = found.groups()
    if name in _UNIVERSAL:
        return instant(field, f"{clock}Z")
    if name[0] in "+-":
        digits = name[1:].replace(":", "").ljust(4, "0")
        return instant(field, f"{clock}{name[0]}{digits[:2]}:{digits[2:]}")
    if zone is None:
        raise RejectedEntry(f"`{field}`: a zone known by letters only; set `zone` under `[source.postgres]`")
    try:
        local = datetime.fromisoformat(clock)
    except ValueError:
        raise RejectedEntry(f"`{field}`: not a time that exists") from None
    for fold in (0, 1):
        moment = local.replace(tzinfo=zone, fold=fold)
        if moment.tzname() == name and moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local:
            return instant(field, moment.astimezone(UTC).isoformat())
    raise RejectedEntry(f"`{field}`: not a time of the zone that is set")


def configure(source: Source, settings: Mapping[str, Any]) -> Source:
    """`zone`: what `log_timezone` of the server is, as the time zone database names it."""
    unknown = [name for name in settings if name != "zone"]
    if unknown:
        raise ConfigError(f"`{unknown[0]}` is not a setting of `postgres`", need="`zone`")
    name = settings.get("zone")
    try:
        zone = ZoneInfo(name) if isinstance(name, str) else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = None
    if zone is None:
        raise ConfigError("`zone` is not a time zone", need="a name such as `Europe/Berlin`")
    return msgspec.structs.replace(source, read=partial(read, zone=zone))


def recognise(sample: Sample) -> int:
    """csvlog by the shape of a row, jsonlog by the fields that every message has."""
    for document in sample.documents:
        if isinstance(document, dict) and document.keys() >= _OBJECT:
            return 95
    return 90 if not sample.text.lstrip().startswith("{") and _ROW.search(sample.text) else 0
