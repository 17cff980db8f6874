"""`quo` as a user runs it: a process of its own, with its exit code and what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

SOURCES = Path(__file__).parent.parent / "src"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCES), "NO_COLOR": "1", "COLUMNS": "200"}
ENVIRONMENT.pop("QUO_DEBUG", None)


class Ran(NamedTuple):
    """What came of it."""

    code: int
    out: str
    err: str


def command(*arguments: str | Path) -> list[str]:
    """The arguments of a process that runs `quo`."""
    return [sys.executable, "-m", "quowarranto", *map(str, arguments)]


def quo(folder: Path, *arguments: str | Path, env: dict[str, str] | None = None, seconds: int = 300) -> Ran:
    """Run `quo` in a folder; a traceback is never an answer."""
    environment = ENVIRONMENT | (env or {})
    done = subprocess.run(
        command(*arguments), cwd=folder, env=environment, capture_output=True, timeout=seconds, check=False
    )
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ran.err, ran.err
    assert "should not" not in ran.err, ran.err
    return ran


def rows(folder: Path, *arguments: str | Path) -> list[dict[str, Any]]:
    """What a command prints with `--format jsonl`."""
    ran = quo(folder, *arguments, "--format", "jsonl")
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def totals(ran: Ran) -> dict[str, int]:
    """The counts that `quo link --format json` prints; they add up."""
    read: dict[str, int] = json.loads(ran.out)["read"]
    assert read["entries"] == read["recorded"] + read["skipped"] + read["quarantined"]
    return read
