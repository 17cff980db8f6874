"""`python -m tests.crash [N]`: kill `quo link` at N random moments; what is in the case is complete after each.

After every kill a reader sees nothing, what was read, or what was judged, never a part of it; the next run ends with
the verdicts of a run that nobody disturbed. Readers that poll while a writer works never fail.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.case.query import connect, quarantine, records, verdicts
from quowarranto.case.store import Case
from quowarranto.errors import CaseError
from quowarranto.findings import present
from quowarranto.simulator import simulate
from tests.quo import ENVIRONMENT, command

State = tuple[str, frozenset[bytes], int, int]
"""The last commit's name, the verdicts as JSON, how many records count, and how many lines are in quarantine."""


class Crashes:
    """A simulated organisation whose logs are linked again and again, seldom to the end."""

    def __init__(self, folder: Path, *, actions: int = 3000, seed: int = 1) -> None:
        self.folder = folder
        self.rng = random.Random(seed)
        truth = simulate(folder / "world", actions=actions)
        # linked in three goes, so that there are states with verdicts of an earlier run beside newer records; the last
        # go is small enough to judge only what it touches
        self.parts = [[truth.logs / "kubernetes", truth.logs / "native"], [truth.logs], [_late(folder)]]
        self.undisturbed: list[State] = []
        self.seconds: list[float] = []
        case = folder / "undisturbed.case"
        for stage, part in enumerate(self.parts):
            if stage:
                shutil.copytree(case, self._before(stage), ignore=shutil.ignore_patterns(".lock"))
            began = time.monotonic()
            assert self.start(case, part).wait() == 0
            self.seconds.append(time.monotonic() - began)
            self.undisturbed.append(_state(case))
        runs = connect(Case(case).snapshot(), "runs").execute("SELECT whole FROM runs ORDER BY run").fetchall()
        assert runs[-1] == (False,), "the last go was to be judged in part"

    def _before(self, stage: int) -> Path:
        """The case as it was before a go."""
        return self.folder / f"before-{stage}.case"

    def start(self, case: Path, part: list[Path]) -> subprocess.Popen[bytes]:
        """Begin to link a part of the logs, in a process group of its own."""
        return subprocess.Popen(
            command("link", *part, "--case", case, "--threads", "2"),
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def once(self, number: int) -> str:
        """Kill one run, look, run again, look again; returns what was seen after the kill."""
        case = self.folder / f"killed-{number}.case"
        stage = number % len(self.parts)
        if stage:
            shutil.copytree(self._before(stage), case)
        before = _state(case)
        running = self.start(case, self.parts[stage])
        with _polling(case) as failures:
            time.sleep(self.rng.uniform(0, self.seconds[stage] * 1.05))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        assert failures == []
        seen = self._look(case, before, stage)
        assert self.start(case, self.parts[stage]).wait() == 0
        assert _state(case)[1:3] == self.undisturbed[stage][1:3], "a rerun ends with other verdicts"
        assert not list(case.glob("quo-spill-*")), "spilled data was left"
        shutil.rmtree(case)
        return seen

    def _look(self, case: Path, before: State, stage: int) -> str:
        after = _state(case)
        if after == before:
            return f"{after[0]} (as before)"
        if after[0] == "judged":
            assert after == self.undisturbed[stage], "a judged state that is not the whole"
        else:
            assert after[0] == "read"
            assert after[1] == before[1], "verdicts without their judgement"
            assert after[2:] >= before[2:], "records were lost"
        return after[0]


def _late(folder: Path) -> Path:
    """A session that lets some actions be linked, its end, and new actions that cite it."""
    path = folder / "late.jsonl"
    who = {"type": "service_account", "id": "late"}
    head = {"kind": "session", "id": "session/late", "principal": who}
    records: list[dict[str, Any]] = [
        head | {"time": "2026-03-01T00:00:00Z"},
        head | {"time": "2026-03-01T06:00:00Z", "fact": "ended"},
        *(
            {
                "kind": "action",
                "id": f"late/{hour}",
                "time": f"2026-03-01T{hour:02}:00:00Z",
                "principal": who,
                "action": "read",
                "resource": {"type": "secret", "id": "x"},
                "cites": ["session/late"],
            }
            for hour in range(12)
        ),
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def _state(folder: Path) -> State:
    case = Case(folder)
    try:
        snapshot = case.snapshot()
    except CaseError:
        return "nothing", frozenset(), 0, 0
    judged = frozenset(msgspec.json.encode(present.verdict(row)) for row in verdicts(snapshot))
    return snapshot.commit.what, judged, sum(1 for _ in records(snapshot)), sum(1 for _ in quarantine(snapshot))


@contextlib.contextmanager
def _polling(case: Path) -> Iterator[list[BaseException]]:
    """Read the case all the while; whatever goes wrong is listed."""
    failures: list[BaseException] = []
    done = threading.Event()

    def poll() -> None:
        counts = [0]
        while not done.is_set():
            try:
                _, judged, counted, _ = _state(case)
            except BaseException as error:
                failures.append(error)
                return
            if judged and not counted:
                failures.append(AssertionError("verdicts without records"))
            counts.append(len(judged))

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        yield failures
    finally:
        done.set()
        reader.join()


def main(kills: int) -> None:
    """Print what was seen after each kill."""
    with tempfile.TemporaryDirectory(prefix="quo-crash-") as folder:
        crashes = Crashes(Path(folder))
        seen: dict[str, int] = {}
        for number in range(kills):
            state = crashes.once(number)
            seen[state] = seen.get(state, 0) + 1
            print(f"\r{number + 1} of {kills} kills: {seen}", end="", flush=True)
        print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
