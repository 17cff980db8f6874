"""The policies that a token has, as far as they are given: their rules by pattern, and what is not known of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.replay.answer import Missing
from quowarranto.replay.language import Policy
from quowarranto.replay.vault_acl.asked import Asked
from quowarranto.replay.vault_acl.builtin import AS_SHIPPED, DEFAULT, FIXED, ROOT, SHIPPED_DEFAULT
from quowarranto.replay.vault_acl.hcl import Malformed
from quowarranto.replay.vault_acl.matching import is_open, matches
from quowarranto.replay.vault_acl.policy import Rule, rules_of
from quowarranto.replay.vault_acl.templates import filled, pieces_of, possible
from quowarranto.sources.times import instant

_KEY = "vault/policy/"
_FILES = (".hcl", ".json")


class Uncertain(msgspec.Struct, frozen=True):
    """A rule that may be there: as one of these patterns, all of which would match the request."""

    policy: str
    rule: Rule
    patterns: tuple[str, ...]
    missing: Missing


class Attached(msgspec.Struct):
    """What a token's policies hold."""

    names: set[str]
    rules: dict[str, list[tuple[str, Rule]]]
    uncertain: list[Uncertain]
    unread: Missing
    """Why some policy might hold any rule."""
    errors: tuple[str, ...]


class _Named(msgspec.Struct, frozen=True, order=True):
    """A policy by its namespace (an id; `None` is the request's own) and its name, in lower case."""

    name: str
    namespace: str | None


def attached(policies: Sequence[Policy], wanted: Asked) -> Attached:
    """The policies that count, read; names do not tell upper from lower case."""
    given: dict[_Named, set[tuple[str, str]]] = {}
    for policy in policies:
        given.setdefault(_named(policy.name, wanted), set()).add((policy.name, policy.text))
    names = set(wanted.policies) if wanted.policies is not None else {one.name for one in given}
    found = Attached(names, {}, [], frozenset(), ())
    if ROOT in names:
        return found
    for named in sorted(given, key=lambda one: (one.name, one.namespace or "")):
        if named.name in names:
            _read(found, named, given[named], wanted)
    for name in sorted(names - {one.name for one in given}):
        _read_builtin(found, name, wanted)
    return found


def _named(name: str, wanted: Asked) -> _Named:
    """`vault/policy/NAMESPACE/NAME`, the key under which a policy is cited, or the bare name, also that of its file."""
    namespace, _, rest = name.removeprefix(_KEY).partition("/")
    if name.startswith(_KEY) and rest:
        return _Named(rest.lower(), namespace)
    name = name.lower()
    if name not in (wanted.policies or ()) and name.endswith(_FILES):
        name = name.rpartition(".")[0]
    return _Named(name, None)


def _read(found: Attached, named: _Named, texts: set[tuple[str, str]], wanted: Asked) -> None:
    versions: list[tuple[str, tuple[Rule, ...]]] = []
    for name, text in sorted(texts):
        rules = _parsed(text)
        if isinstance(rules, str):
            found.errors += (f"policy `{name}`: {rules}",)
            found.unread |= {f"policy {name}"}
        elif not any(rules == known for _, known in versions):
            versions.append((name, rules))
    if len(versions) > 1:
        found.unread |= {f"version of policy {named.name} in force"}
    elif versions:
        name, rules = versions[0]
        prefix = _prefix(named.namespace, wanted)
        if prefix is None:
            missing = "context.namespace" if named.namespace is None else f"context.namespaces.{named.namespace}"
            found.unread |= {missing}
        else:
            _add(found, name, prefix, rules, wanted)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> tuple[Rule, ...] | str:
    """The rules of a text, or why there are none. The same policies are asked about again and again."""
    try:
        rules = tuple(rules_of(text))
        for rule in rules:
            pieces_of(rule.path)
    except Malformed as error:
        return str(error)
    return rules


def _read_builtin(found: Attached, name: str, wanted: Asked) -> None:
    prefix = wanted.namespace
    rules = FIXED.get(name)
    if name == DEFAULT and wanted.default_policy == AS_SHIPPED:
        rules = SHIPPED_DEFAULT
    if rules is None:
        found.unread |= {f"policy {name}"}
    elif prefix is None:
        found.unread |= {"context.namespace"}
    else:
        _add(found, name, prefix, rules, wanted)


def _prefix(namespace: str | None, wanted: Asked) -> str | None:
    if namespace is None:
        return wanted.namespace
    if namespace == "root":
        return ""
    path = wanted.namespaces.get(namespace)
    return f"{path.strip('/')}/" if isinstance(path, str) and path.strip("/") else None


def _add(found: Attached, name: str, prefix: str, rules: Iterable[Rule], wanted: Asked) -> None:
    for rule in rules:
        ended = _ended(rule, name, wanted)
        pieces = filled(prefix, rule.path, wanted.identity)
        if ended is True or pieces is None:
            continue
        missing: Missing = frozenset(piece[0] for piece in pieces if isinstance(piece, tuple))
        if not missing and ended is False:
            found.rules.setdefault("".join(str(piece) for piece in pieces), []).append((name, rule))
            continue
        patterns = possible(pieces, wanted.path) if missing else _matching("".join(map(str, pieces)), wanted.path)
        if patterns:
            found.uncertain.append(Uncertain(name, rule, patterns, missing | (ended or frozenset())))


def _matching(pattern: str, path: str) -> tuple[str, ...]:
    paths = (path, path.removesuffix("/"))
    fits = any(matches(pattern, one) for one in paths) if is_open(pattern) else pattern in paths
    return (pattern,) if fits else ()


def _ended(rule: Rule, name: str, wanted: Asked) -> bool | Missing:
    """Whether a rule with an `expiration` (OpenBao) counts no more at the time of the request."""
    if rule.expiration is None:
        return False
    try:
        end = instant("expiration", rule.expiration)
    except RejectedEntry:
        return frozenset({f"expiration of a rule in policy {name}"})
    return frozenset({"context.time"}) if wanted.time is None else wanted.time > end
