"""Makes the library of `cutter.c` with whatever C compiler there is. Run when the project is installed.

python src/quowarranto/compiled/build.py
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
NAME = "cutter.dylib" if sys.platform == "darwin" else "cutter.so"
_OPTIONS = ("-O3", "-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden")
_LONGEST_S = 300


def compilers() -> Iterator[list[str]]:
    """Commands that may compile C: the one in `CC`, those that systems have, and the one in the package `ziglang`."""
    if named := os.environ.get("CC"):
        yield shlex.split(named)
    yield from ([name] for name in ("cc", "gcc", "clang") if shutil.which(name))
    if find_spec("ziglang") is not None:
        yield [sys.executable, "-m", "ziglang", "cc"]


def build() -> Path | None:
    """Compile, unless that was done since the source changed; None, and no file, where it cannot be done.

    Returns: the library.
    """
    source, target = HERE / "cutter.c", HERE / NAME
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return target
    making = target.with_name(f"{target.name}.{os.getpid()}")
    for compiler in compilers():
        command = [*compiler, *_OPTIONS, "-o", str(making), str(source)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_LONGEST_S, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and making.exists():
            return making.replace(target)
    making.unlink(missing_ok=True)
    target.unlink(missing_ok=True)
    return None


if __name__ == "__main__":
    print(f"made {NAME}" if build() else "no C compiler was found: all is done in Python")
