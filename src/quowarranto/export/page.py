"""What all pages share: templates that escape everything, one style for light and dark, no reference to outside."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from quowarranto.export import charts, marks
from quowarranto.export.palette import LIGHT, both
from quowarranto.export.timeline import identity
from quowarranto.export.words import capped, clean, code_label, middle, plural, principal
from quowarranto.findings.controls import in_words
from quowarranto.records import LINKAGES


def style() -> str:
    """The style of every page."""
    variables = ":root{" + "".join(f"--{name}:${name};" for name in LIGHT) + "}"
    return both(variables) + asset("report.css") + marks.style()


@cache
def asset(name: str) -> str:
    """A file of `templates`."""
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """Templates with their filters; whatever a log chose is cleaned and escaped."""
    made = Environment(
        loader=FunctionLoader(asset),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: clean(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        shown=lambda text, room=60: middle(str(text), room),
        whole=lambda text, most=2000: capped(str(text), most),
        who=principal,
        number=lambda value: f"{value:,}",
        anchor=identity,
        coded=_coded,
        day=lambda text: str(text)[:19].replace("T", " "),
        code_label=code_label,
        plural=plural,
        relevant=in_words,
    )
    made.globals.update(
        share=charts.share,
        percent=charts.percent,
        linkages=LINKAGES,
        verdict_order=charts.VERDICTS,
        until=_until,
        icon=marks.inline_icon,
    )
    return made


def _until(first: str, last: str) -> Markup:
    """`2026-03-01 09:00:12 – 10:04:00`: the second date only where it is another. A line is broken at the dash only."""
    start, end = first[:19].replace("T", " "), last[:19].replace("T", " ")
    if start == end:
        return _whole(start)
    return Markup("{} – {}").format(_whole(start), _whole(end[11:] if start[:10] == end[:10] else end))


def _whole(moment: str) -> Markup:
    return Markup('<span class="moment">{}</span>').format(clean(moment))


def _coded(text: str, most: int = 2000) -> Markup:
    """A sentence of ours with its `names` as a page shows them; whatever else it holds is escaped."""
    whole = capped(str(text), most)
    parts = whole.split("`")
    if len(parts) % 2 == 0:  # a backtick without its fellow
        return escape(clean(whole))
    code, plain = Markup("<code>{}</code>"), Markup("{}")
    return Markup("").join((code if number % 2 else plain).format(clean(part)) for number, part in enumerate(parts))
