"""What an answer is worth: precision, recall, calibration and wrong `authorised`, from two files of JSON lines.

The format is in docs/benchmark.md: any tool that can name authorities of actions can be scored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

BUCKETS = 10


class Answer(msgspec.Struct, frozen=True):
    """One action: what a tool says of it, or what is true of it. `group` is whatever answers are told apart by."""

    action: str
    authorities: tuple[str, ...] = ()
    verdict: str = ""
    codes: tuple[str, ...] = ()
    group: str = ""
    confidence: float | None = None


class Score(msgspec.Struct, frozen=True):
    """Of one group of answers, or of one code.

    `precision` is the share of the answers with an authority that name no wrong one, `recall` the share of the true
    authorities that are named; None where there is nothing to take a share of.
    """

    answers: int
    precision: float | None
    recall: float | None


class Scores(msgspec.Struct, frozen=True):
    """All of it; `calibration_error` is the mean distance of a stated confidence from the share that was right."""

    all: Score
    groups: dict[str, Score]
    codes: dict[str, Score]
    wrongly_authorised: int
    wrongly_unauthorised: int
    unanswered: int
    calibration_error: float | None


def read(path: Path) -> list[Answer]:
    """The answers, or the truth, of a file.

    Raises:
        SystemExit: a line is none; the message says which.
    """
    out = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                out.append(msgspec.json.decode(line, type=Answer))
            except msgspec.DecodeError as error:
                raise SystemExit(f"error: {path}:{number} is not an answer: {error}") from None
    return out


def score(truth: Iterable[Answer], answers: Iterable[Answer]) -> Scores:
    """Hold answers against the truth. Of several answers about one action the last counts; a stranger's is wrong."""
    true = {one.action: one for one in truth}
    given = {one.action: one for one in answers}
    groups: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in given.values():
        groups[answer.group].append(answer)
    both = [(true[action], answer) for action, answer in given.items() if action in true]
    every = sum(len(one.authorities) for one in true.values())
    return Scores(
        all=_score(list(given.values()), true, every),
        groups={name: _score(mine, true) for name, mine in sorted(groups.items())},
        codes=_codes(true, given),
        wrongly_authorised=sum(is_.verdict != "authorised" == said.verdict for is_, said in both),
        wrongly_unauthorised=sum(is_.verdict != "unauthorised" == said.verdict for is_, said in both),
        unanswered=len(true.keys() - given.keys()),
        calibration_error=_calibration([one for one in given.values() if one.authorities], true),
    )


def right(answer: Answer, true: dict[str, Answer]) -> bool:
    """Whether every authority that it names is a true one."""
    found = true.get(answer.action)
    return found is not None and set(answer.authorities) <= set(found.authorities)


def _score(answers: list[Answer], true: dict[str, Answer], every: int | None = None) -> Score:
    linked = [one for one in answers if one.authorities]
    known = [(one, true[one.action]) for one in answers if one.action in true]
    there = sum(len(is_.authorities) for _, is_ in known) if every is None else every
    found = sum(len(set(one.authorities) & set(is_.authorities)) for one, is_ in known)
    return Score(len(answers), _share(sum(right(one, true) for one in linked), len(linked)), _share(found, there))


def _codes(true: dict[str, Answer], given: dict[str, Answer]) -> dict[str, Score]:
    out = {}
    for code in sorted({code for one in (*true.values(), *given.values()) for code in one.codes}):
        is_ = {action for action, one in true.items() if code in one.codes}
        said = {action for action, one in given.items() if code in one.codes}
        out[code] = Score(len(said), _share(len(is_ & said), len(said)), _share(len(is_ & said), len(is_)))
    return out


def _calibration(linked: list[Answer], true: dict[str, Answer]) -> float | None:
    """Expected calibration error over ten equal bands of confidence; those that state none are left out."""
    bands: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for one in linked:
        if one.confidence is not None:
            bands[min(BUCKETS - 1, int(one.confidence * BUCKETS))].append((one.confidence, right(one, true)))
    stated = sum(map(len, bands.values()))
    off = sum(abs(sum(said for said, _ in band) - sum(was for _, was in band)) for band in bands.values())
    return _share(off, stated)


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
