"""The beginning of a file: how it is to be cut, and the first few entries by which its type is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.case.cutting import WRAPPERS, Piece, Shape, cut_array, cut_lines, cut_stream, unwrap, without_bom
from quowarranto.case.cutting_parquet import MAGIC, cut_parquet
from quowarranto.case.cutting_yaml import cut_yaml

_FAILS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder().decode
_ENOUGH = 5
_TRIED = 200
_WHOLE = (".hcl", ".sentinel", ".cedar", ".cedarschema")
"""Endings of texts that are no JSON and are read as a whole."""


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
        return "array"
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


def _sampled(piece: Piece) -> tuple[list[Any], str | None]:
    data = piece.data
    start = data.find(b"{")
    if start < 0:
        return [], None
    inside = [_decoded(part.data) for part in _few(unwrap(piece, WRAPPERS)) if part.data != data]
    if found := [value for value in inside if isinstance(value, dict)]:
        return found, next((name for name in WRAPPERS if f'"{name}"'.encode() in data), None)
    value = _decoded(data if not data[:start].strip() else data[start:])
    return ([value] if isinstance(value, dict) else []), None


def _few(pieces: Iterator[Piece]) -> Iterator[Piece]:
    return islice(pieces, _ENOUGH)


def _decoded(data: bytes) -> Any:
    try:
        return _decode(data)
    except _FAILS:
        return None
