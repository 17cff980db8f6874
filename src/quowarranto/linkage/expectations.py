"""Expectations (SPEC 9) as SQL: which actions each is about, and what it demands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quowarranto.records import UNSPELT, Expectation, is_typed, like_of


def expectation_rows(expectations: Sequence[Expectation], bits: dict[str, int]) -> str:
    """One row per expectation: its number, the kinds that it needs as bits, and what it allows."""
    return " UNION ALL ".join(
        f"SELECT {number} AS e, {sum({bits[kind] for kind in one.require})} AS need, {not one.standing} AS temporary, "
        f"CAST({'NULL' if one.max_lifetime_us is None else one.max_lifetime_us} AS BIGINT) AS longest"
        for number, one in enumerate(expectations)
    )


def expected_rows(expectations: Sequence[Expectation], among: str) -> str:
    """One row per action of `among` (a condition on `i`) and expectation that is about it."""
    return " UNION ALL ".join(
        f"SELECT i.rec, {number} AS e FROM actions_in i WHERE {among} AND i.outcome <> 'denied' AND {_about(one)}"
        for number, one in enumerate(expectations)
    )


def _about(one: Expectation) -> str:
    conditions = [
        _any(patterns, column)
        for patterns, column in (
            (one.principals, _named("principal")),
            (one.resources, _named("resource")),
            (one.actions, lambda _: "i.action"),
        )
        if patterns is not None
    ]
    return " AND ".join(conditions) or "TRUE"


def _named(what: str) -> Callable[[str], str]:
    return lambda pattern: f"i.{what}_type || ':' || i.{what}_id" if is_typed(pattern) else f"i.{what}_id"


def _any(patterns: tuple[str, ...], column: Callable[[str], str]) -> str:
    found = [f"{column(pattern)} LIKE {_literal(like_of(pattern))} ESCAPE '!'" for pattern in patterns]
    return f"({' OR '.join(found) or 'FALSE'})"


def _literal(text: str) -> str:
    """A pattern as SQL; `Expectation` patterns hold nothing that engines read differently (case/config.py)."""
    if set(UNSPELT) & set(text):
        raise ValueError("a pattern with a quote, a backslash or a dollar sign")
    return f"'{text}'"
