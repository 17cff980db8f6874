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


Column = Callable[[list[Any]], dict[str, Any]]
"""From the values of one field to the columns that hold it."""


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
    actions = [row.record for row in rows]
    columns = _placed(rows, read_at)
    for name, of in ACTION_FIELDS.items():
        columns |= of(_each(actions, name))
    return columns


def fact_table(rows: Sequence[Located], read_at: int) -> Table:
    """Authority facts as an Arrow table; columns as docs/reference/formats/case.md describes them."""
    return Table.from_pydict(fact_columns(rows, read_at))


def fact_columns(rows: Sequence[Located], read_at: int) -> dict[str, Any]:
    """The same as one array per column."""
    facts: list[AuthorityFact] = [row.record for row in rows]  # type: ignore[misc]
    columns = _placed(rows, read_at) | {"digest": text_column([content_digest(fact) for fact in facts])}
    for name, of in FACT_FIELDS.items():
        columns |= of(_each(facts, name))
    return columns


def _each(items: Sequence[Any], name: str) -> list[Any]:
    """One attribute of every item."""
    return list(map(attrgetter(name), items))


def _mapped(values: list[Any], text: Callable[[Any], str]) -> list[str | None]:
    """Texts of the values that are there; most columns of most batches have none at all."""
    if values.count(None) == len(values):
        return values
    return [None if value is None else text(value) for value in values]


def _as_text(column: str) -> Column:
    return lambda values: {column: text_column(values)}


def _as_int(column: str) -> Column:
    return lambda values: {column: int_column(values)}


def _as_texts(column: str) -> Column:
    return lambda groups: {column: texts_column(groups)}


def _as_json(column: str) -> Column:
    return lambda values: {column: text_column(_mapped(values, json_text))}


def _as_pair(name: str) -> Column:
    """Type and id of principals or resources, which may be missing, as two columns."""
    return lambda values: {
        f"{name}_type": text_column([one and one.type for one in values]),
        f"{name}_id": text_column([one and one.id for one in values]),
    }


def _as_attributes(values: list[Any]) -> dict[str, Any]:
    return {"attributes": text_column([json_text(value) if value else None for value in values])}


def _as_whom(values: list[Any]) -> dict[str, Any]:
    return _as_pair("principal")(values) | {"principal_like": text_column(_mapped(values, lambda who: like_of(who.id)))}


def _as_scope(values: list[Any]) -> dict[str, Any]:
    return {
        "scope": text_column(_mapped(values, lambda scope: json_text(_rules(scope)))),
        "scope_patterns": _patterns([scope or () for scope in values]),
    }


def _as_said_citations(values: list[Any]) -> dict[str, Any]:
    return {
        "cites_said": Array([keys is not None for keys in values], type=_BOOL),
        "cites": texts_column([keys or () for keys in values]),
    }


def _as_deciders(values: list[Any]) -> dict[str, Any]:
    return {
        "decided_by": text_column(_mapped(values, lambda several: json_text([*map(_who, several)]))),
        "sole_decider": text_column(_mapped(values, _sole_decider)),
    }


def _as_request(values: list[Any]) -> dict[str, Any]:
    asked = [_asked(request) for request in values]
    return _as_json("request")(values) | {
        name: text_column([row[place] for row in asked]) for place, name in enumerate(_ASKED)
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


ACTION_FIELDS: dict[str, Column] = {
    "id": _as_text("id"),
    "time": _as_int("time"),
    "source": _as_text("said_source"),
    "principal": _as_pair("principal"),
    "on_behalf_of": lambda values: {"on_behalf_of": _principals(values)},
    "action": _as_text("action"),
    "resource": _as_pair("resource"),
    "outcome": _as_text("outcome"),
    "origin": _as_text("origin"),
    "cites": _as_texts("cites"),
    "correlates": _as_texts("correlates"),
    "attributes": _as_attributes,
    "stage": lambda values: {"stage": Array(values, type=_INT8)},
}
FACT_FIELDS: dict[str, Column] = {
    "kind": _as_text("kind"),
    "id": _as_text("id"),
    "aliases": _as_texts("aliases"),
    "fact": _as_text("fact"),
    "time": _as_int("time"),
    "source": _as_text("said_source"),
    "valid_from": _as_int("valid_from"),
    "valid_until": _as_int("valid_until"),
    "end": _as_text("end_reason"),
    "grace_until": _as_int("grace_until"),
    "successor": _as_text("successor"),
    "series": _as_text("series"),
    "principal": _as_whom,
    "by": _as_pair("by"),
    "effect": _as_text("effect"),
    "scope": _as_scope,
    "cites": _as_said_citations,
    "issued_by": _as_text("issued_by"),
    "correlates": _as_texts("correlates"),
    "standing": lambda values: {"standing": Array(values, type=_BOOL)},
    "requested_by": lambda values: {
        "requested_by": text_column(_mapped(values, lambda who: json_text(_who(who)))),
    },
    "decided_by": _as_deciders,
    "justification": _as_text("justification"),
    "ticket": _as_text("ticket"),
    "owner": lambda values: {"owner": text_column(_mapped(values, _owner))},
    "request": _as_request,
    "attributes": _as_attributes,
}
"""Which columns each field of a record becomes."""
