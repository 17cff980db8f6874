"""A gateway on standard input and output: starts the server, hands every message on, and writes each down.

python gateway.py LOG COMMAND…    one envelope a line, as docs/reference/sources/mcp.md describes it

Its decision: agents may do everything but `send_file`. It is a gateway that fails: what it denies it hands on as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from typing import IO, Any

POLICY = {"id": "tools", "revision": "7", "sha256": "3f" * 32}


class Log:
    """Envelopes, one a line, from two threads."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: PTH123, SIM115 - open as long as the program runs
        self._lock = threading.Lock()
        self._connection = f"gateway-{os.getpid()}"

    def write(self, **fields: Any) -> None:
        """One line, at once."""
        with self._lock:
            line = {"time": _now(), "server": "files", "connection_id": self._connection} | fields
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def main(log: Log, command: list[str]) -> int:
    """Until the client closes its side."""
    log.write(event="policy_loaded", policy=POLICY)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        back = threading.Thread(
            target=_pass_on, args=(server.stdout, sys.stdout.buffer, log, "server_to_client"), daemon=True
        )
        back.start()
        _pass_on(sys.stdin.buffer, server.stdin, log, "client_to_server")
        server.stdin.close()
        back.join()
        return server.wait()


def _pass_on(come: IO[bytes], go: IO[bytes], log: Log, direction: str) -> None:
    for line in come:
        message = json.loads(line)
        log.write(direction=direction, message=message, **_decided(message, direction))
        go.write(line)
        go.flush()


def _decided(message: dict[str, Any], direction: str) -> dict[str, Any]:
    """Whom it acts for, and, of a call of a tool, what it decided."""
    if direction == "server_to_client":
        return {}
    told: dict[str, Any] = {"principal": {"type": "agent", "id": "planner"}}
    if message.get("method") == "tools/call":
        allow = message["params"]["name"] != "send_file"
        policy = f"mcp/policy/{POLICY['id']}@{POLICY['revision']}"
        told["decision"] = {"allow": allow, "id": f"d-{message['id']}", "policies": [policy]}
    return told


if __name__ == "__main__":
    sys.exit(main(Log(sys.argv[1]), sys.argv[2:]))
