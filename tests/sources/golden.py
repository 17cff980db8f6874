"""What comes of the sample logs of a source, from recognising the file to the verdict, as files a reviewer can read.

python -m tests.sources.golden NAME [CASE ...]    writes them anew; look at every difference before it is committed

A case is a folder `tests/sources/NAME/CASE/` with the inputs in `logs/`, perhaps a `quo.toml` for sources that take
settings, and `expected.json`: the records in the native form, why entries were skipped or quarantined, and how each
action was judged.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from quowarranto.case.query import Filters, connect, quarantine, records, rows, verdicts
from quowarranto.case.reading import READER_FAILED
from quowarranto.case.store import Case, Snapshot
from quowarranto.pipeline import link_paths

HERE = Path(__file__).parent
EXPECTED = "expected.json"


def cases(name: str | None = None) -> list[Path]:
    """The folders of all cases, or of those of a source."""
    return sorted(path.parent for path in HERE.glob(f"{name or '*'}/*/logs"))


def told(case: Path, logs: Path | None = None) -> dict[str, Any]:
    """Link the logs of a case and tell what came of them."""
    with tempfile.TemporaryDirectory() as folder:
        made = Case(Path(folder) / "quo.case")
        if (case / "quo.toml").exists():
            made.folder.mkdir()
            shutil.copy(case / "quo.toml", made.folder)
        link_paths(made, [str(logs or case / "logs")], threads=1)
        snapshot = made.snapshot()
        inputs = rows(connect(snapshot, "inputs"), "SELECT file, type, reasons FROM inputs ORDER BY file")
        skipped: Counter[str] = Counter()
        for one in inputs:
            skipped.update(json.loads(one["reasons"]))
        return {
            "types": {Path(one["file"]).name: one["type"] for one in inputs},
            "records": [_plain(one) for one in records(snapshot)],
            "skipped": dict(sorted(skipped.items())),
            "quarantined": [[Path(one["file"]).name, one["line"], one["reason"]] for one in refused(snapshot)],
            "verdicts": {one["id"]: _judged(one) for one in verdicts(snapshot, Filters())},
        }


def refused(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The quarantined entries.

    Raises:
        AssertionError: one met a fault of the reader. That is nothing to write down as expected.
    """
    found = list(quarantine(snapshot))
    faults = [f"{one['file']}:{one['line']}: {one['reason']}" for one in found if READER_FAILED in one["reason"]]
    assert faults == [], faults
    return found


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Without where it was read: the place of the checkout is nobody's business."""
    return {name: value for name, value in record.items() if name not in ("source", "origin", "read_at", "recorded_at")}


def _judged(row: dict[str, Any]) -> str:
    return " ".join([row["verdict"], row["linkage"], row["codes"].replace(",", " ")])


def main() -> None:
    """Write the expected files of some cases anew."""
    name, *wanted = sys.argv[1:]
    for case in cases(name):
        if not wanted or case.name in wanted:
            text = json.dumps(told(case), indent=1, ensure_ascii=False)
            (case / EXPECTED).write_text(text + "\n", encoding="utf-8")
            print(case.relative_to(HERE))


if __name__ == "__main__":
    main()
