"""Roles and bindings as the API server stores them; only the fields that decide anything."""

from __future__ import annotations

from typing import Any

import msgspec

GROUP = "rbac.authorization.k8s.io"
ROLES = ("Role", "ClusterRole")
BINDINGS = ("RoleBinding", "ClusterRoleBinding")
KINDS = (*ROLES, *BINDINGS)
NAMESPACED = frozenset({"Role", "RoleBinding"})
UNKNOWN_NAMESPACE = "?"
"""Where a manifest leaves it to whoever applies it. No namespace can be called so."""


class Metadata(msgspec.Struct, frozen=True):
    """`uid` and `resourceVersion` are set by the server alone: with them, `rules` are what the authorizer had."""

    name: str
    namespace: str | None = None
    labels: dict[str, str] | None = None
    uid: Any = None
    resourceVersion: Any = None

    @property
    def from_server(self) -> bool:
        return bool(self.uid or self.resourceVersion)


class PolicyRule(msgspec.Struct, frozen=True):
    verbs: tuple[str, ...] | None = None
    apiGroups: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    resourceNames: tuple[str, ...] | None = None
    nonResourceURLs: tuple[str, ...] | None = None


class Requirement(msgspec.Struct, frozen=True):
    """One of `matchExpressions`."""

    key: str
    operator: str
    values: tuple[str, ...] | None = None


class LabelSelector(msgspec.Struct, frozen=True):
    matchLabels: dict[str, str] | None = None
    matchExpressions: tuple[Requirement, ...] | None = None


class AggregationRule(msgspec.Struct, frozen=True):
    clusterRoleSelectors: tuple[LabelSelector, ...] | None = None


class RoleRef(msgspec.Struct, frozen=True):
    kind: str
    name: str


class Subject(msgspec.Struct, frozen=True):
    kind: str
    name: str
    namespace: str | None = None


class Role(msgspec.Struct, frozen=True):
    """A Role or a ClusterRole."""

    kind: str
    metadata: Metadata
    rules: tuple[PolicyRule, ...] | None = None
    aggregationRule: AggregationRule | None = None

    @property
    def key(self) -> str:
        return key_of(self.kind, self.metadata)


class Binding(msgspec.Struct, frozen=True):
    """A RoleBinding or a ClusterRoleBinding."""

    kind: str
    metadata: Metadata
    roleRef: RoleRef
    subjects: tuple[Subject, ...] | None = None

    @property
    def key(self) -> str:
        return key_of(self.kind, self.metadata)

    @property
    def namespace(self) -> str:
        """`""` of a ClusterRoleBinding: it reaches everything."""
        return (self.metadata.namespace or UNKNOWN_NAMESPACE) if self.kind in NAMESPACED else ""

    @property
    def role_key(self) -> str | None:
        """The role that it names; `None` where there can be none (a ClusterRoleBinding of a Role, another kind)."""
        if self.roleRef.kind == "ClusterRole":
            return f"ClusterRole/{self.roleRef.name}"
        if self.roleRef.kind == "Role" and self.namespace:
            return f"Role/{self.namespace}/{self.roleRef.name}"
        return None


def key_of(kind: str, metadata: Metadata) -> str:
    """`ClusterRole/NAME` or `Role/NAMESPACE/NAME`."""
    if kind in NAMESPACED:
        return f"{kind}/{metadata.namespace or UNKNOWN_NAMESPACE}/{metadata.name}"
    return f"{kind}/{metadata.name}"
