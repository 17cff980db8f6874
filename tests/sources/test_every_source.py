"""What holds for every source: samples come out as written down, hostile input is refused, order changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sources.golden import EXPECTED, HERE, told
from tests.sources.sampled import ALL, entries, source_of, verdicts

from quowarranto.case.inputs import recognise
from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact
from quowarranto.sources import SOURCES, Entry, Observation, Sample, Skipped, Source

DOCS = HERE.parents[1] / "docs" / "reference" / "sources"
PARTS = ("## What it reads", "## What it yields", "## What it cannot see", "## The best linkage")
REFUSED = (b"", b"{", b"null", b"[]", b"{}", b"1", b"x", b"\xff\xfe", b"\0" * 50, b"[" * 5_000, b'{"a":1,"a":1}')
case_folders = pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.parent.name}/{case.name}")
all_sources = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)


@case_folders
def test_the_sample_logs_come_out_as_written_down(case: Path) -> None:
    """From recognising the file to the verdict; `python -m tests.sources.golden` writes what would be right now."""
    assert told(case) == json.loads((case / EXPECTED).read_text(encoding="utf-8"))


@case_folders
def test_a_sample_log_is_recognised_without_help(case: Path) -> None:
    sources = tuple(source_of(case) if source.name == case.parent.name else source for source in SOURCES)
    for path in sorted((case / "logs").rglob("*")):
        if path.is_file():
            assert recognise(path, None, sources).source == case.parent.name, path.name


@case_folders
def test_the_order_of_the_entries_changes_no_verdict(case: Path) -> None:
    found = entries(case)
    assert verdicts(source_of(case), found) == verdicts(source_of(case), found[::-1])


@case_folders
def test_entries_that_come_twice_change_no_verdict(case: Path) -> None:
    """Deliveries are repeated."""
    found = entries(case)
    assert verdicts(source_of(case), found) == verdicts(source_of(case), found + found)


@all_sources
def test_every_source_has_samples_and_a_page(source: Source) -> None:
    assert [folder for folder in (HERE / source.name).iterdir() if folder.is_dir()]
    page = (DOCS / f"{source.name}.md").read_text(encoding="utf-8")
    assert source.name in page.splitlines()[0]
    assert [part for part in PARTS if part not in page] == []


@all_sources
def test_what_is_no_entry_is_refused_with_a_reason(source: Source) -> None:
    """Never an exception of another kind, and never nothing."""
    for data in REFUSED:
        soundly_read(source, data)


@all_sources
def test_other_systems_logs_are_not_claimed(source: Source) -> None:
    for document in ({}, {"message": "x"}, {"level": "info", "msg": "started", "ts": 1.5}, {"id": 1, "name": "x"}):
        assert source.recognise(Sample("x.json", json.dumps(document), (document,))) <= 10
    assert source.recognise(Sample("x.log", "Jan  1 00:00:00 host kernel: all is well\n")) == 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@case_folders
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_entries_are_read_or_refused(case: Path, data: st.DataObject) -> None:
    """A value replaced, a member lost, bytes changed: a reader's own fault would cost a line its records."""
    found = entries(case)
    entry = data.draw(st.sampled_from(found))
    soundly_read(source_of(case), damaged(entry.data, data), entry.file)


def damaged(entry: bytes, data: st.DataObject) -> bytes:
    """The entry with one thing changed."""
    try:
        value = json.loads(entry)
    except ValueError:
        value = None
    if value is None or data.draw(st.booleans()):
        at = data.draw(st.integers(0, max(0, len(entry) - 1)))
        return entry[:at] + data.draw(st.binary(max_size=3)) + entry[at + data.draw(st.integers(0, 3)) :]
    return json.dumps(_changed(value, data)).encode("utf-8", "surrogatepass")


def _changed(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict) and value and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(value)))
        if data.draw(st.integers(0, 9)) == 0:
            return {name: one for name, one in value.items() if name != key}
        return value | {key: _changed(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 9)):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _changed(value[at], data), *value[at + 1 :]]
    return data.draw(VALUES)


def soundly_read(source: Source, data: bytes, file: str = "x.json") -> None:
    """A list of records, a skip with a reason, or a rejection with a reason; and nothing that `derive` chokes on."""
    rejected = ""
    try:
        found = source.read(Entry(data, file))
    except RejectedEntry as error:
        found, rejected = Skipped(""), str(error)
    if isinstance(found, Skipped):
        assert found.reason or rejected
        return
    assert found, "neither records nor a reason"
    assert all(isinstance(item, (Action, AuthorityFact, Observation)) for item in found)
    if source.derive is not None:
        list(source.derive([item for item in found if isinstance(item, Observation)]))
