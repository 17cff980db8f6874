"""The small charts of the report: verdicts over time as stacked columns, shares as stacked bars."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from quowarranto.export.axis import Window, ticks
from quowarranto.export.svg import joined, tag
from quowarranto.export.words import moment, plural
from quowarranto.records import parse_instant

VERDICTS = ("unauthorised", "disputed", "unproven", "presumed", "authorised", "refused")

# A pattern of its own for each, so that colour never speaks alone (`marks.definitions`; the page has the same in CSS).
_PATTERN = {"presumed": "shade", "unproven": "dots", "unauthorised": "cross", "disputed": "posts", "refused": "lines"}
_LEFT, _TOP, _FOOT = 34.0, 20.0, 34.0
_LEAST = 3.0  # pixels: one unauthorised action among a million still shows

Slot = dict[str, Any]


def columns(over_time: list[Slot], *, width: int, height: int = 244) -> Markup:
    """Verdicts over time: one column a slice, the gravest verdict at the bottom, so that it lines up along the axis."""
    if not over_time:
        return Markup("")
    window = Window(parse_instant(over_time[0]["start"]), parse_instant(over_time[-1]["end"]))
    most = max(sum(slot["verdicts"].values()) for slot in over_time) or 1
    name = f"over-time-{width}"
    return tag(
        "svg",
        tag("title", "Verdicts over time", id=name),
        tag("desc", _in_words(over_time), id=f"{name}-d"),
        _frame(window, most, width, height),
        *(_column(slot, window, most, width, height) for slot in over_time),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        class_="tl columns",
        role="img",
        aria_labelledby=f"{name} {name}-d",
    )


def _frame(window: Window, most: int, width: int, height: int) -> Markup:
    floor = height - _FOOT
    parts = [
        tag("path", d=f"M{_LEFT:g} {_TOP:g}H{width}M{_LEFT:g} {floor:g}H{width}", class_="grid"),
        tag("text", _brief(most), x=_LEFT - 6, y=_TOP + 4, text_anchor="end", class_="mut"),
        tag("text", "0", x=_LEFT - 6, y=floor + 4, text_anchor="end", class_="mut"),
        tag("text", "UTC", x=_LEFT - 6, y=floor + 16, text_anchor="end", class_="mut"),
    ]
    under = ""
    for tick in ticks(window, int((width - _LEFT) / 80)):
        x = window.place(tick.at, _LEFT, width)
        under = tick.under or under
        if _LEFT + 14 < x < width - 18:
            parts.append(tag("path", d=f"M{x:.1f} {floor:g}v4", class_="grid"))
            parts.append(tag("text", tick.label, x=x, y=floor + 16, text_anchor="middle", class_="mut"))
            if under and x < width - 34:
                parts.append(tag("text", under, x=x, y=floor + 29, text_anchor="middle", class_="mut"))
                under = ""
    return joined(*parts)


def _column(slot: Slot, window: Window, most: int, width: int, height: int) -> Markup:
    left, right = (window.place(parse_instant(slot[side]), _LEFT, width) for side in ("start", "end"))
    gap = min((right - left) * 0.1, 3)
    left, wide = left + gap, max(right - left - 2 * gap, 1)
    floor = height - _FOOT
    bottom = floor
    pieces: list[Markup] = []
    for name in VERDICTS:
        count = slot["verdicts"].get(name, 0)
        if count:
            tall = max(_LEAST, count / most * (floor - _TOP))
            bottom -= tall
            box = {"x": left, "y": bottom, "width": wide, "height": tall}
            pieces.append(tag("rect", class_=name, **box))
            if name in _PATTERN:
                pieces.append(tag("rect", fill=f"url(#p-{_PATTERN[name]})", **box))
    if slot["verdicts"].get("unauthorised") or slot["verdicts"].get("disputed"):
        pieces.append(tag("path", d=f"M{left + wide / 2 - 3:.1f} {bottom - 10:.1f}l6 6m0-6l-6 6", class_="x"))
    hit = tag("rect", x=left, y=0, width=wide, height=height, fill="transparent")
    return tag("g", tag("title", _slot_words(slot)), hit, *pieces)


def _slot_words(slot: Slot) -> str:
    counts = ", ".join(f"{slot['verdicts'][name]:,} {name}" for name in VERDICTS if slot["verdicts"].get(name))
    start, end = (moment(parse_instant(slot[side])) for side in ("start", "end"))
    return f"{start} to {end}: {counts or 'no action'}"


def _in_words(over_time: list[Slot]) -> str:
    """For those who hear it: the slices in which something did not hold, and how many did."""
    bad = [slot for slot in over_time if slot["verdicts"].get("unauthorised") or slot["verdicts"].get("disputed")]
    head = f"{len(bad)} of {plural(len(over_time), 'slice')} of time with unauthorised or disputed actions."
    return " ".join([head, *(f"{_slot_words(slot)}." for slot in bad[:20])])


def _brief(count: int) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= 10 * size:
            return f"{count // size}{letter}"
    return str(count)


def share(counts: dict[str, int], order: tuple[str, ...]) -> Markup:
    """Parts of a whole as one bar, and the same in words below it, each with its pattern."""
    total = sum(counts.get(name, 0) for name in order)
    if not total:
        return tag("div", class_="share empty")
    named = [(name, counts[name]) for name in order if counts.get(name)]
    bar = [
        tag("span", "", class_=f"part f-{name}", style=f"flex:{count} 1 0", title=f"{name}: {percent(count, total)}")
        for name, count in named
    ]
    words = [
        tag("li", tag("span", "", class_=f"swatch f-{name}"), f"{name} {percent(count, total)}")
        for name, count in named
    ]
    return joined(tag("div", *bar, class_="share", aria_hidden="true"), tag("ul", *words, class_="parts"))


def percent(count: int, total: int) -> str:
    """`3.2 %`; never 0 of something and never all of not everything."""
    if not count or count == total:
        return "100 %" if count else "0 %"
    return f"{min(max(count / total * 100, 0.1), 99.9):.{0 if 1 <= count / total * 100 <= 99 else 1}f} %"
