"""The linkage on Spark beside the embedded engine, over one case each: a world with hot keys, and the native one.

python -m bench.spark [--actions 1000000] [--memory 2GB] [--threads 2]

Spark runs on this machine (`local[N]`), so this shows what it costs here, not what a cluster gains. Both engines must
give the same rows; of the world with hot keys the largest and the median task of the longest stages are kept too.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.portability.spark import differing_rows, results_of

from bench.common import DATA, keep
from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths
from quowarranto.simulator import simulate_native, simulate_skewed

_STAGES = 5
_EVENTS = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}


def main() -> None:
    """Read both worlds (once), judge each with both engines, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", type=int, default=1_000_000)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    worlds: dict[str, Callable[[Path, int], tuple[int, int]]] = {
        "skewed": simulate_skewed,
        "native": lambda path, actions: simulate_native(path, actions, actions // 10),
    }
    figures: dict[str, Any] = {
        "versions": {"pyspark": importlib.metadata.version("pyspark"), "java": _java()},
        "actions": options.actions,
        "memory_limit": options.memory,
        "threads": options.threads,
    }
    for name, write in worlds.items():
        figures[name] = _world(name, write, options)
    keep(f"spark-{options.actions}", figures)


def _world(name: str, write: Callable[[Path, int], tuple[int, int]], options: argparse.Namespace) -> dict[str, Any]:
    DATA.mkdir(exist_ok=True)
    stem = f"{name}-{options.actions}"
    log, case = DATA / f"{stem}.jsonl", Case(DATA / f"{stem}.case")
    if not case.exists():
        write(log, options.actions)
        link_paths(case, [str(log)], judge=False)
    snapshot = case.snapshot()
    found: dict[str, Any] = {
        "bytes_of_records": sum(
            Path(file).stat().st_size for table in ("actions", "facts") for file in snapshot.files(table)
        )
    }
    cases = {}
    for engine in ("embedded", "spark"):
        cases[engine] = Case(DATA / f"{stem}-{engine}.case")
        shutil.rmtree(cases[engine].folder, ignore_errors=True)
        shutil.copytree(case.folder, cases[engine].folder)
        found[engine] = _judged(cases[engine], engine, options)
    found["differing_rows"] = differing_rows(results_of(cases["embedded"]), results_of(cases["spark"]))
    return found


def _judged(case: Case, engine: str, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of one `quo link`, and of Spark what its event log says of tasks."""
    with tempfile.TemporaryDirectory() as events:
        more = []
        if engine == "spark":
            settings = _EVENTS | {"spark.eventLog.dir": f"file://{events}"}
            more = [part for item in settings.items() for part in ("--spark-conf", "=".join(item))]
        command = [sys.executable, "-m", "quowarranto", "link", "--case", str(case.folder), "--engine", engine]
        command += ["--memory", options.memory, "--threads", str(options.threads), *more]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures: dict[str, Any] = {
            "wall_s": round(wall, 1),
            "actions_per_s": round(options.actions / wall),
        }
        if engine == "spark":
            figures |= _tasks(next(Path(events).iterdir()))
        else:
            figures["cpu_s"] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)
        return figures


def _tasks(log: Path) -> dict[str, Any]:
    """From Spark's event log: processor seconds of all tasks, and how even the tasks of the longest stages were."""
    stages: dict[int, list[dict[str, int]]] = {}
    for line in log.open(encoding="utf-8"):
        event = json.loads(line)
        if event["Event"] == "SparkListenerTaskEnd" and "Task Metrics" in event:
            metrics = event["Task Metrics"]
            read = metrics["Shuffle Read Metrics"]["Total Records Read"] + metrics["Input Metrics"]["Records Read"]
            task = {"ms": metrics["Executor Run Time"], "cpu_ns": metrics["Executor CPU Time"], "rows": read}
            stages.setdefault(event["Stage ID"], []).append(task)
    longest = sorted(stages.values(), key=lambda tasks: -max(task["ms"] for task in tasks))[:_STAGES]
    return {
        "cpu_s_of_tasks": round(sum(task["cpu_ns"] for tasks in stages.values() for task in tasks) / 1e9, 1),
        "stages": len(stages),
        "stages_with_the_longest_tasks": [
            {
                "tasks": len(tasks),
                "longest_s": round(max(task["ms"] for task in tasks) / 1000, 2),
                "median_s": round(statistics.median(task["ms"] for task in tasks) / 1000, 2),
                "most_rows": max(task["rows"] for task in tasks),
                "median_rows": round(statistics.median(task["rows"] for task in tasks)),
            }
            for tasks in longest
        ],
    }


def _java() -> str:
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    return said.splitlines()[0]


if __name__ == "__main__":
    main()
