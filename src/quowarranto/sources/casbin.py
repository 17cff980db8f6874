"""Casbin: what an enforcer inside an application answered, from the lines of its logger.

Reads     lines `Request: … ---> true` of Casbin for Go and Python and `Enforce: subject=…` of Casbin 3, with the time
          that the logger puts before them; or the same as the message of a structured logger (JSON).
Yields    a Decision per enforcement.
Time      the logger's; one without a zone only with the setting `zone`. Of Casbin 3 itself there is none.
Not seen  which rule decided (it is on a line of its own, or on none), the model and the rules; what was done after.
          Values are parted by commas and not quoted: one with a comma in it makes its line unreadable.
Source    casbin/casbin log/default_logger.go; casbin/pycasbin core_enforcer.py, util/log.py; casbin.org, "Log & Error
          Handling".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import AuthorityFact, Instant, Principal, parse_instant
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped, Source
from quowarranto.sources.keys import maybe, request, trace
from quowarranto.sources.strict import strict_json

_REQUEST = re.compile(r"\[?Request: (?P<values>.+) ---> (?P<answer>true|false)\]?\s*", re.IGNORECASE)
_ENFORCE = re.compile(
    r"(?:\[enforce\] )?Enforce: subject=(?P<sub>.*), object=(?P<obj>.*), action=(?P<act>.*), domain=(?P<dom>.*), "
    r"allowed=(?P<answer>true|false)(?:, duration=\S*)?(?P<error> Error: .*)?\s*"
)
_TIMED = re.compile(
    r"(?P<day>\d{4}[-/]\d\d[-/]\d\d)[ T](?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?\s+(?P<rest>.*)",
    re.DOTALL,
)
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}|UTC|Z")
_MARK = re.compile(r"Request: .+ ---> (?:true|false)|\bEnforce: subject=.*allowed=(?:true|false)", re.IGNORECASE)
_TIMES, _TEXTS = ("time", "timestamp", "ts", "@timestamp", "asctime"), ("msg", "message")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OTHER = "another line of the log"
_LONGEST = 64 * 1024


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[source.casbin]`."""

    request: tuple[str, ...] = ("sub", "obj", "act")
    """The request definition of the model, by its usual names."""
    zone: str | None = None
    principal_type: str = "user"
    resource_type: str = "object"


PLAIN = Settings()


def read(entry: Entry, settings: Settings) -> Outcome:
    """The decision of one line.

    Raises:
        RejectedEntry: an enforcement without a time or with other values than the request definition names; or no text.
    """
    if len(entry.data) > _LONGEST:
        raise RejectedEntry("longer than a line of this log can be")
    fields: dict[str, Any] = {}
    if entry.data.lstrip()[:1] in (b"{", b"["):
        value = strict_json(entry.data) if entry.data.lstrip()[:1] == b"{" else None
        if value is None:
            text = _decoded(entry.data)
        else:
            fields = value
            text = next((one for name in _TEXTS if isinstance(one := value.get(name), str)), "")
            if not text:
                raise RejectedEntry("no message in it")
    else:
        text = _decoded(entry.data)
    told = _TIMED.search(text) if _MARK.search(text) else None
    said = _MARK.search(told["rest"] if told else text)
    if said is None:
        if not _is_a_log(text):
            raise RejectedEntry("not a line of a log")
        return Skipped(_OTHER)
    at = _at(fields, told, settings)
    return _decision(
        (told["rest"] if told else text)[_start(told["rest"] if told else text) :], at, fields, entry, settings
    )


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RejectedEntry("not UTF-8") from None


def _is_a_log(text: str) -> bool:
    """Lines of the same logger about other things begin with a time, or name what Casbin is doing."""
    return _TIMED.match(text) is not None or text.startswith(("[", "Hit Policy", "Policy", "Model", "Role", "Loading"))


def _start(text: str) -> int:
    """Where the enforcement begins: before it a logger may put its level or name."""
    found = re.search(r"\[?Request: |(?:\[enforce\] )?Enforce: subject=", text)
    return found.start() if found else 0


def _decision(text: str, at: Instant, fields: dict[str, Any], entry: Entry, settings: Settings) -> Outcome:
    found = _ENFORCE.fullmatch(text)
    if found is not None:
        if any(text.count(mark) > 1 for mark in (", object=", ", action=", ", domain=", ", allowed=")):
            raise RejectedEntry("a value in it looks like several: nothing tells where one ends")
        if found["error"]:
            return Skipped("an enforcement that failed: nothing was decided")
        values = {name: found[name] for name in ("sub", "obj", "act", "dom")}
    else:
        found = _REQUEST.fullmatch(text)
        if found is None:
            raise RejectedEntry("an enforcement that goes on after its answer")
        parts = found["values"].split(", ")
        if len(parts) != len(settings.request):
            raise RejectedEntry("it has not as many values as `request` of `[source.casbin]` names")
        values = dict(zip(settings.request, parts, strict=True))
    who = Principal(settings.principal_type, values["sub"] or "unknown")
    target = values["obj"] or "unknown"
    named = {"dom": values.get("dom"), **{k: v for k, v in values.items() if k not in ("sub", "obj", "act", "dom")}}
    shared = [key for name in ("request_id", "x-request-id") if (key := maybe(request, _text(fields.get(name))))]
    shared += [key for name in ("trace_id", "traceparent") if (key := maybe(trace, _text(fields.get(name))))]
    return [
        AuthorityFact(
            kind="decision",
            id=f"casbin/decision/{hashlib.sha256(entry.data).hexdigest()[:32]}",
            time=at,
            effect="allow" if found["answer"].lower() == "true" else "deny",
            principal=who,
            correlates=tuple(dict.fromkeys(shared)),
            request={
                "subject": {"type": who.type, "id": who.id},
                "action": {"name": values.get("act") or "access"},
                "resource": {"type": settings.resource_type, "id": target},
            },
            attributes={name: one for name, one in named.items() if one},
        )
    ]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


# ---- times -----------------------------------------------------------------------------------------------------------


def _at(fields: dict[str, Any], told: re.Match[str] | None, settings: Settings) -> Instant:
    """The time that a structured logger has a field for, else the one before the message."""
    for name in _TIMES:
        value = fields.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not 0 < value < 253_402_300_800:
                raise RejectedEntry(f"`{name}` is not a time that exists")
            return round(value * 1_000_000)
        if isinstance(value, str):
            found = _TIMED.fullmatch(f"{value} .")
            if found is None:
                raise RejectedEntry(f"`{name}` is not a time that is known here")
            return _instant(found, settings)
    if told is None:
        raise RejectedEntry("an enforcement without a time: the logger must write one")
    return _instant(told, settings)


def _instant(found: re.Match[str], settings: Settings) -> Instant:
    text = f"{found['day'].replace('/', '-')}T{found['clock']}.{found['fraction'] or '0'}"
    zone = found["zone"] or settings.zone
    if zone is None:
        raise RejectedEntry("a time without a zone: say `zone` in `[source.casbin]`")
    try:
        if _OFFSET.fullmatch(zone):
            return parse_instant(text + ("Z" if zone == "UTC" else zone))
        at = datetime.fromisoformat(f"{text[:19]}.{(found['fraction'] or '0')[:6].ljust(6, '0')}")
        first, second = (at.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            raise RejectedEntry("a time that its zone has twice or never, when clocks are changed")
        return (first - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        if isinstance(error, RejectedEntry):
            raise
        raise RejectedEntry("not a time that exists") from None


# ---- settings and recognition ----------------------------------------------------------------------------------------


def _configure(values: Mapping[str, Any]) -> Source:
    need = 'request = ["sub", "dom", "obj", "act"], zone = "Europe/Berlin", principal_type, resource_type'
    for name in values:
        if name not in Settings.__struct_fields__:
            raise ConfigError(f"`{name}` is not a setting of `source.casbin`", need=need)
    try:
        settings = msgspec.convert(dict(values), Settings)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].partition("[")[0].rstrip("`")
        raise ConfigError(f"`{name}` is not what it should be", need=need) from None
    if not {"sub", "obj"} <= set(settings.request) or len(set(settings.request)) != len(settings.request):
        raise ConfigError("`request` must name `sub` and `obj`, and nothing twice", need=need)
    if settings.zone is not None and not _OFFSET.fullmatch(settings.zone):
        try:
            ZoneInfo(settings.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigError("`zone` is no time zone", need="a name such as `Europe/Berlin`, or `+02:00`") from None
    return msgspec.structs.replace(SOURCE, read=partial(read, settings=settings))


def recognise(sample: Sample) -> int:
    """By an enforcement among the first lines, alone or as the message of a structured line."""
    documents = [one for one in sample.documents if isinstance(one, dict)]
    messages = [text for one in documents for name in _TEXTS if isinstance(text := one.get(name), str)]
    if any(_MARK.search(text[:_LONGEST]) for text in messages):
        return 80
    lines = [] if sample.documents else [line for line in sample.text.split("\n")[:200] if not line.startswith("{")]
    return 80 if any(_MARK.search(line[:_LONGEST]) for line in lines) else 0


SOURCE = Source(
    name="casbin",
    title="Casbin",
    reads=("lines of enforcements, as text or in a structured log",),
    recognise=recognise,
    read=partial(read, settings=PLAIN),
    configure=_configure,
    ceiling="partial",
    raise_it="a structured logger that puts `request_id` beside Casbin's message, as the application's log does",
)
