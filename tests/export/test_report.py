"""The report: one page that loads nothing, runs one known script and escapes everything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from quowarranto.export.page import environment
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
    assert page.count('<details class="action"') == len(ones)
    assert "Provides evidence relevant to NIST SP 800-53: AC-3" in page
    assert "complies" not in page


def test_a_case_without_any_action_gives_a_page_all_the_same() -> None:
    """Nothing to show is a result as well."""
    empty = examples.a_report([]) | {"over_time": [], "span": {"first": None, "last": None}, "sources": []}
    empty["totals"] = empty["totals"] | {"actions": 0, "verdicts": {}}
    assert "No action was judged." in report_html(empty)


def test_an_action_is_told_once_and_linked_from_every_other_finding_about_it() -> None:
    """Ids are unique, so that a link to an action has one target."""
    report = examples.a_report(examples.everything())
    report["findings"].append(report["findings"][0] | {"code": "QW406", "name": "revocation not propagated"})
    page = report_html(report)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "Shown with another finding" in page
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in ids


def test_the_anchor_of_a_finding_is_the_same_in_the_next_report() -> None:
    """A link that was mailed yesterday opens the same finding today, wherever it now stands in the list."""
    ones = examples.everything()
    before, after = (
        set(re.findall(r'id="(QW\d+-\w+)"', report_html(examples.a_report(some)))) for some in (ones, ones[::-1])
    )
    assert before == after


def test_two_hundred_actions_with_long_lines_stay_under_three_megabytes() -> None:
    """The page is mailed around: what is told of each action gives way, not the action."""
    ones = [_with_long_lines(number) for number in range(200)]
    page = report_html(examples.a_report(ones))
    assert len(page.encode()) < 3_000_000
    assert page.count('<details class="action"') == 200
    assert page.count('class="wide"') == 200


def _with_long_lines(number: int) -> dict[str, Any]:
    one = examples.revoked() if number % 2 else examples.long_chain(12)
    one = json.loads(json.dumps(one))
    one["action"]["id"] = one["verdict"]["action"] = f"action-{number}"
    for fact in (fact for link in one["chain"] for fact in link["facts"]):
        fact["raw"] = "{" + "x" * 2_000 + "}"
    return dict(one)


def test_every_control_that_can_be_shown_is_shown_in_words() -> None:
    """Counts, linkage by source, ceilings, causes, quarantine and limits are text, not only shapes."""
    page = report_html(examples.a_report(examples.everything()))
    for words in (
        "18,204",
        "At best <b>proven</b>",
        "enable <code>log_raw</code> policies",
        "telemetry-gap",
        "audit.log:3",
        "3.2 h from",
    ):
        assert words in page
    assert "3 of 23 slices of time" in page


def test_every_line_of_a_record_is_given_with_its_whole_digest_and_every_moment_with_its_zone() -> None:
    """Half a digest proves nothing to who has the log; a time without a zone is no time."""
    one = _with_long_lines(1)
    page = report_html(examples.a_report([one]))
    digests = {one["origin"]["sha256"], *(fact["origin"]["sha256"] for link in one["chain"] for fact in link["facts"])}
    assert {len(digest) for digest in digests} == {64}
    assert [digest for digest in digests if f"SHA-256 {digest}" not in page] == []
    assert f"{one['verdict']['time'][:19].replace('T', ' ')} UTC" in page
    assert re.search(r"last \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</span>", page)
    assert not re.search(r"last \d{4}-\d\d-\d\d \d\d:\d\d:\d\d</span>", page)


def test_a_page_of_nothing_is_no_all_clear() -> None:
    """Where no action was judged nothing was found, and nothing was looked at."""
    empty = examples.a_report([])
    empty["totals"] = {**empty["totals"], "actions": 0, "verdicts": {}, "quarantined": 0}
    empty["findings"] = []
    page = report_html(empty)
    assert "No action was judged, so that nothing can be said." in page
    assert "Nothing was found that does not hold" not in page


def test_a_span_of_time_is_broken_at_its_dash_only_and_names_in_sentences_are_code() -> None:
    """And a text that came with a backtick or a bracket of its own stays text."""
    filters, until = environment().filters, environment().globals["until"]
    assert callable(until)
    assert until("2026-03-01T09:00:12.5Z", "2026-03-02T10:04:00Z") == (
        '<span class="moment">2026-03-01 09:00:12</span> – <span class="moment">2026-03-02 10:04:00</span>'
    )
    assert filters["coded"]("see `a<b>` & c") == "see <code>a&lt;b&gt;</code> &amp; c"
    assert filters["coded"]("one ` alone <b>") == "one ` alone &lt;b&gt;"
