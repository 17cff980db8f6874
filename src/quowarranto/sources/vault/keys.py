"""The keys under which Vault's authorities are cited. Accessors and HMACs are kept as the log spells them."""

from __future__ import annotations

import hashlib

from quowarranto.sources.folding import folded
from quowarranto.sources.vault.wire import Auth

HMAC = "hmac-sha256:"
_GUESSABLE_BELOW = 24  # characters; a real token is longer, a digest of `root` would be the token itself


def accessor_key(accessor: str) -> str:
    return f"vault/accessor/{accessor}"


def token_key(token: str | None) -> str | None:
    """The key of a token by its HMAC; a plain token (`log_raw`) only as a digest, a short one not at all."""
    if not token:
        return None
    if token.startswith(HMAC):
        return f"vault/token/{token}"
    if len(token) < _GUESSABLE_BELOW:
        return None
    return f"vault/token/sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def credential_key(auth: Auth) -> str | None:
    """A token by its accessor; a batch token has none and goes by its HMAC."""
    return accessor_key(auth.accessor) if auth.accessor else token_key(auth.client_token)


def lease_key(lease_id: str) -> str:
    return f"vault/lease/{lease_id}"


def policy_key(namespace: str, name: str) -> str:
    """Policy names do not tell upper case from lower; namespaces go by id, `root` being the top one."""
    return f"vault/policy/{namespace}/{folded(name)}"


def role_key(namespace: str, path: str) -> str:
    """A role, user or certificate entry of an auth method, by its path."""
    return f"vault/role/{namespace}/{path}"


def decision_key(request_id: str) -> str:
    return f"vault/decision/{request_id}"


def delegation_key(request_id: str) -> str:
    return f"vault/delegation/{request_id}"
