"""How many lines end in a stretch of bytes."""

from __future__ import annotations

from ctypes import addressof, c_char

from quowarranto.compiled.library import library


def newlines(block: bytes | bytearray, begin: int = 0, end: int | None = None) -> int:
    """Line feeds in `block[begin:end]`; 0 <= begin, end <= len(block)."""
    end = len(block) if end is None else end
    found = library()
    if found is None or begin >= end:
        return block.count(b"\n", begin, end)
    if isinstance(block, bytes):
        return int(found.qw_newlines(block, begin, end))
    return int(found.qw_newlines(addressof(c_char.from_buffer(block)), begin, end))
