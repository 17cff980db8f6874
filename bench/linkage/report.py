"""Precision, recall and calibration of this project at every level of damage, kept as figures and as a page."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import msgspec

from bench.common import keep, machine
from bench.linkage import worlds
from bench.linkage.damage import LEVELS
from bench.linkage.score import Answer, Score, Scores, right, score

PAGE = Path(__file__).parents[2] / "docs" / "benchmark.md"
_BEGIN, _END = "<!-- figures: python -m bench.linkage -->\n", "<!-- end of figures -->\n"
_LEARNED = (1, 2)
"""Seeds of the worlds in which confidences are measured; they are tried on the world of another seed."""


def measure(actions: int, seed: int) -> None:
    """Judge the damaged worlds, keep the figures, and write them into the page."""
    with tempfile.TemporaryDirectory() as scratch:
        answered = {one: _answered(Path(scratch) / str(one), actions, one) for one in (*_LEARNED, seed)}
    levels = []
    for level in range(len(LEVELS)):
        confidence = confidences([answered[one][level] for one in _LEARNED])
        truth, answers = answered[seed][level]
        stated = [msgspec.structs.replace(one, confidence=confidence.get(one.group)) for one in answers]
        levels.append((confidence, score(truth, stated)))
    keep("linkage", {"actions": actions, "seed": seed, "levels": [msgspec.to_builtins(one) for _, one in levels]})
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(_BEGIN)
    PAGE.write_text(head + _BEGIN + _figures(actions, seed, levels) + _END + rest.partition(_END)[2], encoding="utf-8")


def confidences(worlds_: list[tuple[list[Answer], list[Answer]]]) -> dict[str, float]:
    """By group of answers, the share of those with an authority that name no wrong one."""
    linked, correct = Counter[str](), Counter[str]()
    for truth, answers in worlds_:
        true = {one.action: one for one in truth}
        for answer in answers:
            if answer.authorities:
                linked[answer.group] += 1
                correct[answer.group] += right(answer, true)
    return {group: round(correct[group] / count, 3) for group, count in linked.items()}


def _answered(folder: Path, actions: int, seed: int) -> list[tuple[list[Answer], list[Answer]]]:
    of = worlds.world(folder, actions, seed)
    out = []
    for level in range(len(LEVELS)):
        files = worlds.write(folder / str(level) / "records", of, level, seed)
        out.append((of.truth, worlds.answers_of(folder / f"{level}.case", files)))
    return out


def _figures(actions: int, seed: int, levels: list[tuple[dict[str, float], Scores]]) -> str:
    out = [_under(actions, seed)]
    for number, (confidence, scores) in enumerate(levels):
        out.append(f"### Level {number}: {LEVELS[number].about}\n\n{_table(confidence, scores)}\n{_words(scores)}\n")
    out.append(f"### Codes\n\nPrecision / recall of each code, by level.\n\n{_codes([one for _, one in levels])}\n")
    return "\n".join(out)


def _under(actions: int, seed: int) -> str:
    said = machine()
    versions = ", ".join(f"{name} {said[name]}" for name in ("python", "duckdb", "deltalake", "msgspec"))
    where = f"{said['processor']}, {said['cores']} cores, {said['memory_gib']} GiB, {said['system']}; {versions}"
    learned = " and ".join(map(str, _LEARNED))
    return f"{actions:,} actions, seed {seed}; confidences from seeds {learned}. Measured on {where}.\n"


def _table(confidence: dict[str, float], scores: Scores) -> str:
    rows = ["| linkage | answers | precision | recall | confidence |", "|---|---|---|---|---|"]
    for name, one in scores.groups.items():
        stated = confidence.get(name)
        told = "" if stated is None else f"{stated:.3f}"
        rows.append(f"| {name} | {one.answers:,} | {_told(one.precision)} | {_told(one.recall)} | {told} |")
    rows.append(f"| all | {scores.all.answers:,} | {_told(scores.all.precision)} | {_told(scores.all.recall)} | |")
    return "\n".join(rows) + "\n"


def _words(scores: Scores) -> str:
    return (
        f"Wrongly `authorised`: {scores.wrongly_authorised}. Wrongly `unauthorised`: {scores.wrongly_unauthorised}. "
        f"Without an answer: {scores.unanswered}. Confidence off by {_told(scores.calibration_error)} on average."
    )


def _codes(levels: list[Scores]) -> str:
    rows = ["| code | " + " | ".join(map(str, range(len(levels)))) + " |", "|---|" + "---|" * len(levels)]
    for code in sorted({code for one in levels for code in one.codes}):
        each = (one.codes.get(code, Score(0, None, None)) for one in levels)
        rows.append(f"| {code} | " + " | ".join(f"{_told(one.precision)} / {_told(one.recall)}" for one in each) + " |")
    return "\n".join(rows) + "\n"


def _told(share: float | None) -> str:
    return "–" if share is None else f"{share:.3f}"
