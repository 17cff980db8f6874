"""From paths to files with a type: what is found, what is left out, and what cannot be read."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from quowarranto.case.inputs import expand, recognise
from quowarranto.case.query import quarantine, records
from quowarranto.case.raw import raw_line
from quowarranto.case.store import Case
from quowarranto.errors import ConfigError, SourceError
from quowarranto.pipeline import link_paths
from quowarranto.records import Origin

NATIVE = {"kind": "action", "time": "2026-03-01T09:00:00Z", "principal": {"type": "a", "id": "b"}, "action": "x",
          "resource": {"type": "c", "id": "d"}}  # fmt: skip
VAULT = {"time": "2026-03-01T09:00:00Z", "type": "request", "request": {"id": "1", "operation": "read", "path": "kv/a"}}
TRAIL = {"eventTime": "2026-03-01T09:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
         "userIdentity": {"type": "AWSService"}}  # fmt: skip
AUDIT = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "1", "verb": "get", "requestURI": "/healthz",
         "user": {"username": "u"}, "requestReceivedTimestamp": "2026-03-01T09:00:00Z"}  # fmt: skip
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a", "namespace": "b"}}


def lines(value: Any) -> str:
    return json.dumps(value) + "\n"


CONTENTS = {
    ("native", "lines"): lines(NATIVE) * 3,
    ("native", "array"): json.dumps([NATIVE, NATIVE], indent=1),
    ("native", "stream"): json.dumps(NATIVE, indent=2) * 2,
    ("vault", "lines"): lines(VAULT),
    ("vault", "document"): 'path "kv/*" {\n  capabilities = ["read"]\n}\n',
    ("cloudtrail", "lines"): lines({"Records": [TRAIL]}),
    ("cloudtrail", "stream"): json.dumps({"Records": [TRAIL]}, indent=2),
    ("kubernetes", "lines"): lines({"kind": "EventList", "items": [AUDIT]}),
    ("kubernetes", "yaml"): "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a, namespace: b}\n",
    ("kubernetes", "array"): json.dumps([ROLE]),
}


def zipped(data: bytes, *names: str, way: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with the same content under each name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", way) as archive:
        for name in names or ("logs/anything",):
            archive.writestr(name, data)
    return out.getvalue()


PACKED: dict[str, Any] = {
    "zip": zipped,
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize(("source", "shape"), CONTENTS)
def test_the_content_tells_the_source_the_shape_and_the_packing(
    tmp_path: Path, source: str, shape: str, packing: str
) -> None:
    """Whatever the file is called, a policy excepted."""
    name = "policy.hcl" if shape == "document" else "anything"
    path = tmp_path / name
    path.write_bytes(PACKED[packing](CONTENTS[source, shape].encode()))
    found = recognise(path, None)
    assert (found.source, found.shape, found.packing, found.why_not) == (source, shape, packing, None)


def test_a_wrapped_list_larger_than_the_head_is_recognised_by_its_beginning(tmp_path: Path) -> None:
    """On one line and over several."""
    for indent in (None, 2):
        path = tmp_path / "trail.json"
        path.write_text(json.dumps({"Records": [TRAIL] * 5000}, indent=indent))
        assert recognise(path, None).source == "cloudtrail"


def test_a_forced_type_wins_over_the_content(tmp_path: Path) -> None:
    """The shape is still told from the content."""
    path = tmp_path / "log"
    path.write_text(json.dumps([NATIVE]))
    found = recognise(path, "vault")
    assert (found.source, found.shape) == ("vault", "array")


def names(found: list[tuple[str | None, Path]], root: Path) -> list[str]:
    return [str(path.relative_to(root)) for _, path in found]


def test_folders_files_and_globs_give_each_file_once_in_order(tmp_path: Path) -> None:
    """Hidden names are left out."""
    for name in ("b/2.log", "b/1.log", "a.log", ".hidden", "b/.git/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    wanted = ["a.log", "b/1.log", "b/2.log"]
    assert names(expand([str(tmp_path)]), tmp_path) == wanted
    assert names(expand([f"{tmp_path}/**/*.log", str(tmp_path / "b")]), tmp_path) == wanted
    assert names(expand([str(tmp_path / "b"), str(tmp_path / "a.log"), str(tmp_path / "a.log")]), tmp_path) == wanted


def test_a_type_holds_for_everything_its_path_names(tmp_path: Path) -> None:
    """Also where the same file is named without one."""
    (tmp_path / "a.log").touch()
    assert expand([f"vault={tmp_path}"]) == [("vault", tmp_path / "a.log")]
    assert expand([str(tmp_path), f"vault={tmp_path}/*.log"]) == [("vault", tmp_path / "a.log")]


def test_a_file_whose_name_has_an_equals_sign_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name on disk wins."""
    monkeypatch.chdir(tmp_path)
    Path("day=1.log").touch()
    assert expand(["day=1.log"]) == [(None, Path("day=1.log"))]
    with pytest.raises(ConfigError, match="no source is called `day`"):
        expand(["day=2.log"])


def test_links_in_a_ring_are_followed_once(tmp_path: Path) -> None:
    """A linked folder is read, its own ancestor is not read again."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.log").touch()
    (tmp_path / "logs" / "a.log").touch()
    (tmp_path / "logs" / "up").symlink_to(tmp_path)
    (tmp_path / "logs" / "there").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "logs" / "self").symlink_to("self")
    found = sorted(path.name for _, path in expand([str(tmp_path / "logs")]))
    assert found == ["a.log", "b.log", "self"]
    assert "cannot be read" in (recognise(tmp_path / "logs" / "self", None).why_not or "")


def test_cases_within_a_folder_are_left_out(tmp_path: Path) -> None:
    """The one being written, and any other."""
    (tmp_path / "a.log").touch()
    for case in ("quo.case", "old.case"):
        (tmp_path / case / "commits" / "_delta_log").mkdir(parents=True)
        (tmp_path / case / "commits" / "part.parquet").touch()
    (tmp_path / "new.case").mkdir()
    (tmp_path / "new.case" / "quo.toml").touch()
    assert names(expand([str(tmp_path)], leave_out=tmp_path / "new.case"), tmp_path) == ["a.log"]
    assert names(expand([f"{tmp_path}/*"], leave_out=tmp_path / "new.case"), tmp_path) == ["a.log"]


def test_the_case_cannot_be_kept_in_the_folder_that_is_read(tmp_path: Path) -> None:
    """Its own files would be read the next time."""
    (tmp_path / "a.log").touch()
    with pytest.raises(SourceError, match="is the folder to be read"):
        expand([str(tmp_path)], leave_out=tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    """A file and a folder."""
    (tmp_path / "a.log").write_text(lines(NATIVE))
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.log").chmod(0)
    (tmp_path / "deep").chmod(0)
    try:
        found = [recognise(path, kind) for kind, path in expand([str(tmp_path)])]
        assert [one.why_not for one in found] == [
            "it cannot be read: Permission denied",
            "a folder that cannot be read",
        ]
    finally:
        (tmp_path / "deep").chmod(0o700)


def test_a_name_that_is_not_utf8_is_named_as_well_as_can_be(tmp_path: Path) -> None:
    """It is not read: the case could not name it."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.log"))
    path.write_text(lines(NATIVE))
    found = recognise(path, None)
    assert found.why_not == "its name is not UTF-8: rename it"
    assert found.path.isprintable()


@pytest.mark.parametrize("key", ["log", "message", "_source"])
@pytest.mark.parametrize("source", ["vault", "cloudtrail", "kubernetes"])
def test_lines_inside_the_lines_of_a_log_shipper_are_read(tmp_path: Path, source: str, key: str) -> None:
    """As an object and as JSON in a text; a line without the envelope is itself, a broken one is quarantined."""
    line = {"vault": VAULT, "cloudtrail": TRAIL, "kubernetes": AUDIT}[source]
    path = tmp_path / "shipped.jsonl"
    shipped = [{"host": "h", key: line}, {key: json.dumps(line), "ts": 1}] * 3
    broken = f'{{"{key}": 1, "{key}": 2}}\n{{"{key}": [3]}}\n'
    path.write_text("".join(map(lines, [*shipped, line])) + broken)
    found = recognise(path, None)
    assert (found.source, found.envelope) == (source, key)
    assert recognise(path, source).envelope == key
    totals = link_paths(Case(tmp_path / "case"), [str(path)], threads=1, judge=False).totals
    assert (totals.entries, totals.recorded, totals.quarantined) == (9, 7, 2)


def test_a_forced_type_of_plain_lines_opens_no_envelope(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text(lines({"id": 1, "log": "text"}))
    assert recognise(path, "vault").envelope is None


REFUSED_ZIPS = [
    ("of several files", zipped(b"{}", "a.json", "b.json"), "a zip archive of 2 files: unpack it first"),
    ("of none", zipped(b"", "folder/"), "a zip archive without files"),
    ("encrypted", zipped(lines(NATIVE).encode()).replace(b"PK\x03\x04\x14\0\0", b"PK\x03\x04\x14\0\1")
     .replace(b"PK\x01\x02\x14\x03\x14\0\0", b"PK\x01\x02\x14\x03\x14\0\1"), "an encrypted zip archive"),
    ("by another method", zipped(b"{}", way=zipfile.ZIP_LZMA), "not compressed by DEFLATE"),
    ("cut off", zipped(lines(NATIVE).encode())[:60], "the zip archive is damaged"),
]  # fmt: skip


@pytest.mark.parametrize("about, data, why", REFUSED_ZIPS, ids=[row[0] for row in REFUSED_ZIPS])
def test_an_archive_that_cannot_be_read_says_why(tmp_path: Path, about: str, data: bytes, why: str) -> None:
    path = tmp_path / "logs.zip"
    path.write_bytes(data)
    found = recognise(path, None)
    assert found.source is None
    assert why in (found.why_not or "")


def test_what_the_finder_adds_to_an_archive_is_no_second_file(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    path.write_bytes(zipped(lines(NATIVE).encode(), "a.jsonl", "__MACOSX/._a.jsonl", ".DS_Store"))
    assert recognise(path, None).source == "native"


def test_an_archive_that_is_a_trap_ends_with_a_reason(tmp_path: Path) -> None:
    """A hundred megabytes of the same line in some hundred kilobytes: what was read stays, the rest is told."""
    path = tmp_path / "logs.zip"
    path.write_bytes(zipped((lines(NATIVE) * 800).encode() * 800))
    case = Case(tmp_path / "quo.case")
    totals = link_paths(case, [str(path)], judge=False, threads=1).totals
    assert totals.quarantined == 1
    assert 300_000 < totals.recorded < 640_000
    assert "200 times its size" in next(iter(quarantine(case.snapshot())))["reason"]


def test_a_line_of_an_archive_is_shown_again(tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    path.write_bytes(zipped((lines(VAULT) + lines(NATIVE | {"id": "x"})).encode()))
    case = Case(tmp_path / "quo.case")
    link_paths(case, [f"native={path}"], threads=1)
    (found,) = records(case.snapshot())
    origin = found["origin"]
    place = Origin(origin["file"], origin["line"], origin["offset"], origin["sha256"])
    assert json.loads(raw_line(place) or "") == NATIVE | {"id": "x"}


NO_LOGS = [
    ("LICENSE", "MIT License\n\nCopyright (c) 2026 Example\n", "a licence"),
    ("COPYING.txt", "Permission is hereby granted, free of charge\n", "a licence"),
    ("README.md", "# Logs of a week\n\nTaken from our test account.\n", "a text for readers"),
    ("README", "What lies here was made by hand.\n", "a text for readers"),
    ("notes.rst", "Notes\n=====\n\nNone of it is a log.\n", "a text for readers"),
    ("set.yaml", "title: a set\ndescription: of logs\nauthor: somebody\n", "a description (YAML with a title)"),
]
MAYBE_LOGS = [
    ("licence.log", "Copyright (c) 2026 Example\n"),  # the name is not one of a licence
    ("LICENSE", "2026-03-01T09:00:00Z license checked out by ann\n" * 3),
    ("NOTICE", "level=info msg=started license=ok\n"),
    ("README.md", '{"level": "info"}\n' * 3),
    ("notes.txt", "somebody wrote this\n"),
    ("set.yaml", "title: a\ndescription: b\ntimestamp: 2026-03-01T09:00:00Z\n"),
    ("LICENSE", "copyright\0\1"),
]


@pytest.mark.parametrize("name, text, what", NO_LOGS)
def test_a_file_that_is_no_log_is_left_out_with_what_it_is(tmp_path: Path, name: str, text: str, what: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "a.jsonl").write_text(lines(NATIVE), encoding="utf-8")
    case = Case(tmp_path / "quo.case")
    outcome = link_paths(case, [str(tmp_path)], threads=1)
    assert [one.why_not for one in outcome.inputs if one.no_log] == [f"not a log: {what}"]
    assert (outcome.totals.no_logs, outcome.totals.unread, outcome.totals.recorded) == (1, 0, 1)
    assert list(quarantine(case.snapshot())) == []


@pytest.mark.parametrize("name, text", MAYBE_LOGS)
def test_what_might_be_a_log_is_quarantined_whatever_its_name(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    found = recognise(path, None)
    assert (found.source, found.no_log) == (None, False)
