"""Strict JSON: what RFC 8259 leaves open (duplicate keys) is refused: two readers could understand it differently."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from quowarranto.errors import RejectedEntry

T = TypeVar("T")
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def strict_json(data: bytes) -> Any:
    """Decode one JSON value.

    Raises:
        RejectedEntry: not JSON, not UTF-8, nested too deeply, or an object names one key twice.
    """
    try:
        value = _decode(data)
    except msgspec.DecodeError as error:
        raise RejectedEntry(f"not JSON: {_place(error)}") from None
    except UnicodeDecodeError:
        raise RejectedEntry("not UTF-8") from None
    except RecursionError:
        raise RejectedEntry("nested too deeply") from None
    # Decoding drops repeated keys, so writing the value again shows fewer keys than were read.
    if data.count(b'":') != _encode(value).count(b'":') or _unusual(data):
        _refuse_repeated_keys(data)
    return value


def strict_object(data: bytes) -> dict[str, Any]:
    """Decode one JSON object.

    Raises:
        RejectedEntry: as `strict_json`, or another value.
    """
    value = strict_json(data)
    if not isinstance(value, dict):
        raise RejectedEntry("not a JSON object")
    return value


def read_as(value: Any, wire: type[T]) -> T:
    """Plain values as a wire type.

    Raises:
        RejectedEntry: they are not what it wants; the reason names the field, never the value.
    """
    try:
        return msgspec.convert(value, wire)
    except msgspec.ValidationError as error:
        raise RejectedEntry(reason_of(error)) from None


def _unusual(data: bytes) -> bool:
    """Whether a key might be spelled otherwise than `"…":`, so that counting those proves nothing.

    Looking for one byte is many times cheaper than looking for several, and most lines have none of these.
    """
    return (
        b'" :' in data
        or (b"\\" in data and (b"\\u0022" in data or b"\\u003a" in data or b"\\u003A" in data))
        or (b"\t" in data and b'"\t:' in data)
        or (b"\r" in data and b'"\r:' in data)
        or (b"\n" in data and b'"\n:' in data)
    )


def _refuse_repeated_keys(data: bytes) -> None:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(items)
        if len(seen) != len(items):
            raise RejectedEntry("a key stands twice in one object")
        return seen

    try:
        json.loads(data, object_pairs_hook=pairs)
    except RecursionError:
        raise RejectedEntry("nested too deeply") from None
    except ValueError as error:
        if isinstance(error, RejectedEntry):
            raise
        raise RejectedEntry("not JSON") from None


def _place(error: msgspec.DecodeError) -> str:
    """The decoder's reason without anything of the content."""
    text = str(error)
    if "utf-8" in text.lower():
        return "not UTF-8"
    if "truncated" in text:
        return "it ends too early"
    found = text.rpartition("(byte ")
    return f"malformed at byte {found[2].rstrip(')')}" if found[1] else "malformed"


def reason_of(error: msgspec.ValidationError) -> str:
    """The validator's message: the field and what was expected there, never the value."""
    text = str(error)
    if text.startswith("Invalid enum value"):  # the one message that quotes what it found
        return f"not one of the known values{text[text.rfind(' - at ') :] if ' - at ' in text else ''}"
    return text[:1].lower() + text[1:]
