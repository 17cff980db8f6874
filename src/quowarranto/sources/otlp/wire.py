"""What is read of a resource's spans and log records, and of the attributes of each."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant
from quowarranto.sources.keys import maybe, unbase64

_LAST = 253_402_300_799_999_999_999
_DIGITS = re.compile(r"[0-9]{1,21}")
_DEEP = 20
_KINDS = {"SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2, "SPAN_KIND_CLIENT": 3, "SPAN_KIND_PRODUCER": 4}
SERVER = 2


class Value(msgspec.Struct, frozen=True, rename="camel"):
    """A value that says its type; lists and maps are not read."""

    string_value: str | None = None
    int_value: int | str | None = None
    bool_value: bool | None = None
    double_value: float | str | None = None

    @property
    def text(self) -> str | None:
        for one in (self.string_value, self.int_value, self.double_value):
            if one is not None:
                return str(one)
        return None if self.bool_value is None else str(self.bool_value).lower()


class Attribute(msgspec.Struct, frozen=True):
    key: str
    value: Value = Value()


class Resource(msgspec.Struct, frozen=True):
    attributes: tuple[Attribute, ...] = ()


class Status(msgspec.Struct, frozen=True):
    code: int | str = 0


class Span(msgspec.Struct, frozen=True, rename="camel"):
    trace_id: str
    span_id: str
    start_time_unix_nano: int | str
    parent_span_id: str = ""
    name: str = ""
    kind: int | str = 0
    attributes: tuple[Attribute, ...] = ()
    status: Status = Status()

    @property
    def is_server(self) -> bool:
        return (_KINDS.get(self.kind, 0) if isinstance(self.kind, str) else self.kind) == SERVER

    @property
    def failed(self) -> bool:
        return self.status.code in (2, "2", "STATUS_CODE_ERROR")


class LogRecord(msgspec.Struct, frozen=True, rename="camel"):
    time_unix_nano: int | str = 0
    observed_time_unix_nano: int | str = 0
    event_name: str = ""
    body: dict[str, Any] | None = None
    attributes: tuple[Attribute, ...] = ()
    trace_id: str = ""
    span_id: str = ""


class Scope(msgspec.Struct, frozen=True, rename="camel"):
    spans: tuple[Span, ...] = ()
    log_records: tuple[LogRecord, ...] = ()
    logs: tuple[LogRecord, ...] = ()


class Group(msgspec.Struct, frozen=True, rename="camel"):
    """The spans or log records of one resource; old exporters name the scopes after libraries."""

    resource: Resource = Resource()
    scope_spans: tuple[Scope, ...] = ()
    scope_logs: tuple[Scope, ...] = ()
    instrumentation_library_spans: tuple[Scope, ...] = ()
    instrumentation_library_logs: tuple[Scope, ...] = ()


class Batch(msgspec.Struct, frozen=True, rename="camel"):
    resource_spans: tuple[Group, ...] = ()
    resource_logs: tuple[Group, ...] = ()


def named(attributes: tuple[Attribute, ...]) -> dict[str, str]:
    """Attributes by name, as texts. One that comes twice has no value that counts more, so the first stays."""
    out: dict[str, str] = {}
    for one in attributes:
        text = one.value.text
        if text:
            out.setdefault(one.key, text)
    return out


def nanoseconds(field: str, value: int | str) -> Instant | None:
    """Nanoseconds since the epoch as an instant, cut to the microsecond; None where there are none.

    Raises:
        RejectedEntry: not a number of nanoseconds within the calendar.
    """
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            raise RejectedEntry(f"`{field}` is not a number of nanoseconds")
        value = int(value)
    if not 0 <= value <= _LAST:
        raise RejectedEntry(f"`{field}` is not a time that exists")
    return value // 1000 or None


def hexadecimal(text: str, size: int) -> str | None:
    """An id of `size` bytes as lower-case hexadecimal, as OTLP has it, or from base64, as generic encoders write it."""
    if re.fullmatch(r"[0-9A-Fa-f]+", text) and len(text) == 2 * size:
        found: str | None = text.lower()
    else:
        raw = maybe(unbase64, text)
        found = raw.hex() if raw is not None and len(raw) == size else None
    return found if found and found.strip("0") else None
