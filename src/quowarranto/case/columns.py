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
    return Table.from_pydict(action_columns(rows, read_at))


def action_columns(rows: Sequence[Located], read_at: int) -> dict[str, Any]:
    """The same as one array per column."""
    actions: list[Action] = [row.record for row in rows]  # type: ignore[misc]
    principals, resources = _each(actions, "principal"), _each(actions, "resource")
    return {
        **_placed(rows, read_at),
        "id": text_column(_each(actions, "id")),
        "time": int_column(_each(actions, "time")),
        "said_source": text_column(_each(actions, "source")),
        "principal_type": text_column(_each(principals, "type")),
        "principal_id": text_column(_each(principals, "id")),
        "on_behalf_of": _principals(_each(actions, "on_behalf_of")),
        "action": text_column(_each(actions, "action")),
        "resource_type": text_column(_each(resources, "type")),
        "resource_id": text_column(_each(resources, "id")),
        "outcome": text_column(_each(actions, "outcome")),
        "origin": text_column(_each(actions, "origin")),
        "cites": texts_column(_each(actions, "cites")),
        "correlates": texts_column(_each(actions, "correlates")),
        "attributes": text_column([attributes_text(value) for value in _each(actions, "attributes")]),
        "stage": Array(_each(actions, "stage"), type=_INT8),
    }


def fact_table(rows: Sequence[Located], read_at: int) -> Table:
    """Authority facts as an Arrow table; columns as docs/reference/formats/case.md describes them."""
    return Table.from_pydict(fact_columns(rows, read_at))


def fact_columns(rows: Sequence[Located], read_at: int) -> dict[str, Any]:
    """The same as one array per column."""
    facts: list[AuthorityFact] = [row.record for row in rows]  # type: ignore[misc]
    asked = [_asked(request) for request in _each(facts, "request")]
    cites = _each(facts, "cites")
    columns: dict[str, Any] = {
        **_placed(rows, read_at),
        "digest": text_column([content_digest(fact) for fact in facts]),
        "kind": text_column(_each(facts, "kind")),
        "id": text_column(_each(facts, "id")),
        "aliases": texts_column(_each(facts, "aliases")),
        "fact": text_column(_each(facts, "fact")),
        "time": int_column(_each(facts, "time")),
        "said_source": text_column(_each(facts, "source")),
        "valid_from": int_column(_each(facts, "valid_from")),
        "valid_until": int_column(_each(facts, "valid_until")),
        "end_reason": text_column(_each(facts, "end")),
        "grace_until": int_column(_each(facts, "grace_until")),
        "successor": text_column(_each(facts, "successor")),
        "series": text_column(_each(facts, "series")),
        **_named(facts, "principal"),
        "principal_like": text_column(_mapped(_each(facts, "principal"), lambda who: like_of(who.id))),
        **_named(facts, "by"),
        "effect": text_column(_each(facts, "effect")),
        "scope": text_column(_mapped(_each(facts, "scope"), lambda scope: json_text(_rules(scope)))),
        "scope_patterns": _patterns([scope or () for scope in _each(facts, "scope")]),
        "cites_said": Array([keys is not None for keys in cites], type=_BOOL),
        "cites": texts_column([keys or () for keys in cites]),
        "issued_by": text_column(_each(facts, "issued_by")),
        "correlates": texts_column(_each(facts, "correlates")),
        "standing": Array(_each(facts, "standing"), type=_BOOL),
        "requested_by": text_column(_mapped(_each(facts, "requested_by"), lambda who: json_text(_who(who)))),
        "decided_by": text_column(_mapped(_each(facts, "decided_by"), lambda all_: json_text([*map(_who, all_)]))),
        "sole_decider": text_column(_mapped(_each(facts, "decided_by"), _sole_decider)),
        "justification": text_column(_each(facts, "justification")),
        "ticket": text_column(_each(facts, "ticket")),
        "owner": text_column(_mapped(_each(facts, "owner"), _owner)),
        "request": text_column(_mapped(_each(facts, "request"), json_text)),
        "attributes": text_column([attributes_text(value) for value in _each(facts, "attributes")]),
    }
    for place, name in enumerate(_ASKED):
        columns[name] = text_column([row[place] for row in asked])
    return columns


def attributes_text(attributes: dict[str, Any]) -> str | None:
    """Attributes as their column holds them."""
    return json_text(attributes) if attributes else None


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
        f"{name}_type": text_column(_mapped(whom, lambda who: str(who.type))),
        f"{name}_id": text_column(_mapped(whom, lambda who: str(who.id))),
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
        "rec": int_column(_each(rows, "rec")),
        "source": text_column(_each(rows, "source")),
        "file": text_column(_each(origins, "file")),
        "line": int_column(_each(origins, "line")),
        "byte_offset": int_column(_each(origins, "offset")),
        "sha256": text_column(_each(origins, "sha256")),
        "read_at": int_column([read_at] * len(rows)),
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


def text_column(values: Sequence[Any]) -> Array:
    """Texts, or None."""
    return Array(values, type=_TEXT)


def int_column(values: Sequence[Any]) -> Array:
    """Whole numbers of 64 bits, or None."""
    return Array(values, type=_INT64)


def _offsets(groups: Sequence[Sequence[Any]]) -> Array:
    ends = [0]
    for group in groups:
        ends.append(ends[-1] + len(group))
    return Array(ends, type=_INT32)


def texts_column(groups: Sequence[Sequence[str]]) -> Any:
    """Lists of texts."""
    return list_array(_offsets(groups), text_column([item for group in groups for item in group]))


def _principals(groups: Sequence[Sequence[Principal]]) -> Any:
    flat = [who for group in groups for who in group]
    items = struct_array(
        [text_column([who.type for who in flat]), text_column([who.id for who in flat])],
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
            text_column([item.target for item in flat]),
            text_column([item.pattern_like for item in flat]),
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
