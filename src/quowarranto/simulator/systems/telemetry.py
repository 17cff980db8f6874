"""What a tool's server tells of its work: spans of OpenTelemetry, an export a line; and the issuer's security events.

Source    OTLP JSON encoding; OpenTelemetry semantic conventions for MCP; CAEP 1.0, session-revoked
"""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.records import Instant
from quowarranto.simulator.scene import SECOND, Scene
from quowarranto.simulator.systems.mcp import ISSUER, Token

_json = msgspec.json.Encoder().encode
_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"


def tool_span(scene: Scene, at: Instant, token: Token, session: str, tool: str) -> str:
    """A tool that ran for an agent, as its server tells of it; returns the id of the action."""
    trace, span = scene.hex(32), scene.hex(16)
    said = {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": tool,
        "mcp.session.id": session,
        "gen_ai.agent.id": token.agent,
        "enduser.id": token.person,
    }
    told = {
        "traceId": trace,
        "spanId": span,
        "kind": 2,
        "name": f"tools/call {tool}",
        "startTimeUnixNano": str(at * 1000),
        "endTimeUnixNano": str((at + 20_000) * 1000),
        "attributes": [{"key": name, "value": {"stringValue": text}} for name, text in said.items()],
    }
    service = [{"key": "service.name", "value": {"stringValue": "orders-tools"}}]
    export: dict[str, Any] = {"resource": {"attributes": service}, "scopeSpans": [{"spans": [told]}]}
    scene.logs.telemetry.add(at, _json({"resourceSpans": [export]}).decode())
    return f"otlp/span/{trace}/{span}"


def token_revoked(scene: Scene, at: Instant, token: Token) -> None:
    """The issuer tells that it has revoked a token."""
    event = {
        "iss": ISSUER,
        "jti": scene.uuid(),
        "iat": at // SECOND + 2,
        "aud": "https://audit.quo-example.com",
        "sub_id": {"format": "jwt_id", "iss": ISSUER, "jti": token.name},
        "events": {_REVOKED: {"event_timestamp": at // SECOND, "reason_admin": {"en": "the laptop was lost"}}},
    }
    scene.logs.signals.add(at + 2 * SECOND, _json(event).decode())
