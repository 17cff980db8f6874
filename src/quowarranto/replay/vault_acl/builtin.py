"""Policies that come with the server.

`response-wrapping` cannot be changed. `default` can: it counts as shipped only where the request says so
(`context.default_policy: as shipped`), for a log seldom reaches back to the beginning.

Source: vault/policy_store.go; the paths of `default` are those of Vault 1.15 to 1.21 and OpenBao 2.
"""

from __future__ import annotations

from quowarranto.replay.vault_acl.policy import Rule

ROOT = "root"
DEFAULT = "default"
AS_SHIPPED = "as shipped"


def _rules(*pairs: tuple[str, str]) -> list[Rule]:
    return [Rule(path=path, capabilities=frozenset(capabilities.split())) for path, capabilities in pairs]


FIXED = {
    "response-wrapping": _rules(("cubbyhole/response", "create read"), ("sys/wrapping/unwrap", "update")),
}

SHIPPED_DEFAULT = _rules(
    ("auth/token/lookup-self", "read"),
    ("auth/token/renew-self", "update"),
    ("auth/token/revoke-self", "update"),
    ("sys/capabilities-self", "update"),
    ("identity/entity/id/{{identity.entity.id}}", "read"),
    ("identity/entity/name/{{identity.entity.name}}", "read"),
    ("sys/internal/ui/resultant-acl", "read"),
    ("sys/renew", "update"),
    ("sys/leases/renew", "update"),
    ("sys/leases/lookup", "update"),
    ("cubbyhole/*", "create read update delete list"),
    ("sys/wrapping/wrap", "update"),
    ("sys/wrapping/lookup", "update"),
    ("sys/wrapping/unwrap", "update"),
    ("sys/tools/hash", "update"),
    ("sys/tools/hash/*", "update"),
    ("identity/oidc/provider/+/authorize", "read update"),
)
