"""MCP: which tool an agent called, over which session and token, and what the gateway decided.

Reads     JSON lines of a gateway, proxy or server that logs the JSON-RPC messages of the Model Context Protocol, each
          in an envelope with its time; request and response on one line or on two. Protocol 2025-06-18, 2025-11-25 and
          2026-07-28.
Yields    an Action per request (all rounds of one call together), the Decision the envelope carries, the Credential
          (the token's claims, never the token) with a Delegation where it says who acts for whom, Sessions, and the
          Policies that a gateway says it has loaded.
Time      the envelope's, RFC 3339 on the clock of whoever logged; tokens begin and end by `iat`, `nbf` and `exp`.
Not seen  calls that went past whoever logged; what a tool did; arguments and results, which are not read.
Source    modelcontextprotocol schema/*/schema.ts and docs/specification/*/basic; RFC 8693 section 4.1 for `act`.
"""

from __future__ import annotations

from quowarranto.sources.entry import Source
from quowarranto.sources.mcp.calls import derive
from quowarranto.sources.mcp.reading import read, recognise

__all__ = ["SOURCE"]

SOURCE = Source(
    name="mcp",
    title="Model Context Protocol",
    reads=("JSON-RPC messages as a gateway, proxy or server logs them",),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="proven",
    raise_it="a gateway that logs its decision with the keys of the policies that it rests on, and the token's `jti`",
)
