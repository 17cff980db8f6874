"""Verdicts depend on the set of records alone: not on files, their order, the runs that read them, or threads."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import msgspec
import pytest

from quowarranto.case.query import verdicts
from quowarranto.case.store import Case
from quowarranto.findings import present
from quowarranto.pipeline import link_paths
from quowarranto.simulator import simulate


def judged(folder: Path, *runs: list[Path], threads: int = 1) -> list[bytes]:
    """The lines of `quo verdicts`, without the name of the file that a record happened to be in."""
    case = Case(folder)
    for run in runs:
        link_paths(case, [str(path) for path in run], threads=threads)
    return sorted(
        msgspec.json.encode({name: value for name, value in present.verdict(row).items() if name != "source"})
        for row in verdicts(case.snapshot())
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    """Logs, and their verdicts when they are linked at once."""
    folder = tmp_path_factory.mktemp("world")
    logs = simulate(folder, actions=400).logs
    return logs, judged(folder / "at-once.case", [logs])


def test_the_number_of_threads_changes_nothing(world: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """One or two."""
    assert judged(tmp_path / "two.case", [world[0]], threads=2) == world[1]


def test_the_same_log_linked_twice_counts_once(world: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """In one run and in several."""
    assert judged(tmp_path / "twice.case", [world[0]], [world[0]]) == world[1]


@pytest.mark.parametrize("seed", range(3))
def test_files_that_arrive_one_after_the_other_end_with_the_same_verdicts(
    world: tuple[Path, list[bytes]], tmp_path: Path, seed: int
) -> None:
    """In any order, in as many runs."""
    files = sorted(path for path in world[0].rglob("*") if path.is_file())
    rng = random.Random(seed)
    rng.shuffle(files)
    cuts = sorted(rng.sample(range(1, len(files)), 3))
    runs = [files[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(files)], strict=True)]
    assert judged(tmp_path / "late.case", *runs) == world[1]


@pytest.mark.parametrize("seed", range(3))
def test_lines_may_be_split_into_files_in_any_way(world: tuple[Path, list[bytes]], tmp_path: Path, seed: int) -> None:
    """Shuffled, some compressed; what is not lines stays as it is."""
    logs, expected = world
    rng = random.Random(seed)
    split = tmp_path / "logs"
    for path in sorted(path for path in logs.rglob("*") if path.is_file()):
        target = split / path.relative_to(logs)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix not in (".log", ".jsonl"):
            target.write_bytes(path.read_bytes())
            stat = path.stat()
            __import__("os").utime(target, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
            continue
        lines = path.read_bytes().splitlines(keepends=True)
        rng.shuffle(lines)
        parts = rng.randint(1, 4)
        for part in range(parts):
            data = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines[part::parts])
            packed = rng.random() < 0.5
            name = f"{target.stem}.{part}{target.suffix}" + (".gz" if packed else "")
            (target.parent / name).write_bytes(gzip.compress(data) if packed else data)
    assert judged(tmp_path / "split.case", [split]) == expected
