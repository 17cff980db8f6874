"""The labels of the rows: icon and key, indented below what cites them, and the one thing that a reader asks next."""

from __future__ import annotations

from markupsafe import Markup

from quowarranto.export import marks
from quowarranto.export.canvas import KEY_CELL, Canvas
from quowarranto.export.hover import link_words, row_text
from quowarranto.export.rows import Json, Row
from quowarranto.export.svg import hint, joined, tag
from quowarranto.export.words import middle, principal, tail_cut

_INDENT = 15
_DEEPEST = 8
_WHO = 30  # characters of a principal: the ends tell them apart


def label(row: Row, rows: list[Row], ys: list[float], index: int, canvas: Canvas, hover: int) -> Markup:
    y, x = ys[index], _indent(row.depth, canvas)
    room = int((canvas.label_right - x - 22) / KEY_CELL)
    state = "unproven" if row.missing else "" if row.held else "bad"
    sub, halo = _sub(row), " halo" if canvas.narrow else ""
    words = tag(
        "g",
        hint(row_text(row, hover), hover),
        tag("rect", x=0, y=y + 1, width=canvas.label_right, height=40 if not canvas.narrow else 34, fill="transparent"),
        marks.icon(row.kind or "none", x, y + 9, state),
        tag("text", middle(row.key, room), x=x + 22, y=y + 21, class_=f"key{halo}"),
        tag("text", tail_cut(sub, canvas.label_right - x - 22), x=x + 22, y=y + 36, class_=f"mut{halo}"),
    )
    if canvas.narrow or not row.cited_by:
        return words
    return joined(_elbow(row, ys, index, canvas), words)


def _indent(depth: int, canvas: Canvas) -> float:
    step = _INDENT if not canvas.narrow else 10
    return 10.0 + step * (min(depth, _DEEPEST) - (1 if canvas.narrow else 0))


def _elbow(row: Row, ys: list[float], index: int, canvas: Canvas) -> Markup:
    """From the icon of what cites it, down and across to its own; dashed where nothing cites it."""
    above = ys[0] - 34 + 23 if row.parent is None else ys[row.parent] + 27
    x = _indent(row.depth - 1, canvas) + 8
    path = f"M{x:g} {above:g}V{ys[index] + 17:g}H{_indent(row.depth, canvas) - 2:g}"
    return tag("path", d=path, class_="elbow" if row.link in ("cited", "no record") else "elbow soft")


def _sub(row: Row) -> str:
    """The line under a key: its kind, and the one thing about it that a reader asks next."""
    says = row.says or {}
    parts = [row.kind or f"cited{'' if row.cited_by else ' further down'}, but nothing is known of it"]
    if says.get("effect") == "deny":
        parts.append("deny")
    if row.link not in ("cited", "no record"):
        parts.append(link_words(row))
    if row.kind in ("approval", "exception") and (says.get("requested_by") or says.get("decided_by")):
        parts.append(_consent(says))
    elif row.kind == "delegation" and says.get("by"):
        parts.append(f"{_who(says, 'by', '?')} lends to {_who(says, 'principal', 'anyone')}")
    elif says.get("principal"):
        parts.append(_who(says, "principal", "anyone"))
    return " · ".join(parts)


def _who(says: Json, name: str, nobody: str) -> str:
    return middle(principal(says.get(name)) or nobody, _WHO)


def _consent(says: Json) -> str:
    """Who asked and who decided, as far as it is said."""
    asked, decided = _who(says, "requested_by", ""), _who(says, "decided_by", "")
    if asked and asked == decided:
        return f"{asked} asked and decided"
    return ", ".join(([f"{asked} asked"] if asked else []) + ([f"{decided} decided"] if decided else []))
