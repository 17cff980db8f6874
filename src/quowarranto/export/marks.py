"""Icons, patterns and the style sheet of the pictures: what every SVG of ours needs before its first shape.

A picture that stands alone carries all of this itself; the pages of a report carry it once (`shared_marks`).
"""

from __future__ import annotations

from markupsafe import Markup

from quowarranto.export.palette import both
from quowarranto.export.svg import joined, tag
from quowarranto.records import VERDICTS

# 16 by 16, drawn with a stroke.
_ICONS = {
    "action": "M9 1.5 3.5 9H7.6L6.8 14.5 12.5 7H8.4Z",
    "policy": "M3.5 2h6l3 3v9h-9ZM9.5 2v3h3M6 8h4M6 11h4",
    "grant": "M8 1.8 13 3.8V8c0 3-2 5.2-5 6.4C5 13.2 3 11 3 8V3.8Z",
    "approval": "M8 2a6 6 0 1 0 .01 0ZM5.2 8.2 7.2 10.2 11 6",
    "exception": "M8 2 14.5 13.5h-13ZM8 6.3v3.4M8 11.4v.6",
    "session": "M2 3h12v8H2ZM5.5 14h5M8 11v3",
    "credential": "M5 7.5a3 3 0 1 0 .01 0ZM7.2 8.4 13.5 2.1M10.8 4.8l2.4 2.4",
    "decision": "M8 1.8 14.2 8 8 14.2 1.8 8Z",
    "delegation": "M2 5h10M9 2l3 3-3 3M14 11H4M7 8 4 11l3 3",
    "none": "M8 2a6 6 0 1 0 .01 0ZM6.2 6.5a1.8 1.8 0 1 1 2.5 1.7c-.5.2-.7.5-.7 1.1M8 11.4v.4",
    "authorised": "M3 8.5 6.5 12 13 4.5",
    "presumed": "M2.5 6.5c2-2.5 4-1.2 5.5 0s3.5 2.5 5.5 0M2.5 11c2-2.5 4-1.2 5.5 0s3.5 2.5 5.5 0",
    "unproven": "M5.3 5.8a2.7 2.7 0 1 1 3.8 2.5C8.3 8.7 8 9.2 8 10M8 12.6v.6",
    "unauthorised": "M3.5 3.5l9 9M12.5 3.5l-9 9",
    "disputed": "M2.5 5.5h10M9.5 2.5l3 3-3 3M13.5 10.5h-10M6.5 7.5l-3 3 3 3",
    "refused": "M8 2a6 6 0 1 0 .01 0ZM3.8 3.8l8.4 8.4",
}

_GEOMETRY = (
    ".tl text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}"
    ".tl .key{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;direction:ltr}"
    ".tl .h1{font-size:16px;font-weight:600}.tl .h2{font-size:13px}.tl .strong{font-weight:600}"
    ".tl .icon{fill:none;stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}"
    ".tl .halo{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}"
    ".tl .grid,.tl .sep,.tl .elbow{fill:none;stroke-width:1}.tl .soft{stroke-dasharray:3 3}"
    ".tl .act{stroke-width:1.5}.tl .eval{stroke-width:1.2;stroke-dasharray:2 3}"
    ".tl .gap{stroke-width:2;stroke-dasharray:4 3}.tl .edge{fill:none;stroke-width:1.2}.tl .seam{stroke-width:2}"
    ".tl .x{fill:none;stroke-width:2.2;stroke-linecap:round}.tl .dot,.tl .ring,.tl .dia{stroke-width:2}"
)
_COLOURS = (
    ".tl text{fill:$ink}.tl .paper{fill:$paper}.tl .mut{fill:$muted}.tl .red{fill:$bad}.tl .amber{fill:$warn}"
    ".tl .halo{stroke:$paper}.tl .red.halo{stroke:$badwash}.tl .icon{stroke:$muted}"
    ".tl .grid,.tl .sep{stroke:$line}.tl .elbow{stroke:$muted}.tl .wash{fill:$badwash}.tl .faint{fill:$faint}"
    ".tl .act{stroke:$ink}.tl .flag{fill:$ink}.tl .onflag{fill:$paper}.tl .eval{stroke:$muted}.tl .gap{stroke:$bad}"
    ".tl .held{fill:$held}.tl .idle{fill:$idle}.tl .bad{fill:$bad}.tl .edge{stroke:$bad}.tl .seam{stroke:$paper}"
    ".tl .grace{stroke:$held}.tl .ph{stroke:$held}.tl .pb{stroke:$paper}.tl .dot{fill:$ink;stroke:$paper}"
    ".tl .ring{fill:$paper;stroke:$bad}.tl .x{stroke:$bad}.tl .dia{fill:$paper;stroke:$held}.tl .dia.bad{stroke:$bad}"
    ".tl .none{stroke:$warn}.tl .shade{stroke:$paper}.tl .chip{fill:$paper;stroke:$bad}.tl .chip.note{stroke:$muted}"
    ".tl .icon.bad{fill:none;stroke:$bad}.tl .icon.ink{stroke:$ink}"
    + "".join(f".tl .{name}{{fill:${name}}}.tl .icon.{name}{{fill:none;stroke:${name}}}" for name in VERDICTS)
    + "".join(f".tl .g-{name}{{stop-color:${name}}}" for name in ("held", "idle", "bad"))
)

LEGEND_WIDTHS = ((702, 1), (408, 2), (0, 3))
"""A picture at least so wide has its legend on so many lines."""


def style() -> str:
    """The style sheet; every rule is about `.tl`, so that it can share a page."""
    return _GEOMETRY + both(_COLOURS)


def icon(name: str, x: float, y: float, extra: str = "") -> Markup:
    """An icon at a place; the shape itself is in the shared marks."""
    return tag("use", href=f"#i-{name if name in _ICONS else 'none'}", x=x, y=y, class_=f"icon {extra}".strip())


def definitions() -> Markup:
    """Icons, patterns and fades, by id."""
    symbols = [tag("path", id=f"i-{name}", d=path) for name, path in _ICONS.items()]
    return tag("defs", *symbols, *_patterns(), *_fades())


def _patterns() -> list[Markup]:
    """Hatch: grace, presumed. Cross: what did not hold. Dots: unproven. Bars: disputed. Outline: refused."""
    return [
        _pattern("hatch", 6, tag("path", d="M-1 1 1-1M0 6 6 0M5 7 7 5", class_="ph", stroke_width=1.4)),
        _pattern("cross", 6, tag("path", d="M0 0 6 6M6 0 0 6", class_="pb", stroke_width=1)),
        _pattern("shade", 6, tag("path", d="M-1 1 1-1M0 6 6 0M5 7 7 5", class_="shade", stroke_width=2)),
        _pattern("dots", 5, tag("circle", cx=2.5, cy=2.5, r=1.2, class_="paper")),
        _pattern("lines", 4, tag("path", d="M0 2H4", class_="shade", stroke_width=1.5)),
        _pattern("posts", 4, tag("path", d="M2 0V4", class_="shade", stroke_width=1.5)),
    ]


def _pattern(name: str, size: int, *inside: Markup) -> Markup:
    return tag("pattern", *inside, id=f"p-{name}", width=size, height=size, patternUnits="userSpaceOnUse")


def _fades() -> list[Markup]:
    return [
        tag(
            "linearGradient",
            tag("stop", offset="0", class_=f"g-{state}", stop_opacity=str(1 - at)),
            tag("stop", offset="1", class_=f"g-{state}", stop_opacity=str(at)),
            id=f"f-{state}-{side}",
        )
        for state in ("held", "idle", "bad")
        for side, at in (("l", 1), ("r", 0))
    ]


def shared_marks() -> Markup:
    """The marks for a page with many pictures; not `display: none`, which would take the patterns away."""
    # What is used by reference is styled within itself alone, so that the class has to be in there.
    legends = [tag("g", tag("g", legend(0, 0, lines), class_="tl"), id=f"legend-{lines}") for _, lines in LEGEND_WIDTHS]
    return tag(
        "svg",
        definitions(),
        tag("defs", *legends),
        class_="tl",
        width=0,
        height=0,
        aria_hidden="true",
        style="position:absolute",
    )


def legend(x: float, y: float, lines: int) -> Markup:
    """What the shapes mean, on so many lines 18 apart."""
    entries = _legend_entries()
    per_line = -(-len(entries) // lines)
    parts = []
    for index, (_, shape, text) in enumerate(entries):
        line, place = divmod(index, per_line)
        left = x + sum(entry[0] for entry in entries[line * per_line : line * per_line + place])
        words = tag("text", text, x=28, y=4, class_="mut")
        parts.append(tag("g", shape, words, transform=f"translate({left:g} {y + 18 * line:g})"))
    return joined(*parts)


def shared_legend(x: float, y: float, lines: int) -> Markup:
    """The same by reference, for a page that has the shared marks."""
    return tag("use", href=f"#legend-{lines}", x=x, y=y)


def _legend_entries() -> list[tuple[int, Markup, str]]:
    box = {"x": 0, "y": -5, "width": 22, "height": 10}
    return [
        (116, tag("rect", class_="held", **box), "tested term"),
        (104, tag("rect", class_="idle", **box), "other term"),
        (82, joined(tag("rect", fill="url(#p-hatch)", **box), tag("rect", class_="edge grace", **box)), "grace"),
        (106, joined(tag("rect", class_="bad", **box), tag("rect", fill="url(#p-cross)", **box)), "did not hold"),
        (104, tag("circle", cx=11, cy=0, r=4.5, class_="dot"), "tested here"),
        (90, tag("path", d="M11-6 17 0 11 6 5 0Z", class_="dia"), "decision"),
        (100, tag("rect", fill="none", class_="sep soft none", **box), "no record"),
    ]


def inline_icon(name: str, extra: str = "") -> Markup:
    """An icon in the running text of a page that has the shared marks; the words beside it say the same."""
    return tag("svg", icon(name, 0, 0, extra), class_="tl glyph", viewBox="0 0 16 16", aria_hidden="true")
