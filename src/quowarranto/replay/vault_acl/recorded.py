"""A recorded decision of Vault or OpenBao as a request to be evaluated again.

The log says `kv:read` on the path, the namespace before it (`sources/vault/call.py`); the names of the token's policies
stand with the action. It hides what was sent, says nothing of wrapping here, and of an entity only the id.
"""

from __future__ import annotations

import re
from typing import Any

from quowarranto.records import Action, AuthorityFact, format_instant
from quowarranto.replay.language import Request
from quowarranto.replay.vault_acl.builtin import AS_SHIPPED, DEFAULT

_NO_POLICY_ASKED = re.compile(
    r"auth/.+/(?:login(?:/.*)?|callback|oidc/(?:callback|auth_url))"
    r"|sys/(?:init|seal-status|unseal|leader|health|mfa/validate|decode-token|internal/specs/openapi"
    r"|internal/ui/(?:mounts(?:/.*)?|namespaces)|wrapping/(?:lookup|pubkey)|generate-root/(?:attempt|update)"
    r"|rekey(?:-recovery-key)?/(?:init|update|verify)|storage/raft/bootstrap/.*|replication/.*status)",
    re.DOTALL,
)
"""Paths on which no token is needed. Source: `Unauthenticated` of vault/logical_system.go and of the auth methods."""


def request_of(decision: AuthorityFact, action: Action | None = None) -> Request | None:
    """The request of a decision of source `vault`.

    Args:
        decision: a fact of kind `decision` with the `request` that the source wrote.
        action: the action that cites it; without it the token's policies and the namespace are not known.
    Returns: `None` where the record is no such decision, or where no policy is asked (log-ins, `sys/health`).
    """
    asked = decision.request or {}
    subject, verb, resource = asked.get("subject"), asked.get("action"), asked.get("resource")
    if not isinstance(subject, dict) or not isinstance(verb, dict) or not isinstance(resource, dict):
        return None
    name, path = verb.get("name"), resource.get("id")
    if not isinstance(name, str) or not isinstance(path, str) or _NO_POLICY_ASKED.fullmatch(path):
        return None
    policies = None if action is None else action.attributes.get("policies")
    return Request(
        subject={**subject, "properties": {"policies": policies, "identity": _identity(subject)}},
        action={"name": name.rpartition(":")[2]},
        resource=resource,
        context=_context(decision, action, policies),
    )


def _identity(subject: dict[str, Any]) -> dict[str, Any]:
    """A token that the log does not tie to an entity has none, and so is in no groups."""
    if subject.get("type") == "vault_entity":
        return {"entity": {"id": subject.get("id")}}
    return {"entity": None, "groups": None}


def _context(decision: AuthorityFact, action: Action | None, policies: object) -> dict[str, Any]:
    in_root = action is not None and "namespace" not in action.attributes
    found: dict[str, Any] = {"time": format_instant(decision.time), "namespace": "" if in_root else None}
    if isinstance(policies, list) and DEFAULT in policies:
        found["default_policy"] = AS_SHIPPED  # unless its text is in evidence, which then counts
    return found
