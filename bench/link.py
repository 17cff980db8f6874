"""Native actions over authority facts: reading, linking, peak memory, beside a bare scan of the same bytes.

python -m bench.link [--actions 10000000] [--facts 1000000] [--memory 5500MB]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import duckdb

from bench.common import DATA, keep, measured, rate, read_only
from quowarranto.case.store import Case
from quowarranto.simulator import simulate_native


def main() -> None:
    """Generate the world (once), read it (once), link it, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", type=int, default=10_000_000)
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--memory", default="5500MB")
    options = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    log = DATA / f"native-{options.actions}-{options.facts}.jsonl"
    case = DATA / f"native-{options.actions}-{options.facts}.case"
    if not log.exists():
        simulate_native(log, options.actions, options.facts)
    figures: dict[str, object] = {"actions": options.actions, "facts": options.facts, "bytes": log.stat().st_size}
    if not Case(case).exists():
        figures["read"] = rate(log.stat().st_size, read_only(case, [log]))
    scan = _scan(case)
    run = measured(["-m", "quowarranto", "link", "--case", str(case), "--memory", options.memory])
    keep(
        f"link-{options.actions}",
        figures
        | {
            "bare_engine_scan_of_the_records": {"wall_s": round(scan, 2)},
            "link": run | {"memory_limit": options.memory, "actions_per_s": round(options.actions / run["wall_s"])},
            "ratio_to_bare_scan": round(run["wall_s"] / scan, 2),
        },
    )


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


if __name__ == "__main__":
    main()
