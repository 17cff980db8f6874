"""A scene: one scenario in play, with its own dice, the logs to write to and the truth to note.

The dice of a scene depend on the seed and the scenario's name alone, so that switching one fault on or off changes
nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from quowarranto.records import Instant, Linkage, Verdict
from quowarranto.simulator.dice import dice
from quowarranto.simulator.logs import LineLog, TrailLog
from quowarranto.simulator.truth import Expected, TruthLog

SECOND: Instant = 1_000_000
MINUTE: Instant = 60 * SECOND
HOUR: Instant = 60 * MINUTE
DAY: Instant = 24 * HOUR


class Logs(NamedTuple):
    """Where each system writes; `native` by the stem of the file, `trails` by region."""

    kubernetes: LineLog
    vault: LineLog
    github: LineLog
    tokens: LineLog
    postgres: LineLog
    mcp: LineLog
    telemetry: LineLog
    signals: LineLog
    native: dict[str, LineLog]
    trails: dict[str, TrailLog]

    def lines(self) -> tuple[LineLog, ...]:
        """All logs that are lines in one file."""
        one_each = (self.kubernetes, self.vault, self.github, self.tokens, self.postgres, self.mcp)
        return (*one_each, self.telemetry, self.signals, *self.native.values())

    def release(self, until: Instant) -> None:
        """Let all logs catch up with the scenarios' lines from before this time."""
        for log in self.lines():
            log.release(until)
        for trail in self.trails.values():
            trail.release(until)


class Scene:
    """What a scenario needs to play."""

    def __init__(self, name: str, seed: int, start: Instant, logs: Logs, truth: TruthLog) -> None:
        self.name = name
        self.start = start
        self.logs = logs
        self.rng = dice(f"{seed}/{name}")
        self._truth = truth

    def at(self, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> Instant:
        """A moment of the world: days count from 0, the microseconds are the dice's."""
        whole = self.start + day * DAY + hour * HOUR + minute * MINUTE + second * SECOND
        return whole + self.rng.randrange(SECOND)

    def hex(self, digits: int) -> str:
        """Random lower-case hex digits."""
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """A random UUID, version 4."""
        text = self.hex(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def expect(
        self,
        action: str,
        verdict: Verdict,
        linkage: Linkage | None,
        *codes: str,
        exact: bool = True,
        note: str = "",
    ) -> None:
        """Note the truth of an action that this scene played."""
        self._truth.expect(Expected(action, self.name, verdict, linkage, tuple(sorted(codes)), exact, note))

    def finding(self, code: str, key: str) -> None:
        """Note a finding about an authority that has to be made."""
        self._truth.findings.append((code, key))


class Scenario(NamedTuple):
    """Its name, what happens (or goes wrong) in one sentence, and the play."""

    name: str
    about: str
    play: Callable[[Scene], None]
