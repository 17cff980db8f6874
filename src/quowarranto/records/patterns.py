"""Patterns (SPEC 2): `*` is any run of characters, `?` is one character, all else is itself; the whole must match."""

from __future__ import annotations

import re
from functools import lru_cache

LIKE_ESCAPE = "!"
_SPECIAL = frozenset("*?%_!")


@lru_cache(maxsize=65536)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = [".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern]
    return re.compile("".join(parts), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text, case-sensitively; `*` also matches `/` and nothing."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _compiled(_folded(pattern)).fullmatch(text) is not None


def matches_resource(pattern: str, resource_type: str, resource_id: str) -> bool:
    """A resource pattern speaks of `type:id` when it has a `:` before any `/`, else of `id` (SPEC 2)."""
    return matches(pattern, f"{resource_type}:{resource_id}" if is_typed(pattern) else resource_id)


def is_typed(pattern: str) -> bool:
    """Whether a resource pattern is matched against `type:id`."""
    head, colon, _ = pattern.partition(":")
    return bool(colon) and "/" not in head


def literal_prefix_length(pattern: str) -> int:
    """Characters up to the first `*` or `?` (SPEC 4.3c)."""
    cut = [at for at in (pattern.find("*"), pattern.find("?")) if at >= 0]
    return min(cut) if cut else len(pattern)


@lru_cache(maxsize=65536)
def like_of(pattern: str) -> str:
    """The same pattern for SQL `LIKE … ESCAPE '!'`."""
    if _SPECIAL.isdisjoint(pattern):
        return pattern
    out = []
    for c in _folded(pattern):
        if c == "*":
            out.append("%")
        elif c == "?":
            out.append("_")
        elif c in "%_!":
            out.append(LIKE_ESCAPE + c)
        else:
            out.append(c)
    return "".join(out)


def _folded(pattern: str) -> str:
    """Runs of `*` mean one `*`; folding them keeps a hostile `****…` from costing exponential time."""
    return re.sub(r"\*+", "*", pattern)
