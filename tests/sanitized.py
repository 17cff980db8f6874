"""Hostile entries through the compiled part, made with the address and undefined-behaviour sanitizers.

python -m tests.sanitized [SECONDS] [SEED]

Only whether it reads or writes where it must not: what it answers is for `tests/sources/test_ordinary.py`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from quowarranto.case.cutting import Piece
from quowarranto.case.ordinary import Alternatives, Place
from quowarranto.case.ordinary_compiled import CompiledRows
from quowarranto.compiled import build
from quowarranto.sources import by_name
from tests.sources.ordinary_entries import EXAMPLES

_OPTIONS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-std=gnu11")
_ODD = (
    b'["a","b"]',
    b'"AKIA0123456789ABCDEF"',
    b"[]",
    b"{}",
    b"%",
    b'"',
    b",",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"a",
    b"0",
    b" ",
    b"\n",
    b"",
    b"\xff",
    b'""',
    b'\\"',
    b"null",
)
_SANITIZED = "QUO_TESTS_SANITIZED"
"""The library to use, in the child that runs with the sanitizer loaded."""


def main(seconds: float = 60, seed: int = 1) -> int:
    """Make the library, and run this again under it."""
    made = os.environ.get(_SANITIZED)
    if made:
        build.NAME, build.HERE = Path(made).name, Path(made).parent
        print(f"{_run(seconds, seed):,} entries, nothing found")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / build.NAME
        source = str(build.HERE / "cutter.c")
        command = ["gcc", *_OPTIONS, "-shared", "-fPIC", "-fvisibility=hidden", "-o", str(target), source]
        subprocess.run(command, check=True)
        runtime = subprocess.run(["gcc", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True)
        environment = os.environ | {
            _SANITIZED: str(target),
            "LD_PRELOAD": runtime.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0",  # Python itself leaks at its end
        }
        again = [sys.executable, "-m", "tests.sanitized", str(seconds), str(seed)]
        return subprocess.run(again, env=environment, check=False).returncode


def _run(seconds: float, seed: int) -> int:
    dice = random.Random(seed)
    memories: dict[str, dict[Any, Any]] = {name: {} for name in EXAMPLES}
    tried, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for name, memory in memories.items():
            source = by_name(name)
            assert source is not None
            ordinaries = Alternatives(source.ordinary, memory)
            assert all(isinstance(one._rows, CompiledRows) for one in ordinaries._kinds), "the library was not used"
            ordinaries.enter(Place("log", "log"))
            entries = [_entry(dice, name) for _ in range(60)]
            list(ordinaries.lines(b"\n".join(entries), 0, 1))
            list(ordinaries.of_pieces(Piece(entry, 0, 1) for entry in entries))
            list(ordinaries.tables(0, 0))
            tried += 2 * len(entries)
    return tried


def _entry(dice: random.Random, name: str) -> bytes:
    if dice.random() < 0.05:
        return b"".join(dice.choices(_ODD, k=dice.randrange(40)))
    entry = bytearray(json.dumps(dice.choice(EXAMPLES[name]), separators=(",", ":"), ensure_ascii=False).encode())
    for _ in range(dice.choice((0, 0, 1, 2, 5))):
        at = dice.randrange(len(entry))
        entry[at : at + dice.randrange(4)] = dice.choice(_ODD)
    return bytes(entry[: dice.randrange(len(entry))] if dice.random() < 0.1 else entry)


if __name__ == "__main__":
    arguments = [*sys.argv[1:], "60", "1"]
    sys.exit(main(float(arguments[0]), int(arguments[1] if len(sys.argv) > 2 else "1")))
