"""Scopes proposed from three weeks of a simulated month, tried on the days after them that they have not seen.

python -m bench.privileges [--actions 60000 --seed 7]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from bench.common import keep
from quowarranto.case.query import verdicts
from quowarranto.case.store import Case
from quowarranto.findings import present
from quowarranto.findings.privileges import ENOUGH, covered, privileges
from quowarranto.pipeline import link_paths
from quowarranto.records import Rule
from quowarranto.simulator import simulate
from quowarranto.simulator.scene import DAY
from quowarranto.simulator.world import START

WEEKS = 3
Thing = tuple[str, str, str]
"""Verb, type and id of a resource."""


def main() -> None:
    """Simulate and judge a month, propose from three weeks of it, and keep what the proposals would have done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        case = _month(Path(scratch), given.actions, given.seed)
        until = int(START.timestamp()) * 1_000_000 + WEEKS * 7 * DAY
        told = privileges(case.snapshot(), fit_until=until)
        carried = _carried(case)
        used = [row for row in told if row["uses"] > row["unseen_uses"]]
        enough = [row for row in used if row["uses"] - row["unseen_uses"] >= ENOUGH]
        late = [row for row in told if 0 < row["uses"] == row["unseen_uses"]]
        figures = {
            "actions": given.actions,
            "seed": given.seed,
            "grants": len(told),
            "never_used": sum(row["uses"] == 0 for row in told),
            "first_used_afterwards": {"grants": len(late), "uses": sum(row["uses"] for row in late)},
            "used": _worth(used, carried),
            f"used_at_least_{ENOUGH}_times": _worth(enough, carried),
        }
    keep("privileges", figures)


def _month(folder: Path, actions: int, seed: int) -> Case:
    """The organisation at work, rightly: every use is a legitimate one."""
    simulated = simulate(folder, actions=actions, seed=seed, faults=())
    case = Case(folder / "quo.case")
    case.folder.mkdir()
    shutil.copy(simulated.settings, case.folder)
    link_paths(case, [str(simulated.logs)], threads=2)
    return case


def _carried(case: Case) -> dict[str, set[Thing]]:
    """By key of an authority, what was rightly done with it in the chain; under "" whatever anybody did."""
    out: defaultdict[str, set[Thing]] = defaultdict(set)
    for row in map(present.verdict, verdicts(case.snapshot())):
        thing = row["verb"], row["resource"]["type"], row["resource"]["id"]
        out[""].add(thing)
        if row["verdict"] in ("authorised", "presumed"):
            for one in row["authorities"]:
                out[one["key"]].add(thing)
    return out


def _worth(rows: list[dict[str, Any]], carried: dict[str, set[Thing]]) -> dict[str, Any]:
    """What proposals would have refused of uses that they have not seen, and take away of what nobody used.

    What a grant covers is counted over everything that anybody did in the month; what the grant itself carried is used,
    all else that it covers is not. Told for all grants together, and as the mean of those that have something unused.
    """
    unseen, refused = (sum(row[name] for row in rows) for name in ("unseen_uses", "unseen_refused"))
    idle = [_idle(row, carried) for row in rows]
    shares = [removed / unused for unused, removed in idle if unused]
    unused, removed = (sum(one[place] for one in idle) for place in (0, 1))
    return {
        "grants": len(rows),
        "learned_uses": sum(row["uses"] for row in rows) - unseen,
        "unseen_uses": unseen,
        "unseen_refused": refused,
        "refused_share": round(refused / unseen, 6) if unseen else None,
        "unused_removed": round(removed / unused, 4) if unused else None,
        "unused_removed_mean": round(sum(shares) / len(shares), 4) if shares else None,
        "grants_with_unused": len(shares),
    }


def _idle(row: dict[str, Any], carried: dict[str, set[Thing]]) -> tuple[int, int]:
    """How many things a grant covers that it never carried, and how many of these the proposal takes away."""
    granted, proposed = (
        None if row[name] is None else msgspec.convert(row[name], tuple[Rule, ...]) for name in ("granted", "proposed")
    )
    others = carried[""] - carried.get(row["grant"], set())
    unused = [thing for thing in others if covered(granted, thing)]
    return len(unused), sum(not covered(proposed, thing) for thing in unused)


if __name__ == "__main__":
    main()
