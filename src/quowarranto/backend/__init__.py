"""The engine of a run, opened for it and closed behind it: the embedded one, or a session of Spark."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from quowarranto.case.config import EngineConfig
from quowarranto.linkage.engines import Make
from quowarranto.linkage.engines.duckdb import DuckDB


class Limits(msgspec.Struct, frozen=True):
    """What the engine may use of this machine: memory like `4GB`, and threads; by default half of it, and all."""

    memory: str | None = None
    threads: int | None = None


@contextmanager
def opened(
    which: EngineConfig, limits: Limits, spill: Path, files: Callable[[str], Path] | None = None
) -> Iterator[Make]:
    """Makes the engine that is asked for; each holds its relations until the next is made, or the context ends.

    Args:
        which: engine, and where it is.
        limits: of the embedded engine, and of a Spark that runs here.
        spill: folder of this machine for what does not fit in memory; an absolute path.
        files: gives the embedded engine a path for a file of a result that it need not keep (see `DuckDB`).
    Raises:
        ConfigError, EngineError: it cannot be had. EngineError: Spark failed at its work.
    """
    if which.name == "spark":
        from quowarranto.backend.spark import engines

        with engines(which, limits.memory, limits.threads, spill) as make:
            yield make
        return
    made: list[DuckDB] = []

    def anew(strong_hashes: bool) -> DuckDB:
        while made:
            made.pop().connection.close()
        made.append(embedded(limits, spill, strong_hashes=strong_hashes, files=files))
        return made[0]

    yield anew


def embedded(
    limits: Limits, spill: Path, *, strong_hashes: bool = False, files: Callable[[str], Path] | None = None
) -> DuckDB:
    """The embedded engine within these limits; whoever makes it closes its connection."""
    memory = limits.memory or f"{_memory_of_this_machine() // 2} bytes"
    return DuckDB(memory=memory, threads=limits.threads, spill=spill, strong_hashes=strong_hashes, files=files)


def _memory_of_this_machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
