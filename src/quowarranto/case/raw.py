"""The raw line behind a record, read again where it stands, checked against its digest and shown without secrets."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path

from quowarranto.case.inputs import open_input, packing_of
from quowarranto.case.redaction import redact_text
from quowarranto.records import Origin

_LONGEST = 1 << 20
_AHEAD = 64 * 1024
_kept: OrderedDict[str, bytes] = OrderedDict()


def raw_line(origin: Origin) -> str | None:
    """The line as it stands in the file now, without secrets, or a remark where it cannot be shown.

    Returns: None where the file is gone; a bracketed remark where the bytes are no longer those that were read.
    """
    try:
        data = _bytes_at(origin)
    except (OSError, EOFError, ValueError):
        return None
    found = _matching(data, origin.sha256)
    if found is None:
        return "[the file no longer holds the bytes that were read]"
    return redact_text(found.decode("utf-8", "replace"))


def _bytes_at(origin: Origin) -> bytes:
    path = Path(origin.file)
    packing = packing_of(path)
    if packing == "plain":
        with path.open("rb") as file:
            file.seek(origin.offset)
            return file.read(_LONGEST)
    whole = _unpacked(origin.file, packing)
    return whole[origin.offset : origin.offset + _LONGEST]


def _unpacked(path: str, packing: str) -> bytes:
    """A compressed file in memory; the last few are kept, since samples tend to come from the same ones."""
    if path not in _kept:
        with open_input(path, packing) as file:
            _kept[path] = file.read()
        while len(_kept) > 4:
            _kept.popitem(last=False)
    return _kept[path]


def _matching(data: bytes, digest: str) -> bytes | None:
    """The beginning of these bytes that has the digest: a line, or a JSON value that ends at a brace."""
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    if hashlib.sha256(line).hexdigest() == digest:
        return line
    running = hashlib.sha256()
    begin = 0
    for _ in range(20_000):
        end = data.find(b"}", begin)
        if end < 0:
            break
        running.update(data[begin : end + 1])
        if running.copy().hexdigest() == digest:
            return data[: end + 1]
        begin = end + 1
    return data if hashlib.sha256(data).hexdigest() == digest else None
