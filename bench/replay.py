"""A million Cedar decisions of fifty policy versions, decided again: once as decisions repeat, once all different.

python -m bench.replay [--decisions 1000000]

The figures are of `quo replay` as a process: decisions read from the case, planned, evaluated in confined processes,
compared, and kept in the case. Linking them before is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.common import _READ, DATA, keep, measured

VERSIONS = 50
DOCUMENTS, ACTIONS = 40, ("read", "write", "share")
START = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    """Make both worlds (once), replay them, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    count = parser.parse_args().decisions
    DATA.mkdir(exist_ok=True)
    figures: dict[str, Any] = {"decisions": count, "policy_versions": VERSIONS, "policies_of_a_version": len(_texts(0))}
    for name, distinct in (("repeating", False), ("all_distinct", True)):
        case = _case(f"replay-{name}-{count}", count, distinct)
        said = DATA / f"replay-{name}.txt"
        load = os.getloadavg()[0]
        run = measured(["-m", "quowarranto", "replay", "--case", str(case)], said)
        per_s = {"decisions_per_s": round(count / run["wall_s"]), "load_average_before": round(load, 1)}
        figures[name] = run | per_s | {"distinct_evaluations": _distinct(said.read_text(encoding="utf-8"), count)}
    keep(f"replay-{count}", figures)


def _distinct(printed: str, count: int) -> int:
    """Different evaluations; nothing may disagree or be left open, or the figure means nothing."""
    pattern = r"\((\d+) different evaluations\)\n(\d+) agree (\d+) disagree .*?(\d+) could not"
    found = re.search(pattern, printed.replace(",", ""))
    assert found is not None, printed
    evaluations, agree, disagree, open_ = map(int, found.groups())
    assert (agree, disagree, open_) == (count, 0, 0), printed
    return evaluations


def _case(name: str, count: int, distinct: bool) -> Path:
    case, log = DATA / f"{name}.case", DATA / f"{name}.jsonl"
    if not case.exists():
        with log.open("w", encoding="utf-8") as out:
            for record in _records(count, distinct):
                out.write(json.dumps(record) + "\n")
        subprocess.run([sys.executable, "-c", _READ, str(case), f"native={log}"], check=True)
        log.unlink()
    return case


def _texts(version: int) -> list[str]:
    """One version: some permits by role and by owner, a forbid, and a rule that is new with it."""
    return [
        '@id("owner") permit(principal, action, resource) when { resource.owner == principal.name };',
        '@id("readers") permit(principal, action == Action::"read", resource) when { principal.role == "reader" };',
        '@id("editors") permit(principal, action in [Action::"read", Action::"write"], resource)'
        ' when { principal.role == "editor" };',
        '@id("closed") forbid(principal, action, resource) when { resource.closed };',
        '@id("hours") forbid(principal, action == Action::"share", resource) when { context.hour < 6 };',
        *(
            f'@id("step-{step}") permit(principal == User::"guest-{step}", action == Action::"read", resource);'
            for step in range(version + 1)
        ),
    ]


def _records(count: int, distinct: bool) -> Any:
    for version in range(VERSIONS):
        text = "\n".join(_texts(version))
        said = {"language": "cedar", "text": text}
        yield {"kind": "policy", "id": f"policy/v{version}", "time": START.isoformat(), "attributes": said}
    random_ = random.Random(7)
    for number in range(count):
        yield _decision(number, number if distinct else random_.randrange(count // 20))


def _decision(number: int, question: int) -> dict[str, Any]:
    """A question, and the answer that the policies give, worked out here in plain Python."""
    dice = random.Random(question)
    user, role = f"user-{question}", dice.choice(("reader", "editor", "none"))
    verb, closed, hour = dice.choice(ACTIONS), dice.random() < 0.1, dice.randrange(24)
    document, owner = f"document-{dice.randrange(DOCUMENTS)}", f"name-{dice.randrange(4)}"
    name = f"name-{dice.randrange(4)}"
    allowed = owner == name or (role == "reader" and verb == "read") or (role == "editor" and verb != "share")
    denied = closed or (verb == "share" and hour < 6)
    request = {
        "subject": {"type": "User", "id": user, "properties": {"name": name, "role": role}},
        "action": {"name": verb},
        "resource": {"type": "Document", "id": document, "properties": {"owner": owner, "closed": closed}},
        "context": {"hour": hour},
    }
    return {
        "kind": "decision",
        "id": f"pdp/{number}",
        "time": (START + timedelta(seconds=1 + number)).isoformat(),
        "effect": "allow" if allowed and not denied else "deny",
        "cites": [f"policy/v{question % VERSIONS}"],
        "request": request,
    }


if __name__ == "__main__":
    main()
