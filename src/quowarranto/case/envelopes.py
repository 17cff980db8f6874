"""Log lines inside the lines of a log shipper: `{"log": {…}, "host": …}`, `{"message": "{…}"}`, `{"_source": {…}}`.

What collects logs often puts each line into an object of its own, as an object or as JSON in a text. Where no source
recognises such lines but one recognises what is in them, they are read by what is in them; the place and the digest of
a record stay those of the line in the file.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.sources.strict import strict_json

KEYS = ("log", "event", "detail", "message", "_source", "result", "_raw", "@message", "payload", "record", "data")
"""Fields in which shippers put the line; the first that leads to a source is taken."""
_decode = msgspec.json.Decoder().decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def inside(document: Any, key: str) -> Any:
    """What stands in an envelope, decoded; None where it is none."""
    value = document.get(key) if isinstance(document, dict) else None
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = _decode(value)
        except (msgspec.DecodeError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def opened(data: bytes, key: str) -> bytes:
    """The entry in an envelope; an entry without one is itself.

    Raises:
        RejectedEntry: the envelope is not JSON, or names a key twice.
    """
    value = strict_json(data)
    if not isinstance(value, dict) or key not in value:
        return data
    inner = value[key]
    return inner.encode() if isinstance(inner, str) else bytes(_members(data)[key])
