"""How Kubernetes names things, and the keys and principals that we make of it.

Actions        `kubernetes/<auditID>`
Decisions      `kubernetes/decision/<auditID>`
Credentials    `kubernetes/credential/JTI=…`, `kubernetes/credential/X509SHA256=…`
Bindings       `kubernetes/clusterrolebinding/NAME`, `kubernetes/rolebinding/NAMESPACE/NAME`
Members        the binding's key, then `/to/User/NAME` or `/to/ServiceAccount/NAMESPACE/NAME`
Roles          `kubernetes/clusterrole/NAME`, `kubernetes/role/NAMESPACE/NAME`
Other objects  `kubernetes/<kind in lower case>/NAME`
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from quowarranto.records import Principal

PREFIX = "kubernetes/"
NOBODY = Principal("user", "system:unauthenticated")
"""Who sent a request that named no identity (HTTP 401)."""

_SERVICE_ACCOUNT = "system:serviceaccount:"
_NODE = "system:node:"


@lru_cache(maxsize=16384)
def principal_of(username: str) -> Principal:
    """The user name as it stands, typed by its reserved prefix."""
    if username.startswith(_SERVICE_ACCOUNT):
        return Principal("service_account", username)
    if username.startswith(_NODE):
        return Principal("node", username)
    return Principal("user", username)


def service_account(namespace: str, name: str) -> Principal:
    """The principal behind a ServiceAccount object."""
    return Principal("service_account", f"{_SERVICE_ACCOUNT}{namespace}:{name}")


def literal(text: str) -> bool:
    """Whether a name means only itself where a pattern is expected (SPEC 2 has no way to quote `*` and `?`)."""
    return "*" not in text and "?" not in text


def object_name(kind: str, namespace: str | None, name: str) -> str:
    """`clusterrole/NAME` or `role/NAMESPACE/NAME`: an object's key without our prefix."""
    return f"{kind}/{namespace}/{name}" if namespace else f"{kind}/{name}"


class Ground(msgspec.Struct, frozen=True):
    """What an authorizer's reason names: the binding that matched, its role and the subject in it."""

    binding: str
    role: str
    subject: str


_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_RBAC = re.compile(
    rf"RBAC: allowed by (ClusterRoleBinding|RoleBinding) {_QUOTED} of (ClusterRole|Role) {_QUOTED} to (\w+) {_QUOTED}",
    re.DOTALL,
)
_LONGEST_REASON = 4096


@lru_cache(maxsize=16384)
def ground_of(reason: str) -> Ground | None:
    """Read `RBAC: allowed by RoleBinding "NAME/NAMESPACE" of Role "NAME" to ServiceAccount "NAME/NAMESPACE"`.

    Source: kubernetes plugin/pkg/auth/authorizer/rbac/rbac.go and registry/validation/rule.go (describers).
    """
    found = _RBAC.fullmatch(reason) if len(reason) <= _LONGEST_REASON else None
    if found is None:
        return None
    binding_kind, binding, role_kind, role, subject_kind, subject = found.groups()
    name, namespace = _split(_unquoted(binding)) if binding_kind == "RoleBinding" else (_unquoted(binding), None)
    if binding_kind == "RoleBinding" and not namespace:
        return None
    return Ground(
        binding=object_name(binding_kind.lower(), namespace, name),
        role=object_name(role_kind.lower(), namespace if role_kind == "Role" else None, _unquoted(role)),
        subject=f"{subject_kind} {_unquoted(subject)}",
    )


def _split(text: str) -> tuple[str, str]:
    """`NAME/NAMESPACE`: neither part can hold a slash."""
    name, _, namespace = text.partition("/")
    return name, namespace


def _unquoted(text: str) -> str:
    """Undo Go's `%q` as far as it is also JSON; the rest is kept as written."""
    if "\\" not in text:
        return text
    try:
        return msgspec.json.decode(f'"{text}"', type=str)  # half a surrogate pair is no text
    except ValueError:
        return text
