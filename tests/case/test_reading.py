"""Reading: the same records however the work is shared out, and every line accounted for."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from quowarranto.case import ingest as ingest_module
from quowarranto.case import reading as reading_module
from quowarranto.case.inputs import recognise
from quowarranto.case.query import quarantine, records
from quowarranto.case.raw import CHANGED, raw_line
from quowarranto.case.reading import Stretch, Task
from quowarranto.case.store import Case
from quowarranto.case.unpacking import blocks
from quowarranto.pipeline import link_paths
from quowarranto.records import Origin
from quowarranto.simulator import PLANTED_SECRETS, simulate


def action(number: int) -> dict[str, Any]:
    return {
        "kind": "action",
        "id": f"a{number}",
        "time": "2026-03-01T09:00:00Z",
        "principal": {"type": "user", "id": "u"},
        "action": "read",
        "resource": {"type": "kv", "id": "x" * (1 + number % 7)},
    }


def linked(folder: Path, *paths: Path, threads: int = 1) -> tuple[Case, Any]:
    case = Case(folder)
    return case, link_paths(case, [str(path) for path in paths], threads=threads).totals


def told(case: Case) -> list[str]:
    """All records and all quarantined lines, as text."""
    snapshot = case.snapshot()
    return [json.dumps(row, sort_keys=True) for row in (*records(snapshot), *quarantine(snapshot))]


@pytest.mark.parametrize("at_once", [3, 100, 1 << 20])
@pytest.mark.parametrize("size", [1, 50, 333, 1000, 10_000])
def test_large_files_give_the_same_records_in_whatever_stretches_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, at_once: int
) -> None:
    """Lines, offsets and digests included; blank and broken lines count as lines."""
    log = tmp_path / "log.jsonl"
    text = ["\ufeff", "\n"]
    for number in range(40):
        text += [json.dumps(action(number)), "\r\n" if number % 3 else "\n", "\n" * (number % 2)]
        text += ["{broken\n"] if number % 11 == 5 else []
    data = ("".join(text) + "{the end").encode()
    log.write_bytes(data)
    whole = told(linked(tmp_path / "whole.case", log)[0])
    monkeypatch.setattr(ingest_module, "_RANGE", size)
    monkeypatch.setattr(ingest_module, "_AT_ONCE", at_once)
    monkeypatch.setattr(reading_module, "_AT_ONCE", at_once)
    monkeypatch.setattr(reading_module, "_FLUSH", 7)
    assert told(linked(tmp_path / "parts.case", log)[0]) == whole
    for row in map(json.loads, whole):
        if "origin" in row:
            origin = row["origin"]
            line = data[origin["offset"] :].split(b"\n")[0].rstrip(b"\r")
            assert hashlib.sha256(line).hexdigest() == origin["sha256"]
            assert data.count(b"\n", 0, origin["offset"]) + 1 == origin["line"]
        else:
            assert data[row["offset"] :].startswith((b"{broken\n", b"{the end"))
            assert data.count(b"\n", 0, row["offset"]) + 1 == row["line"]


def test_worker_processes_give_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them, on several files and stretches."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in "abc":
        (logs / f"{name}.jsonl").write_text(
            "".join(json.dumps(action(n) | {"id": f"{name}{n}"}) + "\n" for n in range(50))
        )
    one = told(linked(tmp_path / "one.case", logs)[0])
    monkeypatch.setattr(ingest_module, "_RANGE", 2000)
    monkeypatch.setattr(ingest_module, "_ALONE", 0)
    assert told(linked(tmp_path / "two.case", logs, threads=2)[0]) == one


@pytest.mark.parametrize("kind", ["gzip", "cut off", "zstd"])
def test_a_large_packed_file_gives_the_same_records_however_many_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Each reader unpacks all of it and reads its own blocks; what is damaged is told once."""
    log = tmp_path / "log.jsonl"
    text = ["\ufeff"]
    for number in range(400):
        text += [json.dumps(action(number)), "\r\n" if number % 3 else "\n", "\n" * (number % 2)]
        text += ["{broken\n"] if number % 11 == 5 else []
    data = ("".join(text) + "{the end").encode()
    packed = zstandard.compress(data) if kind == "zstd" else gzip.compress(data, 0)
    log.write_bytes(packed[: len(packed) // 2] if kind == "cut off" else packed)
    monkeypatch.setattr(reading_module, "blocks", lambda path, packing: blocks(path, packing, size=500))
    monkeypatch.setattr("quowarranto.case.unpacking._OUT", 300)
    whole = told(linked(tmp_path / "whole.case", log)[0])
    assert len(whole) > 100
    assert sum("ends too early" in row for row in whole) == (kind == "cut off")
    one = recognise(log, None)
    for shares in (2, 3):
        tasks = [Task(n, (Stretch(0, one, "log", share=n, shares=shares),)) for n in range(shares)]
        monkeypatch.setattr(ingest_module, "_tasks", lambda inputs, names, workers, tasks=tasks: iter(tasks))
        assert told(linked(tmp_path / f"{shares}.case", log)[0]) == whole
        monkeypatch.undo()
        monkeypatch.setattr(reading_module, "blocks", lambda path, packing: blocks(path, packing, size=500))


def test_thousands_of_small_files_are_a_few_parquet_files(tmp_path: Path) -> None:
    """Read together, and each counted by itself."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(3000):
        (logs / f"{number:04d}.jsonl").write_text(json.dumps(action(number)) + "\n{broken\n")
    case, totals = linked(tmp_path / "quo.case", logs)
    assert (totals.files, totals.recorded, totals.quarantined) == (3000, 3000, 3000)
    assert len(case.snapshot().files("actions")) == 2


def test_blank_lines_are_no_entries_and_everything_else_is_one(tmp_path: Path) -> None:
    """The counts add up."""
    log = tmp_path / "log.jsonl"
    log.write_text(f"\n{json.dumps(action(1))}\n  \nx\n\n{json.dumps(action(2))}\n\n")
    _, totals = linked(tmp_path / "quo.case", log)
    assert (totals.entries, totals.recorded, totals.skipped, totals.quarantined) == (3, 2, 0, 1)


_LINES = st.lists(
    st.sampled_from([json.dumps(action(n)).encode() for n in range(5)])
    | st.binary(max_size=30).map(lambda data: data.replace(b"\n", b" ")),
    max_size=12,
)


@given(_LINES)
@settings(max_examples=15, deadline=None)
def test_no_line_vanishes(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    """As many entries as lines that are not blank, whatever they hold."""
    folder = tmp_path_factory.mktemp("lines")
    log = folder / "log.jsonl"
    log.write_bytes(json.dumps(action(9)).encode() + b"\n" + b"\n".join(lines) + b"\n")
    case, totals = linked(folder / "quo.case", log)
    assert totals.entries == 1 + sum(1 for line in lines if line.strip())
    assert totals.entries == totals.recorded + totals.skipped + totals.quarantined
    assert len({row["line"] for row in quarantine(case.snapshot())}) == totals.quarantined


def test_a_fault_of_a_reader_is_a_quarantined_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It neither stops the run nor shows what the line held."""
    from quowarranto.sources import Entry, Outcome, native

    def read(entry: Entry) -> Outcome:
        if b"a1" in entry.data:
            raise KeyError("content")
        return native.read(entry)

    source = __import__("msgspec").structs.replace(native.SOURCE, read=read)
    monkeypatch.setattr(reading_module, "by_name", lambda *_: source)
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(action(n)) + "\n" for n in range(3)))
    case, totals = linked(tmp_path / "quo.case", log)
    assert (totals.recorded, totals.quarantined) == (2, 1)
    (row,) = quarantine(case.snapshot())
    assert row["reason"] == "the reader failed on it (KeyError): please report this"


def test_a_file_that_goes_away_before_it_is_read_is_quarantined(tmp_path: Path) -> None:
    """It was there when its type was told."""
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(action(1)) + "\n")
    one = recognise(log, None)
    log.unlink()
    case = Case(tmp_path / "quo.case")
    with case.writing() as writer:
        totals = ingest_module.ingest(writer, [one], workers=1)
    assert (totals.entries, totals.quarantined) == (1, 1)


# ---- the raw line behind a record ------------------------------------------------------------------------------------


def origins(case: Case) -> list[Origin]:
    return [Origin(**{k: v for k, v in row["origin"].items() if k != "from"}) for row in records(case.snapshot())]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", ["lines", "array", "pretty"])
def test_the_raw_line_is_read_again_where_it_stands(tmp_path: Path, shape: str, packed: bool) -> None:
    """And checked against its digest: a changed file says so, one that is gone gives nothing."""
    actions = [action(n) for n in range(30)]
    text = {
        "lines": "".join(json.dumps(one) + "\r\n" for one in actions),
        "array": json.dumps(actions),
        "pretty": "\n".join(json.dumps(one, indent=2) for one in actions),
    }[shape].encode()
    log = tmp_path / "log.json"
    log.write_bytes(gzip.compress(text) if packed else text)
    case, totals = linked(tmp_path / "quo.case", log)
    assert totals.recorded == 30
    for origin in origins(case):
        raw = raw_line(origin)
        assert raw is not None
        assert json.loads(raw) in actions
    changed = text.replace(b"read", b"REad")
    log.write_bytes(gzip.compress(changed) if packed else changed)
    assert {raw_line(origin) for origin in origins(case)} == {CHANGED}
    log.unlink()
    assert {raw_line(origin) for origin in origins(case)} == {None}


def test_the_item_of_a_yaml_list_is_shown_by_itself(tmp_path: Path) -> None:
    """With its own lines."""
    path = tmp_path / "roles.yaml"
    role = (
        "- apiVersion: rbac.authorization.k8s.io/v1\n  kind: Role\n"
        "  metadata: {{name: {0}, namespace: n}}\n  rules: []\n"
    )
    binding = (
        "- apiVersion: rbac.authorization.k8s.io/v1\n  kind: RoleBinding\n  metadata: {name: b, namespace: n}\n"
        "  roleRef: {kind: Role, name: r2, apiGroup: rbac.authorization.k8s.io}\n"
        "  subjects: [{kind: ServiceAccount, name: s, namespace: n}]\n"
    )
    path.write_text("apiVersion: v1\nkind: List\nitems:\n" + role.format("r1") + role.format("r2") + binding)
    case, totals = linked(tmp_path / "quo.case", path)
    assert totals.recorded == 3
    shown = [raw_line(origin) for origin in origins(case)]
    assert shown
    assert all(raw and raw.startswith("- apiVersion: rbac") and raw.count("apiVersion") == 1 for raw in shown)


# ---- secrets ---------------------------------------------------------------------------------------------------------


def test_no_planted_secret_is_in_any_file_of_the_case(tmp_path: Path) -> None:
    """Looked for in the columns as they are stored, and in the bytes of every file."""
    import duckdb

    truth = simulate(tmp_path, actions=200)
    extra = {"note": PLANTED_SECRETS[2], "password": PLANTED_SECRETS[3], "list": [{"x": PLANTED_SECRETS[5]}]}
    cites = {"cites": [PLANTED_SECRETS[5]], "origin": f"Bearer {PLANTED_SECRETS[2]}", "source": PLANTED_SECRETS[5]}
    (tmp_path / "logs" / "more.jsonl").write_text(json.dumps(action(1) | extra | cites) + "\n")
    case, _ = linked(tmp_path / "quo.case", truth.logs)
    snapshot = case.snapshot()
    connection = duckdb.connect()
    snapshot.attach(connection)
    stored = [json.dumps(row) for row in (*records(snapshot), *quarantine(snapshot))]
    for (table,) in connection.execute("SELECT DISTINCT view_name FROM duckdb_views() WHERE NOT internal").fetchall():
        stored += [str(row) for row in connection.execute(f"SELECT * FROM {table}").fetchall()]
    found = "\n".join(stored)
    assert "removed:" in found
    assert [secret for secret in PLANTED_SECRETS if secret in found] == []
    for path in tmp_path.joinpath("quo.case").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert [secret for secret in PLANTED_SECRETS if secret.encode() in data] == []
