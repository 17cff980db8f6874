"""Vault and OpenBao: a token is created, looks itself up, and is revoked by its accessor.

Source  HTTP API of the token auth method: /auth/token/create, /auth/token/lookup-self, /auth/token/revoke-accessor.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from quowarranto.canary.measure import Answer, CanaryError
from quowarranto.records import Resource

_SECONDS = 10
_LARGEST = 1 << 20


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token is for the server that it was given for."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Vault:
    """A server at an address, with a token that may create tokens and revoke them by accessor."""

    verb = "token:lookup-self"
    resource = Resource("vault-path", "auth/token/lookup-self")

    def __init__(self, address: str, token: str, *, namespace: str = "", ttl_s: int = 3600) -> None:
        if not address.startswith(("https://", "http://")):
            raise CanaryError("the address is none of a server", need="one that begins with `https://`")
        self._address, self._own, self._namespace, self._ttl_s = address.rstrip("/"), token, namespace, ttl_s
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._token = self._accessor = ""

    def issue(self) -> str:
        """A token of policy `default` that ends by itself, should nobody revoke it."""
        wanted = {"policies": ["default"], "ttl": f"{self._ttl_s}s", "renewable": False, "display_name": "quo-canary"}
        status, answer = self._ask("POST", "auth/token/create", self._own, wanted)
        auth = answer.get("auth")
        token, accessor = (auth.get("client_token"), auth.get("accessor")) if isinstance(auth, dict) else (None, None)
        if status != 200 or not (isinstance(token, str) and isinstance(accessor, str) and token and accessor):
            raise CanaryError(
                f"no token was created (status {status})", need="a token with `update` on `auth/token/create`"
            )
        self._token, self._accessor = token, accessor
        return f"vault/accessor/{accessor}"

    def use(self) -> Answer:
        """Only 200 and 403 are answers about the token."""
        try:
            status, _ = self._ask("GET", "auth/token/lookup-self", self._token)
        except CanaryError:
            return "unclear"
        return "accepted" if status == 200 else "refused" if status == 403 else "unclear"

    def revoke(self) -> None:
        """By accessor, with the token that was given."""
        status, _ = self._ask("POST", "auth/token/revoke-accessor", self._own, {"accessor": self._accessor})
        if status not in (200, 204):
            raise CanaryError(
                f"the token was not revoked (status {status}); it ends by itself in {self._ttl_s} s",
                at=f"accessor `{self._accessor}`",
                need="a token with `update` on `auth/token/revoke-accessor`",
            )

    def _ask(
        self, method: str, path: str, token: str, body: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(f"{self._address}/v1/{path}", data, headers, method=method)  # noqa: S310 - checked
            with self._opener.open(request, timeout=_SECONDS) as response:
                return response.status, _object(response.read(_LARGEST))
        except urllib.error.HTTPError as error:
            error.close()
            return error.code, {}
        except (OSError, ValueError, HTTPException) as error:
            raise CanaryError(
                f"the server cannot be asked ({type(error).__name__})",
                at=f"`{path}`",
                hint="see that `--address` (or `VAULT_ADDR`) is that of the active node",
            ) from None


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
