"""The case folder: one writer, readers that always see a complete state, and what a killed run left taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable

from quowarranto.case.query import verdicts
from quowarranto.case.store import Case, Writer
from quowarranto.errors import CaseError
from quowarranto.pipeline import link_paths


def log(folder: Path, *names: str) -> str:
    """A file with one action per name."""
    path = folder / f"{'-'.join(names)}.jsonl"
    one = {"kind": "action", "time": "2026-03-01T09:00:00Z", "principal": {"type": "a", "id": "b"}, "action": "x",
           "resource": {"type": "c", "id": "d"}}  # fmt: skip
    path.write_text("".join(json.dumps(one | {"id": name}) + "\n" for name in names))
    return str(path)


def actions(case: Case) -> list[str]:
    return [row["id"] for row in verdicts(case.snapshot())]


def test_there_is_one_writer_and_readers_are_not_kept_out(tmp_path: Path) -> None:
    """The second is told so, and can write when the first is done."""
    case = Case(tmp_path / "quo.case")
    link_paths(case, [log(tmp_path, "a")], threads=1)
    with case.writing():
        assert actions(case) == ["a"]
        with pytest.raises(CaseError, match="another process is writing"), Case(case.folder).writing():
            pass
    with case.writing():
        pass


def test_a_reader_keeps_the_state_it_began_with(tmp_path: Path) -> None:
    """Whatever is written meanwhile."""
    case = Case(tmp_path / "quo.case")
    link_paths(case, [log(tmp_path, "a")], threads=1)
    before = case.snapshot()
    link_paths(case, [log(tmp_path, "b")], threads=1)
    assert [row["id"] for row in verdicts(before)] == ["a"]
    assert actions(case) == ["a", "b"]


def test_what_was_committed_to_single_tables_but_never_completed_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run died between the last table and the commit that names them all; its files are swept away."""
    case = Case(tmp_path / "quo.case")
    link_paths(case, [log(tmp_path, "a")], threads=1)
    files = set(case.folder.rglob("part-*.parquet"))

    def dies(self: Writer, commit: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "_append_commit", dies)
        with pytest.raises(RuntimeError):
            link_paths(case, [log(tmp_path, "b")], threads=1)
    assert actions(case) == ["a"]
    assert len(DeltaTable(str(case.folder / "actions")).file_uris()) == 2
    with case.writing():
        pass
    assert len(DeltaTable(str(case.folder / "actions")).file_uris()) == 1
    assert set(case.folder.rglob("part-*.parquet")) == files
    link_paths(case, [log(tmp_path, "c")], threads=1)
    assert actions(case) == ["a", "c"]


@pytest.mark.parametrize("left", ["actions", "commits"])
def test_a_run_that_died_while_it_made_the_folders_is_no_hindrance(tmp_path: Path, left: str) -> None:
    """A table's folder without its first entry is no table."""
    case = Case(tmp_path / "quo.case")
    (case.folder / left / "_delta_log").mkdir(parents=True)
    assert not case.exists()
    with pytest.raises(CaseError, match="no case is at"):
        case.snapshot()
    link_paths(case, [log(tmp_path, "a")], threads=1)
    assert actions(case) == ["a"]


@pytest.mark.parametrize("name", ["my case", "c#1", "c[1]*?", "ünï'q"])
def test_the_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """Nothing in it is taken for a pattern or a quote."""
    case = Case(tmp_path / name)
    link_paths(case, [log(tmp_path, "a")], threads=1)
    link_paths(case, [log(tmp_path, "b")], threads=1)
    assert actions(case) == ["a", "b"]


def test_a_name_with_a_percent_sign_is_refused(tmp_path: Path) -> None:
    """The library of the tables would write elsewhere."""
    with pytest.raises(CaseError, match="%"):
        link_paths(Case(tmp_path / "c%20"), [log(tmp_path, "a")], threads=1)


def test_every_state_is_listed_with_its_number(tmp_path: Path) -> None:
    """Oldest first."""
    case = Case(tmp_path / "quo.case")
    link_paths(case, [log(tmp_path, "a")], threads=1)
    link_paths(case, [], threads=1)
    assert [(commit.number, commit.what) for commit in case.commits()] == [(1, "read"), (2, "judged"), (3, "judged")]
