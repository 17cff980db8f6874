"""SVG elements as escaped markup: a hostile value can fill an attribute or a text, and nothing more."""

from __future__ import annotations

from markupsafe import Markup, escape

from quowarranto.export.words import clean

Number = int | float
ALONE = "color-scheme:light dark"
"""Style of a picture that is opened by itself: what a browser shows around it is dark where the picture is."""


def tag(name: str, *inside: str | Markup, **attributes: str | Number | None) -> Markup:
    """One element. Attributes: `class_` is `class`, `_` is `-`, `None` is left out, numbers get one decimal at most."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not inside:
        return Markup(f"<{name}{written}/>")  # noqa: S704 - every value above is escaped
    return Markup(f"<{name}{written}>{joined(*inside)}</{name}>")  # noqa: S704 - and so are these


def joined(*parts: str | Markup) -> Markup:
    """Parts one after another; a plain string is cleaned and escaped, markup is kept."""
    return Markup("").join(part if isinstance(part, Markup) else escape(clean(part)) for part in parts)


def hint(text: str, wanted: int) -> Markup:
    """What an element says when pointed at; nothing where a picture is to stay small."""
    return tag("title", text) if wanted else Markup("")


def number(value: Number) -> str:
    """A coordinate: a tenth of a pixel is finer than any screen."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def _value(value: str | Number) -> str:
    if isinstance(value, int | float):
        return number(value)
    return str(escape(clean(value)))
