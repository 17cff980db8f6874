"""What a module of Rego refers to, read from its text without an engine: package, rules, built-ins, data.

A reading in the safe direction: what it takes for a reference to something unknown makes an answer indeterminate.

Source    open-policy-agent.org, "Policy Language" (grammar, `import rego.v1`), "Upgrading to v1.0".
"""

from __future__ import annotations

import re

import msgspec

_QUIET = re.compile(r'#[^\n]*|"(?:[^"\\\n]|\\.)*"?|`[^`]*`?')
"""What calls nothing; a text that is never closed goes as far as it can, and no engine takes it."""
_PACKAGE = re.compile(r"^[^\S\n]*package\s+([A-Za-z_][\w.]*)", re.MULTILINE)
_RULE = re.compile(r"^(?:default\s+)?([A-Za-z_]\w*)", re.MULTILINE)
_CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\s*\(")
_DATA = re.compile(r"(?<![\w.])data((?:\.[A-Za-z_]\w*)*)")
_IMPORT = re.compile(r"^import\s+[^\n]*", re.MULTILINE)
_BEFORE_A_BODY = ("if", "else")
_KEYWORDS = frozenset(("package", "import", "default", "else", "not", "some", "every", "with", "as", "if", "contains"))
_OWN = ("input", "data")


class Module(msgspec.Struct, frozen=True):
    """One module."""

    name: str
    text: str
    package: str
    """Its path, with slashes."""
    rules: frozenset[str]
    calls: frozenset[str]
    """Functions with a dot in their names: built-ins, or functions of other packages, which count as unknown."""
    data: frozenset[str]
    """Paths of what it reads below `data`, with slashes."""
    whole_data: bool
    old: bool
    """Written for Rego v0: rule bodies without `if`."""


def module_of(name: str, text: str) -> Module | None:
    """A module; None where the text has no package."""
    code = _QUIET.sub(lambda found: '""' if found[0][0] != "#" else "", text)
    package = _PACKAGE.search(code)
    if package is None:
        return None
    rules = frozenset(found[1] for found in _RULE.finditer(code)) - _KEYWORDS
    read = {found[1].strip(".").replace(".", "/") for found in _DATA.finditer(code)}
    calls = {found[1] for found in _CALL.finditer(code) if found[1].split(".")[0] not in _OWN}
    return Module(
        name=name,
        text=text,
        package=package[1].replace(".", "/"),
        rules=rules,
        calls=frozenset(calls),
        data=frozenset(read - {""}),
        whole_data="" in read,
        old=_old(code),
    )


def _old(code: str) -> bool:
    """Whether a rule has a body that no `if` introduces."""
    for line in _top_level(_IMPORT.sub("", code)):
        before = _before_a_body(line)
        if before and not before.endswith((*_BEFORE_A_BODY, "=", "[", "(", ",", ":", "{", "|", "in")):
            return True
    return False


def _before_a_body(line: str) -> str:
    """The word before the first brace that has one before it, which may be a part of a longer word."""
    words = line.split()
    for word, follows in zip(words, [*words, ""][1:], strict=True):
        if follows.startswith("{"):
            return word
        if "{" in word[1:]:
            return word[: word.rindex("{")]
    return ""


def _top_level(code: str) -> list[str]:
    """Lines that begin outside all brackets."""
    out: list[str] = []
    depth = 0
    for line in code.splitlines():
        if depth == 0:
            out.append(line)
        depth += sum(line.count(one) for one in "{[(") - sum(line.count(one) for one in "}])")
    return out
