"""Whether a condition holds, does not, or hangs on what the request does not tell.

Source: IAM user guide, "Condition operators" (keys that are not present, `IfExists`, `Null`), "Conditions with multiple
context keys or values" (set operators).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quowarranto.replay.answer import Answer, both, either, negated
from quowarranto.replay.iam.asked import Asked
from quowarranto.replay.iam.globs import Pattern, Unresolved, filled, fits
from quowarranto.replay.iam.operators import Comparison, Condition, binary, moment, network, number


def holds(condition: Condition, asked: Asked) -> Answer:
    """Whether the request meets one key of a condition."""
    value = asked.value_of(condition.key)
    if isinstance(value, frozenset):
        return value
    if condition.family == "Null":
        return any((wanted == "true") == (not value.texts) for wanted in condition.values)
    if not value.texts:
        return _without(condition)
    if condition.quantifier == "ForAllValues":
        if all(text == "" for text in value.texts):
            return True  # nothing but empty texts is a null data set
        return both(_one(condition, text, asked) for text in value.texts)
    if condition.quantifier == "ForAnyValue":
        return either(_one(condition, text, asked) for text in value.texts)
    if len(value.texts) > 1:
        return frozenset({f"how {condition.key} compares, which holds several values"})
    return _one(condition, value.texts[0], asked)


def _without(condition: Condition) -> bool:
    """The request has no such key."""
    if condition.quantifier:
        return condition.quantifier == "ForAllValues"
    return condition.if_exists or condition.is_negated


def _one(condition: Condition, text: str, asked: Asked) -> Answer:
    """Whether one value of the request matches one of the policy's (negated: none of them)."""
    found = either(_matches(condition, text, value, asked) for value in condition.values)
    return negated(found) if condition.is_negated else found


def _matches(condition: Condition, text: str, value: Any, asked: Asked) -> Answer:
    family = condition.family
    if family in ("String", "Arn"):
        return _text_matches(condition, text, value, asked)
    if family == "Bool":
        return bool(text.lower() == value)
    typed = {"Numeric": number, "Date": moment, "Ip": network, "Binary": binary}[family](text)
    if typed is None:
        return frozenset({f"context.{condition.key} that {family} operators can compare"})
    if family == "Ip":
        return bool(typed.version == value.version and typed.subnet_of(value))  # type: ignore[union-attr]
    if family == "Binary":
        return bool(typed == value)
    return _compares(condition.comparison, typed, value)  # type: ignore[arg-type]


def _compares(how: Comparison, ours: Decimal, theirs: Decimal) -> bool:
    if how == "LessThan":
        return ours < theirs
    if how == "LessThanEquals":
        return ours <= theirs
    if how == "GreaterThan":
        return ours > theirs
    return ours >= theirs if how == "GreaterThanEquals" else ours == theirs


def _text_matches(condition: Condition, text: str, value: Pattern, asked: Asked) -> Answer:
    try:
        parts, missing = filled(value, asked.one_value_of)
    except Unresolved as error:
        # What fails to match fails the statement; whether "matches none" then holds is not documented.
        return frozenset({f"context.{error.key}"}) if condition.is_negated else False
    if condition.family == "Arn":
        if sum(part.count(":") for part in parts if isinstance(part, str)) < 5:
            return missing | {f"how {condition.key} compares with what is no ARN"}
        found = text.count(":") >= 5 and fits(parts, text, "arn")
    else:
        found = fits(parts, text, ignore_case=condition.ignore_case)
    return missing if found and missing else found
