"""The report: one self-contained page that loads nothing, runs one known script and escapes everything it shows."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from quowarranto.export import charts, marks
from quowarranto.export.palette import both
from quowarranto.export.timeline import identity, timeline_figure
from quowarranto.export.words import capped, clean, middle, plural, principal

_WIDE, _NARROW = 900, 380
_HOVER = 300

MEANING = {
    "unauthorised": "its authority is on record and did not hold",
    "disputed": "several could have allowed it and disagree",
    "unproven": "no authority found, or none that held",
    "presumed": "something would have allowed it; which is not proven",
    "authorised": "every link is on record and held",
    "refused": "the control worked",
}


def report_html(report: dict[str, Any]) -> str:
    """The page for a report as `findings.reporting.report_data` gathers it."""
    script = _asset("report.js")
    page: str = _template().render(
        report=report,
        style=Markup(_asset("report.css") + both(_asset("report-colours.css")) + marks.style()),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        shared=marks.shared_marks(),
        columns=charts.columns(report["over_time"]),
        axis=charts.axis(report["over_time"]) if report["over_time"] else None,
        verdicts=[(name, report["totals"]["verdicts"].get(name, 0), MEANING[name]) for name in charts.VERDICTS],
        headline=_headline(report),
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
    parts = [f"{bad:,} unauthorised or disputed"] if bad else []
    parts += [f"{open_:,} without a proven authority"] if open_ else []
    return f"{plural(total, 'action')}, of which {' and '.join(parts)}."


@cache
def _asset(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    environment = Environment(loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(
        shown=lambda text, room=60: middle(clean(str(text)), room),
        whole=lambda text: capped(clean(str(text)), 600),
        who=principal,
        number=lambda value: f"{value:,}",
        anchor=lambda text: identity(str(text)),
        day=lambda text: str(text)[:19].replace("T", " "),
    )
    environment.globals.update(
        share=charts.share,
        linkages=charts.LINKAGES,
        verdict_order=charts.VERDICTS,
        wide=lambda explained: timeline_figure(explained, width=_WIDE, hover=_HOVER),
        narrow=lambda explained: timeline_figure(explained, width=_NARROW, hover=0),
    )
    return environment.from_string(_asset("report.html"))
