"""The case folder: Delta tables, and one more Delta table that says which versions of them belong together.

Every write is: new Parquet files, an atomic commit to each table touched, then one atomic commit to `commits` that
names the version of every table. A reader takes the newest row of `commits` and opens the tables at those versions, so
that it sees a complete state whatever a writer is doing, or was doing when it was killed. Why: docs/decisions/0002.
"""

from __future__ import annotations

import fcntl
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from arro3.core import Array, DataType, Schema, Table
from deltalake import DeltaTable
from deltalake import Schema as DeltaSchema
from deltalake.transaction import AddAction

from quowarranto.case.tables import TABLES
from quowarranto.errors import CaseError

CONFIG = "quo.toml"
_COMMITS = Schema.from_arrow(
    Table.from_pydict(
        {
            "number": Array([], type=DataType.int64()),
            "at_us": Array([], type=DataType.int64()),
            "what": Array([], type=DataType.string()),
            "versions": Array([], type=DataType.string()),
        }
    ).schema
)


class Commit(msgspec.Struct, frozen=True):
    """One complete state of the case: its number, when it was reached (microseconds), by what, the tables' versions."""

    number: int
    at: int
    what: str
    versions: dict[str, int]


class Snapshot:
    """A complete state of a case, for reading."""

    def __init__(self, folder: Path, commit: Commit) -> None:
        self.folder = folder
        self.commit = commit

    def files(self, table: str) -> list[str]:
        """Paths of the Parquet files of a table in this state."""
        delta = DeltaTable(str(self.folder / table), version=self.commit.versions[table])
        return sorted(delta.file_uris())

    def scan(self, table: str) -> str:
        """SQL that reads a table of this state, for use in a FROM clause; no rows where the table is empty."""
        files = self.files(table)
        if not files:
            columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in TABLES[table].columns())
            return f"(SELECT {columns} WHERE FALSE)"
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        return f"read_parquet([{listed}])"

    def attach(self, connection: duckdb.DuckDBPyConnection, *tables: str) -> None:
        """Make tables of this state visible to a DuckDB connection as views of their names (default: all)."""
        for table in tables or TABLES:
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT * FROM {self.scan(table)}")


class Case:
    """A case folder.

    Raises:
        CaseError: the folder is not a case, or cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def exists(self) -> bool:
        """Whether the folder is a case already."""
        return (self.folder / "commits" / "_delta_log").is_dir()

    def snapshot(self) -> Snapshot:
        """The newest complete state."""
        if not self.exists():
            raise CaseError(
                f"no case is at `{self.folder}`",
                need="a folder that `quo link` has written",
                hint="run `quo link PATH…` first, or name another folder with `--case`",
            )
        commits = self._commits()
        if not commits:
            raise CaseError(f"the case at `{self.folder}` was never completed", hint="run `quo link` again")
        return Snapshot(self.folder, commits[-1])

    def commits(self) -> list[Commit]:
        """All states that the case has had, oldest first."""
        return self._commits()

    def _commits(self) -> list[Commit]:
        try:
            files = DeltaTable(str(self.folder / "commits")).file_uris()
        except Exception as error:
            raise CaseError(f"the case at `{self.folder}` cannot be read", hint="is it a case folder?") from error
        if not files:
            return []
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        rows = duckdb.connect().execute(
            f"SELECT number, at_us, what, versions FROM read_parquet([{listed}]) ORDER BY number"
        )
        return [
            Commit(number, at, what, msgspec.json.decode(versions, type=dict[str, int]))
            for number, at, what, versions in rows.fetchall()
        ]

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """The only writer of the case; readers are never kept out.

        Raises:
            CaseError: another process is writing, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise CaseError(f"`{self.folder}` cannot be written: {error.strerror}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CaseError(
                    f"another process is writing the case at `{self.folder}`",
                    hint="wait for it to end, or use another `--case`",
                ) from None
            yield Writer(self)


class Writer:
    """Stages new files, then commits them all at once."""

    def __init__(self, case: Case) -> None:
        self.folder = case.folder
        self._tables: dict[str, DeltaTable] = {}
        self._staged: dict[str, tuple[str, list[AddAction]]] = {}
        self._prepare(case)

    def _prepare(self, case: Case) -> None:
        """Create what is missing; take back what a killed run committed to single tables but never completed."""
        commits = case.commits() if case.exists() else []
        self.last = commits[-1] if commits else Commit(0, 0, "created", {})
        for name, table in TABLES.items():
            path = self.folder / name
            if (path / "_delta_log").is_dir():
                delta = DeltaTable(str(path))
                known = self.last.versions.get(name, 0)
                if delta.version() > known and set(delta.file_uris()) != set(
                    DeltaTable(str(path), version=known).file_uris()
                ):
                    delta.restore(known)
                    delta = DeltaTable(str(path))
            else:
                delta = DeltaTable.create(str(path), DeltaSchema.from_arrow(table.schema()))
            self._tables[name] = delta
        if not case.exists():
            DeltaTable.create(str(self.folder / "commits"), DeltaSchema.from_arrow(_COMMITS))

    @property
    def number(self) -> int:
        """The number that this commit will have."""
        return self.last.number + 1

    def snapshot(self) -> Snapshot:
        """The state that this commit builds on."""
        versions = {name: self.last.versions.get(name, 0) for name in TABLES}
        return Snapshot(self.folder, Commit(self.last.number, self.last.at, self.last.what, versions))

    def new_file(self, table: str) -> Path:
        """A path for a new Parquet file of a table; it counts once it is staged and committed."""
        return self.folder / table / f"part-{self.number:06d}-{uuid.uuid4().hex}.parquet"

    def stage(self, table: str, files: Sequence[tuple[str, int]], *, replace: bool = False) -> None:
        """Name finished files, each as (path, rows), to be added to a table, or to take the place of all it had."""
        mode, known = self._staged.get(table, ("append", []))
        adds = [
            AddAction(
                Path(path).name,
                Path(path).stat().st_size,
                {},
                int(time.time() * 1000),
                True,
                msgspec.json.encode({"numRecords": rows}).decode(),
            )
            for path, rows in files
        ]
        self._staged[table] = ("overwrite" if replace else mode, known + adds)

    def staged(self, table: str) -> list[str]:
        """Paths of the files staged for a table so far."""
        return [str(self.folder / table / add.path) for add in self._staged.get(table, ("append", []))[1]]

    def commit(self, what: str) -> Commit:
        """Make everything staged the newest state, all at once."""
        versions = {name: self.last.versions.get(name, self._tables[name].version()) for name in TABLES}
        for name, (mode, adds) in self._staged.items():
            if not adds and mode == "append":
                continue
            delta = self._tables[name]
            delta.create_write_transaction(adds, mode, delta.schema())  # type: ignore[arg-type]
            delta.update_incremental()
            versions[name] = delta.version()
        done = Commit(self.number, int(time.time() * 1_000_000), what, versions)
        self._append_commit(done)
        self.last = done
        self._staged.clear()
        return done

    def _append_commit(self, commit: Commit) -> None:
        row: Mapping[str, Any] = {
            "number": Array([commit.number], type=DataType.int64()),
            "at_us": Array([commit.at], type=DataType.int64()),
            "what": Array([commit.what], type=DataType.string()),
            "versions": Array([msgspec.json.encode(commit.versions).decode()], type=DataType.string()),
        }
        delta = DeltaTable(str(self.folder / "commits"))
        path = self.folder / "commits" / f"commit-{commit.number:06d}-{uuid.uuid4().hex}.parquet"
        write_parquet(Table.from_pydict(dict(row)), path)
        add = AddAction(path.name, path.stat().st_size, {}, int(time.time() * 1000), True, '{"numRecords":1}')
        delta.create_write_transaction([add], "append", delta.schema())


def write_parquet(table: Table, path: Path, connection: duckdb.DuckDBPyConnection | None = None) -> None:
    """Write an Arrow table as one Parquet file."""
    connection = connection or duckdb.connect()
    connection.register("arrow_rows", table)
    connection.execute(
        f"COPY arrow_rows TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet, COMPRESSION zstd)"
    )
    connection.unregister("arrow_rows")
