"""Every code has its page, its case files (where it stands, where not, on the edge) and its controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from quowarranto.case.config import load_config
from quowarranto.case.store import Case as Folder
from quowarranto.findings.controls import CONTROLS, IDS
from quowarranto.findings.standing import standing
from quowarranto.pipeline import link_paths
from quowarranto.records.codes import ABOUT_AUTHORITIES, CODES, names
from tests.cases_io import FOLDER, Case, load_cases
from tests.docs.project import REFERENCE, text
from tests.test_controls import SPECIFIED

CASES = load_cases()

NOT_FOUND_YET = {
    "QW601": "needs recorded decisions to be decided again (tests/replay/cases)",
    "QW603": "needs evidence that was sealed",
    "QW605": "needs recorded decisions to be decided again (tests/replay/cases)",
    "QW607": "needs receipts",
}
"""Codes of SPEC 8 that judging records alone does not find, and what it takes."""

CASES_ELSEWHERE = {code: why for code, why in NOT_FOUND_YET.items() if code in CODES}
"""Codes whose cases cannot be a handful of records with verdicts; the tests of what finds them hold theirs."""


def test_every_code_of_the_specification_is_found_or_it_is_said_why_not() -> None:
    assert set(SPECIFIED) - set(CODES) <= set(NOT_FOUND_YET)
    assert set(CODES) <= set(SPECIFIED)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_page_and_its_controls(code: str) -> None:
    assert text(REFERENCE / "codes" / f"{code}.md").startswith(f"# {code}: {CODES[code].name}\n")
    assert CONTROLS[code]
    assert any(IDS[code].values())


@pytest.mark.parametrize("code", [code for code in CODES if code not in CASES_ELSEWHERE])
def test_every_code_has_cases_where_it_stands_where_it_does_not_and_on_the_edge(code: str) -> None:
    """Three files at least: on the edge it may stand or not."""
    own = [case for case in CASES if case.name.startswith(f"{code}/")]
    plain = [case for case in own if not case.borderline]
    assert [case.name for case in plain if True in _stands(code, case)], f"no case in which {code} stands"
    assert [case.name for case in plain if False in _stands(code, case)], f"no case in which {code} does not stand"
    assert [case.name for case in own if case.borderline], f"no case on the edge of {code}"


@pytest.mark.parametrize("code", CASES_ELSEWHERE)
def test_a_code_whose_cases_are_elsewhere_has_none_here(code: str) -> None:
    assert not (FOLDER / code).exists()


def _stands(code: str, case: Case) -> set[bool]:
    """Whether a case expects a code of its actions: of some, of others not. Of authorities, where it is about those."""
    if code in ABOUT_AUTHORITIES:
        assert case.findings is not None, f"{case}: `findings` says which authorities"
        return {code in case.findings}
    return {code in said["codes"] for said in case.expect.values() if "codes" in said}


@pytest.mark.parametrize("case", [case for case in CASES if case.findings is not None], ids=str)
def test_what_stands_of_authorities_is_what_the_case_file_says(case: Case, tmp_path: Path) -> None:
    """Linked as a user would, with the settings of the case; in order and backwards."""
    lines = (FOLDER / f"{case.name}.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    assert case.findings is not None
    wanted = {code: sorted(keys) for code, keys in case.findings.items()}
    for name, part in (("forwards", lines), ("backwards", lines[::-1])):
        assert _found(tmp_path / name, part, case.settings) == wanted, case.about


def _found(folder: Path, lines: Sequence[str], settings: str) -> dict[str, list[str]]:
    folder.mkdir()
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "quo.toml").write_text(settings, encoding="utf-8")
    case = Folder(folder)
    link_paths(case, [str(folder / "log.jsonl")], threads=1)
    out: dict[str, list[str]] = {}
    for row in standing(case.snapshot(), load_config(folder)):
        out.setdefault(row["code"], []).append(row["key"])
    return {code: sorted(keys) for code, keys in out.items()}


def test_a_case_that_speaks_of_findings_names_codes_about_authorities() -> None:
    named = {code for case in CASES for code in case.findings or ()}
    assert named == set(ABOUT_AUTHORITIES)
    assert names(0) == (), "no verdict bears a code about authorities"
