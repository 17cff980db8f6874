"""Reading the logs of the other large systems, beside Kubernetes in the same run.

python -m bench.sources [--megabytes 100] [--only gcp] …

The entries are those of the test fixtures that become records, written again and again as JSON lines, each time with
other ids and times: identities and resources repeat, as they do in an organisation; nothing else does. What changes
roles, policies and the like is written once: it is rare.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from bench.common import DATA, keep, rate, read_only
from quowarranto.errors import RejectedEntry
from quowarranto.simulator import simulate_cloudtrail, simulate_kubernetes
from quowarranto.sources import Entry, Observation, Skipped, by_name

FIXTURES = Path(__file__).parents[1] / "tests" / "sources"
SOURCES = ("cloudtrail", "gcp", "azure", "opa", "okta", "ocsf")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?<![0-9A-Za-z-])[0-9a-f]{16,}(?![0-9A-Za-z-])")
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d")
_MILLISECONDS = re.compile(r"(?<=\W)1[5-9]\d{11}(?=\W)")
_IDS = re.compile(r'"(insertId|uuid|decision_id|uid|correlationId|eventID|requestID|id)":"([^"]*)"')


def main() -> None:
    """Generate what is missing, read each, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--only", action="append", choices=SOURCES)
    options = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    size = options.megabytes * 1_000_000
    figures: dict[str, Any] = {}
    for name in ("kubernetes", *(options.only or SOURCES)):
        log = _log(name, size)
        read = sum(path.stat().st_size for path in (log.iterdir() if log.is_dir() else [log]))
        figures[name] = {"bytes": read, **rate(read, read_only(DATA / "sources.case", [log]))}
        figures[name]["share_of_kubernetes"] = round(figures[name]["mb_per_s"] / figures["kubernetes"]["mb_per_s"], 2)
    keep(f"sources-{options.megabytes}mb", figures)


def _log(name: str, size: int) -> Path:
    path = DATA / f"source-{name}-{size}.jsonl"
    if path.exists():
        return path
    if name == "kubernetes":
        simulate_kubernetes(path, size)
        return path
    if name == "cloudtrail":
        path.mkdir()
        simulate_cloudtrail(path, size)
        return path
    rare, common = (sorted({text for text, once in _entries(name) if once is kind}) for kind in (True, False))
    dice = random.Random(7)
    written, copies = 0, 0
    with path.open("w", encoding="utf-8") as out:
        out.writelines(f"{entry}\n" for entry in rare)
        for entry in cycle(common):
            if written >= size:
                break
            copies += 1
            written += out.write(_varied(entry, dice, copies) + "\n")
    return path


def _entries(name: str) -> Iterator[tuple[str, bool]]:
    """The entries of a source's fixtures that become records, as compact JSON, and whether they change what stands."""
    source = by_name(name)
    if source is None:
        raise ValueError(name)
    for path in sorted(FIXTURES.glob(f"{name}/*/logs/*")):
        if path.suffix not in (".json", ".jsonl", ".log"):
            continue
        for value in _values(path.read_text(encoding="utf-8", errors="replace"), source.wrappers):
            text = json.dumps(value, separators=(",", ":"))
            try:
                outcome = source.read(Entry(text.encode(), path.name))
            except RejectedEntry:
                continue
            if not isinstance(outcome, Skipped) and outcome:
                yield text, any(isinstance(one, Observation) for one in outcome)


def _values(text: str, wrappers: tuple[str, ...]) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            at = text.find("\n", at) + 1 or len(text)
            continue
        wrapped = next((value[key] for key in wrappers if isinstance(value, dict) and key in value), value)
        yield from (one for one in (wrapped if isinstance(wrapped, list) else [wrapped]) if isinstance(one, dict))


def _varied(entry: str, dice: random.Random, copy: int) -> str:
    """The entry with other ids, the same one for the same wherever it stands, at another time."""
    later = timedelta(milliseconds=dice.randrange(86_400_000))
    made: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        length = len(found[0])
        return made.setdefault(
            found[0],
            str(uuid.UUID(int=dice.getrandbits(128), version=4))
            if "-" in found[0]
            else f"{dice.getrandbits(4 * length):0{length}x}",
        )

    entry = _UUID.sub(other, entry)
    entry = _HEX.sub(other, entry)
    entry = _TIME.sub(lambda m: (datetime.fromisoformat(m[0]) + later).isoformat(timespec="seconds"), entry)
    entry = _MILLISECONDS.sub(lambda m: str(int(m[0]) + int(later.total_seconds() * 1000)), entry)
    return _IDS.sub(lambda m: m[0] if m[2] in made.values() else f'"{m[1]}":"{m[2]}-{copy:x}"', entry, count=1)


if __name__ == "__main__":
    main()
