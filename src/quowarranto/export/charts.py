"""The small charts of the report: verdicts over time as stacked columns, shares as stacked bars."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from quowarranto.export.svg import joined, tag
from quowarranto.export.words import plural

VERDICTS = ("unauthorised", "disputed", "unproven", "presumed", "authorised", "refused")
LINKAGES = ("attested", "proven", "partial", "inferred", "missing")
# A pattern of its own for each, so that colour never speaks alone.
_PATTERN = {"presumed": "hatch", "unproven": "dots", "unauthorised": "cross", "disputed": "bars", "inferred": "dots"}


def columns(over_time: list[dict[str, Any]], *, width: int = 960, height: int = 124) -> Markup:
    """Verdicts over time: one column a slice, the gravest verdict at the bottom, so that it lines up along the axis."""
    if not over_time:
        return Markup("")
    top = max(sum(slot["verdicts"].values()) for slot in over_time) or 1
    room = height - 10
    step = width / len(over_time)
    parts = [_grid(width, room)]
    for number, slot in enumerate(over_time):
        parts.append(_column(slot, number * step, step, room, top))
    summary = f"Verdicts from {over_time[0]['start']} to {over_time[-1]['end']}"
    return tag(
        "svg",
        tag("title", summary, id="over-time"),
        *parts,
        viewBox=f"0 0 {width} {height}",
        class_="columns",
        role="img",
        aria_labelledby="over-time",
        preserveAspectRatio="none",
    )


def _column(slot: dict[str, Any], left: float, step: float, room: float, top: int) -> Markup:
    bottom = room + 8
    pieces: list[Markup] = []
    for name in VERDICTS:
        count = slot["verdicts"].get(name, 0)
        if not count:
            continue
        tall = max(2.0, count / top * room)
        bottom -= tall
        box = {"x": left + step * 0.08, "y": bottom, "width": step * 0.84, "height": tall}
        pieces.append(tag("rect", class_=f"v-{name}", **box))
    words = ", ".join(f"{count} {name}" for name, count in slot["verdicts"].items()) or "no action"
    hit = tag("rect", x=left, y=0, width=step, height=room + 8, class_="hit")
    return tag("g", tag("title", f"{slot['start']} to {slot['end']}: {words}"), hit, *pieces)


def _grid(width: int, room: float) -> Markup:
    return joined(
        tag("line", x1=0, x2=width, y1=8, y2=8, class_="grid"),
        tag("line", x1=0, x2=width, y1=room + 8, y2=room + 8, class_="base"),
    )


def axis(over_time: list[dict[str, Any]]) -> tuple[int, tuple[str, str, str]]:
    """The height of the tallest column, and the dates at the left, in the middle and at the right of the axis.

    Text stands beside the picture, which is stretched to the page's width.
    """
    top = max((sum(slot["verdicts"].values()) for slot in over_time), default=0)
    marks = (over_time[0]["start"], over_time[len(over_time) // 2]["start"], over_time[-1]["end"])
    first, middle, last = (moment[:16].replace("T", " ") for moment in marks)
    return top, (first, middle, f"{last} UTC")


def share(counts: dict[str, int], order: tuple[str, ...], prefix: str) -> Markup:
    """Parts of a whole as one bar; each part says its name and number on hover and to a screen reader."""
    total = sum(counts.values())
    if not total:
        return tag("div", class_="share empty")
    parts = [
        tag(
            "span",
            tag("span", f"{name} {counts[name] / total:.0%}", class_="part-name")
            if counts[name] / total > 0.14
            else Markup(""),
            class_=f"part {prefix}-{name} {_PATTERN.get(name, '')}".strip(),
            style=f"flex:{counts[name]} 1 0",
            title=f"{name}: {plural(counts[name], 'action')} ({counts[name] / total:.1%})",
        )
        for name in order
        if counts.get(name)
    ]
    words = ", ".join(f"{name} {counts[name] / total:.0%}" for name in order if counts.get(name))
    return tag("div", *parts, class_="share", role="img", aria_label=words)
