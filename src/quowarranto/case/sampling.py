"""The beginning of a file: how it is to be cut, and the first few entries by which its type is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.case.cutting import WRAPPERS, Piece, Shape, cut_array, cut_lines, cut_stream, unwrap, without_bom
from quowarranto.case.cutting_nested import SHIPPED, may_be, nested
from quowarranto.case.cutting_parquet import MAGIC, cut_parquet
from quowarranto.case.cutting_yaml import cut_yaml
from quowarranto.case.envelopes import behind_a_text

_FAILS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder().decode
_ENOUGH = 5
_TRIED = 200
_WHOLE = (".hcl", ".sentinel", ".cedar", ".cedarschema")
"""Endings of texts that are no JSON and are read as a whole."""


_STAMPED = re.compile(rb'\[[^\[\]"\n]{1,200}\][^\n]{0,200}\{')
"""A line that begins with something in brackets and goes on to an object: no list."""


def shape_of(name: str, head: bytes) -> Shape:
    """How a file is to be cut, from its name and first kilobytes."""
    if head.startswith(MAGIC):
        return "parquet"
    text = without_bom(head)[0].lstrip()
    if name.endswith(_WHOLE):
        return "document"
    if name.endswith((".yaml", ".yml")) and not text.startswith((b"{", b"[")):
        return "yaml"
    if text.startswith(b"["):
        return "lines" if _STAMPED.match(text) else "array"
    if not text.startswith(b"{"):
        return "yaml" if re.search(rb"(?m)^apiVersion:\s", text[:4096]) else "lines"
    lines = [line for line in text.split(b"\n")[:50] if line.strip()]
    if _decodes(lines[0]):
        return "lines"
    first = next(cut_stream(text))
    if first.broken is None and _decodes(first.data):
        return "stream"  # it ends on a later line, or is not the only one on this
    beginning = sum(line.startswith(b"{") and len(line.strip()) > 1 for line in lines)
    return "lines" if 2 * beginning > len(lines) else "stream"


def _decodes(line: bytes) -> bool:
    try:
        return isinstance(_decode(line), dict)
    except _FAILS:
        return False


def sample_documents(path: Path, head: bytes, shape: Shape) -> tuple[list[Any], str | None]:
    """The first few entries of a file's head that can be decoded, wrappers opened, and the wrapper's key."""
    if shape == "document":
        return [], None
    if shape == "parquet":
        pieces = cut_parquet(path, _ENOUGH)
    elif shape == "yaml":
        pieces = cut_yaml(head)
    elif shape == "lines":
        pieces = cut_lines(without_bom(head)[0], 0, 1)
    elif shape == "array":
        pieces = cut_array(head)
    else:
        pieces = cut_stream(head)
    documents: list[Any] = []
    wrapper = None
    for piece in islice(pieces, _TRIED):
        found, key = _sampled(piece)
        documents += found
        wrapper = wrapper or key
        if len(documents) >= _ENOUGH:
            break
    return documents[:_ENOUGH], wrapper


def nested_documents(head: bytes, shape: Shape) -> dict[str, list[Any]]:
    """By the path of a list of a shipper (`cutting_nested.SHIPPED`), the first elements that can be decoded."""
    pieces = cut_lines(without_bom(head)[0], 0, 1) if shape == "lines" else cut_stream(head)
    found: dict[str, list[Any]] = {}
    for piece in islice(pieces, _ENOUGH):
        for name, path in SHIPPED.items():
            if not may_be(piece.data, name):
                continue
            parts = [part for part in islice(nested(piece, path), _ENOUGH) if part.data != piece.data]
            parts = parts or _cut_off(piece, name, arrays=path.endswith("values.*"))
            known = [value for part in parts if isinstance(value := _decoded(part.data), dict | list)]
            if known:
                found.setdefault(path, []).extend(known)
    return {path: known[:_ENOUGH] for path, known in found.items()}


def _cut_off(piece: Piece, name: str, *, arrays: bool) -> list[Piece]:
    """The first elements of a list in an object that goes on behind the head of the file."""
    begin = piece.data.find(f'"{name}"'.encode())
    if piece.broken is None or begin < 0:
        return []
    if arrays:
        return [Piece(one[0], 0, 1) for one in islice(_VALUE.finditer(piece.data, begin), _ENOUGH)]
    begin = piece.data.find(b"[", begin)
    return [one for one in islice(cut_stream(piece.data[begin + 1 :]), _ENOUGH) if one.broken is None]


_VALUE = re.compile(rb'\[\s*"\d{10,20}"\s*,\s*"[^"\\]*+(?:\\.[^"\\]*+)*"[^\[\]]*\]')


def _sampled(piece: Piece) -> tuple[list[Any], str | None]:
    data = piece.data
    start = data.find(b"{")
    if start < 0:
        return [], None
    inside = [_decoded(part.data) for part in _few(unwrap(piece, WRAPPERS)) if part.data != data]
    if found := [value for value in inside if isinstance(value, dict)]:
        return found, next((name for name in WRAPPERS if _wraps(piece, name)), None)
    value = _decoded(data if not data[:start].strip() else behind_a_text(data))
    return ([value] if isinstance(value, dict) else []), None


def _wraps(piece: Piece, name: str) -> bool:
    return any(part.data != piece.data for part in islice(unwrap(piece, (name,)), 1))


def _few(pieces: Iterator[Piece]) -> Iterator[Piece]:
    return islice(pieces, _ENOUGH)


def _decoded(data: bytes) -> Any:
    try:
        return _decode(data)
    except _FAILS:
        return None
