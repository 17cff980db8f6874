"""An evaluator that does to its process what its policy says: what a child process has to withstand."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request

_libc = ctypes.CDLL(None, use_errno=True)


def evaluate(policies: Sequence[Policy], request: Request) -> Evaluation:
    """Permit, with what came of it as the determining policy."""
    done = [_DEEDS[policy.text]() for policy in policies if policy.text in _DEEDS]
    return Evaluation(effect="permit", determining=(*done, str(request.subject["id"])))


def _open() -> str:
    return Path("/etc/passwd").read_text(encoding="utf-8")


def _natively(name: str, *arguments: object) -> str:
    """Past everything that Python itself forbids."""
    result = getattr(_libc, name)(*arguments)
    return "refused" if result < 0 else f"{name} gave {result}"


def _connect() -> str:
    with socket.socket() as plug:
        plug.connect(("127.0.0.1", 9))
    return "connected"


def _run() -> str:
    return subprocess.run(["/bin/true"], check=True).args[0]  # type: ignore[no-any-return]


def _fill() -> str:
    return str(len(bytearray(1 << 40)))


def _gorge() -> str:
    held = [bytearray(16 << 20) for _ in range(4096)]
    return str(len(held))


def _spin() -> str:
    while True:
        pass


def _sleep() -> str:
    time.sleep(3600)
    return "slept"


def _leave() -> str:
    os._exit(7)


def _die() -> str:
    ctypes.string_at(0)
    return "lived"


def _say() -> str:
    print("an answer that is none", flush=True)
    os.write(2, b"nor this")
    return "said"


def _raise() -> str:
    raise RuntimeError("a text that might quote a secret")


_DEEDS: dict[str, Callable[[], str]] = {
    "open": _open,
    "open natively": lambda: _natively("open", b"/etc/passwd", os.O_RDONLY),
    "socket natively": lambda: _natively("socket", 2, 1, 0),
    "fork natively": lambda: _natively("fork"),
    "kill natively": lambda: _natively("kill", os.getppid(), 0),
    "connect": _connect,
    "run": _run,
    "environment": lambda: ",".join(sorted(os.environ)),
    "fill": _fill,
    "gorge": _gorge,
    "spin": _spin,
    "sleep": _sleep,
    "leave": _leave,
    "die": _die,
    "say": _say,
    "raise": _raise,
}
