"""Cutting an input into entries, each with its byte offset and line: lines, arrays, wrapped lists, streams of objects.

Nothing is lost: what cannot be cut comes out as one entry that says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from quowarranto.sources import SOURCES

Shape = Literal["lines", "array", "stream", "yaml", "document", "csv", "parquet"]


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One entry: its bytes, where it begins in the decompressed file, and its line (from 1).

    `raw` is what the SHA-256 of the origin is taken of, where it is not `data` itself (an item of a YAML document, a
    row of CSV). `broken` says why it cannot be an entry, `nothing` why there is nothing in it to record.
    """

    data: bytes
    offset: int
    line: int
    raw: bytes | None = None
    broken: str | None = None
    nothing: str | None = None


BOM = b"\xef\xbb\xbf"
NO_ENTRY = "a list without entries"
_FAILS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_object_of_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list_of_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode
WRAPPERS = tuple(sorted({wrapper for source in SOURCES for wrapper in source.wrappers}))
_NEEDLES = {wrapper: f'"{wrapper}"'.encode() for wrapper in WRAPPERS}
_SMALL = 64 * 1024


def without_bom(data: bytes) -> tuple[bytes, int]:
    """The bytes after a byte order mark, and how many there were before."""
    return (data[len(BOM) :], len(BOM)) if data.startswith(BOM) else (data, 0)


def cut_lines(block: bytes, offset: int, line: int) -> Iterator[Piece]:
    """Lines of a block that begins at `offset` as line number `line`; blank ones are none, a CR at the end is cut."""
    for part in block.split(b"\n"):
        if part and not part.isspace():
            yield Piece(part[:-1] if part[-1] == 13 else part, offset, line)
        offset += len(part) + 1
        line += 1


# ---- wrapped lists ---------------------------------------------------------------------------------------------------


def may_wrap(data: bytes, wrappers: tuple[str, ...]) -> bool:
    """Whether an entry might be a list of entries (`{"Records": […]}`); cheap, since it is asked of every line."""
    end = None if len(data) > _SMALL else 4096
    for wrapper in wrappers:  # noqa: SIM110 - this is asked of every line, and `any` costs as much as the search
        if data.find(_NEEDLES[wrapper], 0, end) >= 0:
            return True
    return False


def unwrap(piece: Piece, wrappers: tuple[str, ...]) -> Iterator[Piece]:
    """The entries of a wrapped list (`{"Records": […]}`), or the piece itself."""
    if piece.broken is not None and piece.broken != _ENDS_EARLY:
        yield piece
        return
    data = piece.data
    try:
        fields = _object_of_raw(data)
        lists = {key: _list_of_raw(fields[key]) for key in wrappers if _is_list(fields, key)}
    except _FAILS:
        begin = _broken_wrapper(data, wrappers)
        if begin is None:
            yield piece
        else:
            yield from _moved(_scan(data, begin, 1 + data.count(b"\n", 0, begin), end=b"]}"), piece)
        return
    if not lists:
        yield piece
        return
    yield from _wrapped(piece, fields, lists)


def _is_list(fields: dict[str, msgspec.Raw], key: str) -> bool:
    return key in fields and bytes(fields[key])[:1] == b"["


def members(piece: Piece) -> Iterator[tuple[str, Piece]]:
    """The members of an object, each with its place; of a key that stands twice no member is given.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is no object.
    """
    data, at, counted, line = piece.data, 0, 0, piece.line
    for key, raw in _object_of_raw(data).items():
        value = bytes(raw)
        begin = data.find(value, at)
        if begin < 0 or not _FIELD.fullmatch(data, at, begin):
            return
        line += data.count(b"\n", counted, begin)
        counted, at = begin, begin + len(value)
        yield key, Piece(value, piece.offset + begin, line)


def elements(piece: Piece) -> Iterator[Piece]:
    """The elements of a list, each with its place.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is no list.
    """
    yield from _placed(piece, _list_of_raw(piece.data), 0)


def _wrapped(piece: Piece, fields: dict[str, msgspec.Raw], lists: dict[str, list[msgspec.Raw]]) -> Iterator[Piece]:
    data, at = piece.data, 0
    found: list[tuple[int, list[msgspec.Raw]]] = []
    for key, raw in fields.items():
        value = bytes(raw)
        begin = data.find(value, at)
        if begin < 0 or not _FIELD.fullmatch(data, at, begin):
            # the decoder keeps the last of two equal keys, so what stood under the first would be lost
            yield Piece(data, piece.offset, piece.line, broken="a key stands twice in one object")
            return
        at = begin + len(value)
        if key in lists:
            found.append((begin, lists[key]))
    for begin, items in found:
        yield from _placed(piece, items, begin)
    if not any(items for _, items in found):
        yield Piece(data, piece.offset, piece.line, nothing=NO_ENTRY)


_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_FIELD = re.compile(rb"\s*[{,]\s*" + _STRING + rb"\s*:\s*")


def _placed(piece: Piece, items: list[msgspec.Raw], at: int) -> Iterator[Piece]:
    """Elements of a list that begins at `at` within the piece; between them there are only commas and spaces."""
    data = piece.data
    counted = at
    line = piece.line + data.count(b"\n", 0, at)
    for item in items:
        element = bytes(item)
        # most elements follow the bracket or the comma: searching for a long text takes many times as long as comparing
        found = at + 1 if data.startswith(element, at + 1) else data.find(element, at)
        line += data.count(b"\n", counted, found)
        counted = found
        yield Piece(element, piece.offset + found, line)
        at = found + len(element)


def _broken_wrapper(data: bytes, wrappers: tuple[str, ...]) -> int | None:
    """Where the list begins in a wrapper that does not decode as a whole: it is cut off, or holds a bad element."""
    names = "|".join(map(re.escape, wrappers)).encode()
    found = re.match(rb"\s*\{\s*(?:" + _FLAT_FIELD + rb"\s*,\s*)*\"(?:" + names + rb')"\s*:\s*\[', data)
    return found.end() if found else None


_FLAT_FIELD = rb'"[^"\\]*+"\s*:\s*(?:' + _STRING + rb'|\{[^{}\[\]]*+\}|\[[^{}\[\]]*+\]|[^"\s{}\[\],]++)'
"""A field of a wrapper beside its list: no list of objects is among these. There is one way to match it at most."""


def _moved(parts: Iterator[Piece], piece: Piece) -> Iterator[Piece]:
    for part in parts:
        yield msgspec.structs.replace(part, offset=piece.offset + part.offset, line=piece.line + part.line - 1)


# ---- arrays and streams ----------------------------------------------------------------------------------------------


def cut_array(data: bytes) -> Iterator[Piece]:
    """Elements of a top-level array, even where the array as a whole is damaged."""
    text, begin = without_bom(data)
    try:
        items = _list_of_raw(text)
    except _FAILS:
        start = data.find(b"[") + 1
        yield from _scan(data, start, 1 + data.count(b"\n", 0, start), end=b"]")
        return
    if items:
        yield from _placed(Piece(data, 0, 1), items, begin)
    else:
        yield Piece(text, begin, 1, nothing=NO_ENTRY)


def cut_stream(data: bytes) -> Iterator[Piece]:
    """Concatenated JSON objects, pretty-printed or not."""
    yield from _scan(data, without_bom(data)[1], 1)


_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"?|[{}]')
"""A string, which cannot go past the end of its line, or a brace."""
_ENDS_EARLY = "it ends too early"
_MARGIN = 4096
"""No margin is wider; looking no farther keeps hostile files from costing quadratic time."""


def _scan(data: bytes, start: int, line: int, end: bytes = b"") -> Iterator[Piece]:
    """Objects from `start` on; an object that does not end before the next one begins is one broken piece.

    Args:
        end: what closes the list that they stand in, and the wrapper around it; what lies between is no entry.
    """
    lines = _Lines(data, start, line)
    depth = 0
    begin = start
    for token in _TOKEN.finditer(data, start):
        at = token.start()
        mark = data[at]
        if mark == 123:  # {
            if depth and _begins_anew(data, begin, at):
                yield Piece(data[begin:at].rstrip(), begin, lines.at(begin), broken="the object does not end")
                depth, begin = 0, at
            if depth == 0:
                yield from _between(data, begin, at, lines)
                begin = at
            depth += 1
        elif mark == 125 and depth:  # }
            depth -= 1
            if depth == 0:
                yield Piece(data[begin : at + 1], begin, lines.at(begin))
                begin = at + 1
                if end and (closed := _CLOSED.match(data, begin)):
                    yield from _after(data, closed.end(), lines, end[1:])
                    return
    if depth:
        yield Piece(data[begin:].rstrip(), begin, lines.at(begin), broken=_ENDS_EARLY)
    elif not end or (closed := _CLOSED.match(data, begin)) is None:
        yield from _between(data, begin, len(data), lines)
        if end:
            yield Piece(b"", len(data), lines.at(len(data)), broken=_ENDS_EARLY)
    else:
        yield from _after(data, closed.end(), lines, end[1:])


_CLOSED = re.compile(rb"\s*,?\s*\]")
_TAIL = re.compile(rb"\s*(?:,\s*(?:" + _FLAT_FIELD + rb"\s*,?\s*)*)?(?P<end>\}?)\s*")
"""What may follow a list: the other fields of its wrapper."""


def _after(data: bytes, at: int, lines: _Lines, end: bytes) -> Iterator[Piece]:
    found = _TAIL.match(data, at)
    if found is None or found.end() < len(data):
        yield from _trimmed(data, at, len(data), lines)
    elif end and not found["end"]:
        yield Piece(b"", len(data), lines.at(len(data)), broken=_ENDS_EARLY)


def _between(data: bytes, begin: int, end: int, lines: _Lines) -> Iterator[Piece]:
    """Whatever stands between objects: separators are nothing, anything else is a broken piece."""
    if data[begin:end].strip(b" \t\r\n,"):
        yield from _trimmed(data, begin, end, lines)


def _trimmed(data: bytes, begin: int, end: int, lines: _Lines) -> Iterator[Piece]:
    gap = data[begin:end]
    kept = gap.strip(b" \t\r\n,")
    begin += len(gap) - len(gap.lstrip(b" \t\r\n,"))
    yield Piece(kept, begin, lines.at(begin), broken="not JSON")


def _begins_anew(data: bytes, begin: int, at: int) -> bool:
    """Whether the brace at `at`, within an object that began at `begin`, must be the beginning of another one.

    It is the first of its line, and either what stands before cannot stand before a nested object, or it is indented no
    deeper than the object around it, which is indented inside.
    """
    before = data[max(begin, at - _MARGIN) : at]
    line_begins = len(before.rstrip(b" \t"))
    if not before[:line_begins].endswith(b"\n"):
        return False
    text = before.rstrip()
    if not text:
        return False
    if text[-1] not in b"[,:":
        return True
    second = data.find(b"\n", begin) + 1
    inside = data[second : second + _MARGIN]
    own = begin - (data.rfind(b"\n", max(0, begin - _MARGIN), begin) + 1)
    return len(before) - line_begins <= own < len(inside) - len(inside.lstrip(b" \t"))


class _Lines:
    """Line numbers of ever later offsets, each byte counted once."""

    def __init__(self, data: bytes, offset: int, line: int) -> None:
        self._data = data
        self._offset = offset
        self._line = line

    def at(self, offset: int) -> int:
        self._line += self._data.count(b"\n", self._offset, offset)
        self._offset = offset
        return self._line
