"""Every source, code, command, option, exit code, setting, table and field has its page, and the page is right."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.cases_io import _records
from tests.docs.project import README, REFERENCE, blocks, columns, pages, text
from tests.model import judge
from tools import clidocs, controldocs

from quowarranto.case import config
from quowarranto.case.query import verdicts
from quowarranto.case.store import Case
from quowarranto.case.tables import TABLES
from quowarranto.cli import COMMANDS, command_of
from quowarranto.findings.overview import MEANING
from quowarranto.findings.pages import page_of
from quowarranto.findings.standing import standing
from quowarranto.pipeline import link_paths
from quowarranto.records import Action, AuthorityFact
from quowarranto.records.codes import ABOUT_AUTHORITIES, CODES, GUILTY, REPLAYED, ROOT_CAUSES
from quowarranto.replay.compare import Tally
from quowarranto.replay.run import Asked, replay_case
from quowarranto.sources import SOURCES

EXIT_CODES = {0, 1, 2, 3, 10, 13}


@pytest.mark.parametrize("name", [source.name for source in SOURCES])
def test_every_source_has_a_page_and_a_row_in_the_readme(name: str) -> None:
    source = next(source for source in SOURCES if source.name == name)
    assert name in text(REFERENCE / "sources" / f"{name}.md")
    assert f"| [`{name}`](docs/reference/sources/{name}.md) |" in text(README)
    row = next(line for line in text(README).splitlines() if line.startswith(f"| [`{name}`]"))
    assert row.endswith(f"| `{source.ceiling}` |")


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page_that_says_what_the_code_table_says(code: str) -> None:
    page = page_of(code)
    assert page.startswith(f"# {code}: {CODES[code].name}\n\nSeverity **{CODES[code].severity}**")
    assert ("makes a linked action `unauthorised`" in page) == (code in GUILTY)
    for cause, codes in ROOT_CAUSES:
        assert (f"root cause `{cause}`" in page) == (code in codes)
    assert page.endswith(f"\n## Controls\n{controldocs.section(code)}".rstrip()), "run `python -m tools.controldocs`"
    assert f"| [{code}]({code}.md) | {CODES[code].severity} | {CODES[code].name} |" in text(
        REFERENCE / "codes" / "README.md"
    )


@pytest.mark.parametrize("code", CODES)
def test_the_example_of_a_code_shows_that_code(code: str, tmp_path: Path) -> None:
    block = re.search(r"```jsonl\n(.*?)```\n\n(.*?)\n\n## ", page_of(code), re.DOTALL)
    assert block is not None
    demanded = re.search(r"```toml\n(.*?)```", page_of(code), re.DOTALL)
    (tmp_path / "quo.toml").write_text(demanded[1] if demanded else "")
    if code in ABOUT_AUTHORITIES or code in REPLAYED:
        (tmp_path / "log.jsonl").write_text(block[1])
        case = Case(tmp_path)
        link_paths(case, [str(tmp_path / "log.jsonl")], threads=1)
        if code in REPLAYED:
            assert len(list(replay_case(case, Asked(workers=1), Tally()))) == 1
            (shown_,) = verdicts(case.snapshot())
            assert code in shown_["codes"]
            assert {f"`{shown_['verdict']}`", f"`{shown_['linkage']}`"} <= set(re.findall(r"`\w+`", block[2]))
        else:
            assert code in {row["code"] for row in standing(case.snapshot(), config.load_config(tmp_path))}
        return
    expectations = config.load_config(tmp_path).expect
    judged = judge(
        [record for line in block[1].splitlines() for record in _records(line.encode())], expectations=expectations
    )
    shown = [one for one in judged if code in one.codes]
    assert shown, f"{code} does not stand of its own example"
    assert {f"`{shown[0].verdict}`", f"`{shown[0].linkage}`"} <= set(re.findall(r"`\w+`", block[2]))


def test_no_page_is_left_of_a_code_that_does_not_exist() -> None:
    assert {path.stem for path in (REFERENCE / "codes").glob("QW*.md")} == set(CODES)


def test_the_pages_of_the_commands_are_what_the_commands_say() -> None:
    assert clidocs.main(["--check"]) == 0
    assert {path.stem for path in (REFERENCE / "cli").glob("*.md")} == {*COMMANDS, "README"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_on_the_page_of_its_command(name: str) -> None:
    page = text(REFERENCE / "cli" / f"{name}.md")
    for parameter in command_of(name).params:
        if parameter.param_type_name == "option":
            assert all(f"`{option}`" in page for option in parameter.opts)


def _written_commands() -> Iterator[tuple[str, list[str]]]:
    """Every `quo …` of the shell blocks and of the text of all pages: the page, and its words."""
    for path in pages():
        shell = "\n".join(blocks(path, "sh")).replace("\\\n", " ")
        prose = re.sub(r"^```.*?^```", "", text(path), flags=re.DOTALL | re.MULTILINE)
        inline = re.findall(r"`(quo [^`]+)`", re.sub(r"\s*\n\s*", " ", prose))
        for line in [*re.findall(r"\bquo [^|;>&\n)]*", shell), *inline]:
            yield path.name, line.partition("  #")[0].split()


def test_every_command_that_a_page_writes_exists_with_its_options() -> None:
    """What is to be typed can be typed."""
    wrong = []
    for page, (_, name, *words) in ((page, words) for page, words in _written_commands() if len(words) > 1):
        if name.startswith("-") or not re.fullmatch(r"[a-z]+", name):
            continue
        if name not in COMMANDS:
            wrong.append(f"{page}: quo {name}")
            continue
        known = {option for parameter in command_of(name).params for option in parameter.opts} | {"--help", "-h"}
        used = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
        wrong += [f"{page}: quo {name} {option}" for option in sorted(used - known)]
    assert wrong == []


@pytest.mark.parametrize(
    ("page", "settings"),
    [(path.name, block) for path in pages() for block in blocks(path, "toml") if "…" not in block],
    ids=lambda value: value if value.endswith(".md") else "",
)
def test_every_setting_that_a_page_shows_is_taken(page: str, settings: str, tmp_path: Path) -> None:
    """Copied into `quo.toml` as it stands."""
    (tmp_path / "quo.toml").write_text(settings, encoding="utf-8")
    config.load_config(tmp_path)


def test_every_exit_code_is_in_both_tables() -> None:
    for path in (REFERENCE / "exit-codes.md", README):
        assert {int(number) for number in re.findall(r"^\| (\d+) \|", text(path), re.MULTILINE)} == EXIT_CODES


def test_every_setting_is_described_and_shown_with_its_default() -> None:
    page = text(REFERENCE / "configuration.md")
    settings = [f"{section}.{key}" for section, keys in config._KNOWN.items() for key in keys] + [*config._ALONE]
    assert [name for name in settings if f"| `{name}` |" not in page] == []
    defaults = tomllib.loads(config.DEFAULT)
    for name in re.findall(r"^\| `(\w+\.\w+)` \| `\"", page, re.MULTILINE):
        section, key = name.split(".")
        assert f'| `{name}` | `"{defaults[section][key]}"` |' in page


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_the_case_is_described(name: str) -> None:
    page = text(REFERENCE / "formats" / "case.md")
    section = "facts" if name == "derived" else name
    found = re.search(rf"^## {section}$(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    assert columns(found[1]) == {column for column, _ in TABLES[name].columns()}
    assert f"## {name}\n" in page


@pytest.mark.parametrize(("heading", "record"), [("Action", Action), ("Fact", AuthorityFact)])
def test_every_field_of_a_native_record_is_described(heading: str, record: type[msgspec.Struct]) -> None:
    page = text(REFERENCE / "formats" / "native.md")
    found = re.search(rf"^## {heading}$(.*?)(?=^## )", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    assert columns(found[1]) == {*record.__struct_fields__, "kind"} - {"stage"}


def test_every_verdict_means_the_same_everywhere() -> None:
    for verdict in MEANING:
        assert f"| `{verdict}` |" in text(README)
        assert f"| `{verdict}` |" in text(REFERENCE / "formats" / "verdicts.md")
