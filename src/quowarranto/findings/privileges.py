"""What was granted against what was used, per grant, and the narrower scope that would have sufficed.

A proposal is held against the history at once: the number of actions that it would have refused is told with it. Fitted
on a part of the history it is tried on the rest, which it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from quowarranto.case.query import connect, rows
from quowarranto.case.store import Snapshot
from quowarranto.findings.generalise import Use, proposed
from quowarranto.records import Rule, format_instant, matches, matches_resource

WIDE = 0.5
"""QW502: a proposal that would take away so much of what is granted and not used."""
ENOUGH, LONG = 10, 7 * 86_400_000_000
"""Nothing is called too wide before so many uses in so many microseconds were seen."""
_THINGS = 20_000
"""Different things done that are looked at, at most, to see what a scope takes away."""
_DAY = 86_400_000_000
_TABLES = ("actions", "facts", "derived", "verdicts", "steps", "chains", "authorities", "keys", "terms")


def privileges(
    snapshot: Snapshot, principal_like: str | None = None, fit_until: int | None = None
) -> list[dict[str, Any]]:
    """One dictionary per grant, as docs/reference/formats/privileges.md describes it; those never used first.

    Args:
        snapshot: a judged state.
        principal_like: only grants of principals that match, as `id` or `type:id`, a pattern as SQL's LIKE has it.
        fit_until: proposals are made from the uses before this time (microseconds) and tried on the others.
    """
    out = _each_told(snapshot, lambda *_: True, principal_like, fit_until)
    return sorted(out, key=lambda row: (row["uses"] > 0, -row["unused_removed"], row["grant"]))


def too_wide(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Those of `privileges` that have QW502, without working out the others."""
    return [row for row in _each_told(snapshot, _enough) if "QW502" in row["codes"]]


def _each_told(
    snapshot: Snapshot,
    wanted: Callable[[dict[str, Any], list[_Used], tuple[int, int]], bool],
    principal_like: str | None = None,
    fit_until: int | None = None,
) -> list[dict[str, Any]]:
    connection = connect(snapshot, *_TABLES)
    ((first, last),) = connection.execute("SELECT min(time), max(time) FROM actions").fetchall()
    if first is None:
        return []
    uses, everything = _uses(connection, fit_until), _everything(connection)
    each = [(grant, uses.get(grant["a"], [])) for grant in _grants(connection, principal_like)]
    return [_told(grant, used, everything, (first, last)) for grant, used in each if wanted(grant, used, (first, last))]


class _Used(msgspec.Struct, frozen=True):
    """Uses of a grant by one verb on one resource: those to learn from, and those that a proposal has not seen."""

    verb: str
    resource_type: str
    resource_id: str
    learned: int
    unseen: int
    last_us: int


def _grants(connection: Any, principal_like: str | None) -> list[dict[str, Any]]:
    """Allowing grants that were in force at some time that the actions cover, by their last term."""
    who = "TRUE"
    if principal_like is not None:
        who = "t.principal_id LIKE ? ESCAPE '!' OR t.principal_type || ':' || t.principal_id LIKE ? ESCAPE '!'"
    return rows(
        connection,
        f"""
        SELECT n.a, n.id, t.principal_type, t.principal_id, t.scope, t.start_us, t.end_us,
               coalesce(json_extract_string(f.attributes, '$.break_glass') = 'true', FALSE) AS break_glass
        FROM authorities n JOIN terms t ON t.a = n.a
        LEFT JOIN (SELECT rec, attributes FROM facts UNION ALL SELECT rec, attributes FROM derived) f ON f.rec = t.term
        WHERE n.kind = 'grant' AND coalesce(t.effect, 'allow') = 'allow' AND ({who})
          AND t.end_us > (SELECT min(time) FROM actions) AND t.start_us <= (SELECT max(time) FROM actions)
        QUALIFY row_number() OVER (PARTITION BY n.a ORDER BY t.end_us DESC, t.start_us DESC, t.term) = 1
        ORDER BY n.id""",
        [] if principal_like is None else [principal_like] * 2,
    )


def _uses(connection: Any, fit_until: int | None) -> dict[int, list[_Used]]:
    """By grant, what it carried: actions that are authorised or presumed with it in the chain."""
    learned = "TRUE" if fit_until is None else f"i.time < {fit_until}"
    found = connection.execute(
        f"""
        SELECT u.a, i.action, i.resource_type, i.resource_id, count(*) FILTER (WHERE {learned}),
               count(*) FILTER (WHERE NOT ({learned})), max(i.time)
        FROM (SELECT DISTINCT s.rec, c.node AS a FROM chains c JOIN steps s ON s.use = c.use WHERE c.kind = 'grant') u
        JOIN verdicts v ON v.rec = u.rec AND v.verdict IN ('authorised', 'presumed')
        JOIN actions i ON i.rec = u.rec GROUP BY ALL"""
    )
    out: dict[int, list[_Used]] = {}
    for a, *values in found.fetchall():
        out.setdefault(a, []).append(_Used(*values))
    return out


def _everything(connection: Any) -> list[tuple[str, str, str]]:
    """All (verb, resource type, resource id) that anybody used: what "granted and not used" is counted over."""
    found = connection.execute(
        "SELECT DISTINCT action, resource_type, resource_id FROM actions ORDER BY ALL LIMIT 20000"
    )
    return [tuple(row) for row in found.fetchall()]


def _enough(grant: dict[str, Any], used: list[_Used], span: tuple[int, int]) -> bool:
    """Whether so much was seen of a grant that it may be called too wide."""
    return sum(one.learned + one.unseen for one in used) >= ENOUGH and span[1] - _since(grant, span) >= LONG


def _since(grant: dict[str, Any], span: tuple[int, int]) -> int:
    """When it began to be watched."""
    return max(span[0], int(grant["start_us"]))


def _told(
    grant: dict[str, Any], used: list[_Used], everything: list[tuple[str, str, str]], span: tuple[int, int]
) -> dict[str, Any]:
    granted = None if grant["scope"] is None else msgspec.json.decode(grant["scope"], type=tuple[Rule, ...])
    rules = proposed(Use(one.verb, one.resource_type, one.resource_id, one.learned) for one in used if one.learned)
    own = {(one.verb, one.resource_type, one.resource_id) for one in used}
    idle = _covered([thing for thing in everything if thing not in own], granted)
    removed = (len(idle) - len(_covered(idle, rules))) / len(idle) if idle else 0.0
    learned, unseen = (sum(getattr(one, name) for one in used) for name in ("learned", "unseen"))
    allowed = set(_covered(list(own), rules))
    refused = [one for one in used if (one.verb, one.resource_type, one.resource_id) not in allowed]
    codes = []
    if not used and not grant["break_glass"]:
        codes.append("QW501")
    elif removed >= WIDE and _enough(grant, used, span):
        codes.append("QW502")
    return {
        "grant": grant["id"],
        "principal": {"type": grant["principal_type"], "id": grant["principal_id"]},
        "codes": codes,
        "uses": learned + unseen,
        "last_use": format_instant(max(one.last_us for one in used)) if used else None,
        "watched_days": round((span[1] - _since(grant, span)) / _DAY, 1),
        "granted": _plain(granted),
        "proposed": _plain(rules) if used else [],
        "unused_removed": round(removed, 3),
        "would_have_refused": sum(one.learned for one in refused),
        "unseen_uses": unseen,
        "unseen_refused": sum(one.unseen for one in refused),
        "next_refused_at_most": _bound(learned),
    }


def covered(rules: Sequence[Rule] | None, thing: tuple[str, str, str]) -> bool:
    """Whether some rule covers a (verb, resource type, resource id); no scope at all covers everything."""
    return bool(_covered([thing], rules))


def _covered(things: list[tuple[str, str, str]], rules: Sequence[Rule] | None) -> list[tuple[str, str, str]]:
    """Those that some rule covers. Few verbs do many things, so each verb is held against the rules once."""
    if rules is None:
        return things
    allowed = {verb: _patterns(rules, verb) for verb in {thing[0] for thing in things}}
    out = []
    for thing in things:
        patterns = allowed[thing[0]]
        if patterns is None or (patterns and any(matches_resource(one, thing[1], thing[2]) for one in patterns)):
            out.append(thing)
    return out


def _patterns(rules: Sequence[Rule], verb: str) -> list[str] | None:
    """Patterns of which a resource must match one for this verb; None where any resource will do."""
    out: dict[str, None] = {}
    for rule in rules:
        if rule.actions is None or any(matches(pattern, verb) for pattern in rule.actions):
            if rule.resources is None:
                return None
            out |= dict.fromkeys(rule.resources)
    return list(out)


def _bound(uses: int) -> float | None:
    """What no refusal in so many uses says of the next: less than this, at 95 % confidence (the rule of three)."""
    return None if not uses else round(min(1.0, 3 / uses), 6)


def _plain(rules: Iterable[Rule] | None) -> Any:
    return (
        None
        if rules is None
        else [
            {"actions": rule.actions and list(rule.actions), "resources": rule.resources and list(rule.resources)}
            for rule in rules
        ]
    )
