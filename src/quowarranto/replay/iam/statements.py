"""Whether a statement is about what is asked: its action, its resource, its conditions."""

from __future__ import annotations

from quowarranto.replay.answer import Answer, both, either, negated
from quowarranto.replay.iam.asked import Asked
from quowarranto.replay.iam.conditions import holds
from quowarranto.replay.iam.documents import Statement
from quowarranto.replay.iam.globs import Pattern, Unresolved, Wild, filled, fits


def applies(statement: Statement, asked: Asked) -> Answer:
    """Everything but the principal."""
    action = _action(statement, asked)
    if action is False:
        return False
    return both((action, _resource(statement, asked), *(holds(one, asked) for one in statement.conditions)))


def _action(statement: Statement, asked: Asked) -> Answer:
    """Names of services and actions tell no case."""
    if asked.action is None:
        every = any(_is_everything(one) for one in statement.actions)
        return not statement.beside_actions if every else frozenset({"action.name"})
    listed = any(fits(one, asked.action, ignore_case=True) for one in statement.actions)  # type: ignore[arg-type]
    return listed is not statement.beside_actions


def _resource(statement: Statement, asked: Asked) -> Answer:
    listed = either(_names(one, asked, beside=statement.beside_resources) for one in statement.resources)
    return negated(listed) if statement.beside_resources else listed


def _names(resource: Pattern, asked: Asked, *, beside: bool) -> Answer:
    """Whether a pattern is about the resource; one whose variable has no value is about none."""
    if _is_everything(resource):
        return True
    try:
        parts, missing = filled(resource, asked.one_value_of)
    except Unresolved as error:
        # The statement fails to match; whether it then speaks of all but that resource is not documented.
        return frozenset({f"context.{error.key}"}) if beside else False
    if asked.resource is None:
        return missing | {"resource.id"}
    found = fits(parts, asked.resource, "resource")
    return missing if found and missing else found


def _is_everything(parts: Pattern) -> bool:
    return bool(parts) and all(part is Wild.ANY for part in parts)
