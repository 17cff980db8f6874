"""New records into a large case: how long until the verdicts are right again.

python -m bench.incremental [--actions 10000000] [--facts 1000000] [--records 10000]

Takes the case of `bench.link` (generated and judged where it is not there), works on copies of it, and measures
`quo link` as a user runs it, from the start of the process to its end:
  - so many new records, four fifths of them actions;
  - one late approval on which about ten thousand actions rest.
"""

from __future__ import annotations

import argparse
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bench.common import DATA, keep, measured
from quowarranto.case.query import connect
from quowarranto.case.store import Case
from quowarranto.case.tables import JUDGED
from quowarranto.simulator import simulate_native
from quowarranto.simulator.large import native
from quowarranto.simulator.world import START


def main() -> None:
    """Measure both, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", type=int, default=10_000_000)
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--memory", default="5500MB")
    options = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    case = DATA / f"native-{options.actions}-{options.facts}.case"
    figures: dict[str, object] = {"actions": options.actions, "facts": options.facts}
    if not _judged(case):
        figures["whole"] = _whole(case, options)
    for name, lines in (
        ("new_records", _records(options)),
        ("late_approval", [_approval()]),
    ):
        log = DATA / f"incremental-{name}.jsonl"
        log.write_text("".join(lines), encoding="utf-8")
        figures[name] = {"records": len(lines)} | _added(case, log, options.memory)
    keep(f"incremental-{options.actions}", figures)


def _judged(case: Path) -> bool:
    if not Case(case).exists():
        return False
    with Case(case).writing() as writer:
        return all(writer.fits(table) for table in JUDGED) and bool(writer.snapshot().files("runs"))


def _whole(case: Path, options: argparse.Namespace) -> dict[str, float]:
    arguments = []
    if not Case(case).exists():
        log = DATA / f"native-{options.actions}-{options.facts}.jsonl"
        if not log.exists():
            simulate_native(log, options.actions, options.facts)
        arguments = [str(log)]
    return measured(["-m", "quowarranto", "link", "--case", str(case), "--memory", options.memory, *arguments])


def _added(case: Path, log: Path, memory: str) -> dict[str, object]:
    copy = DATA / "incremental.case"
    shutil.rmtree(copy, ignore_errors=True)
    # the files of a case are never written twice, so links to them will do
    shutil.copytree(
        case, copy, copy_function=lambda a, b: Path(b).hardlink_to(a), ignore=shutil.ignore_patterns(".lock")
    )
    run = measured(["-m", "quowarranto", "link", "--case", str(copy), "--memory", memory, str(log)])
    connection = connect(Case(copy).snapshot(), "runs", "rejudged")
    whole, judged = connection.execute("SELECT whole, judged FROM runs ORDER BY run DESC LIMIT 1").fetchall()[0]
    again = connection.execute("SELECT count(*) FROM rejudged").fetchall()[0][0]
    shutil.rmtree(copy)
    return {**run, "whole": whole, "verdicts_given": judged, "of_which_again": again}


def _records(options: argparse.Namespace) -> list[str]:
    """Actions that follow those of the world, and facts about services that it has not seen."""
    units = max(1, options.facts // native._FACTS_PER_UNIT)
    size = native._Size(options.actions, units, max(1, options.actions // units), _begin())
    wider = size._replace(units=units + options.records)
    facts = options.records // 5
    first = units * native._FACTS_PER_UNIT
    lines = [native._fact(number, wider) for number in range(first, first + facts)]
    more = options.actions + options.records - facts
    return lines + native._actions(Random(11), options.actions, more, size)


def _approval() -> str:
    """The session of a much used service was approved once more, by the one who asked for it."""
    at = datetime.fromtimestamp(_begin() / 1_000_000 - 43_200, UTC).isoformat()
    asked = {"type": "user", "id": "u1"}
    fact = {"kind": "approval", "id": "approval/1", "time": at, "requested_by": asked, "decided_by": [asked]}
    return json.dumps(fact | {"ticket": "CHG-1b"}) + "\n"


def _begin() -> int:
    return int(START.timestamp()) * 1_000_000


if __name__ == "__main__":
    main()
