"""A recorded decision of Vault or OpenBao as a request, and a policy file or a logged write as a policy.

The record says `kv:read` on the path, the namespace before it (`sources/vault/call.py`). The token's policies, what was
sent (every text of it hidden), wrapping and the namespace stand in the audit line; without it they are not known. Of an
entity only the id is known, so that templates with anything else leave an answer open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.replay.language import Policy, Request, in_shape
from quowarranto.replay.vault_acl.builtin import AS_SHIPPED, DEFAULT, FIXED, ROOT
from quowarranto.replay.vault_acl.hcl import Malformed
from quowarranto.replay.vault_acl.policy import rules_of
from quowarranto.replay.vault_acl.protected import OF_PKI
from quowarranto.sources.strict import strict_json
from quowarranto.sources.vault.keys import HMAC, policy_key

_NO_POLICY_ASKED = re.compile(
    r"auth/.+/(?:login(?:/.*)?|callback|oidc/(?:callback|auth_url))"
    r"|sys/(?:init|seal-status|unseal|leader|health|mfa/validate|decode-token|internal/specs/openapi"
    r"|internal/ui/(?:mounts(?:/.*)?|namespaces)|wrapping/(?:lookup|pubkey)|generate-root/(?:attempt|update)"
    r"|rekey(?:-recovery-key)?/(?:init|update|verify)|storage/raft/bootstrap/.*|replication/.*status)",
    re.DOTALL,
)
"""Paths on which no token is needed. Source: `Unauthenticated` of vault/logical_system.go and of the auth methods."""
_POLICY = re.compile(r"sys/(?:policies/acl|policy)/(.+)", re.DOTALL)


class _Namespace(msgspec.Struct, frozen=True):
    id: str | None = None
    path: str | None = None


class _Asked(msgspec.Struct, frozen=True):
    path: str
    data: dict[str, Any] | None = None
    mount_point: str | None = None
    mount_type: str | None = None
    namespace: _Namespace | None = None
    wrap_ttl: int | None = None


class _Auth(msgspec.Struct, frozen=True):
    policies: list[str] | None = None


class _Line(msgspec.Struct, frozen=True):
    """An audit line; only what the record leaves out."""

    time: str
    request: _Asked
    auth: _Auth | None = None


def request_of(recorded: Mapping[str, Any] | None, raw: str | None = None) -> Request | None:
    """The request of a decision.

    Args:
        recorded: what the record keeps under `request`: as source `vault` writes it, or in this evaluator's own terms
            (an operation without a mount before it), which stand as they are.
        raw: the audit line behind it.
    Returns: `None` where the record is no such decision, or where no policy is asked (log-ins, `sys/health`).
    """
    found = in_shape(recorded)
    if found is None:
        return None
    name, path = found.action.get("name"), found.resource.get("id")
    if not isinstance(name, str) or not isinstance(path, str):
        return None
    if ":" not in name:
        return found
    line = _line(raw)
    if _NO_POLICY_ASKED.fullmatch(path if line is None else line.request.path):
        return None
    policies = None if line is None or line.auth is None else line.auth.policies or []
    return Request(
        subject={**found.subject, "properties": {"policies": policies, "identity": _identity(found.subject)}},
        action={
            "name": name.rpartition(":")[2],
            "properties": {} if line is None else {"parameters": line.request.data or {}},
        },
        resource={**found.resource, "properties": {} if line is None else _protected(line.request)},
        context=_context(line, policies or []),
    )


def _identity(subject: Mapping[str, Any]) -> dict[str, Any]:
    """A token that the log does not tie to an entity has none, and so is in no groups."""
    if subject.get("type") == "vault_entity":
        return {"entity": {"id": subject.get("id")}}
    return {"entity": None, "groups": None} if subject.get("type") == "vault_token" else {}


def _protected(asked: _Asked) -> dict[str, bool]:
    """Whether the mount is a PKI, where that decides."""
    if asked.mount_type is None or not asked.path.endswith(OF_PKI):
        return {}
    inside = "/" + asked.path.removeprefix(asked.mount_point or "")
    return {"root_protected": asked.mount_type.removeprefix("ns_") == "pki" and inside in OF_PKI}


def _context(line: _Line | None, policies: list[str]) -> dict[str, Any]:
    if line is None:
        return {"namespace": None}
    space = line.request.namespace or _Namespace()
    found: dict[str, Any] = {
        "time": line.time,
        "wrap_ttl": line.request.wrap_ttl or 0,
        "namespace": space.path or ("" if space.id in (None, "root") else None),
        "namespaces": {space.id: space.path} if space.id and space.path else {},
    }
    if DEFAULT in policies:
        found["default_policy"] = AS_SHIPPED  # unless its text is in evidence, which then counts
    return found


def _line(raw: str | None) -> _Line | None:
    """A device may be told to write a text before each line."""
    start = -1 if raw is None else raw.find("{")
    try:
        return None if raw is None or start < 0 else msgspec.convert(strict_json(raw[start:].encode()), _Line)
    except (RejectedEntry, UnicodeEncodeError, msgspec.ValidationError):
        return None


def named_by(request: Request) -> tuple[tuple[str, ...], ...] | None:
    """The policies of the token, each by its key and its name; `None` where the request does not name them.

    `root` and what cannot be changed have no text.
    """
    names = request.subject.get("properties", {}).get("policies")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    space = request.context.get("namespace")
    spaces = request.context.get("namespaces") or {}
    known = "root" if not space else next((one for one, path in spaces.items() if path == space), None)
    if known is None:
        return None
    return tuple((policy_key(known, name), name) for name in sorted(set(names)) if name not in (ROOT, *FIXED))


def documents_of(raw: str) -> tuple[Policy, ...]:
    """The policy that a text holds: a policy file, or a logged write of one that the device did not hide.

    Returns: nothing where there is none. A file does not say its name, so that it is empty.
    """
    line = _line(raw)
    if line is not None:
        return _written(line.request)
    try:
        return (Policy("", raw),) if rules_of(raw) else ()
    except Malformed:
        return ()


def _written(asked: _Asked) -> tuple[Policy, ...]:
    named, data = _POLICY.fullmatch(asked.path), asked.data or {}
    text = data.get("policy") or data.get("rules")
    if named is None or not isinstance(text, str) or text.startswith(HMAC):
        return ()
    return (Policy(policy_key((asked.namespace or _Namespace()).id or "root", named[1]), text),)
