"""Policy documents to statements; what AWS would not have taken is refused as a whole, never read in part.

Source: IAM user guide, "Grammar of the IAM JSON policy language" and its notes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, get_args

import msgspec

from quowarranto.replay.iam.globs import Pattern, Variable, pattern
from quowarranto.replay.iam.operators import Condition, Unreadable, conditions
from quowarranto.replay.language import Policy
from quowarranto.sources.cloudtrail.policies import parsed

Kind = Literal["identity", "boundary", "session", "resource", "scp", "rcp"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_WITH_PRINCIPALS = ("resource", "rcp")
_DOCUMENT = {"Version", "Id", "Statement"}
_STATEMENT = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
    *("Resource", "NotResource", "Condition"),
}
_PRINCIPALS = {"AWS", "Federated", "Service", "CanonicalUser"}


class Statement(msgspec.Struct, frozen=True):
    """One statement. `None` for principals: the document is attached to whom it speaks of."""

    name: str
    allow: bool
    actions: tuple[Pattern, ...]
    beside_actions: bool
    """`NotAction`."""
    resources: tuple[Pattern, ...]
    beside_resources: bool
    principals: tuple[tuple[str, str], ...] | None
    """(`AWS`, `Federated`, `Service` or `CanonicalUser`, value)."""
    beside_principals: bool
    conditions: tuple[Condition, ...]


class Document(msgspec.Struct, frozen=True):
    """One policy; `error` where it cannot be read: it may then say anything."""

    name: str
    kind: Kind
    level: str
    """Of a service control or resource control policy: the root, unit or account that it is attached to."""
    statements: tuple[Statement, ...] = ()
    error: str | None = None


def parts_of(name: str) -> tuple[str, str]:
    """What stands before the first colon or slash, and behind it: names may be places in a folder."""
    before, _, behind = re.sub("[:/]", "\0", name, count=1).partition("\0")
    return before, behind


def kind_of(name: str) -> Kind:
    """The kind that a name says, else `identity`."""
    return next((kind for kind in KINDS if kind == parts_of(name)[0]), "identity")


def declared_none(name: str) -> str | None:
    """The kind of which a name says that there is no policy."""
    before, behind = parts_of(name)
    return behind.partition(".")[0] if before == "none" else None


@lru_cache(maxsize=1024)
def read(policy: Policy) -> Document:
    """The document; what is wrong with it names the place, never the content."""
    kind = kind_of(policy.name)
    level = parts_of(policy.name)[1].rpartition("/")[0] if kind in ("scp", "rcp") else ""
    try:
        statements = _statements(parsed(policy.text), kind)
    except (Unreadable, RecursionError) as error:
        return Document(policy.name, kind, level, error=str(error) or "nested too deeply")
    return Document(policy.name, kind, level, statements)


def _statements(value: dict[str, Any] | None, kind: Kind) -> tuple[Statement, ...]:
    if value is None:
        raise Unreadable("not a JSON object, or a key stands twice")
    if not value.keys() <= _DOCUMENT:
        raise Unreadable("an element that no policy has")
    version = value.get("Version", "2008-10-17")
    if version not in ("2008-10-17", "2012-10-17"):
        raise Unreadable("`Version` is none of the two")
    listed = value.get("Statement")
    items = listed if isinstance(listed, list) else [listed]
    return tuple(_statement(item, number, kind, version == "2012-10-17") for number, item in enumerate(items))


def _statement(item: Any, number: int, kind: Kind, variables: bool) -> Statement:
    if not isinstance(item, dict):
        raise Unreadable("`Statement` is not an object, nor a list of them")
    if not item.keys() <= _STATEMENT:
        raise Unreadable("an element that no statement has")
    if (effect := item.get("Effect")) not in ("Allow", "Deny"):
        raise Unreadable("`Effect` is neither `Allow` nor `Deny`")
    sid = item.get("Sid", "")
    if not isinstance(sid, str):
        raise Unreadable("`Sid` is not a text")
    actions, beside_actions = _one_of(item, "Action")
    resources, beside_resources = _resources(item, kind)
    principals, beside_principals = _principals(item, kind)
    return Statement(
        name=sid or str(number),
        allow=effect == "Allow",
        actions=tuple(_action(text) for text in actions),
        beside_actions=beside_actions,
        resources=tuple(_resource(text, variables) for text in resources),
        beside_resources=beside_resources,
        principals=principals,
        beside_principals=beside_principals,
        conditions=conditions(item.get("Condition", {}), variables=variables),
    )


def _one_of(item: dict[str, Any], name: str) -> tuple[tuple[str, ...], bool]:
    """The texts of an element or of its negation: one of the two must be there."""
    if (name in item) == (f"Not{name}" in item):
        raise Unreadable(f"a statement needs either `{name}` or `Not{name}`")
    return (_texts(item[name], name), False) if name in item else (_texts(item[f"Not{name}"], name), True)


def _texts(value: Any, name: str) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(text, str) for text in items):
        raise Unreadable(f"`{name}` is neither a text nor a list of texts")
    return tuple(items)


def _action(text: str) -> Pattern:
    if ":" not in text and text != "*":
        raise Unreadable("an action without its service")
    return pattern(text, variables=False, wildcards=True)


def _resources(item: dict[str, Any], kind: Kind) -> tuple[tuple[str, ...], bool]:
    """Trust policies have no resource: they are about the role that they are attached to."""
    if kind == "resource" and "Resource" not in item and "NotResource" not in item:
        return ("*",), False
    return _one_of(item, "Resource")


def _resource(text: str, variables: bool) -> Pattern:
    parts = pattern(text, variables=variables, wildcards=True)
    colons = 0
    for part in parts:
        if isinstance(part, Variable) and text.startswith("arn:") and colons < 5:
            raise Unreadable("a variable before the fifth colon of a resource")
        colons += part.count(":") if isinstance(part, str) else 0
    return parts


def _principals(item: dict[str, Any], kind: Kind) -> tuple[tuple[tuple[str, str], ...] | None, bool]:
    if kind not in _WITH_PRINCIPALS:
        if "Principal" in item or "NotPrincipal" in item:
            raise Unreadable("a `Principal` where the policy's holder is the principal")
        return None, False
    if ("Principal" in item) == ("NotPrincipal" in item):
        raise Unreadable("a statement needs either `Principal` or `NotPrincipal`")
    value = item["Principal"] if "Principal" in item else item["NotPrincipal"]
    if value == "*":
        return (("AWS", "*"),), "NotPrincipal" in item
    if not isinstance(value, dict) or not value or not value.keys() <= _PRINCIPALS:
        raise Unreadable("a `Principal` of unknown kind")
    found = tuple((kind, text) for kind, texts in value.items() for text in _texts(texts, "Principal"))
    if any("*" in text and text != "*" for _, text in found):
        raise Unreadable("a wildcard in a part of a principal")
    return found, "NotPrincipal" in item
