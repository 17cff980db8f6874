"""Patterns of a policy: literal text, wildcards and variables; and whether a text matches them.

A variable is `${key}` or `${key, 'default'}`; `${*}`, `${?}` and `${$}` are the characters themselves. Documents of
version 2008-10-17 have none of these, there they are plain text.
Matching follows all ways through the pattern at once (a bit per place), so that no pattern makes it slow.
Source: IAM user guide, "Variables and tags", "Resource", "Condition operators".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Literal

import msgspec

from quowarranto.replay.answer import Missing

Crossing = Literal["free", "resource", "arn"]
"""Which wildcards match a colon: all; those that end a segment of an ARN; those behind the fifth colon."""


class Wild(Enum):
    """A wildcard."""

    ANY = "*"
    ONE = "?"


class Variable(msgspec.Struct, frozen=True):
    """A place that the request fills."""

    key: str
    """In lower case."""
    default: str | None = None


Part = str | Wild | Variable
Pattern = tuple[Part, ...]
Filled = tuple[str | Wild, ...]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s]+)\s*,\s*'([^']*)'\s*")


def pattern(text: str, *, variables: bool, wildcards: bool) -> Pattern:
    """The parts of a text of a policy."""
    parts: list[Part] = []
    place = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        parts += _plain(text[place : found.start()], wildcards)
        parts.append(_variable(found[1]))
        place = found.end()
    return (*parts, *_plain(text[place:], wildcards))


def _variable(inside: str) -> Part:
    if inside in ("*", "?", "$"):
        return inside
    if found := _DEFAULT.fullmatch(inside):
        return Variable(found[1].lower(), found[2])
    return Variable(inside.strip().lower())


def _plain(text: str, wildcards: bool) -> list[Part]:
    if not wildcards:
        return [text] if text else []
    return [Wild(piece) if piece in ("*", "?") else piece for piece in re.split(r"([*?])", text) if piece]


def variables_of(parts: Pattern) -> list[Variable]:
    """In the order of their places."""
    return [part for part in parts if isinstance(part, Variable)]


class Unresolved(Exception):
    """A variable has no value, and no default: what the request would have to hold."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


Lookup = Callable[[str], str | Missing | None]
"""The one value of a key; `None`: the request has none, or several; what is missing where that is not known."""


def filled(parts: Pattern, value_of: Lookup) -> tuple[Filled, Missing]:
    """The pattern with values for variables, and what is not known; that counts as any text.

    Raises:
        Unresolved: the request has no value for one of them.
    """
    done: list[str | Wild] = []
    missing: Missing = frozenset()
    for part in parts:
        if not isinstance(part, Variable):
            done.append(part)
            continue
        value = value_of(part.key)
        if value is None and part.default is None:
            raise Unresolved(part.key)
        if isinstance(value, frozenset):
            missing |= value
            done.append(Wild.ANY)
        else:
            done.append(part.default or "" if value is None else value)
    return tuple(done), missing


def fits(parts: Filled, text: str, crossing: Crossing = "free", *, ignore_case: bool = False) -> bool:
    """Whether the whole text matches."""
    if ignore_case:
        parts, text = tuple(part.lower() if isinstance(part, str) else part for part in parts), text.lower()
    if Wild.ANY not in parts and Wild.ONE not in parts:
        return "".join(part for part in parts if isinstance(part, str)) == text
    return _compiled(parts, crossing).fits(text)


class _Machine(msgspec.Struct, frozen=True):
    """A bit per place in the pattern; `steps` go on with one character, `loops` stay."""

    letters: dict[str, int]
    ones: int
    any_letter: int
    """Wildcards that match every character."""
    no_colon: int
    """Wildcards that match every character but a colon."""
    end: int

    def fits(self, text: str) -> bool:
        stars = self.any_letter | self.no_colon
        places = 1 | (1 & stars) << 1
        for letter in text:
            stay = self.any_letter if letter == ":" else stars
            places = (places & (self.letters.get(letter, 0) | self.ones)) << 1 | places & stay
            places |= (places & stars) << 1
            if not places:
                return False
        return bool(places & self.end)


@lru_cache(maxsize=4096)
def _compiled(parts: Filled, crossing: Crossing) -> _Machine:
    letters: dict[str, int] = {}
    ones = any_letter = no_colon = place = colons = 0
    for number, part in enumerate(parts):
        if part is Wild.ANY:
            if number and parts[number - 1] is Wild.ANY:
                continue
            after = next((p for p in parts[number + 1 :] if p is not Wild.ANY and p != ""), None)
            last = after is None or (isinstance(after, str) and after.startswith(":"))
            if crossing == "free" or (crossing == "resource" and last) or (crossing == "arn" and colons >= 5):
                any_letter |= 1 << place
            else:
                no_colon |= 1 << place
            place += 1
        elif part is Wild.ONE:
            ones |= 1 << place
            place += 1
        elif isinstance(part, str):
            colons += part.count(":")
            for letter in part:
                letters[letter] = letters.get(letter, 0) | 1 << place
                place += 1
    return _Machine(letters, ones, any_letter, no_colon, 1 << place)
