"""Policy documents to scopes.

A statement becomes a rule when its meaning can be said in patterns. What cannot is never widened: an `Allow` under a
condition is kept apart as conditional, `NotResource` and a `Deny` under a condition are left out, and say so.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant, Rule, parse_instant
from quowarranto.sources.cloudtrail.event import part_of
from quowarranto.sources.cloudtrail.verbs import verbs_beside, verbs_of
from quowarranto.sources.strict import strict_json

USER_NAME = "${aws:username}"
"""The one policy variable that is kept: whose grant it is tells its value."""

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_SECRET_SUFFIX = re.compile(r"-(\?{6}|\*)$")  # the six characters that Secrets Manager adds, which no event names


class Document(msgspec.Struct, frozen=True):
    """One policy text, as far as patterns can say it.

    `revoked_before`: sessions issued before this moment are denied everything (the console's "revoke active sessions").
    """

    allow: tuple[Rule, ...] = ()
    conditional: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()
    left_out: tuple[str, ...] = ()
    revoked_before: Instant | None = None


class Trusted(msgspec.Struct, frozen=True):
    """One principal that a role trusts, and the STS verbs it is trusted with; no `id`: anyone of no known type."""

    type: str | None
    id: str | None
    verbs: tuple[str, ...]
    conditional: bool = False


def parsed(document: Any) -> dict[str, Any] | None:
    """The document as an object: given as one, as JSON text, or as URL-encoded JSON text. `None`: not readable."""
    if isinstance(document, dict):
        return document
    if not isinstance(document, str):
        return None
    text = document if document.lstrip()[:1] == "{" else unquote(document)
    try:
        value = strict_json(text.encode("utf-8", "surrogatepass"))
    except RejectedEntry:
        return None
    return value if isinstance(value, dict) else None


def compiled(document: Any) -> Document | None:
    """The scopes of a policy; `None` if the document cannot be read."""
    value = parsed(document)
    if value is None:
        return None
    allow: list[Rule] = []
    conditional: list[Rule] = []
    deny: list[Rule] = []
    left_out: list[str] = []
    revoked: list[Instant] = []
    for statement in _statements(value):
        rule, exact = _rule(statement)
        effect, bound = statement.get("Effect"), bool(statement.get("Condition"))
        if effect == "Deny" and (before := _revoked_before(statement)) is not None:
            revoked.append(before)
        elif rule is None:
            left_out.append("a statement that patterns cannot say")
        elif effect == "Allow":
            (conditional if bound or not exact else allow).append(rule)
        elif effect == "Deny" and exact and not bound:
            deny.append(rule)
        else:
            left_out.append("a deny under a condition")
    return Document(
        allow=tuple(allow),
        conditional=tuple(conditional),
        deny=tuple(deny),
        left_out=tuple(sorted(set(left_out))),
        revoked_before=max(revoked, default=None),
    )


def trusted(document: Any) -> tuple[Trusted, ...] | None:
    """Whom a trust policy lets assume the role; `None` if the document cannot be read."""
    value = parsed(document)
    if value is None:
        return None
    found: list[Trusted] = []
    for statement in _statements(value):
        if statement.get("Effect") == "Allow":
            verbs = tuple(verb for action in _texts(statement.get("Action")) for verb in verbs_of(action))
            who = _trusted_principals(statement)
            conditional = bool(statement.get("Condition"))
            found += [Trusted(type=kind, id=name, verbs=verbs, conditional=conditional) for kind, name in who]
    return tuple(dict.fromkeys(found))


def _statements(value: dict[str, Any]) -> list[dict[str, Any]]:
    listed = value.get("Statement")
    items = listed if isinstance(listed, list) else [listed]
    return [item for item in items if isinstance(item, dict)]


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str))


def _rule(statement: dict[str, Any]) -> tuple[Rule | None, bool]:
    """The statement as a rule, and whether the rule says exactly what the statement does."""
    if "Resource" not in statement or not ("Action" in statement or "NotAction" in statement):
        return None, False
    if "Action" in statement:
        verbs = tuple(verb for action in _texts(statement["Action"]) for verb in verbs_of(action))
    else:
        verbs = verbs_beside(_texts(statement["NotAction"]))
    resources: list[str] = []
    exact = True
    for pattern in _texts(statement["Resource"]):
        plain = _VARIABLE.sub(lambda found: found[0] if found[0] == USER_NAME else "*", pattern)
        exact = exact and plain == pattern
        resources += _resource_patterns(plain)
    return Rule(actions=tuple(dict.fromkeys(verbs)), resources=tuple(dict.fromkeys(resources))), exact


def _resource_patterns(pattern: str) -> list[str]:
    if ":secret:" in pattern and (short := _SECRET_SUFFIX.sub("", pattern)) != pattern:
        return [pattern, short]
    return [pattern]


def _revoked_before(statement: dict[str, Any]) -> Instant | None:
    """Deny everything to sessions issued before a moment; the moment, if that is what the statement says."""
    older = part_of(part_of(statement, "Condition"), "DateLessThan").get("aws:TokenIssueTime")
    if _texts(statement.get("Action")) != ("*",) or len(part_of(statement, "Condition")) != 1:
        return None
    moments = _texts(older)
    try:
        return parse_instant(moments[0]) if len(moments) == 1 else None
    except ValueError:
        return None


def _trusted_principals(statement: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    principal = statement.get("Principal")
    if principal == "*":
        return [(None, None)]
    if not isinstance(principal, dict):
        return []
    services = [("service", name) for name in _texts(principal.get("Service"))]
    accounts = [_trusted_arn(name) for name in _texts(principal.get("AWS"))]
    federated = [who for name in _texts(principal.get("Federated")) for who in _federated(name, statement)]
    return [*services, *accounts, *federated]


def _trusted_arn(name: str) -> tuple[str | None, str | None]:
    if name.isdigit():
        return ("account", name)
    parts = name.split(":", 5)
    if len(parts) < 6:
        return (None, None)  # `*`, or the id of a principal that is gone
    kind = parts[5].partition("/")[0]
    if kind == "root":
        return ("account", parts[4])
    if kind == "user":
        return ("user", name)
    if kind == "assumed-role":
        role = parts[5].split("/")[1:2]
        return ("role", f"arn:{parts[1]}:iam::{parts[4]}:role/{role[0]}" if role else None)
    return ("role", name) if kind == "role" else (None, None)


def _federated(provider: str, statement: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    """Web identities by the subjects that the condition names; SAML users as a whole."""
    if ":saml-provider/" in provider:
        return [(None, None)]
    subject = provider.rpartition("oidc-provider/")[2] + ":sub"
    conditions = part_of(statement, "Condition")
    named = [
        text
        for operator in ("StringEquals", "StringLike")
        for text in _texts(part_of(conditions, operator).get(subject))
    ]
    return [("workload", text) for text in named] or [(None, None)]  # `workload:*` would match other systems' workloads
