"""RBAC rules as a scope (SPEC 2): which actions on which resources a binding of the role allows.

An action is `VERB RESOURCE[/SUBRESOURCE]` on `RESOURCE:NAMESPACE/NAME`, or `VERB` on `url:PATH`. API groups are not
told apart: `get pods` of `metrics.k8s.io` is covered by a rule for the core group.
"""

from __future__ import annotations

from typing import Any

from quowarranto.records import Rule
from quowarranto.sources.kubernetes.names import literal

MOST_PATTERNS = 20_000
"""A role with more verb and resource pairs than this is treated as one whose rules were not seen."""


def scope_of(rules: list[dict[str, Any]], namespace: str | None) -> tuple[Rule, ...] | None:
    """The rules as bound in one namespace, or in the whole cluster (`None`).

    Returns: one `Rule` for each RBAC rule that can match; `None` where there are too many to write down.
    """
    size = sum(_size(rule) for rule in rules)
    if size > MOST_PATTERNS:
        return None
    scope: list[Rule] = []
    for rule in rules:
        scope += _resource_rule(rule, namespace)
        if namespace is None:
            scope += _url_rule(rule)
    return tuple(scope)


def bound_of(namespace: str | None) -> tuple[Rule, ...]:
    """All that is certain while the role's rules are not: a RoleBinding never reaches beyond its namespace."""
    return (Rule(None, _in_namespace("*", namespace)),) if namespace and literal(namespace) else (Rule(),)


def _size(rule: dict[str, Any]) -> int:
    resources = len(rule.get("resources", ()))
    return len(rule.get("verbs", ())) * resources + resources * len(rule.get("resourceNames", ()))


def _resource_rule(rule: dict[str, Any], namespace: str | None) -> list[Rule]:
    resources = [name for name in rule.get("resources", ()) if _means_something(name)]
    if not resources or not rule.get("apiGroups") or (namespace is not None and not literal(namespace)):
        return []
    actions = tuple(dict.fromkeys(f"{verb} {name}" for verb in _verbs(rule) for name in resources))
    types = tuple(dict.fromkeys(name.partition("/")[0] for name in resources))
    if "resourceNames" in rule:
        names = [name for name in rule["resourceNames"] if literal(name)]
        patterns = tuple(pattern for kind in types for name in names for pattern in _named(kind, namespace, name))
        return [Rule(actions, patterns)] if actions and patterns else []
    if namespace is None:
        everything = None if "*" in types else tuple(f"{kind}:*" for kind in types)
        return [Rule(actions, everything)] if actions else []
    inside = dict.fromkeys(pattern for kind in types for pattern in _in_namespace(kind, namespace))
    return [Rule(actions, tuple(inside))] if actions else []


def _url_rule(rule: dict[str, Any]) -> list[Rule]:
    """Only a trailing `*` is a wildcard in a URL of a rule."""
    urls = tuple(f"url:{url}" for url in rule.get("nonResourceURLs", ()) if literal(url.removesuffix("*")))
    verbs = tuple(_verbs(rule))
    return [Rule(verbs, urls)] if urls and verbs else []


def _verbs(rule: dict[str, Any]) -> list[str]:
    return [verb for verb in rule.get("verbs", ()) if verb == "*" or literal(verb)]


def _means_something(resource: str) -> bool:
    """`*`, `*/SUBRESOURCE` and plain names match; any other asterisk is a letter that no resource has."""
    return resource == "*" or literal(resource.removeprefix("*/"))


def _in_namespace(kind: str, namespace: str) -> tuple[str, ...]:
    """The namespace object itself is part of the namespace, and is named without it."""
    if kind == "namespaces":
        return (f"namespaces:{namespace}",)
    inside = f"{kind}:{namespace}/*"
    return (inside, f"namespaces:{namespace}") if kind == "*" else (inside,)


def _named(kind: str, namespace: str | None, name: str) -> tuple[str, ...]:
    if namespace is None:
        return (f"{kind}:{name}", f"{kind}:*/{name}")
    if kind == "namespaces":
        return (f"namespaces:{name}",) if name == namespace else ()
    return (f"{kind}:{namespace}/{name}",)
