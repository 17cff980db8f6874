"""Why no action matches: which of the filters matches none by itself, and the names in the case that are nearest to it.

A name that was mistyped and an all-clear look the same; they must not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from quowarranto.case.query import Filters, clauses_of, connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.records import like_of

_NAMES = {
    "source": "SELECT DISTINCT source AS name FROM actions",
    "principal": "SELECT DISTINCT principal_type || ':' || principal_id AS name FROM actions",
    "resource": "SELECT DISTINCT resource_type || ':' || resource_id AS name FROM actions",
    "authority": "SELECT DISTINCT key AS name FROM keys",
    "action": "SELECT DISTINCT id AS name FROM actions",
}
_MOST = 3


def why_none(snapshot: Snapshot, given: Mapping[str, Any]) -> Iterator[str]:
    """Sentences for who found nothing.

    Args:
        given: values of filters by the names of their options; of those that name something of the case.
    """
    connection = connect(snapshot, "actions", "verdicts", "steps", "chains", "keys")
    (counted,) = rows(connection, "SELECT count(*) AS n FROM verdicts")
    yield f"no action matches, of {counted['n']:,} in the case"
    for option, names in _NAMES.items():
        values = given.get(option) or ()
        for value in (values,) if isinstance(values, str) else values:
            where, bound = clauses_of(_alone(option, value))
            if counted["n"] and not rows(
                connection, f"SELECT 1 FROM verdicts v JOIN actions i ON i.rec = v.rec {where} LIMIT 1", bound
            ):
                near = rows(
                    connection,
                    f"SELECT name FROM ({names}) ORDER BY NOT contains(lower(name), lower(?)), "
                    f"levenshtein(left(name, 200), left(?, 200)), name LIMIT {_MOST}",
                    [value.strip("*"), value],
                )
                nearest = ", ".join(f"`{row['name']}`" for row in near)
                yield f"  none has `--{option} {value}`" + (f"; nearest: {nearest}" if nearest else "")


def _alone(option: str, value: str) -> Filters:
    match option:
        case "principal":
            return Filters(principal_like=like_of(value))
        case "resource":
            return Filters(resource_like=like_of(value))
        case "authority":
            return Filters(authority=value)
        case "source":
            return Filters(source=(value,))
        case _:
            return Filters(action=(value,))
