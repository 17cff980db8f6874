"""What benchmarks share: the machine they ran on, measured child processes, and where results are kept."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).parent / "data"
_READ = """
import sys
from pathlib import Path
from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths
if __name__ == "__main__":
    link_paths(Case(Path(sys.argv[1])), sys.argv[2:], judge=False)
"""


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system and the versions that matter."""
    model = "unknown"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("duckdb", "deltalake", "msgspec")},
    }


def measured(arguments: list[str], output: Path = Path(os.devnull)) -> dict[str, float]:
    """Run a command of this Python to its end: wall and processor seconds, peak memory of its largest process in MB.

    `output` is the file that gets what it prints.
    """
    began = time.perf_counter()
    with output.open("wb") as out:
        child = subprocess.Popen([sys.executable, *arguments], stdout=out)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), arguments)
    return {
        "wall_s": round(wall, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }


def read_only(case: Path, logs: list[Path]) -> dict[str, float]:
    """Read logs into a case that is made anew, and judge nothing."""
    shutil.rmtree(case, ignore_errors=True)
    script = DATA / "read_only.py"
    script.write_text(_READ, encoding="utf-8")
    return measured([str(script), str(case), *map(str, logs)])


def rate(size: int, run: dict[str, float]) -> dict[str, float]:
    """The run and how many megabytes, of `size` bytes, it took a second."""
    return run | {"mb_per_s": round(size / run["wall_s"] / 1e6, 1)}


def keep(name: str, figures: dict[str, Any]) -> None:
    """Print the figures and write them to `bench/results/NAME.json`."""
    result = {"benchmark": name, "date": datetime.now(UTC).strftime("%Y-%m-%d"), "machine": machine(), **figures}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
