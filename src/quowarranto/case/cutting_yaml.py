"""Cutting YAML: documents, and the items of a list object one by one, as JSON, each with the bytes it was made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from quowarranto.case.cutting import NO_ENTRY, Piece, without_bom


class _PlainLoader(yaml.CSafeLoader):
    """YAML without guessing at times."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_DOCUMENT = re.compile(rb"(?m)^---(?=[ \t\r\n]|\Z)")
_IDLE_LINE = rb"[^\S\n]*+(?:[#%][^\n]*+|(?:\.\.\.|---)[^\S\n]*+)?"
_IDLE = re.compile(rb"(?:" + _IDLE_LINE + rb"\n)*" + _IDLE_LINE)
"""Comments, directives and marks: a part of nothing else is no document."""
_REFERENCE = re.compile(rb"(?m)(?:^|[\s\[{,:?-])\*[^\s*\"',\]}]")


def cut_yaml(data: bytes) -> Iterator[Piece]:
    """Documents of a YAML file as JSON; the items of a list object come out one by one."""
    data, begin = without_bom(data)
    base, line, at = begin, 1, 0
    for end in [*(found.start() for found in _DOCUMENT.finditer(data)), len(data)]:
        part = data[at:end]
        if not _IDLE.fullmatch(part):
            yield from _items(Piece(part, base + at, line))
        line += part.count(b"\n")
        at = end


def _items(piece: Piece) -> Iterator[Piece]:
    try:
        text = piece.data.decode()
        if _REFERENCE.search(piece.data) and _has_reference(text):
            # they can make a short text grow without bound
            yield _broken(piece, "YAML references are not followed")
            return
        loader = _PlainLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return
            if _repeats_a_key(node):
                yield _broken(piece, "a key stands twice in one object")
                return
            value = loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError):
        yield _broken(piece, "not YAML")
        return
    nodes = _list_nodes(node)
    if nodes is None:
        yield _encoded(piece, value, piece.data)
        return
    if not nodes:
        yield Piece(piece.data, piece.offset, piece.line, nothing=NO_ENTRY)
    starts = _line_starts(piece.data)
    for item, one in zip(value["items"], nodes, strict=True):
        begin, end = (starts[min(mark.line, len(starts) - 1)] for mark in (one.start_mark, one.end_mark))
        if one.end_mark.column or end <= begin:
            end = starts[min(one.end_mark.line + 1, len(starts) - 1)]
        raw = piece.data[begin:end]
        yield _encoded(Piece(raw, piece.offset + begin, piece.line + one.start_mark.line), item, raw)


def _has_reference(text: str) -> bool:
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader))


def _repeats_a_key(node: Any) -> bool:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, yaml.MappingNode):
            names = [key.value for key, _ in one.value if isinstance(key, yaml.ScalarNode)]
            if len(names) != len(set(names)):
                return True
            waiting += [value for _, value in one.value]
        elif isinstance(one, yaml.SequenceNode):
            waiting += one.value
    return False


def _list_nodes(node: Any) -> list[Any] | None:
    """The items of a list object (`items: […]`), if it is one."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "items" and isinstance(value, yaml.SequenceNode):
                return list(value.value)
    return None


def _line_starts(data: bytes) -> list[int]:
    """Where each line begins, and where the last one ends; the parser counts the lines of other line ends too."""
    return [0, *(found.end() for found in re.finditer(rb"\r\n|\n|\r|\xc2\x85|\xe2\x80[\xa8\xa9]", data)), len(data)]


def _encoded(piece: Piece, value: Any, raw: bytes) -> Piece:
    try:
        return Piece(msgspec.json.encode(value), piece.offset, piece.line, raw=raw)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _broken(piece, "YAML that is not JSON")


def _broken(piece: Piece, why: str) -> Piece:
    return Piece(piece.data, piece.offset, piece.line, broken=why)
