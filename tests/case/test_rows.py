"""Inputs that are neither JSON nor YAML: rows of CSV and of Parquet, and the standard input."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.quo import ENVIRONMENT, command

from quowarranto.case.cutting_csv import cut_csv
from quowarranto.case.cutting_parquet import cut_parquet
from quowarranto.case.raw import raw_line
from quowarranto.records import Origin

LARGE = b'1,"' + b"x" * 2_000_000


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (b"a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        (b"a;b\n1,5;2\n", [{"a": "1,5", "b": "2"}]),
        (b"a\tb\n1\t2\n", [{"a": "1", "b": "2"}]),
        (b'a,b\n"x\ny","say ""hi"""\n', [{"a": "x\ny", "b": 'say "hi"'}]),
        (b"a,b\n\n1,\n", [{"a": "1", "b": ""}]),
        (b"a,b\n1,2,3\n4,5\n", ["a row of 3 fields where the header has 2", {"a": "4", "b": "5"}]),
        (b'a,b\n1,"2\n', ["not a row of CSV"]),
        (b"a,b\n1,\xff\n3,4\n", ["not a row of CSV", {"a": "3", "b": "4"}]),
        (b"a,a\n1,2\n", ["two columns have one name", "the header cannot be read"]),
        (b"a,b\n" + LARGE + b"\n3,4\n", ["not a row of CSV", {"a": "3", "b": "4"}]),
        (b"", []),
        (b"a,b\n", []),
    ],
)
def test_rows_come_out_by_the_names_in_the_header(text: bytes, rows: list[Any]) -> None:
    """What is no row says why, and costs no other row."""
    found = [piece.broken or json.loads(piece.data) for piece in cut_csv(text, "header")]
    assert found == rows


def test_a_row_is_placed_by_its_offset_and_line_and_keeps_its_bytes() -> None:
    data = b'a,b\n"1\n1",2\r\n3,4'
    found = [(piece.offset, piece.line, piece.raw) for piece in cut_csv(data, "header")]
    assert found == [(4, 2, b'"1\n1",2'), (13, 4, b"3,4")]
    assert [json.loads(piece.data) for piece in cut_csv(data, "bare")] == [["a", "b"], ["1\n1", "2"], ["3", "4"]]


def test_rows_of_parquet_are_objects_without_what_is_null(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    first = "SELECT 1 AS a, {'b': 'x', 'c': NULL} AS s, [{'d': NULL, 'e': 2}] AS l, NULL::INT AS n"
    query = f"{first} UNION ALL SELECT 2, NULL, NULL, 3"
    duckdb.sql(f"COPY ({query}) TO '{file}' (FORMAT parquet)")
    found = [(piece.offset, piece.line, json.loads(piece.data)) for piece in cut_parquet(file)]
    assert found == [(0, 1, {"a": 1, "s": {"b": "x"}, "l": [{"e": 2}]}), (1, 2, {"a": 2, "n": 3})]
    assert [piece.offset for piece in cut_parquet(file, 1, first=1)] == [1]
    assert raw_line(Origin(str(file), 2, 1, hashlib.sha256(b'{"a":2,"n":3}').hexdigest())) == '{"a":2,"n":3}'


def test_a_damaged_parquet_file_is_one_broken_piece(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    file.write_bytes(b"PAR1" + b"\0" * 100)
    assert [piece.broken for piece in cut_parquet(file)] == ["the Parquet file is damaged"]


def test_the_standard_input_is_read_like_a_file(tmp_path: Path) -> None:
    """And shown as `stdin`."""
    line = {
        "kind": "action",
        "id": "a",
        "time": "2026-03-01T09:00:00Z",
        "principal": {"type": "user", "id": "u"},
        "action": "read",
        "resource": {"type": "kv", "id": "x"},
    }
    data = json.dumps(line).encode() + b"\n{broken\n"
    run = subprocess.run(
        command("link", "-", "--case", "c"), cwd=tmp_path, env=ENVIRONMENT, input=data, capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr
    rows = subprocess.run(
        command("quarantine", "--case", "c", "--format", "json"),
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    ).stdout
    (row,) = json.loads(rows)
    assert (row["file"], row["line"], row["offset"]) == ("stdin", 2, len(data) - len(b"{broken\n"))


def test_the_standard_input_can_be_named_only_once(tmp_path: Path) -> None:
    run = subprocess.run(
        command("link", "-", "native=-"), cwd=tmp_path, env=ENVIRONMENT, input=b"", capture_output=True, check=False
    )
    assert run.returncode == 1
    assert b"the standard input can be read only once" in run.stderr
