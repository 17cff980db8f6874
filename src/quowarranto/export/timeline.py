"""The authority timeline: a row per authority of a chain, its terms as bars, the action as a line through them.

Reads     what `quo explain --format json` writes for one action.
Writes    SVG that stands alone: own style for light and dark, no script, no reference to anything outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from quowarranto.export import marks
from quowarranto.export.axis import ticks
from quowarranto.export.bars import bars
from quowarranto.export.bars import marks as row_marks
from quowarranto.export.canvas import KEY_CELL, Canvas
from quowarranto.export.hover import raw_text
from quowarranto.export.labels import label
from quowarranto.export.rows import Row, rows_of, window_of
from quowarranto.export.svg import ALONE, hint, joined, tag
from quowarranto.export.words import MINUTE, clock, code_label, middle, moment, pixels, principal, tail_cut
from quowarranto.records import parse_instant

HOVER = 600
"""Characters of a raw line that a picture carries."""

_HEADING = 76.0
_AXIS = 40.0

Legend = Callable[[float, float, int], Markup]


def timeline_svg(explained: dict[str, Any], *, width: int = 960) -> str:
    """The picture of one explained action, as an SVG file.

    Args:
        explained: what `quo explain --format json` writes.
        width: pixels, at least 320; below 640 the labels stand above the bars.
    """
    heading = _heading(explained, max(width, 320))
    drawn = _draw(explained, max(width, 320), hover=HOVER, top=_HEADING, legend=marks.legend)
    sheet = tag("style", Markup(marks.style()))  # noqa: S704 - our own constant
    return str(_root(explained, drawn, sheet, marks.definitions(), heading, background=True)) + "\n"


def timeline_figure(explained: dict[str, Any], *, width: int, hover: int) -> Markup:
    """The same without heading, style and marks, for a page that has them once (`marks.shared_marks`).

    Args:
        hover: characters of each raw line to carry; 0 for none.
    """
    return _root(explained, _draw(explained, max(width, 320), hover=hover, top=0.0, legend=marks.shared_legend))


def identity(text: str) -> str:
    """Twelve hex digits that stand for a text in the ids of a page."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class _Drawn:
    """A drawing and its size."""

    def __init__(self, width: int, height: float, body: Markup, summary: str) -> None:
        self.width, self.height, self.body, self.summary = width, height, body, summary


def _root(explained: dict[str, Any], drawn: _Drawn, *before: Markup, background: bool = False) -> Markup:
    action = explained.get("action", {})
    name = f"t{identity(str(action.get('id')))}-{drawn.width}"
    height = round(drawn.height)
    paper = [tag("rect", width=drawn.width, height=height, class_="paper")] if background else []
    return tag(
        "svg",
        tag("title", f"Authority timeline of action {middle(str(action.get('id')), 80)}", id=name),
        tag("desc", drawn.summary, id=f"{name}d"),
        *before[:2],
        *paper,
        *before[2:],
        drawn.body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {drawn.width} {height}",
        width=drawn.width,
        height=height,
        class_="tl",
        style=ALONE if background else None,
        role="img",
        aria_labelledby=f"{name} {name}d",
    )


def _draw(explained: dict[str, Any], width: int, *, hover: int, top: float, legend: Legend) -> _Drawn:
    """Axis, action, rows, legend, from the top down; bars below the action's line, marks above it."""
    rows = rows_of(explained)
    acted_at = parse_instant(explained["action"]["time"])
    canvas = Canvas(width, window_of(acted_at, rows), acted_at, top)
    first = top + _AXIS
    ys = [first + 34 + canvas.row * index for index in range(max(len(rows), 1))]
    bottom = ys[-1] + canvas.row
    legend_lines = next(lines for least, lines in marks.LEGEND_WIDTHS if width - 24 >= least)
    body = joined(
        *(_band(row, y, canvas) for row, y in zip(rows, ys, strict=False)),
        _axis(canvas, top, bottom),
        *(bars(row, y, canvas, hover) for row, y in zip(rows, ys, strict=False)),
        *_evaluations(rows, ys, canvas),
        _action(explained, first, bottom, canvas, hover),
        *(label(row, rows, ys, index, canvas, hover) for index, row in enumerate(rows)),
        *(row_marks(row, y, canvas, hover) for row, y in zip(rows, ys, strict=False)),
        *([] if rows else [_nothing(ys[0], canvas)]),
        legend(12, bottom + 20, legend_lines),
    )
    return _Drawn(width, bottom + 14 + 18 * legend_lines, body, _summary(explained, rows))


def _heading(explained: dict[str, Any], width: int) -> Markup:
    verdict, action = explained.get("verdict", {}), explained["action"]
    word = str(verdict.get("verdict") or "not judged")
    done = f"{principal(action.get('principal'))} · {action.get('action')} · {principal(action.get('resource'))}"
    codes = " ".join(verdict.get("codes") or ())
    facts = " · ".join(part for part in (str(verdict.get("linkage") or ""), codes) if part)
    because = str(verdict.get("because") or "")
    facts_room = width - 62 - 1.5 * pixels(word)
    return joined(
        marks.icon(word, 14, 12, word),
        tag(
            "text",
            tag("tspan", word, class_="h1"),
            tag("tspan", tail_cut(facts, facts_room), dx=10, class_="mut"),
            x=38,
            y=26,
        ),
        tag("text", tag("title", done), middle(done, int((width - 30) / 7.25)), x=14, y=47, class_="key"),
        tag("text", tag("title", because), tail_cut(because, width - 30), x=14, y=66, class_="mut"),
    )


def _axis(canvas: Canvas, top: float, bottom: float) -> Markup:
    """Ticks and their words; a date that has no room under its own tick goes under the next."""
    zone = {"x": canvas.left} if canvas.narrow else {"x": canvas.left - 10, "text_anchor": "end"}
    parts = [tag("text", "UTC", y=top + 13, class_="mut strong", **zone)]
    least = canvas.left + (34 if canvas.narrow else -4)
    under = ""
    for tick in ticks(canvas.window, int((canvas.right - canvas.left) / 92)):
        x, half = canvas.x(tick.at), pixels(tick.label) / 2
        under = tick.under or under
        parts.append(tag("path", d=f"M{x:.1f} {top + 32:g}V{bottom:g}", class_="grid"))
        if x - half < least or x + half > canvas.width - 2:
            continue
        parts.append(tag("text", tick.label, x=x, y=top + 13, class_="mut", text_anchor="middle"))
        if under:
            middled = min(max(x, 36), canvas.width - 36)
            parts.append(tag("text", under, x=middled, y=top + 26, class_="mut", text_anchor="middle"))
            under = ""
    return joined(*parts)


def _action(explained: dict[str, Any], y: float, bottom: float, canvas: Canvas, hover: int) -> Markup:
    """The action: a flag with its time, and the line down through everything that it rests on."""
    action = explained["action"]
    x = canvas.x(canvas.acted_at)
    when = clock(canvas.acted_at, min(canvas.window.across, MINUTE), canvas.acted_at)
    outcome = str(action.get("outcome") or "success")
    words = f"action {when}" + ("" if outcome == "success" else f" · {outcome}")
    wide = pixels(words) * 1.1 + 14
    left = min(max(x - wide / 2, canvas.left), canvas.right - wide)
    head = f"action {middle(str(action.get('id')), 120)}\n{moment(canvas.acted_at)}, {outcome}"
    title = raw_text(head, explained.get("origin"), explained.get("raw"), hover)
    flag = tag("rect", x=left, y=y + 4, width=wide, height=19, rx=4, class_="flag")
    return joined(
        tag("path", d=f"M{x:.1f} {y + 20:g}V{bottom:g}", class_="act"),
        tag("g", hint(title, hover), flag, _flag_words(words, left + wide / 2, y + 17)),
        *([] if canvas.narrow else _doer(action, y, canvas)),
    )


def _flag_words(words: str, x: float, y: float) -> Markup:
    return tag("text", words, x=x, y=y, class_="onflag strong", text_anchor="middle")


def _doer(action: dict[str, Any], y: float, canvas: Canvas) -> list[Markup]:
    """The root of the tree of citations: what was done."""
    verb = str(action.get("action"))
    return [
        marks.icon("action", 10, y + 5, "ink"),
        tag("text", middle(verb, int((canvas.label_right - 34) / KEY_CELL)), x=32, y=y + 17, class_="key"),
    ]


def _band(row: Row, y: float, canvas: Canvas) -> Markup:
    line = tag("path", d=f"M0 {y:g}H{canvas.width}", class_="sep")
    if row.held or row.missing:
        return line
    return joined(tag("rect", x=0, y=y, width=canvas.width, height=canvas.row, class_="wash"), line)


def _evaluations(rows: list[Row], ys: list[float], canvas: Canvas) -> list[Markup]:
    """What a decision rests on was tested when it was made: a dotted line from its diamond down to the last of them."""
    lines = []
    for index, row in enumerate(rows):
        at = next((term.start for term in row.terms if term.point and term.start is not None), None)
        if at is None or abs(canvas.x(at) - canvas.x(canvas.acted_at)) < 3:
            continue
        last = max((i for i in _below(rows, index) if any(test.at == at for test in rows[i].tests)), default=None)
        if last is not None:
            path = f"M{canvas.x(at):.1f} {ys[index] + canvas.bar:g}V{ys[last] + canvas.bar:g}"
            lines.append(tag("path", d=path, class_="eval"))
    return lines


def _below(rows: list[Row], index: int) -> set[int]:
    found = {index}
    for later in range(index + 1, len(rows)):
        if rows[later].parent in found:
            found.add(later)
    return found - {index}


def _nothing(y: float, canvas: Canvas) -> Markup:
    size = {"x": canvas.left + 0.5, "y": y + canvas.bar - 6, "width": canvas.right - canvas.left - 1, "height": 12}
    return joined(
        tag("rect", fill="none", class_="sep soft none", **size),
        tag("text", "no authority found", x=32, y=y + 21, class_="amber strong halo"),
    )


def _summary(explained: dict[str, Any], rows: list[Row]) -> str:
    """The picture in words, for those who hear it."""
    verdict = explained.get("verdict", {})
    lines = [f"{verdict.get('verdict')}: {tail_cut(str(verdict.get('because') or ''), 2000)}"]
    for row in rows[:40]:
        codes = sorted({code for test in row.tests for code in test.codes})
        state = "no record" if row.missing else "held" if row.held else "did not hold"
        lines.append(f"{row.kind or 'key'} {middle(row.key, 60)}: {', '.join([state, *map(code_label, codes)])}.")
    return " ".join(lines)
