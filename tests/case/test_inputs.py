"""From paths to files with a type: what is found, what is left out, and what cannot be read."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
import zstandard

from quowarranto.case.inputs import expand, recognise
from quowarranto.case.store import Case
from quowarranto.errors import ConfigError, SourceError
from quowarranto.pipeline import link_paths

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
PACKED: dict[str, Any] = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


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
