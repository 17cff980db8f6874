"""Search for inputs that some parser fails on.

python -m tests.fuzz [TARGET…] [--seconds 600] [--seed 1]

Every source and every parser beside them, or those named (`--list`), each for its share of the time. What is found is
made small and kept below tests/fuzz_found/, where the ordinary tests try it again.
"""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.search import FOUND, keep, search
from tests.fuzz.targets import targets


def main() -> int:
    """1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=600, help="for all targets together [600]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="name the targets")
    asked = parser.parse_args()
    every = targets()
    if unknown := sorted(set(asked.names) - {target.name for target in every}):
        parser.error(f"no target is called {unknown[0]}; `--list` names them")
    if asked.list:
        print("\n".join(target.name for target in every))
        return 0
    wanted = [target for target in every if not asked.names or target.name in asked.names]
    found = 0
    for target in wanted:
        tried, failures = search(target, asked.seconds / len(wanted), asked.seed)
        print(f"{target.name:<20} {tried:>9,} inputs, {len(failures)} failures", flush=True)
        for failure in failures:
            print(f"    {failure.what}: tests/fuzz_found/{keep(target, failure).relative_to(FOUND)}", flush=True)
        found += len(failures)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
