"""A sample action as the report tells it: the picture, and below it every authority and raw line in words.

A report is one file that people mail around, so that its pictures share a budget: where there are many, each carries
shorter raw lines, then no second picture for narrow screens, then no words below it, then nothing to point at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from quowarranto.export.hover import link_words, place_of, said, term_words, test_text
from quowarranto.export.rows import Json, Row, rows_of
from quowarranto.export.timeline import timeline_figure
from quowarranto.export.words import capped

WIDE, NARROW = 1020, 340
BUDGET = 2_300_000
"""Bytes for all sample actions of a page."""

_MOST_ROWS, _MOST_FACTS, _MOST_TERMS = 40, 8, 6


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of one action to tell: characters of raw lines on hover and in words, a picture for narrow screens."""

    hover: int
    raw: int
    narrow: bool
    words: bool
    key: int


DETAILS = (
    Detail(600, 1200, narrow=True, words=True, key=2000),
    Detail(240, 480, narrow=True, words=True, key=400),
    Detail(120, 240, narrow=False, words=True, key=200),
    Detail(80, 0, narrow=False, words=False, key=120),
    Detail(0, 0, narrow=False, words=False, key=120),
)


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the template shows of one action."""

    wide: Markup
    narrow: Markup | None
    links: list[dict[str, Any]]
    raw: str | None
    place: str
    detail: Detail


def chapter(explained: dict[str, Any], detail: Detail) -> Chapter:
    """One action, in this much detail."""
    return Chapter(
        wide=timeline_figure(explained, width=WIDE, hover=detail.hover),
        narrow=timeline_figure(explained, width=NARROW, hover=0) if detail.narrow else None,
        links=[_link(row, detail) for row in rows_of(explained)[:_MOST_ROWS]],
        raw=_raw(explained, detail),
        place=_place(explained.get("origin"), detail),
        detail=detail,
    )


def _link(row: Row, detail: Detail) -> dict[str, Any]:
    terms = [term for term in row.terms if row.state(term) != "idle"] or list(row.terms)
    return {
        "kind": row.kind or "no record",
        "key": capped(row.key, detail.key),
        "state": "missing" if row.missing else "held" if row.held else "bad",
        "how": link_words(row) if row.link not in ("cited", "no record") else "",
        "said": [(label, capped(words, detail.key)) for label, words in said(row.says)],
        "terms": [f"{'' if term.point else 'in force '}{term_words(term)}" for term in terms[:_MOST_TERMS]],
        "tests": [test_text(test) for test in row.tests],
        "facts": list(_facts(row, detail)),
        "more": max(len(row.facts) - _MOST_FACTS, 0),
    }


def _facts(row: Row, detail: Detail) -> Iterator[dict[str, Any]]:
    for fact in row.facts[:_MOST_FACTS]:
        yield {
            "fact": f"{fact.get('fact', 'established')}{' (' + fact['end'] + ')' if fact.get('end') else ''}",
            "time": fact.get("time") or "",
            "place": _place(fact.get("origin"), detail),
            "raw": _raw(fact, detail),
        }


def _raw(record: Json, detail: Detail) -> str | None:
    return capped(record["raw"], detail.raw) if detail.raw and record.get("raw") else None


def _place(origin: Any, detail: Detail) -> str:
    digest = origin.get("sha256", "") if isinstance(origin, dict) else ""
    return f"{capped(place_of(origin), detail.key)}{' · SHA-256 ' + digest if digest else ''}"
