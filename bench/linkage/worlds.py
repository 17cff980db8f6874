"""Labelled worlds from the simulator, and this project's answers about them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from bench.linkage.damage import Row, damaged
from bench.linkage.score import Answer
from quowarranto.case.query import records, verdicts
from quowarranto.case.store import Case
from quowarranto.findings import present
from quowarranto.pipeline import link_paths
from quowarranto.simulator import simulate

_line = msgspec.json.Encoder().encode


class World(msgspec.Struct, frozen=True):
    """Undamaged records in the native format, and what is true of their actions."""

    records: list[Row]
    truth: list[Answer]


def world(folder: Path, actions: int, seed: int) -> World:
    """Simulate, and read the logs without damage.

    Verdicts and codes are the simulator's own truth, codes as far as it tells all of an action. Which authorities
    carried an action is what its undamaged records name, or, where even these name none, the one that the simulator let
    it be done by.
    """
    simulated = simulate(folder, actions=actions, seed=seed)
    case = _case(folder / "whole.case", simulated.settings)
    link_paths(case, [str(simulated.logs)], threads=2)
    whole = {one.action: one for one in _answers(case)}
    truth = [
        Answer(
            one.action,
            whole[one.action].authorities,
            one.verdict,
            one.codes if one.exact else whole[one.action].codes,
        )
        for one in simulated.lines()
    ]
    return World([_plain(row) for row in records(case.snapshot())], truth)


def write(folder: Path, of: World, level: int, seed: int) -> list[Path]:
    """The damaged records, one file a source, and the truth beside them; returns the files of records."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: defaultdict[str, list[bytes]] = defaultdict(list)
    for row in damaged(of.records, level, seed):
        lines[str(row["source"])].append(_line(row))
    out = []
    for name, mine in sorted(lines.items()):
        out.append(folder / f"{name.replace('/', '-')}.jsonl")
        out[-1].write_bytes(b"\n".join(mine) + b"\n")
    write_answers(folder.parent / "truth.jsonl", of.truth)
    return out


def write_answers(path: Path, answers: Iterable[Answer]) -> None:
    """One a line."""
    path.write_bytes(b"".join(_line(one) + b"\n" for one in answers))


def answers_of(folder: Path, files: list[Path]) -> list[Answer]:
    """What this project says about the files; grouped by linkage, inferred ones by what was inferred as well."""
    case = _case(folder, None)
    link_paths(case, [f"native={path}" for path in files], threads=2)
    return _answers(case)


def _case(folder: Path, settings: Path | None) -> Case:
    shutil.rmtree(folder, ignore_errors=True)
    case = Case(folder)
    case.folder.mkdir(parents=True)
    if settings is not None:
        shutil.copy(settings, case.folder)
    return case


def _answers(case: Case) -> list[Answer]:
    return [_answer(present.verdict(row)) for row in verdicts(case.snapshot())]


def _answer(row: dict[str, Any]) -> Answer:
    group = str(row["linkage"])
    if group == "inferred":
        kinds = {one["kind"] for one in row["authorities"]}
        group += next((f" ({kind})" for kind in ("decision", "session", "grant") if kind in kinds), "")
    keys = tuple(one["key"] for one in row["authorities"])
    return Answer(row["action"], keys, row["verdict"], tuple(row["codes"]), group)


def _plain(row: Row) -> Row:
    """The record as its system would have written it in the native format.

    In place of where it was read stands where it came from.
    """
    out = {name: value for name, value in row.items() if name != "origin"}
    if (came_from := row["origin"].get("from")) is not None:
        out["origin"] = came_from
    return out
