"""The helper that writes golden files takes nothing for expected that is a fault of this project."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from tests.sources import golden

from quowarranto.case import reading
from quowarranto.sources import Entry, Outcome, native


def test_a_sample_on_which_the_reader_fails_is_no_golden_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is one written of it, nor does one that was written hold."""

    def read(entry: Entry) -> Outcome:
        if b"broken" in entry.data:
            raise KeyError("content")
        return native.read(entry)

    source = msgspec.structs.replace(native.SOURCE, read=read)
    monkeypatch.setattr(reading, "by_name", lambda *_: source)
    (tmp_path / "logs").mkdir()
    record = {"kind": "action", "time": "2026-03-01T09:00:00Z", "principal": {"type": "user", "id": "ann"}}
    record |= {"id": "a", "action": "get", "resource": {"type": "secret", "id": "s"}}
    log = tmp_path / "logs" / "log.jsonl"
    log.write_text(json.dumps(record) + "\n{}\n")
    assert [reason for _, _, reason in golden.told(tmp_path)["quarantined"]] != []  # what is refused may be expected
    log.write_text(json.dumps(record | {"id": "broken"}) + "\n" + json.dumps(record) + "\n")
    with pytest.raises(AssertionError, match="the reader failed on it"):
        golden.told(tmp_path)
