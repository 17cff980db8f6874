"""The days of an authority: how many actions a day it carried, and how many of them nothing else would carry.

Reads     what `quo impact --format json` writes.
Writes    SVG that stands alone: own style for light and dark, no script, no reference to anything outside.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from quowarranto.export import marks
from quowarranto.export.axis import FIRST, LAST, Window, ticks
from quowarranto.export.svg import ALONE, joined, tag
from quowarranto.export.words import DAY, middle, plural
from quowarranto.records import parse_instant

_LEFT, _TOP, _FOOT, _RIGHT = 46.0, 92.0, 62.0, 14.0
_FEWEST = 8
"""Days that are shown at least, so that a single one is a column with its date below it and not a wall of hours."""
_LEAST = 2.0  # pixels: one falling action among a million still shows


def impact_svg(found: dict[str, Any], *, width: int = 960, height: int = 340) -> str:
    """The picture of one prediction, as an SVG file.

    Args:
        found: what `quo impact --format json` writes.
        width, height: pixels; the width at least 320.
    """
    width = max(width, 320)
    name = "impact"
    body = _columns(found["days"], width, height) if found["days"] else _nothing(width, height)
    return (
        str(
            tag(
                "svg",
                tag("title", _title(found, 80), id=name),
                tag("desc", _in_words(found), id=f"{name}-d"),
                tag("style", Markup(marks.style())),  # noqa: S704 - our own constant
                marks.definitions(),
                tag("rect", width=width, height=height, class_="paper"),
                *_heading(found, width),
                body,
                xmlns="http://www.w3.org/2000/svg",
                viewBox=f"0 0 {width} {height}",
                width=width,
                height=height,
                class_="tl",
                style=ALONE,
                role="img",
                aria_labelledby=f"{name} {name}-d",
            )
        )
        + "\n"
    )


def _title(found: dict[str, Any], room: int) -> str:
    return f"If {found['authority']['kind']} {middle(found['authority']['key'], room)} is revoked"


def _in_words(found: dict[str, Any]) -> str:
    return (
        f"{found['falling']:,} of {plural(found['actions'], 'action')} would fall; another live authority: "
        f"{found['carried']:,}; resting on it: {plural(len(found['below']), 'authority', 'authorities')}."
    )


def _heading(found: dict[str, Any], width: int) -> list[Markup]:
    room = int(width / 8)
    return [
        tag("text", _title(found, room - 20), x=14, y=28, class_="strong"),
        tag("text", _in_words(found), x=14, y=50, class_="mut"),
        _key("unauthorised", "cross", "would fall", 14, 64),
        _key("authorised", "", "another live authority", 120, 64),
    ]


def _key(colour: str, pattern: str, words: str, x: float, y: float) -> Markup:
    box = {"x": x, "y": y, "width": 12, "height": 12}
    hatch = [tag("rect", fill=f"url(#p-{pattern})", **box)] if pattern else []
    return joined(tag("rect", class_=colour, **box), *hatch, tag("text", words, x=x + 18, y=y + 10, class_="mut"))


def _columns(days: list[dict[str, Any]], width: int, height: int) -> Markup:
    starts = [parse_instant(f"{day['day']}T00:00:00Z") for day in days]
    spare = max(0, _FEWEST * DAY - (starts[-1] + DAY - starts[0])) // (2 * DAY) * DAY
    window = Window(max(starts[0] - spare, FIRST), min(starts[-1] + DAY + spare, LAST))
    most = max(day["falling"] + day["carried"] for day in days)
    floor, right = height - _FOOT, width - _RIGHT
    parts = [
        tag("path", d=f"M{_LEFT:g} {_TOP:g}H{right:g}M{_LEFT:g} {floor:g}H{right:g}", class_="grid"),
        tag("text", f"{most:,}", x=_LEFT - 6, y=_TOP + 4, text_anchor="end", class_="mut"),
        tag("text", "0", x=_LEFT - 6, y=floor + 4, text_anchor="end", class_="mut"),
        tag("text", "actions a day (UTC)", x=_LEFT, y=height - 12, class_="mut"),
    ]
    under = ""
    for tick in ticks(window, int((right - _LEFT) / 90)):
        x = window.place(tick.at, _LEFT, right)
        under = tick.under or under  # where a tick has no room, the next one says the year
        if _LEFT + 14 < x < right - 14:
            parts.append(tag("path", d=f"M{x:.1f} {floor:g}v4", class_="grid"))
            parts.append(tag("text", tick.label, x=x, y=floor + 16, text_anchor="middle", class_="mut"))
            if under:
                parts.append(tag("text", under, x=x, y=floor + 30, text_anchor="middle", class_="mut"))
            under = ""
    for start, day in zip(starts, days, strict=True):
        left, end = (window.place(at, _LEFT, right) for at in (start, start + DAY))
        parts.append(_column(day, left, max(end - left - 2, 1), most, floor))
    return joined(*parts)


def _column(day: dict[str, Any], left: float, wide: float, most: int, floor: float) -> Markup:
    pieces = [tag("title", f"{day['day']}: {day['falling']:,} would fall, {day['carried']:,} would go on")]
    bottom = floor
    for name, colour, pattern in (("falling", "unauthorised", "cross"), ("carried", "authorised", "")):
        if day[name]:
            tall = max(_LEAST, day[name] / most * (floor - _TOP))
            bottom -= tall
            box = {"x": left, "y": bottom, "width": wide, "height": tall}
            pieces.append(tag("rect", class_=colour, **box))
            if pattern:
                pieces.append(tag("rect", fill=f"url(#p-{pattern})", **box))
    return tag("g", *pieces)


def _nothing(width: int, height: int) -> Markup:
    words = "no action of that time was carried by it"
    return tag("text", words, x=width / 2, y=height / 2 + 20, text_anchor="middle", class_="mut")
