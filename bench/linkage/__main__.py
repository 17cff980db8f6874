"""The benchmark of linkage.

python -m bench.linkage                                  measure, and write docs/benchmark.md
python -m bench.linkage make FOLDER [--level 1 --seed 3] records of a damaged world, and the truth beside them
python -m bench.linkage score TRUTH.jsonl ANSWERS.jsonl  what any tool's answers are worth
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import msgspec

from bench.linkage import report, worlds
from bench.linkage.damage import LEVELS
from bench.linkage.score import read, score


def main() -> None:
    """Make, score or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    make = commands.add_parser("make")
    make.add_argument("folder", type=Path)
    make.add_argument("--level", type=int, choices=range(len(LEVELS)), default=1)
    scoring = commands.add_parser("score")
    scoring.add_argument("truth", type=Path)
    scoring.add_argument("answers", type=Path)
    for one in (parser, make):
        one.add_argument("--seed", type=int, default=3)
        one.add_argument("--actions", type=int, default=3000)
    given = parser.parse_args()
    if given.command == "score":
        found = score(read(given.truth), read(given.answers))
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    elif given.command == "make":
        with tempfile.TemporaryDirectory() as scratch:
            of = worlds.world(Path(scratch), given.actions, given.seed)
        worlds.write(given.folder / "records", of, given.level, given.seed)
    else:
        report.measure(given.actions, given.seed)


if __name__ == "__main__":
    main()
