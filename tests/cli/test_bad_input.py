"""Bad input: a clear message, the right exit code, no traceback, and nothing lost. Run as a user runs it."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.quo import Ran, quo, rows, totals

SECRET = "hvs." + "CAESIJ0123456789abcdefghijklmnop"


def action(number: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "action",
        "id": f"a{number}",
        "time": "2026-03-01T09:00:00Z",
        "principal": {"type": "service_account", "id": "svc"},
        "action": "kv:read",
        "resource": {"type": "secret", "id": f"kv/{number}"},
        **more,
    }


def lines(count: int) -> bytes:
    return b"".join(json.dumps(action(number)).encode() + b"\n" for number in range(count))


def link(folder: Path, *arguments: str | Path) -> Ran:
    return quo(folder, "link", *arguments, "--format", "json")


def quarantined(folder: Path) -> list[dict[str, Any]]:
    """The quarantine, which never holds content."""
    found = rows(folder, "quarantine")
    assert all(set(row) == {"file", "line", "offset", "reason"} for row in found)
    return found


def explains(ran: Ran) -> None:
    """Where, what was needed, what to try."""
    assert ran.err.startswith("error: ")
    assert " need: " in ran.err or "  try: " in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("empty.log", b"", "it is empty"),
        ("blank.log", b"\n \n\r\n", "it is empty"),
        ("noise.bin", random.Random(1).randbytes(200_000), "binary or unknown content"),
        ("wide.log", "{}\n".encode("utf-16"), "it is UTF-16: convert it to UTF-8"),
        ("other.log", b"Mar  1 09:00:00 host kernel: all is well\n" * 50, "no source recognises its content"),
        ("other.json", b'{"a": 1}\n' * 50, "no source recognises its content"),
        ("cut.gz", gzip.compress(lines(10), mtime=0)[:15], "the compressed file ends too early"),
        ("noise.gz", b"\x1f\x8b\x08\x00" + random.Random(2).randbytes(5000), "the compressed file is damaged"),
        ("noise.zst", b"\x28\xb5\x2f\xfd" + random.Random(3).randbytes(5000), "the compressed file is damaged"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    """Exit code 3; the file as a whole is in quarantine."""
    (tmp_path / name).write_bytes(content)
    ran = link(tmp_path, name)
    assert ran.code == 3
    explains(ran)
    assert f"{name}: {why}" in ran.err
    assert [(row["file"], row["reason"]) for row in quarantined(tmp_path)] == [(name, why)]
    assert rows(tmp_path, "verdicts") == []


def test_a_folder_without_logs_says_so(tmp_path: Path) -> None:
    """Nothing was read."""
    (tmp_path / "logs" / "deeper").mkdir(parents=True)
    ran = link(tmp_path, "logs")
    assert ran.code == 3
    explains(ran)
    assert "logs" in ran.err


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "zstd"])
def test_a_truncated_file_gives_what_is_whole_and_tells_the_rest(tmp_path: Path, pack: Any) -> None:
    """Every whole line before the cut, and one quarantined piece at the place of the cut."""
    rng = random.Random(5)
    whole = b"".join(json.dumps(action(n, origin=rng.randbytes(20).hex())).encode() + b"\n" for n in range(3000))
    packed = pack(whole)
    (tmp_path / "log.jsonl.packed").write_bytes(packed[: len(packed) * 3 // 4])
    ran = link(tmp_path, "log.jsonl.packed")
    assert ran.code == 0, ran.err
    read = totals(ran)
    (cut,) = quarantined(tmp_path)
    assert cut["reason"] == "the compressed file ends too early"
    assert read["quarantined"] == 1
    assert read["recorded"] == cut["line"] - 1 > 1000
    assert whole[: cut["offset"]].count(b"\n") == read["recorded"]


def test_a_line_of_50_megabytes_is_read_like_any_other(tmp_path: Path) -> None:
    """A good one becomes a record, a broken one is quarantined; their neighbours are read."""
    long = "x" * 50_000_000
    with (tmp_path / "log.jsonl").open("wb") as file:
        file.write(lines(1))
        file.write(json.dumps(action(1, note=long)).encode() + b"\n")
        file.write(b'{"kind": "action", "note": "' + long.encode() + b"\n")
        file.write(json.dumps(action(2)).encode())
    ran = link(tmp_path, "log.jsonl")
    assert ran.code == 0
    assert totals(ran) | {"bytes": 0} == {
        "files": 1, "entries": 4, "recorded": 3, "skipped": 0, "quarantined": 1, "unread": 0, "no_logs": 0, "bytes": 0,
    }  # fmt: skip
    assert [(row["line"], row["reason"]) for row in quarantined(tmp_path)] == [(3, "not JSON: it ends too early")]


def test_100_000_broken_lines_are_all_listed(tmp_path: Path) -> None:
    """And the one good line among them is judged."""
    broken = b"".join(b'{"kind":"action","id":"%d","token":"%s"\n' % (n, SECRET.encode()) for n in range(100_000))
    (tmp_path / "log.jsonl").write_bytes(lines(1) + broken)
    ran = link(tmp_path, "log.jsonl")
    assert ran.code == 0
    assert totals(ran)["quarantined"] == 100_000
    found = quo(tmp_path, "quarantine", "--format", "jsonl").out
    assert found.count("\n") == 100_000
    assert SECRET not in found
    first, last = json.loads(found.splitlines()[0]), json.loads(found.splitlines()[-1])
    assert (first["line"], last["line"]) == (2, 100_001)


def test_100_000_broken_lines_and_nothing_else_are_nothing_read(tmp_path: Path) -> None:
    """Under a forced type each is quarantined by itself."""
    (tmp_path / "log.jsonl").write_bytes(b"{oops\n" * 100_000)
    ran = link(tmp_path, "native=log.jsonl")
    assert ran.code == 3
    explains(ran)
    assert "100000 lines" in ran.err.replace(",", "")
    assert len(quarantined(tmp_path)) == 100_000


def test_invalid_utf8_is_quarantined_line_by_line(tmp_path: Path) -> None:
    """The other lines are read."""
    good = lines(2).splitlines(keepends=True)
    (tmp_path / "log.jsonl").write_bytes(good[0] + b'{"kind":"action","id":"\xff\xfe"}\n' + good[1])
    ran = link(tmp_path, "log.jsonl")
    assert ran.code == 0
    assert totals(ran)["recorded"] == 2
    assert [(row["line"], row["reason"]) for row in quarantined(tmp_path)] == [(2, "not UTF-8")]


@pytest.mark.parametrize("forced", ["vault", "kubernetes", "cloudtrail", "native"])
def test_a_log_of_another_system_under_a_forced_type_is_quarantined_line_by_line(tmp_path: Path, forced: str) -> None:
    """Exit code 3, every line with its reason."""
    other = b'{"Version": 3, "who": "' + SECRET.encode() + b'"}\n'
    (tmp_path / "log.json").write_bytes(other * 20)
    ran = link(tmp_path, f"{forced}=log.json")
    assert ran.code == 3
    explains(ran)
    found = quarantined(tmp_path)
    assert [row["line"] for row in found] == list(range(1, 21))
    assert SECRET not in json.dumps(found) + ran.err


def test_one_bad_file_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    """Exit code 0, and the bad ones are named in the quarantine."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "good.jsonl").write_bytes(lines(3))
    (logs / "bad.bin").write_bytes(bytes(range(256)) * 100)
    (logs / "empty.log").touch()
    (logs / "gone.log").symlink_to("nowhere")
    os.mkfifo(logs / "pipe.log")
    ran = link(tmp_path, "logs")
    assert ran.code == 0
    assert totals(ran)["recorded"] == 3
    assert {Path(row["file"]).name: row["reason"] for row in quarantined(tmp_path)} == {
        "bad.bin": "binary or unknown content",
        "empty.log": "it is empty",
        "gone.log": "it cannot be read: No such file or directory",
        "pipe.log": "not a regular file: save its content to one first",
    }


@pytest.mark.parametrize("deep", [500, 100_000])
def test_deep_nesting_is_quarantined(tmp_path: Path, deep: int) -> None:
    """However deep, as JSON and as YAML; nobody runs out of stack."""
    nested = '{"a":' * deep + "1" + "}" * deep
    (tmp_path / "log.jsonl").write_text(json.dumps(action(1)) + "\n" + nested + "\n")
    (tmp_path / "roles.yaml").write_text("apiVersion: v1\nitems: " + "[" * deep + "]" * deep + "\n")
    ran = link(tmp_path, "native=log.jsonl", "kubernetes=roles.yaml")
    assert ran.code == 0
    read = totals(ran)
    assert read["recorded"] == 1
    assert read["quarantined"] == 2


# ---- paths, types, options -------------------------------------------------------------------------------------------


def test_a_path_at_which_nothing_is_fails_and_nothing_is_created(tmp_path: Path) -> None:
    """Exit code 1; also for a glob that matches nothing and a name longer than any file's."""
    for name in ("nowhere", "*.log", "x" * 5000, "native=nowhere"):
        ran = link(tmp_path, name)
        assert ran.code == 1
        explains(ran)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_type_is_a_usage_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    """Exit code 2."""
    (tmp_path / "log.jsonl").write_bytes(lines(1))
    ran = link(tmp_path, "k8s=log.jsonl")
    assert ran.code == 2
    explains(ran)
    assert "kubernetes" in ran.err


def test_no_arguments_is_a_usage_error(tmp_path: Path) -> None:
    """Exit code 2, and it says what to name."""
    ran = quo(tmp_path, "link")
    assert ran.code == 2
    assert "nothing to read" in ran.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["verdict"], "`verdicts`"),
        (["lnik", "x"], "`link`"),
        (["verdicts", "--formt", "csv"], "--format"),
        (["verdicts", "--verdict", "authorized"], "authorised"),
        (["verdicts", "--code", "QW999"], "QW101"),
        (["verdicts", "--since", "yesterday"], "2026-03-01T09:00:00Z"),
        (["verdicts", "--limit", "-1"], "--limit"),
        (["findings", "--severity", "hihg"], "high"),
        (["findings", "--code", "QW999"], "QW101"),
        (["link", "x", "--memory", "lots"], "4GB"),
        (["codes", "QW1"], "quo codes"),
    ],
)
def test_a_mistyped_command_option_or_value_gets_the_nearest_hint(
    tmp_path: Path, arguments: list[str], hint: str
) -> None:
    """Exit code 2."""
    ran = quo(tmp_path, *arguments)
    assert ran.code == 2
    assert hint in ran.err


@pytest.mark.parametrize("name", ["records", "verdicts", "findings", "quarantine", "coverage", "report"])
def test_without_a_case_every_command_says_how_to_make_one(tmp_path: Path, name: str) -> None:
    """Exit code 1."""
    ran = quo(tmp_path, name)
    assert ran.code == 1
    explains(ran)
    assert "quo link" in ran.err
    assert list(tmp_path.iterdir()) == []


# ---- the case folder -------------------------------------------------------------------------------------------------


def test_a_case_folder_that_is_a_file_is_a_usage_error(tmp_path: Path) -> None:
    """The file stays as it is."""
    (tmp_path / "log.jsonl").write_bytes(lines(1))
    (tmp_path / "quo.case").write_text("mine")
    ran = link(tmp_path, "log.jsonl")
    assert ran.code == 2
    assert "quo.case" in ran.err
    assert (tmp_path / "quo.case").read_text() == "mine"


@pytest.mark.parametrize("folder", ["/proc/nowhere/quo.case", "log.jsonl/quo.case"])
def test_a_case_folder_that_cannot_be_written_fails_with_the_reason(tmp_path: Path, folder: str) -> None:
    """Exit code 1."""
    (tmp_path / "log.jsonl").write_bytes(lines(1))
    ran = link(tmp_path, "log.jsonl", "--case", folder)
    assert ran.code == 1
    explains(ran)
    assert folder in ran.err


def test_a_folder_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    """What lies in it stays."""
    (tmp_path / "log.jsonl").write_bytes(lines(1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert link(tmp_path, "log.jsonl", "--case", "mine").code in (0, 1)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize(
    "victim", ["actions/*.parquet", "verdicts/*.parquet", "commits/*.parquet", "chains/_delta_log/*"]
)
@pytest.mark.parametrize("how", ["gone", "noise", "empty"])
def test_a_damaged_case_says_so(tmp_path: Path, victim: str, how: str) -> None:
    """Exit code 1; reading it and adding to it."""
    (tmp_path / "log.jsonl").write_bytes(lines(3))
    assert link(tmp_path, "log.jsonl").code == 0
    for path in (tmp_path / "quo.case").glob(victim):
        path.unlink()
        if how != "gone":
            path.write_bytes(b"noise" * 100 if how == "noise" else b"")
    for arguments in (["verdicts"], ["explain", "a1"]):
        ran = quo(tmp_path, *arguments)
        assert ran.code == 1
        explains(ran)
        assert "missing or damaged" in ran.err
    assert quo(tmp_path, "link", "log.jsonl").code in (0, 1)


def test_a_second_writer_is_told_to_wait(tmp_path: Path) -> None:
    """Exit code 1; readers are not kept out."""
    import fcntl

    (tmp_path / "log.jsonl").write_bytes(lines(1))
    assert link(tmp_path, "log.jsonl").code == 0
    with (tmp_path / "quo.case" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = link(tmp_path, "log.jsonl")
        assert ran.code == 1
        explains(ran)
        assert "another process" in ran.err
        assert len(rows(tmp_path, "verdicts")) == 1


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("[clock]\nskwe = '2s'\n", 2, "`skew`"),
        ("\n[clok]\nskew = '2s'\n", 2, "`clock`"),
        ("[clock]\nskew = 2\n", 2, "unit"),
        ("[clock]\nskew = '2 parsecs'\n", 2, "unit"),
        ("[clock\n", 1, "TOML"),
        ("clock.windw = '1s'\n", 1, "`window`"),
    ],
)
def test_a_setting_that_cannot_be_obeyed_names_file_line_and_nearest_key(
    tmp_path: Path, text: str, line: int, hint: str
) -> None:
    """Exit code 2, and nothing is read."""
    (tmp_path / "log.jsonl").write_bytes(lines(1))
    (tmp_path / "quo.case").mkdir()
    (tmp_path / "quo.case" / "quo.toml").write_text(text)
    ran = link(tmp_path, "log.jsonl")
    assert ran.code == 2
    assert f"quo.toml:{line}" in ran.err
    assert hint in ran.err
