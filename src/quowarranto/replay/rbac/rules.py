"""Whether one rule allows what is asked: yes, no, or not known for want of an input.

Source: kubernetes pkg/apis/rbac/v1/evaluation_helpers.go and RuleAllows of plugin/pkg/auth/authorizer/rbac/rbac.go.
"""

from __future__ import annotations

from quowarranto.replay.answer import Answer, both
from quowarranto.replay.rbac.asked import Asked
from quowarranto.replay.rbac.objects import PolicyRule

_ALL = "*"


def allows(rule: PolicyRule, asked: Asked) -> Answer:
    """Resource rules never speak of URLs, nor the other way round; within a rule every list must match."""
    if not _listed(rule.verbs, asked.verb):
        return False
    if asked.path is not None:
        return any(_url_matches(pattern, asked.path) for pattern in rule.nonResourceURLs or ())
    return both(
        (
            _group(rule, asked.group),
            _resource(rule, asked.resource, asked.subresource),
            _name(rule, asked.name),
        )
    )


def _listed(allowed: tuple[str, ...] | None, wanted: str) -> bool:
    return allowed is not None and (_ALL in allowed or wanted in allowed)


def _group(rule: PolicyRule, group: str | None) -> Answer:
    if group is None:
        if not rule.apiGroups:
            return False
        return _ALL in rule.apiGroups or frozenset({"resource.properties.apiGroup"})
    return _listed(rule.apiGroups, group)


def _resource(rule: PolicyRule, resource: str, subresource: str | None) -> Answer:
    if _ALL in (rule.resources or ()):
        return True
    if subresource is None:
        return frozenset({"resource.properties.subresource"}) if rule.resources else False
    wanted = {f"{resource}/{subresource}", f"*/{subresource}"} if subresource else {resource}
    return not wanted.isdisjoint(rule.resources or ())


def _name(rule: PolicyRule, name: str | None) -> Answer:
    if not rule.resourceNames:
        return True
    return frozenset({"resource.properties.name"}) if name is None else name in rule.resourceNames


def _url_matches(pattern: str, path: str) -> bool:
    """Only asterisks at the end are a wildcard."""
    if pattern in (_ALL, path):
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))
