"""Records as columns: what the case stores of an action and of a fact, and how records become Arrow tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
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
    principals, resources = _each(actions, "principal"), _each(actions, "resource")
    return Table.from_pydict(
        {
            **_placed(rows, read_at),
            "id": _text(_each(actions, "id")),
            "time": _int(_each(actions, "time")),
            "said_source": _text(_each(actions, "source")),
            "principal_type": _text(_each(principals, "type")),
            "principal_id": _text(_each(principals, "id")),
            "on_behalf_of": _principals(_each(actions, "on_behalf_of")),
            "action": _text(_each(actions, "action")),
            "resource_type": _text(_each(resources, "type")),
            "resource_id": _text(_each(resources, "id")),
            "outcome": _text(_each(actions, "outcome")),
            "origin": _text(_each(actions, "origin")),
            "cites": _texts(_each(actions, "cites")),
            "correlates": _texts(_each(actions, "correlates")),
            "attributes": _text([_json(value).decode() if value else None for value in _each(actions, "attributes")]),
            "stage": Array(_each(actions, "stage"), type=_INT8),
        }
    )


def fact_table(rows: Sequence[Located], read_at: int) -> Table:
    """Authority facts as an Arrow table; columns as docs/reference/formats/case.md describes them."""
    facts: list[AuthorityFact] = [row.record for row in rows]  # type: ignore[misc]
    asked = [_asked(request) for request in _each(facts, "request")]
    cites = _each(facts, "cites")
    columns: dict[str, Any] = {
        **_placed(rows, read_at),
        "digest": _text([content_digest(fact) for fact in facts]),
        "kind": _text(_each(facts, "kind")),
        "id": _text(_each(facts, "id")),
        "aliases": _texts(_each(facts, "aliases")),
        "fact": _text(_each(facts, "fact")),
        "time": _int(_each(facts, "time")),
        "said_source": _text(_each(facts, "source")),
        "valid_from": _int(_each(facts, "valid_from")),
        "valid_until": _int(_each(facts, "valid_until")),
        "end_reason": _text(_each(facts, "end")),
        "grace_until": _int(_each(facts, "grace_until")),
        "successor": _text(_each(facts, "successor")),
        "series": _text(_each(facts, "series")),
        **_named(facts, "principal"),
        "principal_like": _text(_mapped(_each(facts, "principal"), lambda who: like_of(who.id))),
        **_named(facts, "by"),
        "effect": _text(_each(facts, "effect")),
        "scope": _text(_mapped(_each(facts, "scope"), lambda scope: json_text(_rules(scope)))),
        "scope_patterns": _patterns([scope or () for scope in _each(facts, "scope")]),
        "cites_said": Array([keys is not None for keys in cites], type=_BOOL),
        "cites": _texts([keys or () for keys in cites]),
        "issued_by": _text(_each(facts, "issued_by")),
        "correlates": _texts(_each(facts, "correlates")),
        "standing": Array(_each(facts, "standing"), type=_BOOL),
        "requested_by": _text(_mapped(_each(facts, "requested_by"), lambda who: json_text(_who(who)))),
        "decided_by": _text(_mapped(_each(facts, "decided_by"), lambda all_: json_text([*map(_who, all_)]))),
        "sole_decider": _text(_mapped(_each(facts, "decided_by"), _sole_decider)),
        "justification": _text(_each(facts, "justification")),
        "ticket": _text(_each(facts, "ticket")),
        "owner": _text(_mapped(_each(facts, "owner"), _owner)),
        "request": _text(_mapped(_each(facts, "request"), json_text)),
        "attributes": _text([_json(value).decode() if value else None for value in _each(facts, "attributes")]),
    }
    for place, name in enumerate(_ASKED):
        columns[name] = _text([row[place] for row in asked])
    return Table.from_pydict(columns)


def _each(items: Sequence[Any], name: str) -> list[Any]:
    """One attribute of every item."""
    return list(map(attrgetter(name), items))


def _mapped(values: list[Any], text: Callable[[Any], str]) -> list[str | None]:
    """Texts of the values that are there; most columns of most batches have none at all."""
    if values.count(None) == len(values):
        return values
    return [None if value is None else text(value) for value in values]


def _named(facts: list[AuthorityFact], name: str) -> dict[str, Any]:
    """Type and id of a principal as two columns."""
    whom = _each(facts, name)
    return {
        f"{name}_type": _text(_mapped(whom, lambda who: str(who.type))),
        f"{name}_id": _text(_mapped(whom, lambda who: str(who.id))),
    }


def _owner(owner: Principal | str) -> str:
    return json_text(_who(owner)) if isinstance(owner, Principal) else owner


_ASKED = (
    "request_subject_type",
    "request_subject_id",
    "request_action",
    "request_resource_type",
    "request_resource_id",
)


def _placed(rows: Sequence[Located], read_at: int) -> dict[str, Any]:
    origins = _each(rows, "origin")
    return {
        "rec": _int(_each(rows, "rec")),
        "source": _text(_each(rows, "source")),
        "file": _text(_each(origins, "file")),
        "line": _int(_each(origins, "line")),
        "byte_offset": _int(_each(origins, "offset")),
        "sha256": _text(_each(origins, "sha256")),
        "read_at": _int([read_at] * len(rows)),
    }


_NOTHING_ASKED: tuple[str | None, ...] = (None,) * len(_ASKED)


def _asked(request: dict[str, Any] | None) -> tuple[str | None, ...]:
    """Subject, action and resource of a request in AuthZEN's shape; what has another shape matches nothing."""
    if request is None:
        return _NOTHING_ASKED
    subject, action, resource = (request.get(name) for name in ("subject", "action", "resource"))
    found = (
        *((subject.get("type"), subject.get("id")) if isinstance(subject, dict) else (None, None)),
        action.get("name") if isinstance(action, dict) else None,
        *((resource.get("type"), resource.get("id")) if isinstance(resource, dict) else (None, None)),
    )
    return tuple(value if isinstance(value, str) else None for value in found)


def _sole_decider(decided_by: tuple[Principal, ...]) -> str:
    """The one decider, or "" where there are several or none (QW301)."""
    different = set(decided_by)
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
