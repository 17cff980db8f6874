"""Native actions over authority facts: linking, its growth, a hot key, and what a person would do instead.

python -m bench.link [--sizes 1000000,3000000,10000000] [--memory 4GB] [--peers-at 1000000]

Facts are a tenth of the actions. Of each size: linking (`quo link` of a case that was read before, the whole process),
beside a bare scan of the records that it reads. Over the sizes: time ~ n^k and memory ~ n^m, fitted. At one size: the
same world without its hot key (one credential with 5 % of all actions), and the peers of `bench.peers`.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from bench.common import DATA, keep, measured, rate, read_only
from quowarranto.case.store import Case
from quowarranto.simulator import simulate_native

_HOT = 0.05


def main() -> None:
    """Generate the worlds (once), read them (once), link them, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000000,3000000,10000000")
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--peers-at", type=int, default=1_000_000)
    parser.add_argument("--python", default=sys.executable, help="for the peers; one that has pandas and pyarrow too")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    DATA.mkdir(exist_ok=True)
    runs = {size: _linked(size, options.memory) for size in sizes}
    figures: dict[str, Any] = {"memory_limit": options.memory, "sizes": {f"{size:,}": runs[size] for size in sizes}}
    if len(sizes) > 1:
        figures["growth"] = {
            f"{name}_exponent": _exponent(sizes, [runs[size]["link"][name] for size in sizes])
            for name in ("wall_s", "cpu_s", "peak_mb")
        }
    if options.peers_at:
        figures["peers"] = _peers(options.peers_at, options.memory, options.python)
        figures["hot_key"] = _hot_key(options.peers_at, options.memory)
    keep(f"link-{max(sizes)}", figures)


def _case(actions: int, hot: float = _HOT) -> tuple[Path, dict[str, Any]]:
    """The case of a world, read but judged or not; what reading it took, where it was read now."""
    name = f"native-{actions}-{actions // 10}" + ("" if hot else "-even")
    log, case = DATA / f"{name}.jsonl", DATA / f"{name}.case"
    if Case(case).exists():
        return case, {}
    if not log.exists():
        simulate_native(log, actions, actions // 10, hot=hot)
    size = log.stat().st_size
    read = rate(size, read_only(case, [log]))
    return case, {"bytes": size, "read": read}


def _linked(actions: int, memory: str, hot: float = _HOT) -> dict[str, Any]:
    case, read = _case(actions, hot)
    scan = _scan(case)
    run = measured(["-m", "quowarranto", "link", "--case", str(case), "--memory", memory])
    return {
        **read,
        "bare_engine_scan_of_the_records": {"wall_s": round(scan, 2)},
        "link": run | {"actions_per_s": round(actions / run["wall_s"])},
        "ratio_to_bare_scan": round(run["wall_s"] / scan, 2),
    }


def _scan(case: Path) -> float:
    """Seconds in which the bare engine reads every column of the records that the linkage uses."""
    snapshot = Case(case).snapshot()
    began = time.perf_counter()
    connection = duckdb.connect()
    connection.execute(
        "SELECT max(id), max(time), max(principal_id), max(action), max(resource_id), max(origin), sum(len(cites)) "
        f"FROM {snapshot.scan('actions')}"
    ).fetchall()
    connection.execute(
        f"SELECT max(id), max(time), max(principal_id), max(scope), sum(len(cites)) FROM {snapshot.scan('facts')}"
    ).fetchall()
    return time.perf_counter() - began


def _exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The slope of the logarithms, by least squares."""
    xs, ys = [math.log(size) for size in sizes], [math.log(value) for value in values]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return round(sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs), 3)


def _peers(actions: int, memory: str, python: str) -> dict[str, Any]:
    """Ours and theirs at one size, one after the other; how many times as long each takes for its simpler answer."""
    ours = _linked(actions, memory)["link"]["wall_s"]
    out: dict[str, Any] = {"actions": actions, "ours": {"wall_s": ours}}
    case, _ = _case(actions)
    for tool in ("duckdb", "sqlite", "pandas"):
        done = subprocess.run(
            [python, "-m", "bench.peers", tool, str(case)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            out[tool] = {"not_run": done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "failed"}
            continue
        took = json.loads(done.stdout)
        out[tool] = took | {"times_ours": round((took["load_s"] + took["answer_s"]) / ours, 2)}
    return out


def _hot_key(actions: int, memory: str) -> dict[str, Any]:
    """What the hot key costs: processor seconds with it and without it, each the least of three runs."""
    with_it, without = (min(_linked(actions, memory, hot)["link"]["cpu_s"] for _ in range(3)) for hot in (_HOT, 0.0))
    cost = 1 + (with_it / without - 1) / _HOT
    return {"share": _HOT, "cpu_s": with_it, "cpu_s_without": without, "times_its_share": round(cost, 2)}


if __name__ == "__main__":
    main()
