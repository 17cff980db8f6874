"""The report: one self-contained page that loads nothing, runs one known script and escapes everything it shows.

Reads     what `findings.reporting.report_data` gathers of a case.
Writes    HTML for a browser of any width, light or dark, with or without script, and for paper.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from markupsafe import Markup

from quowarranto.export import charts, marks
from quowarranto.export.chapters import BUDGET, DETAILS, chapter
from quowarranto.export.page import asset, environment, style
from quowarranto.export.timeline import identity
from quowarranto.export.words import plural, principal

MEANING = {
    "unauthorised": "its authority did not hold",
    "disputed": "the records disagree",
    "unproven": "no authority proven",
    "presumed": "likely, not proven",
    "authorised": "every link held",
    "refused": "the control worked",
}
MOST_FINDINGS = 500
_FIRST = 5


def report_html(report: dict[str, Any]) -> str:
    """The page for a report as `findings.reporting.report_data` gathers it."""
    script = asset("report.js")
    verdicts = report["totals"]["verdicts"]
    page: str = (
        environment()
        .get_template("report.html")
        .render(
            report=report,
            style=Markup(style()),  # noqa: S704 - our own text
            script=Markup(script),  # noqa: S704 - our own text
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            shared=marks.shared_marks(),
            columns=[charts.columns(report["over_time"], width=width) for width in (640, 340)],
            verdicts=[(name, verdicts.get(name, 0), MEANING[name]) for name in charts.VERDICTS],
            headline=_headline(report),
            first=_first(report["findings"]),
            findings=_findings(report),
            others=_others(report),
            samples=_samples(report["explained"]),
        )
    )
    return page


def _headline(report: dict[str, Any]) -> str:
    """The first sentence: how much, how bad."""
    verdicts = report["totals"]["verdicts"]
    total = report["totals"]["actions"]
    bad = verdicts.get("unauthorised", 0) + verdicts.get("disputed", 0)
    open_ = verdicts.get("unproven", 0)
    if not total:
        return "No action was judged."
    if not bad and not open_:
        return f"{plural(total, 'action')}: none was found unauthorised, disputed or unproven."
    parts = [f"{bad:,} unauthorised or disputed ({charts.percent(bad, total)})"] if bad else []
    parts += [f"{open_:,} without a proven authority"] if open_ else []
    return f"{plural(total, 'action')}, of which {' and '.join(parts)}."


def _first(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What to look at first: the gravest kinds of finding, each with its gravest finding to go to."""
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        by_kind.setdefault(finding["code"], []).append(finding)
    return [
        {
            **alike[0],
            "anchor": _anchor(alike[0]),
            "findings": len(alike),
            "actions": sum(finding["count"] for finding in alike),
            "last_of_all": max(finding["last"] for finding in alike),
        }
        for alike in list(by_kind.values())[:_FIRST]
    ]


def _findings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Each with its anchor, and of each sample action whether it is told here, further up, or not at all."""
    told: set[str] = set()
    out = []
    for finding in report["findings"][:MOST_FINDINGS]:
        samples: dict[str, list[str]] = {"here": [], "above": [], "absent": []}
        for action in finding["sample"]:
            where = "absent" if action not in report["explained"] else "above" if action in told else "here"
            told.add(action)
            samples[where].append(action)
        out.append({**finding, "anchor": _anchor(finding), "samples": samples})
    return out


def _others(report: dict[str, Any]) -> list[str]:
    """Explained actions that no listed finding shows."""
    shown = {action for finding in report["findings"][:MOST_FINDINGS] for action in finding["sample"]}
    return [action for action in report["explained"] if action not in shown]


def _anchor(finding: dict[str, Any]) -> str:
    """The same in every report of a case, so that a link to it keeps its meaning."""
    subject = finding["subject"]
    return f"{finding['code']}-{identity(subject.get('key') or 'principal ' + principal(subject.get('principal')))}"


def _samples(explained: dict[str, dict[str, Any]]) -> dict[str, Markup]:
    """Every explained action as markup, in as much detail as its part of the budget allows."""
    template = environment().get_template("action.html")
    left = BUDGET
    out: dict[str, Markup] = {}
    for number, (action, one) in enumerate(explained.items()):
        allowed = left // (len(explained) - number)
        for detail in DETAILS:
            text = template.render(one=one, told=chapter(one, detail), action=action)
            if len(text.encode("utf-8", "replace")) <= allowed:
                break
        left -= len(text.encode("utf-8", "replace"))
        out[action] = Markup(text)  # noqa: S704 - rendered with autoescape
    return out
