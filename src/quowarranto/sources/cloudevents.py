"""CloudEvents: events of any producer, given a meaning by settings, or by who they say brought them about.

Reads     CloudEvents 1.0 as JSON: one event, JSON lines, or a batch (an array).
Yields    what `[source.cloudevents]` makes of an event's type: an action, or a fact of any kind; without a meaning an
          Action where the event names who brought it about (the auth context extension).
Time      `time`, RFC 3339, when the occurrence happened; it is optional, and an event without any is skipped unless the
          settings take the time from elsewhere.
Not seen  whether a producer may say what it says; what the settings do not name. Binary content is not looked into.
Source    cloudevents/spec v1.0.2: spec.md, formats/json-format.md, extensions/authcontext.md, distributed-tracing.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import KINDS, Action, AuthorityFact, Principal, Resource
from quowarranto.sources import native
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped, Source
from quowarranto.sources.keys import maybe, service_account, spiffe_id, trace
from quowarranto.sources.strict import read_as, reason_of, strict_object
from quowarranto.sources.times import instant

_PLACE = re.compile(r"\{(?P<path>[A-Za-z0-9_.-]+)(?P<optional>\?)?\}")
_WHO = {
    "app_user": "user",
    "user": "user",
    "service_account": "service_account",
    "api_key": "api_key",
    "system": "system",
}
_ACTION = frozenset(Action.__struct_fields__) - {"stage"} | {"kind"}
_FACT = frozenset(AuthorityFact.__struct_fields__) | {"kind"}
_MISSING = object()
_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True):
    """The attributes that are read without settings."""

    specversion: str
    id: str
    source: str
    type: str
    time: str | None = None
    subject: str | None = None
    authtype: str | None = None
    authid: str | None = None
    traceparent: str | None = None


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What events of a type mean: a native record with places in its texts to be filled from the event."""

    type: str
    record: dict[str, Any]
    source: str = "*"
    words: dict[str, dict[str, str]] = {}
    """By field of the record: what the producer's words mean. A word that is not here is refused."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    events: tuple[Meaning, ...] = ()


PLAIN = Settings()


def read(entry: Entry, settings: Settings) -> Outcome:
    """The record of one event.

    Raises:
        RejectedEntry: it is none, or lacks what its meaning needs; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    event = read_as(value, Event)
    if not event.specversion.startswith("1."):
        raise RejectedEntry("`specversion` is not 1.0")
    if not (event.id and event.source and event.type):
        raise RejectedEntry("`id`, `source` or `type` is empty")
    for meaning in settings.events:
        if fnmatchcase(event.type, meaning.type) and fnmatchcase(event.source, meaning.source):
            return _meant(event, value, meaning)
    return _by_context(event)


def _name(event: Event) -> str:
    """Source and id together are unique, says the specification."""
    return f"cloudevents/{event.source}/{event.id}"


# ---- by settings -----------------------------------------------------------------------------------------------------


def _meant(event: Event, value: dict[str, Any], meaning: Meaning) -> Outcome:
    if event.time is None and "time" not in meaning.record:
        return Skipped("an event without a time, and the settings name no other")
    template = {"time": "{time}", **meaning.record}
    if template["kind"] == "action":
        template = {"id": _name(event), **template}
    record = {field: _filled(one, value, field) for field, one in template.items()}
    record = {field: one for field, one in record.items() if one is not _MISSING}
    for field, words in meaning.words.items():
        if field in record:
            said = record[field]
            if not isinstance(said, str) or said not in words:
                raise RejectedEntry(f"`{field}`: a word that the settings do not explain")
            record[field] = words[said]
    if template["kind"] != "action":
        _refuse_patterns(template, record)
    return native.read(Entry(_encode(record)))


def _refuse_patterns(template: dict[str, Any], record: dict[str, Any]) -> None:
    """Whom a fact empowers may be a pattern where the settings say so, never where an event does."""
    for field in ("principal", "by"):
        said, filled = template.get(field), record.get(field)
        if isinstance(said, dict) and isinstance(filled, dict) and said.get("id") != filled.get("id"):
            _no_pattern(field, str(filled.get("id", "")))


def _no_pattern(field: str, text: str) -> None:
    if set("*?") & set(text):
        raise RejectedEntry(f"`{field}`: a pattern, where the event should name one thing")


def _filled(template: Any, value: dict[str, Any], field: str) -> Any:
    """The template with every place filled; `_MISSING` where an optional one in it has nothing to be filled with."""
    if isinstance(template, str):
        return _text(template, value, field)
    if isinstance(template, dict):
        found = {name: _filled(one, value, f"{field}.{name}") for name, one in template.items()}
        if not field.startswith("attributes") and any(one is _MISSING for one in found.values()):
            return _MISSING  # half a principal is none
        return {name: one for name, one in found.items() if one is not _MISSING}
    if isinstance(template, list):
        items: list[Any] = []
        for one in template:
            item = _filled(one, value, field)
            if isinstance(item, list):
                items += item
            elif item is not _MISSING:
                items.append(item)
        return items
    return template


def _text(template: str, value: dict[str, Any], field: str) -> Any:
    whole = _PLACE.fullmatch(template)
    if whole is not None:
        found = _found(whole["path"], value)
        if isinstance(found, list):
            return [_plain(one, field) for one in found]
        return _MISSING if found is None and whole["optional"] else _plain(found, field)
    parts: list[str] = []
    end = 0
    for place in _PLACE.finditer(template):
        found = _found(place["path"], value)
        if found is None and place["optional"]:
            return _MISSING
        parts += [template[end : place.start()], _plain(found, field)]
        end = place.end()
    return "".join([*parts, template[end:]])


def _plain(found: Any, field: str) -> str:
    if isinstance(found, str) and found:
        if field.startswith("scope"):
            _no_pattern(field, found)
        return found
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return str(found)
    if isinstance(found, bool):
        return "true" if found else "false"
    raise RejectedEntry(f"`{field}`: the event lacks what the settings take it from")


def _found(path: str, value: Any) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


# ---- by the auth context ---------------------------------------------------------------------------------------------


def _by_context(event: Event) -> Outcome:
    if not event.authid or event.authtype not in _WHO:
        return Skipped("an event of a type that `[source.cloudevents]` gives no meaning")
    if event.time is None:
        return Skipped("an event without a time, and the settings name no other")
    shared = maybe(trace, event.traceparent)
    return [
        Action(
            id=_name(event),
            time=instant("time", event.time),
            principal=_principal(event.authtype or "", event.authid),
            action=event.type,
            resource=Resource("event_subject", event.subject)
            if event.subject
            else Resource("event_source", event.source),
            correlates=(shared,) if shared else (),
            attributes={"event_source": event.source},
        )
    ]


def _principal(kind: str, name: str) -> Principal:
    if (workload := maybe(spiffe_id, name)) is not None:
        return Principal("workload", workload)
    if name.startswith("system:serviceaccount:") and (account := maybe(service_account, name)) is not None:
        return Principal("service_account", account)
    return Principal(_WHO[kind], name)


# ---- settings and recognition ----------------------------------------------------------------------------------------

_NEED = 'a list of tables with `type` (a pattern), `record` (a native record with places like "{data.user}"), `words`'


def _configure(values: Mapping[str, Any]) -> Source:
    for name in values:
        if name != "events":
            raise ConfigError(f"`{name}` is not a setting of `source.cloudevents`", need=f"events = {_NEED}")
    try:
        settings = msgspec.convert(dict(values), Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"`events` is not what it should be: {reason_of(error)}", need=_NEED) from None
    for meaning in settings.events:
        _check(meaning)
    return msgspec.structs.replace(SOURCE, read=partial(read, settings=settings))


def _check(meaning: Meaning) -> None:
    kind = meaning.record.get("kind")
    known = _ACTION if kind == "action" else _FACT if kind in KINDS else None
    if known is None:
        raise ConfigError("`kind` of a record is missing or unknown", need="action, or one of " + ", ".join(KINDS))
    if unknown := sorted(meaning.record.keys() - known):
        raise ConfigError(f"`{unknown[0]}` is not a field of this record", need="one of " + ", ".join(sorted(known)))
    needed = ("principal", "action", "resource") if kind == "action" else ("id",)
    if missing := [field for field in needed if field not in meaning.record]:
        raise ConfigError(f"`{missing[0]}` is missing in a record of kind `{kind}`", need=", ".join(needed))
    for text in _texts(meaning.record):
        if "{" in _PLACE.sub("", text) or "}" in _PLACE.sub("", text):
            raise ConfigError("`record` has a place that cannot be read", need='"{data.user}", or "{data.user?}"')


def _texts(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one)]


def recognise(sample: Sample) -> int:
    """By the attributes that every event must have."""
    return max((_likely(one) for one in sample.documents if isinstance(one, dict)), default=0)


def _likely(document: dict[str, Any]) -> int:
    version = document.get("specversion")
    if not isinstance(version, str) or not all(isinstance(document.get(one), str) for one in ("id", "source", "type")):
        return 0
    return 80 if version.startswith("1.") else 30


SOURCE = Source(
    name="cloudevents",
    title="CloudEvents",
    reads=("events as JSON, alone or in batches, with meanings from the settings",),
    recognise=recognise,
    read=partial(read, settings=PLAIN),
    configure=_configure,
    ceiling="proven",
    raise_it="a meaning in `[source.cloudevents]` that takes keys of decisions, approvals or credentials into `cites`",
)
