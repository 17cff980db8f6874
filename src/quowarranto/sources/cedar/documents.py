"""Policies and schemas of Cedar as files: text (`.cedar`, `.cedarschema`) and JSON.

A file says what a policy is, not since when: its term starts at the epoch. It is named by the digest of the whole set,
so only a decision that names that digest as its `policy_set` rests on it.

The text is cut into policies without being parsed: strings and comments are told apart, a policy ends with `;`, and
what stands before `permit` or `forbid` are annotations. No engine runs on files that are only read.

Source    docs.cedarpolicy.com, "Grammar specification for Cedar policies"; "JSON policy format"; "Cedar schema format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import AuthorityFact
from quowarranto.records.atomic import atomic
from quowarranto.sources.entry import Entry, Outcome, Skipped

SUFFIXES = (".cedar", ".cedarschema")
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*"'


def _space() -> str:
    return atomic(r"(?:\s++|//[^\n]*+(?:\n|\Z))*")


def _annotations() -> str:
    value = rf"(?:\({_space()}{_STRING}{_space()}\))?"
    return atomic(rf"(?:@\s*[A-Za-z_]\w*+{_space()}{value}{_space()})*")


_BEGIN = re.compile(rf"{_space()}(?P<said>{_annotations()})(?P<effect>permit|forbid){_space()}\(", re.DOTALL)
_REST = re.compile(rf'(?:[^";/]++|/(?!/)|//[^\n]*+(?:\n|\Z)|{_STRING})*;', re.DOTALL)
_NAMED = re.compile(rf"@\s*id{_space()}\({_space()}(?P<id>{_STRING})", re.DOTALL)
_END = re.compile(rf"{_space()}\Z")
_BETWEEN = re.compile(_space())
_SCHEMA = re.compile(
    rf"{_space()}{_annotations()}(?:namespace\s+[\w:]+\s*\{{|(?:entity|type)\s+\w+[\s\w,]*(?:[={{;]|in\b|tags\b)|"
    rf'action\s+[\w", ]+(?:in\b|appliesTo\b|;|\{{))',
    re.DOTALL,
)
_SETS = ("staticPolicies", "templates", "templateLinks")
_MOST = 10_000
"""Policies of one set."""


def is_policies(text: str) -> bool:
    """Whether a text begins as policies do."""
    return _BEGIN.match(text) is not None


def is_schema(text: str) -> bool:
    """Whether a text begins as a schema does."""
    return _SCHEMA.match(text) is not None


def is_policy_set(value: Mapping[str, Any]) -> bool:
    """Whether an object is a set of policies in JSON: policies by id, each with its effect."""
    policies = value.get("staticPolicies")
    return isinstance(policies, dict) and value.keys() <= set(_SETS) and all(map(_is_policy, policies.values()))


def is_json_schema(value: Mapping[str, Any]) -> bool:
    """Whether an object is a schema in JSON: namespaces, each with types of entities and actions."""
    return bool(value) and all(
        isinstance(one, dict) and {"entityTypes", "actions"} <= one.keys() for one in value.values()
    )


def read_text(entry: Entry) -> Outcome:
    """The policies of a file.

    Raises:
        RejectedEntry: it is neither policies nor a schema; the reason has the line, never the text.
    """
    try:
        text = entry.data.decode()
    except UnicodeDecodeError:
        raise RejectedEntry("not UTF-8") from None
    if _END.match(text):
        return Skipped("a file without policies")
    if is_schema(text) and not is_policies(text):
        return Skipped("a schema: it tells what policies may speak of, and allows nothing")
    return _facts(entry, dict(_policies(text)), "cedar")


def read_policy_set(entry: Entry, value: Mapping[str, Any]) -> Outcome:
    """The policies of a set in JSON."""
    policies = {name: policy["effect"] for name, policy in value["staticPolicies"].items()}
    if not policies:
        return Skipped("a file without policies")
    return _facts(entry, policies, "json")


def _policies(text: str) -> Iterator[tuple[str, str]]:
    """Name and effect of each: `@id`, else `policyN` by place, as the command line of Cedar numbers them."""
    at, number, seen = 0, 0, set[str]()
    while not _END.match(text, at):
        begin = _BEGIN.match(text, at)
        end = _REST.match(text, begin.end()) if begin else None
        if begin is None or end is None:
            raise RejectedEntry(f"not a policy of Cedar: the one that begins at line {_line(text, at)}")
        named = _NAMED.search(begin["said"])
        name = named["id"][1:-1] if named else f"policy{number}"
        if name in seen:
            raise RejectedEntry(f"two policies have one name: the one that begins at line {_line(text, at)}")
        if number >= _MOST:
            raise RejectedEntry(f"more than {_MOST:,} policies in one file")
        seen.add(name)
        yield name, begin["effect"]
        at, number = end.end(), number + 1


def _line(text: str, at: int) -> int:
    rest = _BETWEEN.match(text, at)
    return 1 + text.count("\n", 0, rest.end() if rest else at)


def _facts(entry: Entry, policies: Mapping[str, str], syntax: str) -> Outcome:
    digest = sha256(entry.data).hexdigest()
    return [
        AuthorityFact(
            kind="policy",
            id=f"cedar/policy/sha256:{digest}/{name}",
            time=entry.modified_at,
            valid_from=0,
            attributes={
                "policy": name,
                "policy_effect": effect,
                "policy_sha256": digest,
                "start": "unknown: read from a file",
                "syntax": syntax,
            },
        )
        for name, effect in policies.items()
    ]


def _is_policy(value: Any) -> bool:
    return isinstance(value, dict) and value.get("effect") in ("permit", "forbid")
