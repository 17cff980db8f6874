"""The case by control as one self-contained page, for auditors: no script, nothing loaded, everything escaped.

Reads     what `quo controls --format json` prints.
Writes    HTML for a browser of any width, light or dark, and for paper.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from quowarranto import __version__
from quowarranto.export.page import asset, environment, style
from quowarranto.export.words import plural
from quowarranto.findings.controls import FRAMEWORKS

LIMITS = (
    "It provides evidence relevant to the controls named; whether one is met, or well designed, is for an assessor.",
    "The mapping from codes to controls is this project's choice; `quo codes` and the pages of the codes show it.",
    "Populations are what the logs that were linked say was done. What no log says is in none of them.",
    "A control whose codes are not looked for has no population here; that says nothing about the control.",
    "An action without an exception showed none of the codes of that control; codes of other controls may stand.",
)


def controls_html(found: dict[str, Any], title: str, case: str) -> str:
    """The page.

    Args:
        found: of `findings.by_control.by_control`.
        title, case: the heading, and where the case lies.
    """
    by_framework: dict[str, list[dict[str, Any]]] = {}
    for control in found["controls"]:
        by_framework.setdefault(control["framework"], []).append(control)
    page: str = (
        environment()
        .get_template("controls.html")
        .render(
            found=found,
            title=title,
            case=case,
            version=__version__,
            generated_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            style=Markup(style() + asset("controls.css")),  # noqa: S704 - our own text
            headline=_headline(found),
            frameworks=[(FRAMEWORKS[key], controls) for key, controls in by_framework.items()],
            limits=LIMITS,
        )
    )
    return page


def _headline(found: dict[str, Any]) -> str:
    with_exceptions = sum(1 for one in found["controls"] if failed(one))
    silent = sum(1 for one in found["controls"] if not one["population"] and not one["authorities"])
    parts = [f"{with_exceptions:,} with exceptions"]
    parts += [f"{silent:,} about which this case can say nothing"] if silent else []
    return f"{plural(len(found['controls']), 'control')}: {', '.join(parts)}."


def failed(control: dict[str, Any]) -> bool:
    """Whether an exception stands, of an action or of an authority itself."""
    return bool(control["exceptions"]) or any(one["exceptions"] for one in control["authorities"])
