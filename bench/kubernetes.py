"""From a Kubernetes audit file to verdicts, beside what the bare engine needs to scan the same bytes.

python -m bench.kubernetes [--megabytes 1000]
"""

from __future__ import annotations

import argparse
import shutil
import time

import duckdb

from bench.common import DATA, keep, measured
from quowarranto.simulator import simulate_kubernetes

_COLUMNS = (
    "{auditID: 'VARCHAR', stage: 'VARCHAR', verb: 'VARCHAR', requestReceivedTimestamp: 'VARCHAR', "
    "user: 'STRUCT(username VARCHAR)', objectRef: 'STRUCT(resource VARCHAR, namespace VARCHAR, name VARCHAR)', "
    "annotations: 'MAP(VARCHAR, VARCHAR)'}"
)


def main() -> None:
    """Generate the file (once), scan it with the engine alone, link it, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    size = parser.parse_args().megabytes * 1_000_000
    DATA.mkdir(exist_ok=True)
    log = DATA / f"kubernetes-{size}.log"
    if not log.exists():
        simulate_kubernetes(log, size)
    actual = log.stat().st_size
    scan = _scan(str(log))
    case = DATA / "kubernetes.case"
    shutil.rmtree(case, ignore_errors=True)
    run = measured(["-m", "quowarranto", "link", str(log), "--case", str(case)])
    keep(
        f"kubernetes-{size // 1_000_000}mb",
        {
            "bytes": actual,
            "bare_engine_scan": {"wall_s": round(scan, 2), "mb_per_s": round(actual / scan / 1e6, 1)},
            "link": run | {"mb_per_s": round(actual / run["wall_s"] / 1e6, 1)},
            "ratio_to_bare_scan": round(run["wall_s"] / scan, 2),
        },
    )


def _scan(path: str) -> float:
    """Seconds in which the bare engine reads the fields that the linkage needs of every line."""
    began = time.perf_counter()
    duckdb.connect().execute(
        f"SELECT count(*), count(DISTINCT auditID), max(requestReceivedTimestamp), max(user.username), "
        f"max(objectRef.name), max(annotations['authorization.k8s.io/reason']) "
        f"FROM read_json('{path}', format = 'newline_delimited', columns = {_COLUMNS})"
    ).fetchall()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
