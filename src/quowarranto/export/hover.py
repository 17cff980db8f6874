"""What a picture says when pointed at: the term, the test, and the raw lines behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quowarranto.export.rows import Json, Row, Term, Test, owner_of
from quowarranto.export.words import capped, code_label, middle, moment, principal

_SAID = (
    ("principal", "empowers"),
    ("by", "lent by"),
    ("effect", "effect"),
    ("scope", "scope"),
    ("requested_by", "requested by"),
    ("decided_by", "decided by"),
    ("justification", "justification"),
    ("ticket", "ticket"),
    ("owner", "owner"),
    ("issued_by", "issued by action"),
)
_PRINCIPALS = ("principal", "by", "requested_by", "decided_by", "owner")
_MOST_FACTS = 6


def said(says: Json | None) -> list[tuple[str, str]]:
    """What an authority says of itself, as pairs of label and words; what it does not say is left out."""
    says = says or {}
    return [
        (label, _words(name, says[name]))
        for name, label in _SAID
        if says.get(name) and (name, says[name]) != ("effect", "allow")
    ]


def row_text(row: Row, limit: int) -> str:
    """All of one authority: what it says, and the facts that belong to no single term."""
    lines = [f"{row.kind or 'no record'} {capped(row.key, max(limit, 200))}"]
    lines += [f"{label}: {capped(words, 300)}" for label, words in said(row.says)]
    if row.link not in ("cited", "no record"):
        lines.append(link_words(row))
    if len(row.cited_by) > 1:
        lines.append("cited by " + ", ".join(middle(key, 60) for key in row.cited_by[:5]))
    loose = [fact for fact in row.facts if owner_of(fact, row.terms) is None]
    return "\n".join([*lines, *_facts(loose, limit)])


def link_words(row: Row) -> str:
    """How a first step was found that nothing cites."""
    if row.link == "correlated":
        return "correlated by a shared key, not cited"
    return f"{'found by entitlement' if row.kind == 'grant' else 'inferred'}, not cited"


def term_text(row: Row, term: Term, limit: int) -> str:
    """One term, and the raw lines of the facts that opened or ended it."""
    index = next((i for i, other in enumerate(row.terms) if other is term), None)
    own = [fact for fact in row.facts if owner_of(fact, row.terms) == index]
    return "\n".join([f"{row.kind} {middle(row.key, 120)}", term_words(term), *_facts(own, limit)])


def term_words(term: Term) -> str:
    """`2026-03-01 09:00:00Z to 10:00:00Z, expired`."""
    if term.point:
        until = f", to be relied on until {moment(term.end)}" if term.end is not None else ""
        return f"decided {moment(term.start, 'at an unknown time')}{until}"
    how = f", {term.ended_by}" if term.ended_by else ""
    grace = f", accepted until {moment(term.grace_until)}" if term.grace_until is not None else ""
    return f"{moment(term.start, 'start unknown')} to {moment(term.end, 'no end')}{how}{grace}"


def test_text(test: Test) -> str:
    """When it was tested and what came of it."""
    codes = ", ".join(code_label(code) for code in test.codes)
    head = f"tested at {moment(test.at)}: {'held' if test.held else 'did not hold'}{', ' if codes else ''}{codes}"
    return head if test.note in head else f"{head}\n{capped(test.note, 300)}"


def place_of(origin: Any) -> str:
    """`audit.log:12`."""
    return f"{origin.get('file', '?')}:{origin.get('line', '?')}" if isinstance(origin, dict) else ""


def raw_text(head: str, origin: Any, raw: str | None, limit: int) -> str:
    """A record as text: what it is, where it was read, and the line itself."""
    lines = [head, capped(place_of(origin), 300)]
    if raw and limit:
        lines.append(capped(raw, limit))
    return "\n".join(line for line in lines if line)


def _facts(facts: list[Json], limit: int) -> Iterator[str]:
    for fact in facts[:_MOST_FACTS]:
        head = f"{fact.get('fact', 'established')} {str(fact.get('time') or '').replace('T', ' ')}"
        end = f" ({fact['end']})" if fact.get("end") else ""
        yield raw_text(head + end, fact.get("origin"), fact.get("raw"), limit)
    if len(facts) > _MOST_FACTS:
        yield f"and {len(facts) - _MOST_FACTS:,} more"


def _words(name: str, value: Any) -> str:
    if name in _PRINCIPALS:
        return principal(value)
    if name == "scope":
        return _scope(value)
    return str(value)


def _scope(value: Any) -> str:
    rules = value if isinstance(value, list | tuple) else [value]
    return " or ".join(_rule(rule) if isinstance(rule, dict) else str(rule) for rule in rules)


def _rule(rule: Json) -> str:
    actions, resources = rule.get("actions"), rule.get("resources")
    verbs = "any action" if actions is None else ", ".join(map(str, actions)) or "no action"
    return f"{verbs} on {'anything' if resources is None else ', '.join(map(str, resources)) or 'nothing'}"
