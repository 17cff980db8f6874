"""The ground truth beside the logs: what has to be concluded of every action, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from quowarranto.records import Linkage, Verdict

_encode = msgspec.json.Encoder().encode


class Expected(msgspec.Struct, frozen=True, omit_defaults=True):
    """What SPEC sections 4 to 6 give for one action.

    `codes` have to be there; where `exact` is set there may be no others. `linkage` is left out where it depends on how
    much of a system's log an adapter reads.
    """

    action: str
    scenario: str
    verdict: Verdict
    linkage: Linkage | None = None
    codes: tuple[str, ...] = ()
    exact: bool = False
    note: str = ""


class Truth(msgspec.Struct, frozen=True):
    """What was simulated: where the logs are, and what is true of them.

    `logs` is the folder to link, `settings` the `quo.toml` for the case; `path` (the truth, an `Expected`
    a line) lies outside of it. `findings` are the expected findings about authorities, as (code, key);
    `expected_quarantine` counts unreadable lines by file, relative to `logs`.
    """

    logs: Path
    settings: Path
    path: Path
    actions: int
    scenarios: Mapping[str, int]
    verdicts: Mapping[str, int]
    expected_quarantine: Mapping[str, int]
    findings: tuple[tuple[str, str], ...]

    def lines(self) -> Iterator[Expected]:
        """Every action's truth, read from the file: the large worlds do not fit in memory."""
        decode = msgspec.json.Decoder(Expected).decode
        with self.path.open("rb") as file:
            for line in file:
                yield decode(line)


class TruthLog:
    """Writes `truth.jsonl` and counts."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.scenarios: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.findings: list[tuple[str, str]] = []
        self._file = path.open("wb", buffering=1 << 20)

    def expect(self, expected: Expected) -> None:
        """Note the truth of one action."""
        self.stream(_encode(expected).decode() + "\n", expected.scenario, {expected.verdict: 1})

    def stream(self, text: str, scenario: str, verdicts: Mapping[str, int]) -> None:
        """Write lines that were made elsewhere; `verdicts` counts them."""
        self._file.write(text.encode())
        for verdict, count in verdicts.items():
            self.verdicts[verdict] += count
            self.scenarios[scenario] += count

    @property
    def actions(self) -> int:
        """Actions noted so far."""
        return self.verdicts.total()

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
