"""Templates in paths: `secret/data/{{identity.entity.id}}/*`.

A value that is known is put in its place; one that is known not to be there (`null`) takes the whole rule away; one
that is not known leaves open which path the rule is for.

Source: sdk/helper/identitytpl/templating.go, PopulateString in ACL mode.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from quowarranto.replay.vault_acl.hcl import Malformed
from quowarranto.replay.vault_acl.matching import is_open, matches

IDENTITY = "subject.properties."
MOST_UNKNOWN = 3
"""Unknown values in one path that are still worked out; of more it is taken that they could be anything."""

LONGEST = 1024
"""Characters of a path beyond which it is taken that they could be."""

Piece = str | tuple[str]
"""A literal part, or the name of an input that is not known."""


def pieces_of(path: str) -> list[str]:
    """Literal parts and, at odd places, directives.

    Raises:
        Malformed: braces that do not pair.
    """
    first, *rest = path.split("{{")
    found = [first]
    for part in rest:
        directive, *literal = part.split("}}")
        if len(literal) != 1:
            raise Malformed("braces of a template that do not pair")
        found += [directive.strip(), literal[0]]
    if "}}" in first:
        raise Malformed("braces of a template that do not pair")
    return found


def filled(prefix: str, path: str, identity: Mapping[str, Any]) -> list[Piece] | None:
    """The parts of a path with all known values in their places; `None` where the rule falls away.

    Args:
        prefix: the namespace, as it is.
        identity: `entity` (`id`, `name`, `metadata`, `aliases` by accessor) and `groups` (`ids`, `names`).
    """
    found: list[Piece] = []
    for number, piece in enumerate(pieces_of(path)):
        if number % 2 == 0:
            found.append(piece if number else prefix + piece)
            continue
        value = _value(piece, identity)
        if value is None or (value == "" and not _may_be_empty(piece)):
            return None
        if isinstance(value, str) and ("*" in value or "+" in value):
            value = (f"treatment of wildcards in {piece}",)  # newer servers drop the rule, older ones take them over
        found.append(value)
    return found


def _value(directive: str, identity: Mapping[str, Any]) -> str | tuple[str] | None:
    if directive.startswith("time."):
        return (directive,)
    keys = _keys(directive)
    if keys is None:
        return None
    found: Any = identity
    for key in keys:
        if found is None:
            return None
        if not isinstance(found, Mapping) or key not in found:
            return (f"{IDENTITY}{directive}",)
        found = found[key]
    return found if isinstance(found, str) else None


def _may_be_empty(directive: str) -> bool:
    """Empty metadata are put in; an empty name or id takes the rule away."""
    return "metadata." in directive


def _keys(directive: str) -> list[str] | None:
    """Where the value stands; `None` for a directive that the server does not know."""
    parts = directive.split(".")
    match parts:
        case ["identity", "entity", "id" | "name"]:
            return parts[1:]
        case ["identity", "entity", "metadata", *key] if key:
            return ["entity", "metadata", ".".join(key)]
        case ["identity", "entity", "aliases", accessor, "id" | "name"]:
            return ["entity", "aliases", accessor, parts[-1]]
        case ["identity", "entity", "aliases", accessor, "metadata" | "custom_metadata", *key] if key:
            return ["entity", "aliases", accessor, parts[4], ".".join(key)]
        case ["identity", "groups", "ids" | "names", group, "id" | "name"]:
            return ["groups", parts[2], group, parts[-1]]
        case ["identity", "groups", "ids" | "names", group, "metadata", *key] if key:
            return ["groups", parts[2], group, "metadata", ".".join(key)]
    return None


def possible(pieces: list[Piece], path: str) -> tuple[str, ...]:
    """Patterns that a path with unknown values might turn out to be, of those that match: nearest and furthest reading.

    Returns: nothing where no value makes it match.
    """
    if len(path) > LONGEST or sum(isinstance(piece, tuple) for piece in pieces) > MOST_UNKNOWN:
        return (path,)
    bare = path.removesuffix("/")
    found = {pattern for how in (".+?", ".+") for one in (path, bare) for pattern in _read(pieces, one, how)}
    return tuple(sorted(found))


def _read(pieces: list[Piece], path: str, how: str) -> list[str]:
    """The pattern with the values that the path would need, if there are any."""
    expression = "".join(f"({how})" if isinstance(piece, tuple) else _literal(piece) for piece in pieces)
    last = pieces[-1]
    if isinstance(last, str) and last.endswith("*"):
        expression = expression.removesuffix(re.escape("*")) + ".*"
    values = re.fullmatch(expression, path, re.DOTALL)
    if values is None:
        return []
    groups = iter(values.groups())
    pattern = "".join(next(groups) if isinstance(piece, tuple) else piece for piece in pieces)
    return [pattern] if (matches(pattern, path) if is_open(pattern) else pattern == path) else []


def _literal(text: str) -> str:
    """A `+` that is a whole segment stands for any; where it is not one, `matches` says so afterwards."""
    return re.sub(r"(^|/)\\\+(?=/|$)", r"\1[^/]*", re.escape(text))
