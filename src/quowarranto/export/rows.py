"""An explained action as the rows of its picture: the chain as a tree, times as instants, every fact placed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from quowarranto.export.axis import Window, fitted
from quowarranto.export.words import MINUTE, NOTES, SECOND
from quowarranto.records import Instant, parse_instant

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Term:
    """`[start, end)`; `None` is open or unknown. A decision is a `point`, perhaps with an end."""

    start: Instant | None
    end: Instant | None
    ended_by: str | None = None
    grace_until: Instant | None = None
    point: bool = False


@dataclass(frozen=True, slots=True)
class Test:
    """One visit to an authority: when it was tested, what came of it, on which term."""

    at: Instant
    held: bool
    codes: tuple[str, ...]
    note: str
    term: Term | None

    @property
    def failed(self) -> tuple[str, ...]:
        """The codes that are more than a note."""
        return tuple(code for code in self.codes if code not in NOTES)

    @property
    def gap(self) -> tuple[Instant, Instant] | None:
        """What lies between the term and the instant, when the instant is outside it."""
        if self.held or self.term is None:
            return None
        end = self.term.grace_until or self.term.end
        if end is not None and end <= self.at:
            return end, self.at
        if self.term.start is not None and self.term.start > self.at:
            return self.at, self.term.start
        return None


@dataclass(frozen=True, slots=True)
class Row:
    """One authority of the chain (or a key of which there is no record), as deep as it is cited."""

    key: str
    kind: str
    parent: int | None = None
    depth: int = 1
    cited_by: tuple[str, ...] = ()
    link: str = "cited"
    tests: tuple[Test, ...] = ()
    terms: tuple[Term, ...] = ()
    says: Json | None = None
    facts: tuple[Json, ...] = ()

    @property
    def missing(self) -> bool:
        """Whether this is a key without any record."""
        return self.link == "no record"

    @property
    def held(self) -> bool:
        """Whether everything that was tested of it holds."""
        return not self.missing and all(test.held for test in self.tests)

    def state(self, term: Term) -> str:
        """`bad`, `held` or `idle`: what the tests of this row say of one of its terms."""
        tested = [test for test in self.tests if test.term is not None and _same(test.term, term)]
        if any(not test.held for test in tested):
            return "bad"
        return "held" if tested else "idle"


def rows_of(explained: Json) -> list[Row]:
    """The chain from the action down, each authority once, below the first that cites it."""
    inferred = explained.get("verdict", {}).get("method") in ("inferred", "correlated")
    chain = [
        _row(entry, explained["verdict"]["method"] if inferred else "cited") for entry in explained.get("chain", ())
    ]
    cited = set(explained.get("action", {}).get("cites") or ())
    rows = chain + [_dangling(entry, cited) for entry in explained.get("dangling", ())]
    return _as_tree(rows)


def instants_of(text: str | None) -> Instant | None:
    """A time of the JSON contract; null is open or unknown."""
    return None if text is None else parse_instant(text)


def window_of(acted_at: Instant, rows: list[Row]) -> Window:
    """The stretch that shows the action, what was tested, and the boundaries near them.

    A picture in which a four-minute lapse and a two-year grant are both to scale shows neither. The shortest tested
    term (or five times the shortest lapse) sets the scale, and boundaries more than sixteen times as far are left
    outside, where an arrow and a date stand for them.
    """
    fixed = [acted_at, *(test.at for row in rows for test in row.tests)]
    fixed += [term.start for row in rows for term in row.terms if term.point and term.start is not None]
    low, high = min(fixed), max(fixed)
    scales = [scale for row in rows for test in row.tests if (scale := _scale(test)) is not None]
    far = 16 * min(scales, default=5 * MINUTE)
    near = [at for row in rows for term in _of_interest(row) for at in _bounds(term) if low - far <= at <= high + far]
    if not near and low == high:
        return fitted(low - 5 * MINUTE, high + 5 * MINUTE)
    return fitted(min([low, *near]), max([high, *near]))


def owner_of(fact: Json, terms: tuple[Term, ...]) -> int | None:
    """Which of these terms a fact speaks of: the one it opened or ended, else the one it falls in."""
    at = instants_of(fact.get("time"))
    if at is None:
        return None
    ended = fact.get("fact") == "ended"
    for index, term in enumerate(terms):
        if at == (term.end if ended else term.start):
            return index
    for index, term in enumerate(terms):
        if (term.start is None or term.start <= at) and (term.end is None or at <= term.end):
            return index
    return None


def _row(entry: Json, first_link: str) -> Row:
    tests = tuple(_test(test) for test in entry.get("tests") or ())
    terms = [_term(term) for term in entry.get("terms") or ()]
    for test in tests:
        if test.term is not None and not any(_same(test.term, term) for term in terms):
            terms.append(test.term)
    cited_by = tuple(entry.get("cited_by") or ())
    return Row(
        key=entry["key"],
        kind=entry.get("kind") or "",
        cited_by=cited_by,
        link="joined" if entry.get("joined") else first_link if "action" in cited_by else "cited",
        tests=tests,
        terms=tuple(sorted(terms, key=lambda term: (term.start is not None, term.start or 0))),
        says=entry.get("says") or {},
        facts=tuple(entry.get("facts") or ()),
    )


def _dangling(entry: str | Json, cited_by_action: set[str]) -> Row:
    if isinstance(entry, str):
        return Row(key=entry, kind="", link="no record", cited_by=("action",) if entry in cited_by_action else ())
    return Row(key=entry["key"], kind="", link="no record", cited_by=tuple(entry.get("cited_by") or ()))


def _term(value: Json) -> Term:
    return Term(
        instants_of(value.get("start")),
        instants_of(value.get("end")),
        value.get("ended_by"),
        instants_of(value.get("grace_until")),
        bool(value.get("point")),
    )


def _test(value: Json) -> Test:
    return Test(
        parse_instant(value["at"]),
        bool(value.get("held")),
        tuple(value.get("codes") or ()),
        value.get("note") or "",
        _term(value["term"]) if value.get("term") else None,
    )


def _same(one: Term, other: Term) -> bool:
    return (one.start, one.end) == (other.start, other.end)


def _as_tree(rows: list[Row]) -> list[Row]:
    below: dict[str, list[Row]] = {}
    for row in rows:
        for key in row.cited_by or ("action",):
            below.setdefault(key, []).append(row)
    placed: list[Row] = []
    seen: set[str] = set()
    _descend("action", None, 1, below, seen, placed)
    for row in rows:  # cited by nothing that is here: shown all the same
        if row.key not in seen:
            seen.add(row.key)
            placed.append(row)
            _descend(row.key, len(placed) - 1, 2, below, seen, placed)
    return placed


def _descend(
    key: str, parent: int | None, depth: int, below: dict[str, list[Row]], seen: set[str], placed: list[Row]
) -> None:
    for row in below.get(key, ()):
        if row.key not in seen:
            seen.add(row.key)
            placed.append(replace(row, parent=parent, depth=depth))
            _descend(row.key, len(placed) - 1, depth + 1, below, seen, placed)


def _scale(test: Test) -> int | None:
    """What one test wants to see: its lapse, its whole term, or where an open term began; a decision wants nothing."""
    if test.gap is not None:
        return max(5 * (test.gap[1] - test.gap[0]), SECOND)
    term = test.term
    if term is None or term.point:
        return None
    if term.start is not None and term.end is not None:
        return max(term.end - term.start, SECOND)
    bound = term.start if term.start is not None else term.end
    return None if bound is None else max(abs(test.at - bound), MINUTE)


def _of_interest(row: Row) -> Iterator[Term]:
    return (term for term in row.terms if row.state(term) != "idle")


def _bounds(term: Term) -> Iterator[Instant]:
    return (at for at in (term.start, term.end, term.grace_until) if at is not None)
