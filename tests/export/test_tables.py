"""CSV and Parquet: what the commands print, column by column; no cell is a formula; a file is whole or not there."""

from __future__ import annotations

import csv as reader
import io
from pathlib import Path
from typing import Any

import duckdb
import pytest

from quowarranto.case import query
from quowarranto.case.query import Filters, verdicts
from quowarranto.case.store import Snapshot
from quowarranto.export.formats import csv, parquet
from quowarranto.export.formats.flat import TABLES, cells, harmless, side_by_side
from quowarranto.export.formats.wanted import Wanted
from quowarranto.findings import present
from quowarranto.findings.whole import all_findings
from quowarranto.records import parse_instant
from tests.docs.project import REFERENCE, columns, text
from tests.export.conftest import HOSTILE
from tests.quo import quo

ALL = Wanted()


def as_csv(snapshot: Snapshot, table: str, wanted: Wanted = ALL) -> list[dict[str, str]]:
    out = io.BytesIO()
    csv.write(snapshot, wanted, table, out)
    return list(reader.DictReader(io.StringIO(out.getvalue().decode(), newline="")))


def as_parquet(snapshot: Snapshot, table: str, folder: Path, wanted: Wanted = ALL) -> list[dict[str, Any]]:
    path = folder / "out.parquet"
    parquet.write(snapshot, wanted, table, path)
    found = duckdb.connect().execute(
        f"SELECT * REPLACE ({_micros(table)}) FROM read_parquet(?)",
        [str(path)],
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _micros(table: str) -> str:
    times = [name for name, kind in TABLES[table] if kind == "TIMESTAMPTZ"]
    return ", ".join(f'epoch_us("{name}") AS "{name}"' for name in times)


def printed(snapshot: Snapshot, table: str) -> list[dict[str, Any]]:
    """What `quo verdicts` and `quo findings` print."""
    if table == "verdicts":
        return [side_by_side(present.verdict(row)) for row in verdicts(snapshot)]
    return [present.finding(row) for row in all_findings(snapshot)]


@pytest.mark.parametrize("case", ["demo", "hostile"])
@pytest.mark.parametrize("table", TABLES)
def test_both_files_hold_what_the_command_prints(
    case: str, table: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    snapshot: Snapshot = request.getfixturevalue(case)
    said = printed(snapshot, table)
    assert said
    in_csv, in_parquet = as_csv(snapshot, table), as_parquet(snapshot, table, tmp_path)
    assert len(in_csv) == len(in_parquet) == len(said)
    times = {name for name, kind in TABLES[table] if kind == "TIMESTAMPTZ"}
    for row, cell, value in zip(said, in_csv, in_parquet, strict=True):
        assert list(cell) == list(value) == [name for name, _ in TABLES[table]]
        for name in set(row) & set(value):
            assert value[name] == (parse_instant(row[name]) if name in times else row[name])
            assert cell[name] == ("" if row[name] is None else str(cells({name: row[name]})[name]))


def test_a_finding_is_about_an_authority_or_a_principal(demo: Snapshot) -> None:
    for row, said in zip(as_csv(demo, "findings"), all_findings(demo), strict=True):
        assert bool(row["authority_key"]) != bool(row["principal_id"])
        assert (row["authority_key"] or row["principal_id"]) == (said["key"] or said["principal_id"])


@pytest.mark.parametrize("table", TABLES)
def test_no_cell_out_of_a_log_is_worked_out_as_a_formula(hostile: Snapshot, table: str) -> None:
    values = [value for row in as_csv(hostile, table) for value in row.values()]
    assert f"'{HOSTILE}" in values
    assert [value for value in values if value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")] == []


@pytest.mark.parametrize(
    ("text_", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
        (-1, -1),
        (None, None),
    ],
)
def test_what_a_spreadsheet_would_work_out_is_marked_as_text(text_: Any, cell: Any) -> None:
    """OWASP, CSV injection; the wide signs count in some editions. Numbers of ours stay numbers."""
    assert harmless(text_) == cell


def test_a_list_is_words_or_json_where_a_word_has_a_space() -> None:
    assert cells({"codes": ["QW101", "QW105"]}) == {"codes": "QW101 QW105"}
    assert cells({"sample": ["a b", "c"]}) == {"sample": '["a b","c"]'}
    assert cells({"codes": []}) == {"codes": ""}


@pytest.mark.parametrize("table", TABLES)
def test_where_nothing_matches_the_columns_are_there_all_the_same(demo: Snapshot, table: str, tmp_path: Path) -> None:
    nothing = Wanted(Filters(action=("no such action",)))
    out = io.BytesIO()
    csv.write(demo, nothing, table, out)
    assert out.getvalue().decode() == ",".join(name for name, _ in TABLES[table]) + "\n"
    parquet.write(demo, nothing, table, tmp_path / "none.parquet")
    shape = duckdb.connect().execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(tmp_path / "none.parquet")])
    assert [row[0] for row in shape.fetchall()] == [name for name, _ in TABLES[table]]


def test_many_parts_give_the_same_file_as_one(demo: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same order; and nothing is left beside it."""
    whole = as_parquet(demo, "verdicts", tmp_path)
    monkeypatch.setattr(parquet, "_PART", 7)
    assert as_parquet(demo, "verdicts", tmp_path) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


@pytest.mark.parametrize("filters", [Filters(), Filters(verdict=("unauthorised",)), Filters(limit=20)], ids=str)
def test_chains_put_together_for_a_few_actions_at_a_time_are_the_same(
    demo: Snapshot, filters: Filters, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(verdicts(demo, filters))
    monkeypatch.setattr(query, "_AT_ONCE", 7)
    assert list(verdicts(demo, filters)) == whole
    assert len(whole) > 7


def test_a_filter_of_actions_leaves_out_findings_about_no_action(demo: Snapshot) -> None:
    """And `--code` alone does not."""
    assert {row["code"] for row in as_csv(demo, "findings", Wanted(Filters(code=("QW501", "QW202"))))} == {
        "QW202",
        "QW501",
    }
    some = as_csv(demo, "findings", Wanted(Filters(verdict=("unauthorised",))))
    assert some
    assert "QW501" not in {row["code"] for row in some}
    assert len(as_csv(demo, "findings", Wanted(Filters(limit=3)))) == 3


def test_the_command_writes_a_whole_file_or_none(demo: Snapshot, tmp_path: Path) -> None:
    case = ["--case", str(demo.folder)]
    for form in ("csv", "parquet"):
        out = tmp_path / f"verdicts.{form}"
        assert quo(tmp_path, "export", *case, "--format", form, "--table", "verdicts", "--out", str(out)).code == 0
        assert out.stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["verdicts.csv", "verdicts.parquet"]
    failed = quo(tmp_path, "export", *case, "--format", "parquet", "--out", "no folder/x.parquet")
    assert (failed.code, failed.err.startswith("error: `no folder/x.parquet` cannot be written")) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "sarif", "--table", "verdicts"),
        ("--format", "parquet"),
        ("--format", "csv", "--table", "verdicts", "--severity", "high"),
        ("--format", "xlsx"),
    ],
    ids=["verdicts in sarif", "parquet on the standard output", "severity of verdicts", "no such format"],
)
def test_what_cannot_be_written_is_a_mistake_in_usage(
    demo: Snapshot, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert quo(tmp_path, "export", "--case", str(demo.folder), *arguments).code == 2


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described(table: str) -> None:
    page = text(REFERENCE / "formats" / "csv-parquet.md")
    section = page.partition(f"## {table}\n")[2].partition("\n## ")[0]
    assert columns(section) == {name for name, _ in TABLES[table]}
