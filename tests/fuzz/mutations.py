"""Changing an input: bytes of any, and of JSON its structure (types swapped, depth, numbers, repeats, odd texts)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

NUMBERS = (0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**40, -0.0, 1e308, 1e-320, 253402300800)
TEXTS = (
    *("", " ", "\0", "a\0b", "\ud800", "\udfff", "\ud83d\ude00", "\ufeff", "\u202e", "é", "%s", "*", "?", "null"),
    *("NaN", "-", ":", "/", "//", "::", "a:b:c", ".", "arn:aws:iam::1:x", "[]", "{}", "1e400", "9" * 400, "x" * 5000),
    *("0000-00-00T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:60Z"),
    *("2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "-1", "1e9"),
    *("http://[", "spiffe://", "https://[::1]:99999/", "a.b.c", "e30.e30.e30", "{", '{"a":', "=", "a=b", "\n", "\r\n"),
)
BYTES = (
    b"",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r",
    b"\\u0000",
)
_DEPTHS = (3, 40, 200, 1_500)
_LONGEST = 64 * 1024
"""No input grows beyond: a parser that is slow on large ones is not what is looked for."""


class Mutator:
    """Makes an input from others; the same dice make the same."""

    def __init__(self, dice: random.Random, seeds: Sequence[bytes]) -> None:
        self.dice = dice
        self.pool = [seed for seed in seeds if len(seed) <= _LONGEST] or list(seeds) or [b"{}"]

    def next(self) -> bytes:
        """An input, changed in one to four places."""
        data = self.dice.choice(self.pool)
        if self.dice.random() < 0.7:
            try:
                value = json.loads(data)
            except (ValueError, RecursionError):
                value = None
            if isinstance(value, (dict, list)):
                for _ in range(self.dice.choice((1, 1, 1, 2, 4))):
                    value = self._changed(value, 0)
                try:
                    data = json.dumps(value, ensure_ascii=self.dice.random() < 0.5).encode("utf-8", "surrogatepass")
                except RecursionError:
                    return b"[" * 5_000
                return self._repeated(data) if self.dice.random() < 0.05 else data[:_LONGEST]
        for _ in range(self.dice.choice((1, 1, 2, 4))):
            data = self._bytes(data)
        return data[:_LONGEST]

    # ---- structure ---------------------------------------------------------------------------------------------------

    def _changed(self, value: Any, depth: int) -> Any:
        """The value with one thing in it changed; every level is as likely as the next."""
        dice = self.dice
        if isinstance(value, dict) and value and dice.random() < 0.85:
            key = dice.choice(list(value))
            what = dice.random()
            if what < 0.08:
                return {name: one for name, one in value.items() if name != key}
            if what < 0.12:
                return value | {dice.choice(TEXTS): value[key]}
            if what < 0.15:  # two members change places
                other = dice.choice(list(value))
                return value | {key: value[other], other: value[key]}
            return value | {key: self._changed(value[key], depth + 1)}
        if isinstance(value, list) and value and dice.random() < 0.85:
            place = dice.randrange(len(value))
            if dice.random() < 0.1:
                return [*value, *value[place:]] if len(value) < 50 else value[:place]
            return [*value[:place], self._changed(value[place], depth + 1), *value[place + 1 :]]
        return self._other(value)

    def _other(self, value: Any) -> Any:
        """Something else in its place, of its own type or another one."""
        dice = self.dice
        kinds: tuple[Callable[[], Any], ...] = (
            lambda: None,
            lambda: dice.random() < 0.5,
            lambda: dice.choice(NUMBERS),
            lambda: dice.choice(TEXTS),
            lambda: dice.choice(TEXTS),
            lambda: [value],
            lambda: [value, value, None],
            lambda: {dice.choice(TEXTS): value},
            lambda: _text(value) + dice.choice(TEXTS),
            lambda: _text(value)[: dice.randrange(1 + len(_text(value)))],
            lambda: _nested(value, dice.choice(_DEPTHS)),
            list,
            dict,
        )
        return dice.choice(kinds)()

    def _repeated(self, data: bytes) -> bytes:
        """A member that stands twice: JSON as Python writes it has none."""
        begin = data.find(b'"')
        end = data.find(b",", begin)
        return data[:end] + b"," + data[begin:end] + data[end:] if 0 <= begin < end else data

    # ---- bytes -------------------------------------------------------------------------------------------------------

    def _bytes(self, data: bytes) -> bytes:
        dice = self.dice
        begin = dice.randrange(len(data) + 1)
        end = min(len(data), begin + dice.choice((0, 1, 1, 4, 64)))
        what = dice.randrange(6)
        if what == 0:
            return data[:begin]
        if what == 1:
            return data[:begin] + dice.choice(BYTES) + data[begin:]
        if what == 2:
            return data[:begin] + data[end:]
        if what == 3:
            return data[:end] + data[begin:end] * dice.choice((1, 3, 200)) + data[end:]
        if what == 4:
            other = dice.choice(self.pool)
            return data[:begin] + other[dice.randrange(len(other) + 1) :]
        return data[:begin] + dice.choice(TEXTS).encode("utf-8", "surrogatepass") + data[end:]


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value] if depth % 2 else {"a": value}
    return value


def _text(value: Any) -> str:
    return "" if isinstance(value, (dict, list)) else str(value)
