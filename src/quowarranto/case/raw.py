"""The raw line behind a record, read again where it stands, checked against its digest and shown without secrets."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from pathlib import Path

from quowarranto.case.cutting_parquet import MAGIC, cut_parquet
from quowarranto.case.redaction import redact_text
from quowarranto.case.unpacking import Packing, blocks, packing_of
from quowarranto.records import Origin

CHANGED = "[the file no longer holds the bytes that were read]"
_LONGEST = 64 * 1024 * 1024
"""What stands farther than this from where an entry begins is not looked at."""
_SHOWN = 256 * 1024
"""Characters that are searched for secrets and shown."""
_TRIES = 20_000
_kept: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()


def raw_line(origin: Origin) -> str | None:
    """The line as it stands in the file now, without secrets, or a remark where it cannot be shown.

    Returns: None where the file is gone; a bracketed remark where the bytes are no longer those that were read.
    """
    try:
        found = entry_at(origin)
    except OSError:
        return None
    if found is None:
        return CHANGED
    text = redact_text(found.decode("utf-8", "replace"))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def entry_at(origin: Origin) -> bytes | None:
    """The bytes as they stand in the file now, secrets and all; None where they are no longer those that were read.

    Raises:
        OSError: the file cannot be read.
    """
    return _matching(_bytes_at(origin), origin.sha256)


def _bytes_at(origin: Origin) -> bytes:
    path = Path(origin.file)
    with path.open("rb") as file:
        head = file.read(4)
        if head == MAGIC:
            return next((piece.data for piece in cut_parquet(path, 1, first=origin.offset)), b"")
        packing = packing_of(head)
        if packing == "plain":
            file.seek(origin.offset)
            return file.read(_LONGEST)
    status = path.stat()
    key = (origin.file, status.st_mtime_ns, status.st_size)
    if key in _kept:
        return _kept[key][origin.offset : origin.offset + _LONGEST]
    return _unpacked(path, packing, origin.offset, key)


def _unpacked(path: Path, packing: Packing, offset: int, key: tuple[str, int, int]) -> bytes:
    """The bytes from `offset` on; the last few small files are kept whole, since samples tend to come from the same."""
    held: list[bytes] = []
    begin = at = 0
    for block in blocks(path, packing, 1024 * 1024):
        if isinstance(block, str):
            break  # damaged: what comes before can still be shown
        held.append(block)
        at += len(block)
        if at > offset + _LONGEST:
            break
        while at > _LONGEST and held and begin + len(held[0]) <= offset:
            begin += len(held.pop(0))
    data = b"".join(held)
    if begin == 0 and at <= _LONGEST:
        _kept[key] = data
        while len(_kept) > 4:
            _kept.popitem(last=False)
    return data[offset - begin :][:_LONGEST]


_END = re.compile(rb"[}\]]|\n")


def _matching(data: bytes, digest: str) -> bytes | None:
    """The beginning of these bytes that has the digest: a line, or what ends at a brace or with a line."""
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    if hashlib.sha256(line).hexdigest() == digest:
        return line
    running = hashlib.sha256()
    begin = 0
    for _, found in zip(range(_TRIES), _END.finditer(data), strict=False):
        running.update(data[begin : found.end()])
        begin = found.end()
        if running.hexdigest() == digest:
            return data[:begin]
    return data if hashlib.sha256(data).hexdigest() == digest else None
