"""The colours, once for all pictures: light and dark, told apart by people who see no red or no green.

Colour never speaks alone: whatever has one also has a word, a mark or a pattern (`export/marks.py`).
"""

from __future__ import annotations

from string import Template

LIGHT = {
    "page": "#f4f6f9",
    "paper": "#ffffff",
    "ink": "#17212e",
    "muted": "#566475",
    "line": "#d6dde5",
    "faint": "#eef2f6",
    "link": "#1d5fa8",
    "held": "#2b6cb0",
    "idle": "#b9cbe0",
    "bad": "#c2271b",
    "badwash": "#fbe3e0",
    "warn": "#95590a",
    "authorised": "#2b6cb0",
    "presumed": "#6fa3d8",
    "unproven": "#c98512",
    "unauthorised": "#c2271b",
    "disputed": "#7d3fb2",
    "refused": "#64748b",
    "attested": "#123f73",
    "proven": "#2b6cb0",
    "partial": "#6fa3d8",
    "inferred": "#8b97a6",
    "missing": "#c98512",
}
DARK = {
    "page": "#0d131a",
    "paper": "#151d27",
    "ink": "#e7edf4",
    "muted": "#a0aebd",
    "line": "#2d3a49",
    "faint": "#1c2632",
    "link": "#85bbf5",
    "held": "#5a9fe8",
    "idle": "#38516c",
    "bad": "#ff7566",
    "badwash": "#43201e",
    "warn": "#e9b25c",
    "authorised": "#5a9fe8",
    "presumed": "#7fb0e0",
    "unproven": "#e3aa3e",
    "unauthorised": "#ff7566",
    "disputed": "#c394f0",
    "refused": "#8796a8",
    "attested": "#a9d0fb",
    "proven": "#5a9fe8",
    "partial": "#7fb0e0",
    "inferred": "#8796a8",
    "missing": "#e3aa3e",
}


def both(rules: str) -> str:
    """CSS rules with `$name` colours, for light, and again for a dark screen (paper stays light).

    Literal values rather than custom properties: viewers of SVG files that are no browsers know no `var()`.
    """
    template = Template(rules)
    return f"{template.substitute(LIGHT)}@media screen and (prefers-color-scheme:dark){{{template.substitute(DARK)}}}"
