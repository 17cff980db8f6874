"""Files that lie beside logs and are none: licences, texts for readers, descriptions of data sets.

Only what no source recognises is looked at. A file is left out by its name and its content together, so that a log with
such a name is still told of as one that nobody recognises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

_LICENCE = re.compile(r"(?:UN)?LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|PATENTS|AUTHORS", re.IGNORECASE)
_OF_LICENCES = re.compile(r"\b(?:copyright|licen[cs]ed?|warrant(?:y|ies)|permission)\b", re.IGNORECASE)
_READ_ME = re.compile(r"README|CHANGELOG|CONTRIBUTING|SECURITY|PROVENANCE|CODE_OF_CONDUCT", re.IGNORECASE)
_PROSE = frozenset((".md", ".markdown", ".rst", ".adoc"))
_PLAIN = frozenset(("", ".txt"))
_ENTRY = re.compile(r"[\s>*-]*(?:[{\[<]|\d{4}-\d\d-\d\d|\w{3} [ \d]\d \d\d:\d\d:\d\d|[\w.-]+=\S)")
"""How a line of a log might begin: an object, a time, a pair."""
_DESCRIBED = frozenset(("title", "description"))
_OF_ENTRIES = frozenset(("apiVersion", "kind", "time", "timestamp", "ts", "date"))


def what_else(name: str, text: str, documents: Sequence[Any]) -> str | None:
    """What a file is instead of a log, in a few words; None where it may be a log that no source knows.

    Args:
        name: of the file.
        text: its beginning.
        documents: its first entries, where it holds any that could be decoded.
    """
    path = PurePath(name)
    if documents:
        described = path.suffix in (".yaml", ".yml") and len(documents) == 1 and _is_description(documents[0])
        return "a description (YAML with a title)" if described else None
    if not _is_prose(text):
        return None
    if path.suffix in (*_PLAIN, *_PROSE) and _LICENCE.match(path.name) and _OF_LICENCES.search(text):
        return "a licence"
    if path.suffix in _PROSE or (path.suffix in _PLAIN and _READ_ME.match(path.name)):
        return "a text for readers"
    return None


def _is_description(document: Any) -> bool:
    return isinstance(document, dict) and document.keys() >= _DESCRIBED and not _OF_ENTRIES & document.keys()


def _is_prose(text: str) -> bool:
    """Whether few lines might be entries, and nothing in it is no text."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and "\0" not in text and sum(bool(_ENTRY.match(line)) for line in lines) * 4 < len(lines)
