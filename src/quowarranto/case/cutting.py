"""Cutting an input into entries, each with its byte offset and line: lines, arrays, wrapped lists, streams, YAML.

Nothing is lost: what cannot be cut comes out as one entry, and reading it says what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import yaml

from quowarranto.sources import SOURCES

Shape = Literal["lines", "array", "stream", "yaml", "document"]


class Piece(msgspec.Struct, frozen=True):
    """One entry: its bytes, where it begins in the decompressed file, and its line (from 1).

    `raw` is what the SHA-256 of the origin is taken of, where it is not `data` itself (an item of a YAML document).
    """

    data: bytes
    offset: int
    line: int
    raw: bytes | None = None
    broken: str | None = None


_untyped = msgspec.json.Decoder().decode
_object_of_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list_of_raw = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BOM = b"\xef\xbb\xbf"
_WRAPPERS = tuple(sorted({wrapper for source in SOURCES for wrapper in source.wrappers}))
_WRAPPED_LIST = re.compile(rb'"(' + "|".join(_WRAPPERS).encode() + rb')"\s*:\s*\[')


def shape_of(name: str, head: bytes) -> Shape:
    """How a file is to be cut, from its name and first kilobytes."""
    text = head.removeprefix(_BOM).lstrip()
    if name.endswith((".hcl", ".sentinel")):
        return "document"
    if name.endswith((".yaml", ".yml")) and not text.startswith((b"{", b"[")):
        return "yaml"
    if text.startswith(b"["):
        return "array"
    if not text.startswith(b"{"):
        return "yaml" if re.search(rb"(?m)^apiVersion:\s", text[:4096]) else "lines"
    lines = [line for line in text.split(b"\n")[:50] if line.strip()]
    if any(_decodes(line) for line in lines):
        return "lines"
    return "stream" if re.search(rb"(?m)^[}{]", text[1:]) or b"\n" in text.strip() else "lines"


def _decodes(line: bytes) -> bool:
    try:
        return isinstance(_untyped(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def sample_documents(head: bytes, shape: Shape, cut: bool) -> tuple[list[Any], str | None]:
    """The first few entries of a file's head that can be decoded, wrappers opened, and the wrapper's key."""
    documents: list[Any] = []
    wrapper = None
    pieces: Iterator[Piece]
    if shape == "document":
        return [], None
    if shape == "yaml":
        pieces = cut_yaml(head)
    elif shape == "lines":
        pieces = cut_lines(head, 0, 1)
    elif shape == "array":
        pieces = _scan(head, _after_bracket(head), 1)
    else:
        pieces = _scan(head, 0, 1)
    for number, piece in enumerate(pieces):
        if number > 200 or len(documents) >= 5:
            break
        found, key = _sampled(piece.data)
        documents += found
        wrapper = wrapper or key
    if not documents and (beginning := _wrapped_beginning(head)) is not None:
        return beginning
    return documents[:5], wrapper


def _sampled(data: bytes) -> tuple[list[Any], str | None]:
    start = data.find(b"{")
    if start < 0:
        return [], None
    try:
        value = _untyped(data[start:] if data[:start].strip() else data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [], None
    if isinstance(value, dict):
        for key, items in value.items():
            if key in _WRAPPERS and isinstance(items, list) and items:
                return [item for item in items if isinstance(item, dict)][:5], key
    return [value], None


def _wrapped_beginning(head: bytes) -> tuple[list[Any], str | None] | None:
    """The first elements of a wrapped list whose end lies beyond the head."""
    found = _WRAPPED_LIST.search(head)
    if found is None:
        return None
    documents = []
    for piece in _scan(head, found.end(), 1):
        if piece.broken is None:
            documents += _sampled(piece.data)[0]
        if len(documents) >= 5:
            break
    return documents, found[1].decode()


def cut_lines(block: bytes, offset: int, line: int) -> Iterator[Piece]:
    """Lines of a block that begins at `offset`, as line number `line`; blank lines come out as empty pieces."""
    for part in block.split(b"\n"):
        if part:
            yield Piece(part, offset, line)
        offset += len(part) + 1
        line += 1


def unwrap(piece: Piece, wrappers: tuple[str, ...]) -> Iterator[Piece]:
    """The entries of a wrapped list (`{"Records": […]}`), or the piece itself."""
    for wrapper in wrappers:
        if f'"{wrapper}"'.encode() in (piece.data if len(piece.data) < 4096 else piece.data[:4096]):
            break
    else:
        yield piece
        return
    try:
        fields = _object_of_raw(piece.data)
        items = next((_list_of_raw(fields[key]) for key in wrappers if key in fields), None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        items = _broken_wrapper(piece)
        if items is not None:
            yield from items
            return
    if items is None:
        yield piece
        return
    yield from _placed(piece, items)


def _placed(piece: Piece, items: list[msgspec.Raw]) -> Iterator[Piece]:
    at = 0
    line = piece.line
    for item in items:
        data = bytes(item)
        found = piece.data.find(data, at)
        line += piece.data.count(b"\n", at, found)
        yield Piece(data, piece.offset + found, line)
        line += data.count(b"\n")
        at = found + len(data)


def _broken_wrapper(piece: Piece) -> Any:
    """A wrapped list that does not decode as a whole (cut off, one bad element): its elements one by one."""
    found = re.match(rb"\s*\{[^\[{]*\[", piece.data)
    if found is None:
        return None
    return (
        Piece(part.data, piece.offset + part.offset, piece.line + part.line - 1, broken=part.broken)
        for part in _scan(piece.data, found.end(), 1 + piece.data.count(b"\n", 0, found.end()))
    )


def cut_array(data: bytes) -> Iterator[Piece]:
    """Elements of a top-level array, even where the array as a whole is damaged."""
    try:
        items = _list_of_raw(data.removeprefix(_BOM))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        start = _after_bracket(data)
        yield from _scan(data, start, 1 + data.count(b"\n", 0, start))
        return
    yield from _placed(Piece(data, 0, 1), items)


def cut_stream(data: bytes) -> Iterator[Piece]:
    """Concatenated JSON objects, pretty-printed or not."""
    yield from _scan(data, len(data) - len(data.removeprefix(_BOM)), 1)


def _after_bracket(data: bytes) -> int:
    return data.find(b"[") + 1


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}]', re.DOTALL)


def _scan(data: bytes, start: int, line: int) -> Iterator[Piece]:
    """Top-level objects from `start` on. An object that does not end where the next begins is one broken piece."""
    depth = 0
    begin = start
    counted = start
    for token in _TOKEN.finditer(data, start):
        mark = token[0]
        at = token.start()
        if mark == b"{":
            if depth and at and data[at - 1 : at] == b"\n" and b"\n" in data[begin:at]:
                # a new object at the beginning of a line: the one before it never ended
                line += data.count(b"\n", counted, begin)
                counted = begin
                yield Piece(data[begin:at].rstrip(), begin, line, broken="the object does not end")
                depth = 0
            if depth == 0:
                yield from _between(data, begin, at, line + data.count(b"\n", counted, begin))
                begin = at
            depth += 1
        elif mark == b"}" and depth:
            depth -= 1
            if depth == 0:
                line += data.count(b"\n", counted, begin)
                counted = begin
                yield Piece(data[begin : at + 1], begin, line)
                begin = at + 1
    rest = data[begin:]
    if depth:
        yield Piece(rest, begin, line + data.count(b"\n", counted, begin), broken="it ends too early")
    else:
        yield from _between(data, begin, len(data), line + data.count(b"\n", counted, begin))


def _between(data: bytes, begin: int, end: int, line: int) -> Iterator[Piece]:
    """Whatever stands between objects: separators are nothing, anything else is a broken piece."""
    gap = data[begin:end]
    if gap.strip(b" \t\r\n,[]}\x00" if b"{" not in gap else b" \t\r\n,"):
        yield Piece(gap.strip(), begin, line, broken="not JSON")


class _PlainLoader(yaml.CSafeLoader):
    """YAML without references (they can grow without bound) and without guessing at times."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_DOCUMENT = re.compile(rb"(?m)^---(?:[ \t].*)?\r?$\n?")


def cut_yaml(data: bytes) -> Iterator[Piece]:
    """Documents of a YAML file as JSON; the items of a list object come out one by one."""
    begin = 0
    line = 1
    for end, following in [
        *((found.start(), found.end()) for found in _DOCUMENT.finditer(data)),
        (len(data), len(data)),
    ]:
        part = data[begin:end]
        if part.strip():
            yield from _yaml_items(Piece(part, begin, line))
        line += data.count(b"\n", begin, following)
        begin = following


def _yaml_items(piece: Piece) -> Iterator[Piece]:
    try:
        text = piece.data.decode()
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
            yield Piece(piece.data, piece.offset, piece.line, broken="YAML references are not followed")
            return
        value = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a safe loader with fewer types
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        yield Piece(piece.data, piece.offset, piece.line, broken="not YAML")
        return
    items = value.get("items") if isinstance(value, dict) else None
    for item in items if isinstance(items, list) else [value]:
        try:
            encoded = msgspec.json.encode(item)
        except (TypeError, ValueError, RecursionError):
            yield Piece(piece.data, piece.offset, piece.line, broken="YAML that is not JSON")
        else:
            yield Piece(encoded, piece.offset, piece.line, raw=piece.data)
