"""What differs by engine: how a relation is kept, and the few spellings that SQL dialects do not share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol


class Engine(Protocol):
    """Where the relations of `linkage/steps` are built. Everything else of the linkage is the same on every engine.

    A step may ask `x NOT IN (SELECT y …)` only where neither is ever NULL: engines may do it as NOT EXISTS.
    """

    name: str
    """Engines of one name give one name one hash."""
    memory: int | None
    """Bytes that relations may take here before work goes on on disk; None where that is nobody's concern."""

    streamed: dict[str, list[tuple[Path, int]]]
    """The files, and their rows, of the results that `stream` has written out rather than kept as a relation."""

    def read(self, name: str, files: Sequence[str]) -> None:
        """Name the rows of Parquet files, at least one; their paths are absolute."""
        ...

    def write(self, sql: str, folder: Path) -> list[Path]:
        """Write a query's rows as Parquet files into a folder that does not exist yet; no file where there are none."""
        ...

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A query's rows, few enough to be held here."""
        ...

    def create(self, name: str, sql: str) -> None:
        """Build a relation once and keep it; a relation of that name is replaced."""
        ...

    def create_labels(self, name: str, sql: str) -> None:
        """Build a small relation whose texts many rows of a result will repeat."""
        ...

    def append(self, name: str, sql: str) -> None:
        """Add rows to a built relation; `sql` may read it."""
        ...

    def stream(self, name: str, sql: str, *, begin: bool) -> None:
        """Add rows to a result that may be larger than memory and that is not read again; `begin` it anew."""
        ...

    def view(self, name: str, sql: str) -> None:
        """Name a query without building it."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a built relation another name, replacing one that has it."""
        ...

    def drop(self, *names: str) -> None:
        """Forget relations that no later step reads."""
        ...

    def count(self, name: str) -> int:
        """Rows of a relation."""
        ...

    def asof(
        self,
        name: str,
        *,
        left: str,
        right: str,
        keys: tuple[str, ...],
        left_at: str,
        right_at: str,
        take: tuple[str, ...],
    ) -> None:
        """Build the rows of `left` that have one, with columns `take` of the latest row of `right` of the same keys
        whose `right_at` is not after the row's `left_at`. `right` has one row per keys and `right_at`.
        """
        ...


Make = Callable[[bool], Engine]
"""Makes an engine that holds nothing yet; the argument asks for the stronger hashes."""
