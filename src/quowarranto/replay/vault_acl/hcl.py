"""The first HashiCorp configuration language, in which the server reads policies, and JSON beside it.

`sources/vault` only counts rules and reads them as the second language, which differs where it matters here: a block
may have quoted keys, and items need no line of their own. Nothing of the text is quoted in an error.

Source: hashicorp/hcl (v1) hcl/scanner, hcl/parser, json/parser.
"""

from __future__ import annotations

import json
import re
from typing import Any

MOST_NESTED = 32
"""Depth at which a text is refused; a policy needs six."""


class Malformed(Exception):
    """A text that is no policy; the reason says where, never what."""


class Item:
    """`KEY… = VALUE` or `KEY… { … }`, one key or several."""

    __slots__ = ("keys", "value")

    def __init__(self, keys: tuple[str, ...], value: Any) -> None:
        self.keys = keys
        self.value = value


class Object:
    """The items between braces, in order, repeated keys included."""

    __slots__ = ("items",)

    def __init__(self, items: list[Item]) -> None:
        self.items = items


def parse(text: str) -> Object:
    """The outermost items of a text.

    Returns: values are `Object`, `list`, `str`, `int`, `float`, `bool` and (JSON only) `None`.

    Raises:
        Malformed: it cannot be read.
    """
    return _json(text) if text.lstrip().startswith("{") else _Parser(text).whole()


_TOKEN = re.compile(
    r"""
      (?P<space>(?:[ \t\r\n]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)+)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*")
    | <<(?P<dash>-?)(?P<mark>[A-Za-z0-9_]+)\r?\n
    | (?P<number>-?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))
    | (?P<name>[^\W\d][\w.\-]*)
    | (?P<sign>[{}\[\]=,])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


class _Parser:
    """Tokens are cut one at a time; `kind` and `value` are those of the one at hand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.depth = 0
        self.kind = ""
        self.value: Any = None
        self.advance()

    def whole(self) -> Object:
        found = Object(self.items(until="end"))
        if self.kind != "end":
            raise self.error()
        return found

    def items(self, until: str) -> list[Item]:
        found: list[Item] = []
        while self.kind != until:
            found.append(self.item())
            if self.kind == ",":
                self.advance()
        return found

    def item(self) -> Item:
        keys: list[str] = []
        while self.kind in ("name", "string"):
            keys.append(self.value)
            self.advance()
        if not keys:
            raise self.error()
        if self.kind == "=" and len(keys) == 1:
            self.advance()
            return Item(tuple(keys), self.any())
        if self.kind != "{":
            raise self.error()
        return Item(tuple(keys), self.any())

    def any(self) -> Any:
        kind, value = self.kind, self.value
        if kind in ("string", "number"):
            self.advance()
            return value
        if kind == "name" and value in ("true", "false"):
            self.advance()
            return value == "true"
        if kind not in ("{", "["):
            raise self.error()
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise Malformed("nested too deeply")
        self.advance()
        inner = Object(self.items(until="}")) if kind == "{" else self.list()
        self.advance()
        self.depth -= 1
        return inner

    def list(self) -> list[Any]:
        found: list[Any] = []
        while self.kind != "]":
            found.append(self.any())
            if self.kind == ",":
                self.advance()
            elif self.kind != "]":
                raise self.error()
        return found

    def error(self) -> Malformed:
        return Malformed(f"not HCL in line {self.text.count(chr(10), 0, self.place) + 1}")

    def advance(self) -> None:
        if self.place >= len(self.text):
            self.kind = "end"
            return
        found = _TOKEN.match(self.text, self.place)
        if found is None:
            raise self.error()
        self.place = found.end()
        if found["space"]:
            self.advance()
        elif found["mark"]:
            self.kind, self.value = "string", self.heredoc(found["mark"], indented=bool(found["dash"]))
        elif found["string"]:
            self.kind, self.value = "string", self.unescaped(found["string"][1:-1])
        elif found["number"]:
            self.kind, self.value = "number", self.number(found["number"])
        elif found["name"]:
            self.kind, self.value = "name", found["name"]
        else:
            self.kind = found["sign"]

    def number(self, text: str) -> int | float:
        try:
            return float(text) if re.search(r"[.eE]", text) and "x" not in text.lower() else int(text, 0)
        except ValueError:
            raise self.error() from None

    def unescaped(self, text: str) -> str:
        def one(found: re.Match[str]) -> str:
            if digits := found[1]:
                return chr(int(digits, 8))
            if digits := found[2] or found[3] or found[4]:
                return chr(int(digits, 16))
            return _ESCAPED[found[5]]

        try:
            return _ESCAPE.sub(one, text) if "\\" in text else text
        except (KeyError, ValueError, OverflowError):
            raise self.error() from None

    def heredoc(self, mark: str, *, indented: bool) -> str:
        end = re.compile(rf"^[ \t]*{mark}$\r?" if indented else rf"^{mark}\r?$", re.MULTILINE)
        found = end.search(self.text, self.place)
        if found is None:
            raise self.error()
        body = self.text[self.place : found.start()]
        self.place = found.end()
        if not indented:
            return body
        lines = body.splitlines(keepends=True)
        indent = min((len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()), default=0)
        return "".join(line[indent:] for line in lines)


def _json(text: str) -> Object:
    """An object of JSON as items; a key that stands twice is two items."""

    def pairs(items: list[tuple[str, Any]]) -> Object:
        return Object([Item((key,), value) for key, value in items])

    try:
        found = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(found, Object):
        raise Malformed("not a JSON object")
    _refuse_depth(found)
    return found


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_NESTED):
        level = [inner for one in level for inner in _within(one)]
    if level:
        raise Malformed("nested too deeply")


def _within(value: Any) -> list[Any]:
    if isinstance(value, Object):
        return [item.value for item in value.items]
    return value if isinstance(value, list) else []
