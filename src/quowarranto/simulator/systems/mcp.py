"""A gateway for MCP: an entry for each call of a tool, with what the token said and what was decided.

Source    docs/reference/sources/mcp.md; Model Context Protocol 2025-11-25
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from quowarranto.records import Instant, format_instant
from quowarranto.simulator.scene import HOUR, SECOND, Scene

_json = msgspec.json.Encoder().encode
ISSUER = "https://login.quo-example.com"
SERVER = "orders"
POLICY = "mcp/policy/tools@7"


class Token(NamedTuple):
    """What the gateway knows of a token that an agent got for a person."""

    name: str
    person: str
    agent: str
    issued_at: Instant

    def claims(self) -> dict[str, Any]:
        """As the gateway writes them."""
        seconds = self.issued_at // SECOND
        return {
            "iss": ISSUER,
            "sub": self.person,
            "client_id": self.agent,
            "act": {"sub": self.agent},
            "jti": self.name,
            "iat": seconds,
            "exp": seconds + HOUR // SECOND,
        }


def policy_loaded(scene: Scene, at: Instant) -> None:
    """The gateway decides by a new revision from now on."""
    name, _, revision = POLICY.removeprefix("mcp/policy/").partition("@")
    _write(scene, at, {"event": "policy_loaded", "policy": {"id": name, "revision": revision}})


def opened(scene: Scene, at: Instant, token: Token, session: str) -> str:
    """A session begins; returns the id of the action."""
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "triage", "version": "3"}}
    answer = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": SERVER, "version": "2"}}
    return _asked(scene, at, token, session, 0, "initialize", hello, answer)


def called(scene: Scene, at: Instant, token: Token, session: str, number: int, tool: str) -> str:
    """A tool is called; returns the id of the action."""
    asked = {"name": tool, "arguments": {"order": number}}
    return _asked(scene, at, token, session, number, "tools/call", asked, {"content": []})


def _asked(
    scene: Scene,
    at: Instant,
    token: Token,
    session: str,
    number: int,
    method: str,
    asked: dict[str, Any],
    answer: dict[str, Any],
) -> str:
    entry = {
        "server": SERVER,
        "auth": token.claims(),
        "origin": "10.20.9.4",
        "decision": {"id": scene.hex(12), "allow": True, "policies": [POLICY]},
        "session_id": session,
        "request": {"jsonrpc": "2.0", "id": number, "method": method, "params": asked},
        "response": {"jsonrpc": "2.0", "id": number, "result": answer},
    }
    _write(scene, at, entry)
    return f"mcp/{session}/{number}@{at}"


def _write(scene: Scene, at: Instant, entry: dict[str, Any]) -> None:
    scene.logs.mcp.add(at, _json({"time": format_instant(at), **entry}).decode())
