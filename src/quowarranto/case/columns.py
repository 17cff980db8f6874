"""Records as columns: what the case stores of an action and of a fact, and how records become Arrow tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from arro3.core import Array, DataType, Field, Table, list_array, struct_array

from quowarranto.records import (
    Action,
    AuthorityFact,
    Origin,
    Principal,
    Rule,
    content_digest,
    is_typed,
    like_of,
    literal_prefix_length,
)

_json = msgspec.json.Encoder(order="sorted").encode

_INT8 = DataType.int8()
_INT64 = DataType.int64()
_TEXT = DataType.string()
_BOOL = DataType.bool()
_INT32 = DataType.int32()


class Located(msgspec.Struct, frozen=True):
    """A record and where it was read; `source` is the name it is shown under, `rec` its number in the case."""

    record: Action | AuthorityFact
    origin: Origin
    source: str
    rec: int


def json_text(value: Any) -> str:
    """JSON with sorted keys, for columns that keep a structure as text."""
    return _json(value).decode()


def action_table(rows: Sequence[Located], read_at: int) -> Table:
    """Actions as an Arrow table; columns as docs/reference/formats/case.md describes them."""
    actions: list[Action] = [row.record for row in rows]  # type: ignore[misc]
    return Table.from_pydict(
        {
            **_placed(rows, read_at),
            "id": _text([a.id for a in actions]),
            "time": _int([a.time for a in actions]),
            "said_source": _text([a.source for a in actions]),
            "principal_type": _text([a.principal.type for a in actions]),
            "principal_id": _text([a.principal.id for a in actions]),
            "on_behalf_of": _principals([a.on_behalf_of for a in actions]),
            "action": _text([a.action for a in actions]),
            "resource_type": _text([a.resource.type for a in actions]),
            "resource_id": _text([a.resource.id for a in actions]),
            "outcome": _text([a.outcome for a in actions]),
            "origin": _text([a.origin for a in actions]),
            "cites": _texts([a.cites for a in actions]),
            "correlates": _texts([a.correlates for a in actions]),
            "attributes": _text([json_text(a.attributes) if a.attributes else None for a in actions]),
            "stage": Array([a.stage for a in actions], type=_INT8),
        }
    )


def fact_table(rows: Sequence[Located], read_at: int) -> Table:
    """Authority facts as an Arrow table; columns as docs/reference/formats/case.md describes them."""
    facts: list[AuthorityFact] = [row.record for row in rows]  # type: ignore[misc]
    asked = [_asked(f.request) for f in facts]
    columns: dict[str, Any] = {
        **_placed(rows, read_at),
        "digest": _text([content_digest(f) for f in facts]),
        "kind": _text([f.kind for f in facts]),
        "id": _text([f.id for f in facts]),
        "aliases": _texts([f.aliases for f in facts]),
        "fact": _text([f.fact for f in facts]),
        "time": _int([f.time for f in facts]),
        "said_source": _text([f.source for f in facts]),
        "valid_from": _int([f.valid_from for f in facts]),
        "valid_until": _int([f.valid_until for f in facts]),
        "end_reason": _text([f.end for f in facts]),
        "grace_until": _int([f.grace_until for f in facts]),
        "successor": _text([f.successor for f in facts]),
        "series": _text([f.series for f in facts]),
        "principal_type": _of(facts, lambda f: f.principal and f.principal.type),
        "principal_id": _of(facts, lambda f: f.principal and f.principal.id),
        "principal_like": _of(facts, lambda f: f.principal and like_of(f.principal.id)),
        "by_type": _of(facts, lambda f: f.by and f.by.type),
        "by_id": _of(facts, lambda f: f.by and f.by.id),
        "effect": _text([f.effect for f in facts]),
        "scope": _of(facts, lambda f: None if f.scope is None else json_text(_rules(f.scope))),
        "scope_patterns": _patterns([f.scope or () for f in facts]),
        "cites_said": Array([f.cites is not None for f in facts], type=_BOOL),
        "cites": _texts([f.cites or () for f in facts]),
        "issued_by": _text([f.issued_by for f in facts]),
        "correlates": _texts([f.correlates for f in facts]),
        "standing": Array([f.standing for f in facts], type=_BOOL),
        "requested_by": _of(facts, lambda f: f.requested_by and json_text(_who(f.requested_by))),
        "decided_by": _of(facts, lambda f: None if f.decided_by is None else json_text([*map(_who, f.decided_by)])),
        "sole_decider": _of(facts, _sole_decider),
        "justification": _text([f.justification for f in facts]),
        "ticket": _text([f.ticket for f in facts]),
        "owner": _of(facts, lambda f: json_text(_who(f.owner)) if isinstance(f.owner, Principal) else f.owner),
        "request": _of(facts, lambda f: None if f.request is None else json_text(f.request)),
        "attributes": _text([json_text(f.attributes) if f.attributes else None for f in facts]),
    }
    for place, name in enumerate(_ASKED):
        columns[name] = _text([row[place] for row in asked])
    return Table.from_pydict(columns)


_ASKED = (
    "request_subject_type",
    "request_subject_id",
    "request_action",
    "request_resource_type",
    "request_resource_id",
)


def _placed(rows: Sequence[Located], read_at: int) -> dict[str, Any]:
    return {
        "rec": _int([row.rec for row in rows]),
        "source": _text([row.source for row in rows]),
        "file": _text([row.origin.file for row in rows]),
        "line": _int([row.origin.line for row in rows]),
        "byte_offset": _int([row.origin.offset for row in rows]),
        "sha256": _text([row.origin.sha256 for row in rows]),
        "read_at": _int([read_at] * len(rows)),
    }


def _asked(request: dict[str, Any] | None) -> tuple[str | None, ...]:
    """Subject, action and resource of a request in AuthZEN's shape; what has another shape matches nothing."""
    if request is None:
        return (None,) * len(_ASKED)
    subject, action, resource = (request.get(name) for name in ("subject", "action", "resource"))
    found = (
        *((subject.get("type"), subject.get("id")) if isinstance(subject, dict) else (None, None)),
        action.get("name") if isinstance(action, dict) else None,
        *((resource.get("type"), resource.get("id")) if isinstance(resource, dict) else (None, None)),
    )
    return tuple(value if isinstance(value, str) else None for value in found)


def _sole_decider(fact: AuthorityFact) -> str | None:
    """The one decider, "" where there are several or none, absent where nothing was said (QW301)."""
    if fact.decided_by is None:
        return None
    different = set(fact.decided_by)
    return json_text(_who(different.pop())) if len(different) == 1 else ""


def _who(principal: Principal) -> dict[str, str]:
    return {"id": principal.id, "type": principal.type}


def _rules(scope: tuple[Rule, ...]) -> list[dict[str, list[str]]]:
    return [
        {name: list(patterns) for name in ("actions", "resources") if (patterns := getattr(rule, name)) is not None}
        for rule in scope
    ]


def _text(values: list[Any]) -> Array:
    return Array(values, type=_TEXT)


def _int(values: list[Any]) -> Array:
    return Array(values, type=_INT64)


def _of(facts: list[AuthorityFact], value: Callable[[AuthorityFact], Any]) -> Array:
    return _text([value(fact) for fact in facts])


def _offsets(groups: Sequence[Sequence[Any]]) -> Array:
    ends = [0]
    for group in groups:
        ends.append(ends[-1] + len(group))
    return Array(ends, type=_INT32)


def _texts(groups: Sequence[Sequence[str]]) -> Any:
    return list_array(_offsets(groups), _text([item for group in groups for item in group]))


def _principals(groups: Sequence[Sequence[Principal]]) -> Any:
    flat = [who for group in groups for who in group]
    items = struct_array(
        [_text([who.type for who in flat]), _text([who.id for who in flat])],
        fields=[Field("type", _TEXT, nullable=True), Field("id", _TEXT, nullable=True)],
    )
    return list_array(_offsets(groups), items)


class _Pattern(msgspec.Struct, frozen=True):
    rule: int
    target: str
    pattern_like: str | None
    typed: bool
    literal: int


def _patterns(scopes: Sequence[tuple[Rule, ...]]) -> Any:
    """Every pattern of a scope; a missing list is one entry that matches all, an empty list none (SPEC 2)."""
    groups = [[item for number, rule in enumerate(scope) for item in _rule_patterns(number, rule)] for scope in scopes]
    flat = [item for group in groups for item in group]
    items = struct_array(
        [
            Array([item.rule for item in flat], type=_INT32),
            _text([item.target for item in flat]),
            _text([item.pattern_like for item in flat]),
            Array([item.typed for item in flat], type=_BOOL),
            Array([item.literal for item in flat], type=_INT64),
        ],
        fields=[
            Field("rule", _INT32, nullable=True),
            Field("target", _TEXT, nullable=True),
            Field("pattern_like", _TEXT, nullable=True),
            Field("typed", _BOOL, nullable=True),
            Field("literal", _INT64, nullable=True),
        ],
    )
    return list_array(_offsets(groups), items)


def _rule_patterns(number: int, rule: Rule) -> list[_Pattern]:
    found = []
    for target, patterns in (("action", rule.actions), ("resource", rule.resources)):
        if patterns is None:
            found.append(_Pattern(number, target, None, False, -1))
        else:
            found += [
                _Pattern(
                    number,
                    target,
                    like_of(pattern),
                    target == "resource" and is_typed(pattern),
                    literal_prefix_length(pattern),
                )
                for pattern in patterns
            ]
    return found
