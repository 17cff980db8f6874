"""Which of the patterns that match a path counts: the exact one, else the one with the highest priority.

1. the one whose first `+` or `*` comes later;
2. one that does not end in `*`;
3. the one with fewer `+`;
4. the longer one;
5. the greater one in the order of letters.

Source: vault/acl.go, AllowOperation and CheckAllowedFromNonExactPaths; documentation page "Policies", priority rules.
"""

from __future__ import annotations

from collections.abc import Collection

LISTING = frozenset(("list", "scan", "subscribe"))
"""Operations that try the path without its last slash."""


def best(patterns: Collection[str], path: str, operation: str) -> str | None:
    """The pattern that counts for a path.

    Args:
        patterns: with their namespaces, without templates.
    """
    bare = path.removesuffix("/")
    for exact in (path, bare) if operation in LISTING else (path,):
        if exact in patterns and not is_open(exact):
            return exact
    if operation in ("list", "subscribe") and bare != path and (found := _best_open(patterns, bare)) is not None:
        return found
    return _best_open(patterns, path)


def is_open(pattern: str) -> bool:
    """Whether it matches more than itself."""
    return pattern.endswith("*") or has_segments(pattern)


def has_segments(pattern: str) -> bool:
    """Whether a `+` at the beginning of a segment makes it a pattern of segments."""
    return pattern == "+" or "/+" in pattern or pattern.startswith("+/")


def _best_open(patterns: Collection[str], path: str) -> str | None:
    found = [pattern for pattern in patterns if is_open(pattern) and matches(pattern, path)]
    return max(found, key=_priority, default=None)


def matches(pattern: str, path: str) -> bool:
    """Whether an open pattern matches: `*` the rest of the path, `+` one segment, an empty one too."""
    if not has_segments(pattern):
        return path.startswith(pattern[:-1])
    is_prefix = pattern.endswith("*")
    wanted, given = pattern.removesuffix("*").split("/"), path.split("/")
    if len(given) < len(wanted) or (not is_prefix and len(given) != len(wanted)):
        return False
    last = len(wanted) - 1
    return all(
        part in ("+", given[number]) or (is_prefix and number == last and given[number].startswith(part))
        for number, part in enumerate(wanted)
    )


def _priority(pattern: str) -> tuple[int, bool, int, int, str]:
    """The greater, the higher; lengths are of UTF-8."""
    segmented, is_prefix = has_segments(pattern), pattern.endswith("*")
    body = pattern.removesuffix("*")
    first = pattern.index("+") if segmented else len(body)
    wildcards = body.split("/").count("+") if segmented else 0
    return _bytes(pattern[:first]), not is_prefix, -wildcards, _bytes(body), body


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
