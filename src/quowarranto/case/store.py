"""The case folder: Delta tables, and one more Delta table that says which versions of them belong together.

Every write is: new Parquet files, an atomic commit to each table touched, then one atomic commit to `commits` that
names the version of every table. A reader takes the newest row of `commits` and opens the tables at those versions, so
that it sees a complete state whatever a writer is doing, or was doing when it was killed. Why: docs/decisions/0002.
"""

from __future__ import annotations

import fcntl
import re
import shutil
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
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction

from quowarranto.case import losses
from quowarranto.case.replayed import overlaid
from quowarranto.case.tables import BY_ACTION, BY_FINDING, TABLES, scratch
from quowarranto.errors import CaseError
from quowarranto.records import format_instant

CONFIG = "quo.toml"
SPILL = "quo-spill-"
"""How the folders begin in which an engine keeps what does not fit in memory."""
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


_KEPT = {"delta.enableExpiredLogCleanup": "false", "delta.logRetentionDuration": "interval 36500 days"}
"""No state is ever forgotten: what was known at a moment can be asked for as long as the case exists (SPEC 7)."""


class Commit(msgspec.Struct, frozen=True):
    """One complete state of the case: its number, when it was reached (microseconds), by what, the tables' versions.

    Later states have later times, whatever the clock of the machine did in between.
    """

    number: int
    at: int
    what: str
    versions: dict[str, int]

    @property
    def judged(self) -> bool:
        """Whether every record of this state was judged."""
        return self.what != "read"


class Snapshot:
    """A complete state of a case, for reading."""

    def __init__(self, folder: Path, commit: Commit) -> None:
        self.folder = folder
        self.commit = commit
        self._files: dict[str, list[str]] = {}
        self._lost: list[tuple[int, int]] | None = None

    def files(self, table: str) -> list[str]:
        """Paths of the Parquet files of a table in this state."""
        if table not in self._files:
            self._files[table] = self._listed(table)
        return self._files[table]

    def _listed(self, table: str) -> list[str]:
        folder = self.folder / table
        if table not in self.commit.versions:
            return []  # a table that came later than this state
        try:
            delta = DeltaTable(_uri(folder), version=self.commit.versions[table])
            return sorted(str(folder / uri.rpartition("/")[2]) for uri in delta.file_uris())
        except (DeltaError, OSError) as error:
            raise _damaged(self.folder, f"table `{table}`") from error

    def scan(self, table: str) -> str:
        """SQL that reads a table of this state, for use in a FROM clause; no rows where the table is empty."""
        return _scan(table, self.files(table))

    def current(self, table: str) -> str:
        """SQL that reads what holds in this state of a table, for use in a FROM clause.

        A run that judges only what new records touch adds its results to those of the runs before: of an action the
        newest run that judged it counts, of findings those that were not withdrawn (docs/decisions/0005).
        """
        scan = self.scan(table)
        if table in BY_ACTION and len(self.files(table)) > 1:
            scan = parquet(self.files(table), by_name=True)  # a run over everything need not say that it was the first
        if table in BY_ACTION and self.files("rejudged"):
            # nor need there be a second one that says which it was: nothing may have come of it
            numbered = f"(SELECT * FROM {scan} UNION ALL BY NAME SELECT CAST(NULL AS BIGINT) AS run WHERE FALSE)"
            newer = f"SELECT rec, run FROM {self.scan('rejudged')}"
            return (
                f"(SELECT t.* FROM {numbered} t ANTI JOIN ({newer}) r ON r.rec = t.rec AND r.run > coalesce(t.run, 0))"
            )
        if table in BY_FINDING and self.files("withdrawn"):
            return f"(SELECT t.* FROM {scan} t ANTI JOIN {self.scan('withdrawn')} w ON w.finding = t.finding)"
        return scan

    def attach(
        self, connection: duckdb.DuckDBPyConnection, *tables: str, prefix: str = "", as_judged: bool = False
    ) -> None:
        """Make tables of this state visible to a DuckDB connection as views of their names (default: all).

        `prefix` goes before the names, so that two states can be seen side by side. What replays say is laid over the
        verdicts and findings, and what gaps in logs say over the causes of weak ones, unless they are wanted as the
        engine left them (`as_judged`).
        """
        over = {} if as_judged or not self.files("replays") else overlaid(self.scan, self.current)
        if not as_judged and "verdicts" in (tables or TABLES):
            over["verdicts"] = losses.under_shadows(over.get("verdicts") or self.current("verdicts"), self._shadows())
        for table in tables or TABLES:
            try:
                source = over.get(table) or self.current(table)
                connection.execute(f"CREATE OR REPLACE TEMP VIEW {prefix}{table} AS SELECT * FROM {source}")
            except duckdb.Error as error:
                raise unusable(self.folder, error, f"table `{table}`") from error

    def _shadows(self) -> list[tuple[int, int]]:
        """When a record may have been lost (`case/losses.py`); found out once."""
        if self._lost is None:
            connection = scratch().cursor()
            self.attach(connection, *losses.TABLES, as_judged=True)
            self._lost = losses.shadows(connection)
        return self._lost


class Case:
    """A case folder.

    Raises:
        CaseError: the folder is not a case, or cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def exists(self) -> bool:
        """Whether the folder is a case already."""
        return _is_table(self.folder / "commits")

    def snapshot(self, known_at: int | None = None) -> Snapshot:
        """The newest complete state, or the newest one that was judged and reached by `known_at` (microseconds)."""
        if not self.exists():
            raise CaseError(
                f"no case is at `{self.folder}`",
                need="a folder that `quo link` has written",
                hint="run `quo link PATH…` first, or name another folder with `--case`",
            )
        commits = self._commits()
        if not commits:
            raise CaseError(f"the case at `{self.folder}` was never completed", hint="run `quo link` again")
        if known_at is None:
            return Snapshot(self.folder, commits[-1])
        judged = [commit for commit in commits if commit.judged]
        known = [commit for commit in judged if commit.at <= known_at]
        if not known:
            raise CaseError(
                f"nothing had been judged in the case at `{self.folder}` by then",
                need=f"a time not before {format_instant(judged[0].at)}" if judged else "a case that was judged",
            )
        return Snapshot(self.folder, known[-1])

    def commits(self) -> list[Commit]:
        """All states that the case has had, oldest first."""
        return self._commits()

    def _commits(self) -> list[Commit]:
        folder = self.folder / "commits"
        try:
            files = sorted(str(folder / uri.rpartition("/")[2]) for uri in DeltaTable(_uri(folder)).file_uris())
            if not files:
                return []
            rows = duckdb.connect().execute(
                f"SELECT number, at_us, what, versions FROM {parquet(files)} ORDER BY number"
            )
            return [
                Commit(number, at, what, msgspec.json.decode(versions, type=dict[str, int]))
                for number, at, what, versions in rows.fetchall()
            ]
        except (DeltaError, OSError, duckdb.Error, msgspec.MsgspecError) as error:
            raise _damaged(self.folder, "table `commits`") from error

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """The only writer of the case; readers are never kept out.

        Raises:
            CaseError: another process is writing, or the folder cannot be written.
        """
        if "%" in str(self.folder.resolve()):  # the table library takes it for an escape and writes elsewhere
            raise CaseError("a case cannot lie in a folder with `%` in its name", hint="name another one with `--case`")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CaseError(
                    f"another process is writing the case at `{self.folder}`",
                    hint="wait for it to end, or use another `--case`",
                ) from None
            try:
                yield Writer(self)
            except (DeltaError, OSError) as error:
                if isinstance(error, BrokenPipeError):
                    raise
                raise _unwritable(self.folder, error) from error
            except duckdb.Error as error:
                raise unusable(self.folder, error) from error


class Writer:
    """Stages new files, then commits them all at once."""

    def __init__(self, case: Case) -> None:
        self.folder = case.folder
        self._case = case
        self._tables: dict[str, DeltaTable] = {}
        self._staged: dict[str, tuple[str, list[AddAction]]] = {}
        self._prepare(case)

    def _prepare(self, case: Case) -> None:
        """Create what is missing; take back what a killed run committed to single tables but never completed."""
        commits = case.commits() if case.exists() else []
        self.last = commits[-1] if commits else Commit(0, 0, "created", {})
        for name, table in TABLES.items():
            path = self.folder / name
            if _is_table(path):
                delta = _opened(self.folder, name)
                known = self.last.versions.get(name, 0)
                if delta.version() > known and set(delta.file_uris()) != set(
                    DeltaTable(_uri(path), version=known).file_uris()
                ):
                    delta.restore(known)
                    delta = DeltaTable(_uri(path))
            else:
                delta = DeltaTable.create(_uri(path), DeltaSchema.from_arrow(table.schema()), configuration=_KEPT)
            self._tables[name] = delta
        if not case.exists():
            DeltaTable.create(_uri(self.folder / "commits"), DeltaSchema.from_arrow(_COMMITS), configuration=_KEPT)
        self._sweep()

    def _sweep(self) -> None:
        """Remove what killed runs left: files of commits that never came to be (nobody reads them) and spilled data."""
        for name in TABLES:
            for path in (self.folder / name).glob("part-*.parquet"):
                number = path.name.split("-")[1]
                if number.isdigit() and int(number) > self.last.number:
                    path.unlink(missing_ok=True)
        for path in self.folder.glob(f"{SPILL}*"):
            shutil.rmtree(path, ignore_errors=True)

    def judged(self) -> Snapshot | None:
        """The newest state of which every record was judged, if there is one."""
        found = [commit for commit in self._case.commits() if commit.judged and commit.number <= self.last.number]
        return Snapshot(self.folder, found[-1]) if found else None

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

    def scan(self, table: str) -> str:
        """SQL that reads the files staged for a table so far."""
        return _scan(table, self.staged(table))

    def commit(self, what: str) -> Commit:
        """Make everything staged the newest state, all at once."""
        versions = {name: self.last.versions.get(name, self._tables[name].version()) for name in TABLES}
        for name, (mode, adds) in self._staged.items():
            if not adds and mode == "append":
                continue
            delta = self._tables[name]
            delta.create_write_transaction(adds, mode, self._schema(name, mode))  # type: ignore[arg-type]
            delta.update_incremental()
            versions[name] = delta.version()
        done = Commit(self.number, max(int(time.time() * 1_000_000), self.last.at + 1), what, versions)
        self._append_commit(done)
        self.last = done
        self._staged.clear()
        return done

    def _schema(self, table: str, mode: str) -> DeltaSchema:
        """Replacing all of a table may change its columns too."""
        return DeltaSchema.from_arrow(TABLES[table].schema()) if mode == "overwrite" else self._tables[table].schema()

    def fits(self, table: str) -> bool:
        """Whether a table has the columns that this version of the program writes; else all of it must be replaced."""
        return [field.name for field in self._tables[table].schema().fields] == TABLES[table].empty().schema.names

    def _append_commit(self, commit: Commit) -> None:
        row: Mapping[str, Any] = {
            "number": Array([commit.number], type=DataType.int64()),
            "at_us": Array([commit.at], type=DataType.int64()),
            "what": Array([commit.what], type=DataType.string()),
            "versions": Array([msgspec.json.encode(commit.versions).decode()], type=DataType.string()),
        }
        delta = DeltaTable(_uri(self.folder / "commits"))
        path = self.folder / "commits" / f"commit-{commit.number:06d}-{uuid.uuid4().hex}.parquet"
        write_parquet(Table.from_pydict(dict(row)), path)
        add = AddAction(path.name, path.stat().st_size, {}, int(time.time() * 1000), True, '{"numRecords":1}')
        delta.create_write_transaction([add], "append", delta.schema())


PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2"
"""How files of a case are written: a third less time than the engine's defaults, and no more space."""


def _scan(table: str, files: Sequence[str]) -> str:
    if files:
        return parquet(files)
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in TABLES[table].columns())
    return f"(SELECT {columns} WHERE FALSE)"


def write_parquet(table: Table, path: Path, connection: duckdb.DuckDBPyConnection | None = None) -> None:
    """Write an Arrow table as one Parquet file.

    Raises:
        CaseError: it cannot be written.
    """
    connection = connection or duckdb.connect()
    connection.register("arrow_rows", table)
    try:
        write_query(connection, "SELECT * FROM arrow_rows", path)
    finally:
        connection.unregister("arrow_rows")


def write_query(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> int:
    """Write a query's rows as one Parquet file; returns how many.

    Raises:
        CaseError: it cannot be written.
    """
    try:
        done = connection.execute(f"COPY ({sql}) TO {_quoted(str(path))} ({PARQUET})")
        return int(done.fetchall()[0][0])
    except duckdb.IOException as error:
        raise _unwritable(path.parent.parent, error) from error


def parquet(files: Sequence[str], *, by_name: bool = False) -> str:
    """SQL that reads these Parquet files, for use in a FROM clause; nothing in a name is taken for a pattern.

    `by_name`: columns that only some of them have are empty in the others.
    """
    option = ", union_by_name = true" if by_name else ""
    return f"read_parquet([{', '.join(_quoted(_no_glob(file)) for file in files)}]{option})"


def parquet_rows(path: Path) -> int:
    """How many rows a Parquet file says that it has."""
    sql = f"SELECT num_rows FROM parquet_file_metadata({_quoted(_no_glob(str(path)))})"
    return int(scratch().cursor().execute(sql).fetchall()[0][0])


def _uri(folder: Path) -> str:
    """A folder's name as a URI: given as it is, the tables would take a `%` in it for an escape."""
    return folder.resolve().as_uri()


def _no_glob(path: str) -> str:
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_table(folder: Path) -> bool:
    """Whether a table was created there; a run that was killed while creating it leaves less."""
    return any((folder / "_delta_log").glob("*.json"))


def _opened(folder: Path, table: str) -> DeltaTable:
    try:
        return DeltaTable(_uri(folder / table))
    except (DeltaError, OSError) as error:
        raise _damaged(folder, f"table `{table}`") from error


def unusable(folder: Path | None, error: duckdb.Error, what: str = "") -> Exception:
    """What an engine's failure means for the user: no room, a damaged file; anything else is left as it is."""
    if isinstance(error, (duckdb.OutOfMemoryException, duckdb.InterruptException)):
        return error
    if "No space left" in str(error) or "Permission denied" in str(error):
        return _unwritable(folder, error)
    if isinstance(error, (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)):
        return _damaged(folder, what)
    return error


def _damaged(folder: Path | None, what: str) -> CaseError:
    return CaseError(
        f"the case{_at(folder)} cannot be read: a file of it is missing or damaged",
        at=f"{folder}: {what}" if what else None,
        need="all files that `quo link` wrote there",
        hint="restore the folder from a copy, or link the logs again into a new `--case`",
    )


def _at(folder: Path | None) -> str:
    return f" at `{folder}`" if folder else ""


_NO_ROOM = {True: "no space left on device"}


def _unwritable(folder: Path | None, error: BaseException) -> CaseError:
    why = (error.strerror if isinstance(error, OSError) else None) or _NO_ROOM.get("No space left" in str(error))
    why = why or "input/output error"
    return CaseError(
        f"the case{_at(folder)} cannot be written: {why.lower()}",
        need="a folder with room for it that this user may write",
        hint="free some room, or name another folder with `--case`; what was complete before still is",
    )
