"""Whatever a log calls its principals, keys and resources: every output is whole, well-formed and true to it."""

from __future__ import annotations

import csv as reader
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from quowarranto.case.store import Case, Snapshot
from quowarranto.export.controls import controls_html
from quowarranto.export.formats import csv, ocsf, oscal, parquet, sarif
from quowarranto.export.formats.flat import harmless
from quowarranto.export.formats.wanted import Wanted
from quowarranto.findings.by_control import by_control
from quowarranto.findings.examined import Sampling
from quowarranto.pipeline import link_paths
from tests.export.ocsf_schema import Schema

NAMES = (
    *("a\u0000b", "line\nbreak", "carriage\rreturn", "\u2028separator", "😀\u202e", "]]>&<", "'\"`;--", "\\u0000"),
    *("\t=1", "  lead", "trail ", "\ufeffmark", "\x7f\x1b[31m", "x" * 20_000, "{{7*7}}{% raw %}", "é e\u0301"),
)
"""Each is an id, a type, a verb and a key at once."""


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """An action and an ended grant of every name; all of them are read."""
    folder = tmp_path_factory.mktemp("names")
    records: list[dict[str, Any]] = []
    for number, name in enumerate(NAMES):
        who = {"type": name, "id": name}
        ended = {"time": "2026-01-01T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z"}
        records.append({"kind": "grant", "id": f"g{name}", "principal": who, **ended})
        acted = {"time": f"2026-03-01T09:00:{number:02}Z", "principal": who, "action": name, "resource": who}
        records.append({"kind": "action", "id": f"{name}{number}", "cites": [f"g{name}"], **acted})
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    case = Case(folder / "quo.case")
    assert link_paths(case, [str(folder / "log.jsonl")], threads=1).totals.recorded == len(records)
    return case.snapshot()


def _bytes(write: Any, *arguments: Any) -> bytes:
    out = io.BytesIO()
    write(*arguments, out)
    return out.getvalue()


def test_csv_has_a_cell_for_every_column_of_every_action(named: Snapshot) -> None:
    reader.field_size_limit(10**7)
    text = _bytes(csv.write, named, Wanted(), "verdicts").decode()
    rows = list(reader.DictReader(io.StringIO(text, newline="")))
    assert [row["principal_id"] for row in rows] == [harmless(name) for name in NAMES]
    assert all(None not in row and None not in row.values() for row in rows)


def test_parquet_holds_every_name_as_it_is(named: Snapshot, tmp_path: Path) -> None:
    parquet.write(named, Wanted(), "verdicts", tmp_path / "v.parquet")
    found = duckdb.connect().execute(
        "SELECT principal_id, authorities[1].key FROM read_parquet(?) ORDER BY time", [str(tmp_path / "v.parquet")]
    )
    assert found.fetchall() == [(name, f"g{name}") for name in NAMES]


def test_every_finding_is_one_line_of_ocsf(named: Snapshot, vectors: Path) -> None:
    lines = _bytes(ocsf.write, named, Wanted()).splitlines()
    events = [json.loads(line) for line in lines]
    assert {event["resources"][0]["uid"] for event in events} >= {f"g{name}" for name in NAMES}
    schema = Schema(vectors / "ocsf")
    assert [error for event in events for error in schema.errors(event)] == []


@pytest.mark.parametrize("write", [sarif.write, oscal.write], ids=["sarif", "oscal"])
def test_documents_are_json(write: Any, named: Snapshot) -> None:
    assert len(json.loads(_bytes(write, named, Wanted()))) >= 1


def test_a_page_shows_no_control_character(named: Snapshot) -> None:
    page = controls_html(by_control(named, sampling=Sampling("quo", 50)), "Controls", "quo.case")
    assert {char for char in page if ord(char) < 32 or char in "\u2028\u202e\ufeff\x7f"} <= {"\n", "\t"}
    assert "{{7*7}}" in page
