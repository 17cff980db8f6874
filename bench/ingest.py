"""Reading logs into a case: Kubernetes, CloudTrail and native records, plain and gzip, beside the bare engine's scan.

python -m bench.ingest [--megabytes 500] [--only kubernetes] …

Reading is everything up to the records in the case: cutting, strict decoding, secrets, digests, columns, files on disk.
The bare engine only scans the fields that the linkage needs of the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import time
from pathlib import Path

import duckdb

from bench.common import DATA, keep, rate, read_only
from quowarranto.simulator import simulate_cloudtrail, simulate_kubernetes, simulate_native

_BYTES_PER_NATIVE_RECORD = 242
_SCANS = {
    "kubernetes": (
        "SELECT max(auditID), max(requestReceivedTimestamp), max(u.username), max(objectRef.name) "
        "FROM (SELECT *, user AS u FROM read_json({files}, format = 'newline_delimited', "
        "columns = {{auditID: 'VARCHAR', "
        "requestReceivedTimestamp: 'VARCHAR', user: 'STRUCT(username VARCHAR)', objectRef: 'STRUCT(name VARCHAR)'}}))"
    ),
    "cloudtrail": (
        "SELECT max(e.eventID), max(e.eventTime), max(e.userIdentity.accessKeyId) FROM (SELECT unnest(Records) AS e "
        "FROM read_json({files}, columns = {{Records: 'STRUCT(eventID VARCHAR, eventTime VARCHAR, eventName VARCHAR, "
        "userIdentity STRUCT(arn VARCHAR, accessKeyId VARCHAR))[]'}}, maximum_object_size = 100000000))"
    ),
    "native": (
        "SELECT max(id), max(time), max(principal.id), max(resource.id) FROM read_json({files}, "
        "format = 'newline_delimited', columns = {{id: 'VARCHAR', time: 'VARCHAR', principal: 'STRUCT(id VARCHAR)', "
        "resource: 'STRUCT(id VARCHAR)', cites: 'VARCHAR[]'}})"
    ),
}


def main() -> None:
    """Generate what is missing, read each kind plain and packed, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--only", action="append", choices=tuple(_SCANS))
    options = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    figures = {}
    for kind in options.only or _SCANS:
        logs = _logs(kind, options.megabytes * 1_000_000)
        size = sum(path.stat().st_size for path in logs)
        figures[kind] = {
            "bytes": size,
            "files": len(logs),
            "bare_engine_scan": rate(size, {"wall_s": _scan(kind, logs)}),
            "plain": rate(size, read_only(DATA / f"ingest-{kind}.case", logs)),
            "gzip": rate(size, read_only(DATA / f"ingest-{kind}-gzip.case", [_packed(path) for path in logs])),
        }
    keep(f"ingest-{options.megabytes}mb", figures)


def _logs(kind: str, size: int) -> list[Path]:
    folder = DATA / f"ingest-{kind}-{size}"
    if not folder.exists():
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        if kind == "kubernetes":
            simulate_kubernetes(making / "audit.log", size)
        elif kind == "cloudtrail":
            simulate_cloudtrail(making, size)
        else:
            records = size // _BYTES_PER_NATIVE_RECORD
            simulate_native(making / "records.jsonl", records - records // 11, records // 11)
        making.rename(folder)
    return sorted(path for path in folder.iterdir() if path.suffix != ".gz")


def _packed(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    if not packed.exists():
        with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as out:
            shutil.copyfileobj(plain, out, 1 << 20)
    return packed


def _scan(kind: str, logs: list[Path]) -> float:
    files = "[" + ", ".join(f"'{path}'" for path in logs) + "]"
    began = time.perf_counter()
    duckdb.connect().execute(_SCANS[kind].format(files=files)).fetchall()
    return round(time.perf_counter() - began, 2)


if __name__ == "__main__":
    main()
