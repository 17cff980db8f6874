"""Paths that demand `sudo` beside the capability of the operation.

Where releases differ, or the kind of the mount decides, it is not known: `resource.properties.root_protected` may say.

Source: vault/logical_system.go (`Root`), vault/token_store.go, vault/core.go (seal, step-down), builtin/logical/pki;
        Vault api/sudo_paths.go; documentation page "Root protected API endpoints".
"""

from __future__ import annotations

import re

_ALWAYS = (
    *("sys/auth/*", "sys/remount", "sys/audit", "sys/audit/*", "sys/raw", "sys/raw/*", "sys/rotate", "sys/seal"),
    *("sys/step-down", "sys/config/cors", "sys/config/auditing/*", "sys/config/ui/headers/*", "sys/plugins/catalog/*"),
    *("sys/revoke-prefix/*", "sys/revoke-force/*", "sys/leases", "sys/leases/lookup/*", "sys/leases/revoke-prefix/*"),
    *("sys/leases/revoke-force/*", "sys/internal/inspect/*", "sys/storage/raft/snapshot-auto/config/*"),
    *("sys/replication/reindex", "sys/replication/dr/reindex", "sys/replication/performance/reindex"),
    *("sys/replication/primary/secondary-token", "sys/replication/performance/primary/secondary-token"),
    *("sys/replication/dr/primary/secondary-token", "auth/token/accessors", "auth/token/accessors/"),
    *("auth/token/revoke-orphan", "auth/token/revoke-orphan/*"),
)
_IN_SOME_RELEASES = (
    *("sys/rotate/keyring", "sys/rotate/root", "sys/internal/counters/activity/export", "sys/reporting/scan"),
    *("sys/plugins/runtimes/catalog", "sys/plugins/runtimes/catalog/*", "sys/activation-flags/*"),
    *("sys/config/oauth-resource-server*", "identity/entity/merge", "identity/entity/merge/"),
)
_ALL: dict[str, bool | None] = {**dict.fromkeys(_ALWAYS, True), **dict.fromkeys(_IN_SOME_RELEASES)}
_TUNING = re.compile(r"sys/mounts/auth/.+/tune", re.DOTALL)
OF_PKI = ("/root", "/root/sign-self-issued")
"""Within a PKI mount, whatever its path."""


def is_protected(path: str) -> bool | None:
    """Whether a path within its namespace demands `sudo`; `None` where that is not known."""
    found = [
        pattern for pattern in _ALL if path == pattern or (pattern.endswith("*") and path.startswith(pattern[:-1]))
    ]
    if found:
        return _ALL[max(found, key=len)]
    if _TUNING.fullmatch(path):
        return None
    if path.startswith(("sys/", "auth/", "identity/", "cubbyhole/")):
        return False
    return None if path.endswith(OF_PKI) else False
