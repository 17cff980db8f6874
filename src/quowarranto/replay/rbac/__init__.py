"""Kubernetes RBAC: roles and bindings against a request, as the API server's authorizer decides.

Policies  texts of Role, ClusterRole, RoleBinding, ClusterRoleBinding and lists of them, JSON or YAML.
Decides   `permit` where a binding that applies names a role of which a rule allows the request; no rule ever denies.
Not seen  other authorizers of the same server (Node, webhooks, ABAC): `deny` means that RBAC has no opinion.
Source    kubernetes plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go,
          pkg/apis/rbac/v1/evaluation_helpers.go; the reference "Using RBAC Authorization".
"""

from __future__ import annotations

from quowarranto.replay.rbac.decide import evaluate
from quowarranto.replay.rbac.recorded import documents_of, request_of
from quowarranto.replay.rbac.state import Roles as state_of

__all__ = ["documents_of", "evaluate", "request_of", "state_of"]
