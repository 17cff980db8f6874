"""The report: one page that loads nothing, runs one known script and escapes everything."""

from __future__ import annotations

import base64
import hashlib
import re

from quowarranto.export.report import report_html
from tests.export import examples


def test_hostile_values_stay_text() -> None:
    """No tag, script or attribute of a log's making stands in the page."""
    page = report_html(examples.a_report([examples.hostile(), examples.expired()]))
    assert "<script>alert" not in page
    assert not re.search(r"<img\b", page)
    assert page.count("<script>") == 1
    assert "\u202e" not in page
    assert "\x1b" not in page


def test_only_the_script_whose_hash_the_policy_names_may_run() -> None:
    """The content security policy forbids everything else, every request among it."""
    page = report_html(examples.a_report(examples.everything()))
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href|action)=["']?(?!#|data:,")[a-z]+:""", page)


def test_every_finding_is_there_with_its_samples_and_its_controls_are_not_claimed_to_be_met() -> None:
    """SPEC 11: evidence relevant to a control, never compliance with it."""
    ones = examples.everything()
    page = report_html(examples.a_report(ones))
    assert page.count('<details class="finding') == len(ones)
    assert page.count('<details class="sample"') == len(ones)
    assert "Provides evidence relevant to NIST SP 800-53: AC-3" in page
    assert "complies" not in page


def test_a_case_without_any_action_gives_a_page_all_the_same() -> None:
    """Nothing to show is a result as well."""
    empty = examples.a_report([]) | {"over_time": [], "span": {"first": None, "last": None}, "sources": []}
    empty["totals"] = empty["totals"] | {"actions": 0, "verdicts": {}}
    assert "No action was judged." in report_html(empty)
