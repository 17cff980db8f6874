"""Vault's audit device: two lines for each request, tokens and accessors as HMACs.

Source    openbao internal/audit/format.go, AuditRequestEntry and AuditResponseEntry
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from quowarranto.records import Instant
from quowarranto.simulator.scene import HOUR, SECOND, Scene
from quowarranto.simulator.stamps import nano_stamp, second_stamp

_json = msgspec.json.Encoder().encode
_ROOT = {"id": "root"}
NO_AUTH: dict[str, Any] = {"policy_results": {"allowed": True}, "token_type": "default"}
"""The `auth` of a request without a token, which may only ask to log in."""


class Token(NamedTuple):
    """A token as the audit device shows it; `issued_at` as it is spelt there."""

    token: str
    accessor: str
    name: str
    policies: tuple[str, ...]
    metadata: dict[str, str]
    entity: str
    issued_at: str
    ttl: Instant


class Call(NamedTuple):
    """What is asked of Vault."""

    operation: str
    path: str
    mount: str = "kv/"
    mount_type: str = "kv"
    data: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None


def login(
    scene: Scene, at: Instant, path: str, role: str, policies: tuple[str, ...], *, name: str, ttl: Instant = HOUR
) -> tuple[str, Token]:
    """Log in; returns the id of the action and the new token. Nothing on record allows a login, so nothing is noted."""
    token = new_token(scene, at, role, policies, name=name, ttl=ttl)
    mount = path.split("/")[1]
    call = Call("update", path, f"auth/{mount}/", mount, {"jwt": hmac(scene), "role": hmac(scene)})
    return write(scene, at, call, NO_AUTH, response={"auth": response_auth(token)}), token


def new_token(
    scene: Scene, at: Instant, role: str, policies: tuple[str, ...], *, name: str, ttl: Instant = HOUR
) -> Token:
    """A token that Vault has just made."""
    return Token(hmac(scene), hmac(scene), name, policies, {"role": role}, scene.uuid(), second_stamp(at), ttl)


def call(scene: Scene, at: Instant, token: Token, call: Call, *granting: str, error: str = "") -> str:
    """Ask Vault with a token; without a granting policy (and not by root) Vault refuses."""
    allowed = bool(granting) or token.policies == ("root",)
    response = None if error else {"data": call.answer} if call.answer else {}
    return write(scene, at, call, auth_of(token, granting, allowed), token=token, response=response, error=error)


def leased(scene: Scene, at: Instant, token: Token, call: Call, response: dict[str, Any], *granting: str) -> str:
    """Ask for a secret with a lease, at a mount that shows names in it (`audit_non_hmac_response_keys`)."""
    return write(scene, at, call, auth_of(token, granting, bool(granting)), token=token, response=response)


def write(
    scene: Scene,
    at: Instant,
    call: Call,
    auth: dict[str, Any],
    *,
    token: Token | None = None,
    response: dict[str, Any] | None,
    error: str = "",
) -> str:
    """Write the pair of lines and return the id of the action."""
    request_id = scene.uuid()
    request = request_of(call, request_id, token, port=scene.rng.randrange(30_000, 60_000))
    done_at = at + 2_500
    asked, answered = pair(call, auth, request, response, error, (nano_stamp(at), nano_stamp(done_at)))
    scene.logs.vault.add(at, asked)
    scene.logs.vault.add(done_at, answered)
    return f"vault/{request_id}"


def pair(
    call: Call,
    auth: dict[str, Any],
    request: dict[str, Any],
    response: dict[str, Any] | None,
    error: str,
    times: tuple[str, str],
) -> tuple[str, str]:
    """The two lines of one request, without line ends; `times` of the request and of the response."""
    failed = {"error": error} if error else {}
    body = {"auth": auth, "request": request}
    mount = {"mount_class": "secret", "mount_point": call.mount, "mount_type": call.mount_type}
    answer = {} if response is None else {"response": mount | response}
    asked = {"time": times[0], "type": "request", **body, **failed}
    answered = {"time": times[1], "type": "response", **body, **answer, **failed}
    return _json(asked).decode(), _json(answered).decode()


def request_of(call: Call, request_id: str, token: Token | None, *, port: int) -> dict[str, Any]:
    """The `request` of both lines."""
    holder = {"client_token": token.token, "client_token_accessor": token.accessor} if token else {}
    return {
        "id": request_id,
        **({"client_id": token.entity} if token and token.entity else {}),
        "operation": call.operation,
        "mount_point": call.mount,
        "mount_type": call.mount_type,
        "mount_accessor": f"{call.mount_type}_7b1c9d20",
        "mount_class": "secret",
        **holder,
        "namespace": _ROOT,
        "path": call.path,
        **({"data": call.data} if call.data else {}),
        "remote_address": "10.20.6.12",
        "remote_port": port,
    }


def auth_of(token: Token, granting: tuple[str, ...], allowed: bool) -> dict[str, Any]:
    """The `auth` of a request by a token: who it is, what it holds, and what granted this call."""
    grants = [{"name": name, "namespace_id": "root", "type": "acl"} for name in granting]
    results = {"allowed": allowed, **({"granting_policies": grants} if grants else {})}
    return {
        "client_token": token.token,
        "accessor": token.accessor,
        "display_name": token.name,
        "policies": list(token.policies),
        "token_policies": list(token.policies),
        "policy_results": results,
        **({"metadata": token.metadata} if token.metadata else {}),
        **({"entity_id": token.entity} if token.entity else {}),
        "token_type": "service",
        "token_ttl": token.ttl // SECOND,
        "token_issue_time": token.issued_at,
    }


def response_auth(token: Token) -> dict[str, Any]:
    """The new token in the response of a login or a creation."""
    return {
        "client_token": token.token,
        "accessor": token.accessor,
        "display_name": token.name,
        "policies": list(token.policies),
        "token_policies": list(token.policies),
        **({"metadata": token.metadata} if token.metadata else {}),
        **({"entity_id": token.entity} if token.entity else {}),
        "token_type": "service",
        "token_ttl": token.ttl // SECOND,
    }


def hmac(scene: Scene) -> str:
    """A value as the audit device writes it."""
    return f"hmac-sha256:{scene.hex(64)}"
