"""What a statement changes about who may do what, from its text: roles taken on, privileges given, transactions.

Only what is read here leaves the text; the rest of it, literals above all, is looked at by nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_TOKEN = re.compile(
    r"""\s+|--[^\n]*|/\*.*?\*/|(?P<quoted>"(?:[^"]|"")+")|(?P<text>[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*')"""
    r"""|(?P<word>[^\W\d][\w$]*)|(?P<sign>.)""",
    re.DOTALL,
)
_LONGEST = 20_000
"""Characters of a statement that are looked at."""
_UNCLEAR = re.compile(r"set_config\s*\(\s*'(?:role|session_authorization)'", re.IGNORECASE)
_VERBS = {"truncate": "truncate table", "create": "create *"}
_OF_A_TABLE = ("select", "insert", "update", "delete", "truncate")
_SHARED = frozenset({"database", "schema", "tablespace", "language", "parameter"})
"""Kinds of object whose name has no schema before it."""
_TWO_WORDS = {"foreign": 3, "large": 2}
"""Words that the kinds of object take which begin with this one (`foreign data wrapper`, `large object`)."""

Change = dict[str, Any]


class _Tokens:
    """The words of a statement: identifiers as PostgreSQL folds them, keywords in lower case, strings as `''`."""

    def __init__(self, text: str) -> None:
        self.words: list[str] = []
        self.quoted: list[bool] = []
        for found in _TOKEN.finditer(text[:_LONGEST]):
            if found.lastgroup is None:
                continue
            value = found[0]
            is_quoted = found.lastgroup == "quoted"
            if is_quoted:
                value = value[1:-1].replace('""', '"')
            elif found.lastgroup == "text":
                # only an identifier can be meant by the strings that are kept: SET ROLE 'name'
                value, is_quoted = value[value.index("'") + 1 : -1], True
            else:
                value = value.lower()
            self.words.append(value)
            self.quoted.append(is_quoted)
        while self.words and self.words[-1] == ";" and not self.quoted[-1]:
            self.words.pop()
            self.quoted.pop()

    def starts(self, *words: str) -> bool:
        return self.words[: len(words)] == list(words)

    def place(self, word: str, start: int = 0) -> int:
        """Where a keyword stands outside brackets; -1 where it does not."""
        depth = 0
        for at in range(start, len(self.words)):
            if self.quoted[at]:
                continue
            depth += {"(": 1, ")": -1}.get(self.words[at], 0)
            if self.words[at] == word and depth == 0:
                return at
        return -1


def understood(command: str, text: str) -> Change:
    """What the statement changes: `role`, `transaction`, `changes`, `target`, `unclear`; empty for most."""
    if command == "SELECT" and _UNCLEAR.search(text):
        return {"unclear": True}
    reader = _READERS.get(command)
    return {} if reader is None else reader(_Tokens(text))


# ---- who the session becomes -----------------------------------------------------------------------------------------


def _set(tokens: _Tokens) -> Change:
    words = [word for word in tokens.words[1:3] if word in ("local", "session")][:1]
    local = words == ["local"]
    rest = tokens.words[1 + len(words) :]
    if tokens.starts("set", "session", "authorization"):
        words, rest = [], tokens.words[2:]
    kind = {"role": "role", "authorization": "authorization", "session_authorization": "authorization"}.get(
        rest[0] if rest else ""
    )
    if kind is None:
        return {}
    values = [word for word in rest[1:] if word not in ("=", "to")]
    if len(values) != 1:
        return {"unclear": True}
    nothing = values[0] in ("none", "default") and not tokens.quoted[-1]
    to = None if nothing else values[0]
    return {"role": {"kind": kind, "to": to, "local": local}} | ({"target": ["role", to]} if to else {})


def _reset(tokens: _Tokens) -> Change:
    if tokens.starts("reset", "role"):
        return {"role": {"kind": "role", "to": None, "local": False}}
    if tokens.starts("reset", "session", "authorization") or tokens.starts("reset", "session_authorization"):
        return {"role": {"kind": "authorization", "to": None, "local": False}}
    return {}


def _discard(tokens: _Tokens) -> Change:
    return {"role": {"kind": "authorization", "to": None, "local": False}}


# ---- transactions ----------------------------------------------------------------------------------------------------


def _rollback(tokens: _Tokens) -> Change:
    at = tokens.place("to")
    if at < 0:
        return {"transaction": "rollback"}
    return {"transaction": "rollback to", "savepoint": tokens.words[-1]}


def _savepoint(tokens: _Tokens) -> Change:
    return {"transaction": "savepoint", "savepoint": tokens.words[-1]}


def _commit(tokens: _Tokens) -> Change:
    return {"transaction": "commit"}


# ---- roles and privileges --------------------------------------------------------------------------------------------


def _create_role(tokens: _Tokens) -> Change:
    if len(tokens.words) < 3:
        return {}
    name, options = tokens.words[2], set(tokens.words[3:])
    login = "nologin" not in options and (tokens.words[1] == "user" or "login" in options)
    changes: list[Change] = [{"do": "login", "role": name}] if login else []
    at = next((at for at in range(3, len(tokens.words) - 1) if tokens.words[at] in ("role", "group")), 0)
    if at and tokens.words[at - 1] == "in":
        changes += [{"do": "join", "role": role, "member": name} for role in _names(tokens, at + 1, at + 2)]
    return {"target": ["role", name], "changes": changes}


def _alter_role(tokens: _Tokens) -> Change:
    if len(tokens.words) < 3:
        return {}
    name, options = tokens.words[2], tokens.words[3:]
    if options[:2] == ["rename", "to"]:
        renamed = {"do": "rename", "role": name, "to": options[2]} if len(options) > 2 else None
        return {"target": ["role", name], "changes": [renamed] if renamed else []}
    changes: list[Change] = []
    if "nologin" in options:
        changes.append({"do": "no login", "role": name})
    elif "login" in options and "set" not in options:
        changes.append({"do": "login", "role": name})
    return {"target": ["role", name], "changes": changes}


def _drop_role(tokens: _Tokens) -> Change:
    start = 4 if tokens.words[2:4] == ["if", "exists"] else 2
    names = _names(tokens, start, len(tokens.words))
    return _targeting("role", names) | {"changes": [{"do": "drop role", "role": name} for name in names]}


def _drop_owned(tokens: _Tokens) -> Change:
    names = _names(tokens, 3, len(tokens.words))
    return _targeting("role", names) | {"changes": [{"do": "drop owned", "role": name} for name in names]}


def _grant_role(tokens: _Tokens) -> Change:
    at = tokens.place("to")
    end = _first(tokens, at + 1, ("with", "granted"))
    roles, members = _names(tokens, 1, at), _names(tokens, at + 1, end)
    return _targeting("role", roles) | {
        "changes": [{"do": "join", "role": role, "member": member} for role in roles for member in members]
    }


def _revoke_role(tokens: _Tokens) -> Change:
    if "option" in tokens.words[1:4]:
        return {}  # the membership stays, only the right to hand it on goes
    at = tokens.place("from")
    end = _first(tokens, at + 1, ("granted", "cascade", "restrict"))
    roles, members = _names(tokens, 1, at), _names(tokens, at + 1, end)
    return _targeting("role", roles) | {
        "changes": [{"do": "leave", "role": role, "member": member} for role in roles for member in members]
    }


def _grant(tokens: _Tokens) -> Change:
    return _privileges(tokens, "grant", "to", ("with", "granted"))


def _revoke(tokens: _Tokens) -> Change:
    if tokens.words[1:4] == ["grant", "option", "for"]:
        return {}
    return _privileges(tokens, "revoke", "from", ("granted", "cascade", "restrict"))


def _privileges(tokens: _Tokens, do: str, towards: str, ends: Sequence[str]) -> Change:
    on = tokens.place("on")
    at = tokens.place(towards, on + 1)
    if on < 0 or at < 0:
        return {}
    kind, patterns = _objects(tokens, on + 1, at)
    grantees = _names(tokens, at + 1, _first(tokens, at + 1, ends))
    verbs, columns = _verbs(tokens, 1, on, kind)
    if not patterns or not grantees or not verbs:
        return {}
    change = {"do": do, "verbs": verbs, "objects": patterns, "shared": kind in _SHARED, "columns": columns}
    return {
        "target": [kind, patterns[0]],
        "changes": [change | {"role": "*" if name == "public" else name} for name in grantees],
    }


def _objects(tokens: _Tokens, start: int, end: int) -> tuple[str, list[str]]:
    """The kind of what privileges are given on, and patterns of the names: without a schema, any schema is meant."""
    words = tokens.words[start:end]
    if words[:1] == ["all"] and "schema" in words:
        kind = words[1].removesuffix("s")
        schemas = _names(tokens, start + words.index("schema") + 1, end)
        return kind, [f"{schema}.*" for schema in schemas]
    kind = "table"
    known = ("table", "sequence", "function", "procedure", "routine", "type", "domain", *_SHARED, *_TWO_WORDS)
    if words and words[0] in known and not tokens.quoted[start] and len(words) > 1 and words[1] not in (".", ","):
        kind = words[0]
        start += _TWO_WORDS.get(kind, 1)
    names = _names(tokens, start, end)
    if kind in _SHARED:
        return kind, names
    return kind, [name if "." in name else f"*.{name}" for name in names]


def _verbs(tokens: _Tokens, start: int, end: int, kind: str) -> tuple[list[str], bool]:
    """The commands that privileges allow, and whether they are limited to columns."""
    names = [name for name in _names(tokens, start, end) if name != "privileges"]
    if any(name.split(" ")[0] == "all" for name in names):
        names = list(_OF_A_TABLE) if kind == "table" else ["*"]
    return sorted({_VERBS.get(name, name) for name in names}), "(" in tokens.words[start:end]


def _names(tokens: _Tokens, start: int, end: int) -> list[str]:
    """Names between commas, with their schema; what stands in brackets (columns, arguments) is passed over."""
    names: list[str] = []
    depth, open_name = 0, False
    for at in range(max(start, 0), min(end, len(tokens.words))):
        word, quoted = tokens.words[at], tokens.quoted[at]
        if not quoted and word in ("(", ")"):
            depth += 1 if word == "(" else -1
        elif depth:
            continue
        elif not quoted and word == ",":
            open_name = False
        elif not quoted and word == ".":
            if names:
                names[-1] += "."
            open_name = True
        elif not quoted and word in ("group", "cascade", "restrict"):
            continue
        elif open_name and names and names[-1].endswith("."):
            names[-1] += word
        elif not open_name:
            names.append(word)
            open_name = True
    return names


def _first(tokens: _Tokens, start: int, words: Sequence[str]) -> int:
    places = [at for at in (tokens.place(word, start) for word in words) if at >= 0]
    return min(places, default=len(tokens.words))


def _targeting(kind: str, names: list[str]) -> Change:
    return {"target": [kind, names[0]]} if names else {}


_READERS = {
    "SET": _set,
    "RESET": _reset,
    "DISCARD ALL": _discard,
    "ROLLBACK": _rollback,
    "SAVEPOINT": _savepoint,
    "COMMIT": _commit,
    "CREATE ROLE": _create_role,
    "ALTER ROLE": _alter_role,
    "DROP ROLE": _drop_role,
    "DROP OWNED": _drop_owned,
    "GRANT ROLE": _grant_role,
    "REVOKE ROLE": _revoke_role,
    "GRANT": _grant,
    "REVOKE": _revoke,
}
