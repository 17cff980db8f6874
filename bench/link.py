"""Native actions over authority facts: reading, linking, peak memory, beside a bare scan of the same bytes.

python -m bench.link [--actions 10000000] [--facts 1000000] [--memory 5500MB]
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

import duckdb

from bench.common import DATA, keep, measured
from quowarranto.case.store import Case
from quowarranto.simulator import simulate_native

_READ = """
import sys
from pathlib import Path
from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths
if __name__ == "__main__":
    link_paths(Case(Path(sys.argv[1])), [sys.argv[2]], judge=False)
"""


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
        figures["read"] = _read(log, case)
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


def _read(log: Path, case: Path) -> dict[str, float]:
    shutil.rmtree(case, ignore_errors=True)
    script = DATA / "read_only.py"
    script.write_text(_READ, encoding="utf-8")
    run = measured([str(script), str(case), str(log)])
    return run | {"mb_per_s": round(log.stat().st_size / run["wall_s"] / 1e6, 1)}


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
