"""A client and a server of the official SDK, with a gateway between them that writes down every message."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.real.running import linked

mcp = pytest.importorskip("mcp", reason="the `mcp` package is not installed")
if not hasattr(mcp, "Client"):
    pytest.skip("a release of `mcp` before 2.0 is installed", allow_module_level=True)

PARTS = Path(__file__).parent / "mcp_parts"
TRACE = "0af7651916cd43dd8448eb211c80319c"
MODES = ("auto", "legacy")
"""The protocol of 2026-07-28 where both sides have it, and that of 2025-11-25 with its handshake."""


@pytest.fixture(params=MODES)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What the gateway wrote down while a client called four tools and one that is not there."""
    path = tmp_path / "gateway.jsonl"
    asyncio.run(asyncio.wait_for(_call(path, request.param), 120))
    return path


async def _call(log: Path, mode: str) -> None:
    gateway = [str(PARTS / "gateway.py"), str(log), sys.executable, str(PARTS / "server.py")]
    started = mcp.StdioServerParameters(command=sys.executable, args=gateway, env={"PYTHONPATH": _packages()})
    async with mcp.Client(started, mode=mode, elicitation_callback=_yes) as client:
        trace = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        read = await client.call_tool("read_file", {"path": "a.txt"}, meta=trace)
        assert not read.is_error
        assert (await client.call_tool("write_file", {"path": "a.txt"})).is_error
        assert not (await client.call_tool("send_file", {"path": "a.txt"})).is_error
        deleted = await client.call_tool("delete_file", {"path": "a.txt"})
        assert "deleted a.txt" in deleted.content[0].text
        assert (await client.call_tool("no_such_tool", {})).is_error


async def _yes(context: Any, params: Any) -> Any:
    return mcp.types.ElicitResult(action="accept", content={"sure": True})


def _packages() -> str:
    """Where this process finds its packages: the SDK starts programs with hardly any environment."""
    return ":".join(sys.path)


def _by_tool(log: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    told: dict[str, list[dict[str, Any]]] = {}
    for one in linked(folder, log):
        if one["action"].startswith("tools/call:"):
            told.setdefault(one["action"].removeprefix("tools/call:"), []).append(one)
    return told


def test_each_call_is_one_action_with_its_outcome_and_its_verdict(log: Path, tmp_path: Path) -> None:
    """A policy carries what the gateway allowed; what it denied, but handed on, and the server did, is unauthorised.

    A call that asks its user first is one action, however many rounds it takes.
    """
    found = {
        tool: [(one["outcome"], one["linkage"], one["verdict"]) for one in several]
        for tool, several in _by_tool(log, tmp_path).items()
    }
    assert found == {
        "read_file": [("success", "proven", "authorised")],
        "write_file": [("failure", "proven", "authorised")],
        "send_file": [("success", "proven", "unauthorised")],
        "delete_file": [("success", "proven", "authorised")],
        "no_such_tool": [("failure", "proven", "authorised")],
    }


def test_the_trace_that_a_client_sends_is_what_the_call_correlates_by(log: Path, tmp_path: Path) -> None:
    from quowarranto.case.query import records
    from quowarranto.case.store import Case

    linked(tmp_path, log)
    acted = [one for one in records(Case(tmp_path / "quo.case").snapshot()) if one["kind"] == "action"]
    (read,) = [one for one in acted if one["action"] == "tools/call:read_file"]
    assert f"trace/{TRACE}" in read["correlates"]


def test_the_log_holds_a_round_that_asked_for_input_where_the_protocol_has_it(log: Path) -> None:
    """So that the test above says something about rounds."""
    messages = [json.loads(line).get("message", {}) for line in log.read_text(encoding="utf-8").splitlines()]
    asked = [one for one in messages if one.get("result", {}).get("resultType") == "input_required"]
    handshake = any(one.get("method") == "initialize" for one in messages)
    assert bool(asked) is not handshake
