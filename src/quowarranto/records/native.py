"""Records to and from the native format of SPEC 2, and the content digest that tells records apart."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from quowarranto.records.instants import format_instant
from quowarranto.records.model import Action, Principal, Record, Rule

TIME_FIELDS = ("time", "valid_from", "valid_until", "grace_until")

_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def to_native(record: Record) -> dict[str, Any]:
    """The record as SPEC 2 writes it: RFC 3339 times, absent fields left out. `stage` is not part of the format."""
    out = _content(record)
    for name in TIME_FIELDS:
        if name in out:
            out[name] = format_instant(out[name])
    return out


def content_digest(record: Record) -> str:
    """SHA-256 (hex) of the record's content: sorted keys, absent fields left out, times as integer microseconds.

    Two records of one id with one digest are the same record seen twice (SPEC 2, "counts once").
    """
    return hashlib.sha256(_encode_sorted(_content(record))).hexdigest()


def _content(record: Record) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": "action" if isinstance(record, Action) else record.kind}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if name in ("kind", "stage") or value is None:
            continue
        if name == "cites" and not isinstance(record, Action):
            out[name] = list(value)  # an authority that cites nothing is not one that says nothing of it
        elif value == () and name not in ("scope", "decided_by"):
            continue
        elif name == "attributes":
            if value:
                out[name] = value
        else:
            out[name] = _plain(value)
    return out


def _plain(value: Any) -> Any:
    if isinstance(value, Principal):
        return {"type": value.type, "id": value.id}
    if isinstance(value, Rule):
        return {k: list(v) for k in ("actions", "resources") if (v := getattr(value, k)) is not None}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return value
