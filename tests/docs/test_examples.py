"""The examples of the documentation run, and print what it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cases_io import _records
from tests.docs.project import README, REFERENCE, ROOT, blocks, columns, text
from tests.model import judge

from quowarranto.findings.overview import MEANING
from quowarranto.records.codes import SEVERITIES

RUN = (README, ROOT / "docs" / "tutorial" / "first-case.md")
"""Pages whose `console` blocks are run, in order, in an empty folder."""
NATIVE = ROOT / "docs" / "howto" / "write-native-records.md"


def _examples(path: Path) -> Iterator[tuple[list[str], str]]:
    """Commands and expected output of the `console` blocks; `…` stands for anything, alone on a line for any lines."""
    for block in blocks(path, "console"):
        command, _, output = block.partition("\n")
        assert command.startswith("$ quo "), f"{path.name}: a console block begins with `$ quo `"
        yield command.removeprefix("$ quo ").split(), output


def _expected(output: str) -> re.Pattern[str]:
    parts = []
    for line in output.splitlines():
        if line.strip() == "…":
            parts.append("(?:.*\n)*?")
        else:
            pieces = [re.escape(_squeezed(piece)) for piece in line.split("…")]
            parts.append(r"\s*.*".join(pieces) + "\n")
    return re.compile("".join(parts))


def _squeezed(line: str) -> str:
    return re.sub(r"[ \t]+", " ", line).strip()


def _quo(arguments: list[str], folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "quowarranto", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return "".join(_squeezed(line) + "\n" for line in done.stdout.splitlines())


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.name)
def test_the_console_examples_of_a_page_print_what_the_page_shows(path: Path, tmp_path: Path) -> None:
    examples = list(_examples(path))
    assert examples
    for command, output in examples:
        printed = _quo(command, tmp_path)
        assert _expected(output).fullmatch(printed), f"$ quo {' '.join(command)}\n{printed}"


def test_the_sum_that_the_first_case_does_is_that_of_its_example() -> None:
    page = text(RUN[1])
    shown = re.search(r"(\d+) entries in \d+ files: (\d+) became records, (\d+) skipped, (\d+) quarantined", page)
    said = re.search(r"Nothing vanishes: (\d+), (\d+) and (\d+) make (\d+)\.", page)
    assert shown is not None
    assert said is not None
    assert said.groups() == (*shown.groups()[1:], shown[1])
    assert sum(map(int, said.groups()[:3])) == int(said[4])


def test_the_records_of_the_how_to_are_judged_as_it_says() -> None:
    (block,) = blocks(NATIVE, "jsonl")
    judged = judge([record for line in block.splitlines() for record in _records(line.encode())])
    found = {one.action: (one.verdict, one.linkage, one.codes) for one in judged}
    assert found == {
        "pam/1": ("authorised", "proven", ()),
        "pam/2": ("unauthorised", "proven", ("QW202", "QW406")),
    }


def test_the_fields_that_commands_print_are_described(tmp_path: Path) -> None:
    (block,) = blocks(NATIVE, "jsonl")
    (tmp_path / "pam.jsonl").write_text(block, encoding="utf-8")
    _quo(["link", "pam.jsonl"], tmp_path)
    for name in ("verdicts", "findings", "coverage"):
        fields = json.loads(_quo([name, "--format", "jsonl"], tmp_path).splitlines()[0]).keys()
        assert columns(text(REFERENCE / "formats" / f"{name}.md")) >= fields, name
    explained = json.loads(_quo(["explain", "pam/2", "--format", "json"], tmp_path))
    described = columns(text(REFERENCE / "formats" / "explain.md"))
    assert described >= {*explained, *explained["chain"][0], *explained["chain"][0]["tests"][0]}


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the case of the imaginary organisation: `world/quo.case`."""
    folder = tmp_path_factory.mktemp("organisation")
    _quo(["demo", "world", "--no-open"], folder)
    return folder


@pytest.mark.parametrize(
    "command",
    ["link", "investigate", "impact pam/session/9917", "privileges", "reconcile", "propagation", "controls"],
)
def test_every_field_of_a_command_is_named_on_the_page_of_its_format(organisation: Path, command: str) -> None:
    """However deep; names that are values (a verdict, a code) count as named where the page links to their list."""
    name = command.split()[0]
    printed = json.loads(_quo([*command.split(), "--case", "world/quo.case", "--format", "json"], organisation))
    page = text(REFERENCE / "formats" / f"{name}.md")
    linked = re.findall(r"\]\((findings\.md)\)", page)  # what it holds of findings is described there
    named = set(re.findall(r"\w+", page + "".join(text(REFERENCE / "formats" / other) for other in linked)))
    values = {*MEANING, *SEVERITIES, "attested", "proven", "partial", "inferred", "missing"}
    unnamed = {field for field in _fields(printed) if not set(re.findall(r"\w+", field)) <= named}
    assert {field for field in unnamed if not re.fullmatch(r"QW\d{3}", field)} <= values


def _fields(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner)


def test_the_check_of_the_how_to_finds_every_line_again_and_a_changed_one(organisation: Path) -> None:
    """Lines, elements of arrays, lists of YAML, packed files: of the imaginary organisation, which has all of them."""
    tmp_path = organisation
    (script,) = blocks(ROOT / "docs" / "howto" / "check-evidence.md", "python")
    records = _quo(["records", "--case", "world/quo.case", "--format", "jsonl"], tmp_path)

    def check() -> str:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            input=records,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout

    count = len(records.splitlines())
    assert check() == f"{count} records checked, 0 differ\n"
    log = tmp_path / "world" / "logs" / "native" / "pam.jsonl"
    log.write_bytes(log.read_bytes().replace(b"erp-02", b"erp-03", 1))
    first = check().splitlines()[0]
    assert re.fullmatch(r"world/logs/native/pam\.jsonl:\d+ is not what was read", first)


def test_python_examples_of_the_case_page_run(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(
        '{"kind":"action","time":"2026-03-01T09:00:00Z","principal":{"type":"user","id":"kim"},"action":"read",'
        '"resource":{"type":"file","id":"a"}}\n',
        encoding="utf-8",
    )
    _quo(["link", "one.jsonl"], tmp_path)
    (block,) = blocks(REFERENCE / "formats" / "case.md", "python")
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "unproven" in done.stdout
