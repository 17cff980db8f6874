"""The bytes of a file, decompressed, block by block; damage ends them and is told, after all that could be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

import zstandard
from isal import igzip_lib, isal_zlib

from quowarranto.case.unpacking_zip import zipped

Packing = Literal["plain", "gzip", "zstd", "zip"]

BLOCK = 256 * 1024
"""Bytes that are handed on at a time: few enough that the processor still has them at hand when they are cut."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_AT_ONCE = {"gzip": 64 * 1024, "zstd": 16 * 1024}
"""Compressed bytes that are unpacked at a time: few enough that a hostile file cannot fill the memory in one step."""
_OUT = 256 * 1024


def packing_of(first: bytes) -> Packing:
    """How a file is compressed, by its first bytes rather than its name."""
    if first.startswith(_ZIP):
        return "zip"
    return "gzip" if first.startswith(_GZIP) else "zstd" if first.startswith(_ZSTD) else "plain"


def blocks(path: Path, packing: Packing, size: int = BLOCK) -> Iterator[bytes | str]:
    """Blocks of about `size` bytes; where the file cannot be read on, what is wrong with it comes last, as text.

    Raises:
        OSError: the file cannot be opened.
    """
    with path.open("rb") as file:
        if packing == "plain":
            yield from _plain(file, size)
        elif packing == "zip":
            yield from zipped(file, size)
        else:
            yield from _gathered(_unpacked(file, packing), size)


def _plain(file: IO[bytes], size: int) -> Iterator[bytes | str]:
    while True:
        try:
            block = file.read(size)
        except OSError as error:
            yield f"it cannot be read on: {error.strerror or 'input/output error'}"
            return
        if not block:
            return
        yield block


def _gathered(parts: Iterator[bytes | str], size: int) -> Iterator[bytes | str]:
    waiting: list[bytes] = []
    held = 0
    for part in parts:
        if isinstance(part, str):
            if waiting:
                yield b"".join(waiting)
            yield part
            return
        waiting.append(part)
        held += len(part)
        if held >= size:
            yield b"".join(waiting)
            waiting, held = [], 0
    if waiting:
        yield b"".join(waiting)


def _unpacked(file: IO[bytes], packing: Packing) -> Iterator[bytes | str]:
    """One compressed stream after the other, as tools like `cat a.gz b.gz` leave them."""
    open_stream = _STREAMS[packing]
    stream: Any = None
    try:
        while chunk := file.read(_AT_ONCE[packing]):
            while chunk:
                if stream is None:
                    chunk = chunk.lstrip(b"\0")  # padding after a stream is nobody's data
                    if not chunk:
                        break
                    stream = open_stream()
                if packing == "gzip":
                    part = stream.decompress(chunk, _OUT)
                    chunk = stream.unconsumed_tail
                else:
                    part = stream.decompress(chunk)
                    chunk = b""
                if part:
                    yield part
                if stream.eof:
                    chunk = stream.unused_data
                    stream = None
    except OSError as error:
        yield f"it cannot be read on: {error.strerror or 'input/output error'}"
        return
    except _DAMAGE:
        yield "the compressed file is damaged"
        return
    if stream is not None:
        if packing == "gzip":
            yield from _drained(stream)
        yield "the compressed file ends too early"


def _drained(stream: Any) -> Iterator[bytes]:
    """What a stream that ends too early still holds."""
    try:
        while part := stream.decompress(b"", _OUT):
            yield part
    except _DAMAGE:
        return


_DAMAGE: Any = (igzip_lib.IsalError, zstandard.ZstdError)
_STREAMS: dict[Packing, Callable[[], Any]] = {
    "gzip": lambda: isal_zlib.decompressobj(wbits=31),
    "zstd": lambda: zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj(),
}
