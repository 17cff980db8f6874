"""The table of controls: every code of the specification has its row, and every id is one that its framework has."""

from __future__ import annotations

import re

import pytest

from quowarranto.findings.controls import APPLIES_TO, CONTROLS, FRAMEWORKS, IDS, in_words
from quowarranto.records import KINDS
from quowarranto.records.codes import CODES

SPECIFIED = (
    *("QW101", "QW102", "QW103", "QW104", "QW105", "QW107", "QW108", "QW109"),
    *("QW201", "QW202", "QW203", "QW204", "QW205", "QW206", "QW207", "QW208"),
    *("QW301", "QW302", "QW303", "QW304", "QW305", "QW306"),
    *("QW401", "QW402", "QW403", "QW404", "QW405", "QW406", "QW407"),
    *("QW501", "QW502", "QW503"),
    *("QW601", "QW602", "QW603", "QW604", "QW605", "QW606", "QW607"),
)
"""The codes of SPEC 8, whether this version finds them or not."""

CSF = {
    "ID.RA": "01 02 03 04 05 06 07 08 09 10",
    "PR.AA": "01 02 03 04 05 06",
    "PR.DS": "01 02 10 11",
    "PR.PS": "01 02 03 04 05 06",
    "DE.CM": "01 02 03 06 09",
    "DE.AE": "02 03 04 06 07 08",
    "RS.AN": "03 06 07 08",
}
"""Subcategories of the categories used here: their numbers have holes (CSF 2.0, appendix A)."""


def test_every_code_of_the_specification_has_its_row_in_its_order() -> None:
    assert tuple(CONTROLS) == SPECIFIED
    assert set(CODES) <= set(SPECIFIED)


@pytest.mark.parametrize("code", SPECIFIED)
def test_every_code_has_ids_of_the_shape_that_their_framework_gives_them(code: str) -> None:
    """No id twice, in order as the framework numbers them."""
    assert IDS[code]["nist-800-53"]
    for key, ids in IDS[code].items():
        assert [one for one in ids if not re.fullmatch(FRAMEWORKS[key].pattern, one)] == []
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("key", FRAMEWORKS)
def test_every_framework_is_used_and_says_where_its_text_is(key: str) -> None:
    assert any(ids[key] for ids in IDS.values())
    assert FRAMEWORKS[key].public.startswith("https://")


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("nist-800-53", "AC2"),
        ("nist-800-53", "AC-2.1"),
        ("nist-csf", "PR.AA-5"),
        ("nist-csf", "XX.AA-01"),
        ("nist-800-207", "8"),
        ("owasp-nhi", "NHI11:2025"),
        ("owasp-nhi", "NHI7"),
        ("owasp-agentic", "ASI11"),
        ("iso-27001", "A.9.2.3"),
        ("iso-27001", "A.8.35"),
        ("soc-2", "CC6.9"),
        ("pci-dss", "13.1.1"),
        ("nis2", "21(2)(k)"),
        ("dora", "9"),
    ],
)
def test_what_no_framework_has_is_no_id(key: str, wrong: str) -> None:
    """A control of an older edition, one too many, one mistyped."""
    assert not re.fullmatch(FRAMEWORKS[key].pattern, wrong)


def test_every_subcategory_of_the_csf_exists() -> None:
    used = {one for ids in IDS.values() for one in ids["nist-csf"]}
    assert [one for one in sorted(used) if one[6:] not in CSF[one[:5]].split()] == []


def test_what_a_code_applies_to_is_one_of_the_words() -> None:
    words = {
        "action",
        "chain",
        "log",
        "evidence",
        "replayed",
        "decided-again",
        *KINDS,
        *(f"each-{kind}" for kind in KINDS),
    }
    assert {word for applies in APPLIES_TO.values() for word in applies} <= words


def test_long_lived_secrets_and_missing_auditing_are_where_owasp_has_them() -> None:
    """SPEC 11: NHI7:2025 is about secrets that live long, NHI10:2025 is the one that names missing auditing."""
    assert "OWASP NHI7:2025" in CONTROLS["QW405"]
    assert "OWASP NHI10:2025" in CONTROLS["QW101"]
    assert all(code[:3] in ("QW2", "QW3", "QW4") for code, ids in IDS.items() if "NHI7:2025" in ids["owasp-nhi"])


def test_in_words_each_framework_is_named_once() -> None:
    assert in_words("QW604").startswith("NIST SP 800-53: AU-8; NIST CSF 2.0: PR.PS-04; ISO/IEC 27001:2022: A.8.17; ")
    assert "NIS2: Article 21(2)(i), Article 21(2)(j)" in in_words("QW207")
