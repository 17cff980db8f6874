"""What the tests with real systems share: programs that may not be there, a free port, and linking what was logged."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.query import Filters, quarantine, verdicts
from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths


def program(name: str, *folders: Path) -> str:
    """Where a program is; the test is skipped where it is nowhere."""
    places = [str(folder) for folder in folders] + ["/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"`{name}` is not installed")
    return found


def free_port() -> int:
    """A port of the loopback address that nobody listens on just now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def linked(folder: Path, *logs: Path) -> list[dict[str, Any]]:
    """Link the logs, told apart by their content; nothing in them may be unreadable."""
    case = Case(folder / "quo.case")
    link_paths(case, [str(log) for log in logs], threads=1)
    assert list(quarantine(case.snapshot())) == []
    return list(verdicts(case.snapshot(), Filters()))
