"""Log lines inside the lines of a log shipper: `{"log": {…}, "host": …}`, `{"message": "{…}"}`, `{"data": "eyJ…"}`.

What collects, stores or exports logs often puts each line into an object of its own, as an object, as JSON in a text,
in base64, or behind a text of its own (`2026-03-02T09:00:00Z stdout F {…}`). Where no source recognises such lines but
one recognises what is in them, they are read by what is in them; the place and the digest of a record stay those of
the line in the file.

A path names where the line stands: names of fields, or the place in a list, with dots between them. The empty path is a
line that has only a text before it. Each is documented by whose it is; what only one source has is in that source.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.sources.keys import unbase64
from quowarranto.sources.strict import strict_json

PATHS = (
    "result._raw",  # Splunk, exported as JSON
    "_source.event.original",  # Elasticsearch documents of integrations that keep the original
    "_source.message",
    "_source.log",
    "event.original",
    "message.data",  # Pub/Sub, base64
    "kinesis.data",  # Kinesis, as functions get it, base64
    "log",  # Docker, Fluent Bit
    "event",  # the event collector of Splunk
    "detail",  # EventBridge
    "message",  # CloudWatch, Elastic, Logstash
    "_source",
    "result",
    "_raw",  # Splunk, Cribl
    "@message",  # queries of CloudWatch
    "payload",
    "record",
    "jsonPayload",  # Cloud Logging
    "jsonPayload.message",
    "textPayload",
    "line",  # `logcli --output=jsonl`
    "1",  # a value of Loki: time and line
    "MESSAGE",  # the journal of systemd
    "RawData",  # tables of Azure Monitor
    "log_s",
    "content.message",  # archives of Datadog
    "full_message",  # GELF
    "short_message",
    "data",  # Event Hub, Firehose (base64)
    "body",
)
"""Where shippers put the line; the first that leads to a source is taken."""
BEHIND_A_TEXT = ""
_LONGEST_TEXT = 512
"""Characters before an entry on its line, at most."""
_decode = msgspec.json.Decoder().decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def inside(document: Any, path: str) -> Any:
    """What stands in an envelope, decoded; None where it is none."""
    value = document
    for step in path.split("."):
        value = _step(value, step)
        if isinstance(value, str):
            try:
                value = _decode(_entry_of(value))
            except (msgspec.DecodeError, RecursionError):
                return None
    return value if isinstance(value, dict) else None


def opened(data: bytes, path: str) -> bytes:
    """The entry in an envelope; an entry without one is itself.

    Raises:
        RejectedEntry: the envelope is not JSON, or names a key twice.
    """
    if path == BEHIND_A_TEXT:
        return behind_a_text(data)
    at = data
    for step in path.split("."):
        value = strict_json(at)
        inner = _step(value, step)
        if inner is None:
            return data
        if isinstance(inner, str):
            at = _entry_of(inner)
        else:
            at = bytes(_members(at)[step] if isinstance(value, dict) else _items(at)[int(step)])
    return at


def behind_a_text(data: bytes) -> bytes:
    """The object at the end of a line that begins with a text; the line itself where there is none.

    A brace may stand in the text too, so the first place counts from which on all of the line is one object.
    """
    if data[:1] == b"{":
        return data
    begin = data.find(b"{", 0, _LONGEST_TEXT)
    while begin >= 0:
        try:
            if isinstance(strict_json(data[begin:]), dict):
                return data[begin:]
        except RejectedEntry:
            pass
        begin = data.find(b"{", begin + 1, _LONGEST_TEXT)
    return data


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


def _entry_of(text: str) -> bytes:
    """The entry that a text is, or is the base64 of, or holds behind something else."""
    data = text.strip().encode("utf-8", "surrogatepass")
    if data[:1] in (b"{", b"["):
        return data
    if data[:2] in (b"ey", b"ew", b"Cn", b"Ew") and b" " not in data:  # how `{` and white space before it begin
        try:
            raw = unbase64(text.strip()).strip()
        except ValueError:
            return data
        return raw if raw[:1] == b"{" else data
    return behind_a_text(data)
