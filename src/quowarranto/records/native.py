"""Records to and from the native format of SPEC 2, and the content digest that tells records apart."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from quowarranto.records.instants import format_instant
from quowarranto.records.model import Action, AuthorityFact, Principal, Record, Rule

TIME_FIELDS = ("time", "valid_from", "valid_until", "grace_until")

_encode = msgspec.json.Encoder(order="deterministic").encode


def to_native(record: Record) -> dict[str, Any]:
    """The record as SPEC 2 writes it: RFC 3339 times, absent fields left out. `stage` is not part of the format."""
    out = _content(record)
    for name in TIME_FIELDS:
        if name in out:
            out[name] = format_instant(out[name])
    return out


def content_digest(record: Record) -> str:
    """SHA-256 (hex) of the record's content as JSON: every field in the order of `records.model`,
    the keys of objects sorted, times as integer microseconds.

    Two records of one id with one digest are the same record seen twice (SPEC 2, "counts once").
    """
    return hashlib.sha256(_encode(record)).hexdigest()


# What stands for "not said"; an authority that cites nothing, and an empty scope, are said.
_ABSENT: dict[str, Any] = {"on_behalf_of": (), "aliases": (), "correlates": (), "attributes": {}}
_ACTION_FIELDS = tuple(
    (name, ()) if name == "cites" else (name, _ABSENT.get(name)) for name in Action.__struct_fields__ if name != "stage"
)
_FACT_FIELDS = tuple((name, _ABSENT.get(name)) for name in AuthorityFact.__struct_fields__)
_AS_IS = (str, int, bool, dict)


def _content(record: Record) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if isinstance(record, Action):
        out["kind"] = "action"
        fields = _ACTION_FIELDS
    else:
        fields = _FACT_FIELDS
    for name, absent in fields:
        value = getattr(record, name)
        if value is None or value == absent:
            continue
        out[name] = value if value.__class__ in _AS_IS else _plain(value)
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
