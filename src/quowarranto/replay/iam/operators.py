"""The `Condition` element: which operator, of which type, with which values.

Source: IAM user guide, "Condition operators", "Conditions with multiple context keys or values".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from quowarranto.replay.iam.globs import Pattern, pattern

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Comparison = Literal["", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]


class Unreadable(Exception):
    """A document that AWS would not have taken; the reason never quotes it."""


class Condition(msgspec.Struct, frozen=True):
    """One key under one operator: it must match one of the values (negated: none of them)."""

    quantifier: Literal["", "ForAllValues", "ForAnyValue"]
    family: Literal["String", "Numeric", "Date", "Bool", "Binary", "Ip", "Arn", "Null"]
    comparison: Comparison
    is_negated: bool
    ignore_case: bool
    if_exists: bool
    key: str
    """In lower case: keys of conditions tell no case."""
    values: tuple[Any, ...]
    """As the family wants them: patterns, numbers, moments, networks, bytes, truths."""


class _Operator(msgspec.Struct, frozen=True):
    family: Literal["String", "Numeric", "Date", "Bool", "Binary", "Ip", "Arn", "Null"]
    comparison: Comparison = ""
    is_negated: bool = False
    ignore_case: bool = False
    wildcards: bool = False


_OPERATORS: dict[str, _Operator] = {
    "StringEquals": _Operator("String"),
    "StringNotEquals": _Operator("String", is_negated=True),
    "StringEqualsIgnoreCase": _Operator("String", ignore_case=True),
    "StringNotEqualsIgnoreCase": _Operator("String", is_negated=True, ignore_case=True),
    "StringLike": _Operator("String", wildcards=True),
    "StringNotLike": _Operator("String", is_negated=True, wildcards=True),
    "Bool": _Operator("Bool"),
    "BinaryEquals": _Operator("Binary"),
    "IpAddress": _Operator("Ip"),
    "NotIpAddress": _Operator("Ip", is_negated=True),
    "ArnEquals": _Operator("Arn", wildcards=True),
    "ArnLike": _Operator("Arn", wildcards=True),
    "ArnNotEquals": _Operator("Arn", is_negated=True, wildcards=True),
    "ArnNotLike": _Operator("Arn", is_negated=True, wildcards=True),
    "Null": _Operator("Null"),
}
for _family in ("Numeric", "Date"):
    _OPERATORS[f"{_family}Equals"] = _Operator(_family)
    _OPERATORS[f"{_family}NotEquals"] = _Operator(_family, is_negated=True)
    for _way in ("LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"):
        _OPERATORS[f"{_family}{_way}"] = _Operator(_family, _way)

_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?")
_EPOCH = re.compile(r"\d{5,12}(\.\d{1,9})?")
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")


def conditions(value: Any, *, variables: bool) -> tuple[Condition, ...]:
    """All that a `Condition` element demands.

    Raises:
        Unreadable: an operator that there is not, or a value that it cannot compare with.
    """
    if not isinstance(value, dict):
        raise Unreadable("`Condition` is not an object")
    found: list[Condition] = []
    for name, keys in value.items():
        if not isinstance(keys, dict):
            raise Unreadable("an operator of a condition without its keys")
        found += [_condition(name, key, values, variables) for key, values in keys.items()]
    return tuple(found)


def _condition(name: str, key: str, values: Any, variables: bool) -> Condition:
    quantifier, colon, rest = name.rpartition(":")
    base = rest.removesuffix("IfExists")
    operator = _OPERATORS.get(base)
    if operator is None or (colon and quantifier not in ("ForAllValues", "ForAnyValue")):
        raise Unreadable("an operator of a condition that there is not")
    if operator.family == "Null" and (base != rest or quantifier):
        raise Unreadable("`Null` takes no other operator's addition")
    listed = values if isinstance(values, list) else [values]
    if not listed:
        raise Unreadable("a condition without values")
    return Condition(
        quantifier=quantifier,  # type: ignore[arg-type]
        family=operator.family,
        comparison=operator.comparison,
        is_negated=operator.is_negated,
        ignore_case=operator.ignore_case,
        if_exists=base != rest,
        key=key.lower(),
        values=tuple(_value(text_of(one), operator, variables) for one in listed),
    )


def text_of(value: Any) -> str:
    """A value of a condition or request as a text: numbers and truths may be written without quotes.

    Raises:
        Unreadable: it is a list, an object or nothing.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise Unreadable("a value of a condition that is no text, number or truth")
    return value


def _value(text: str, operator: _Operator, variables: bool) -> Any:
    if operator.family in ("String", "Arn"):
        return _pattern(text, operator, variables)
    found = _READERS[operator.family](text)
    if found is None:
        raise Unreadable(f"a value that no {operator.family} operator compares with")
    return found


def _pattern(text: str, operator: _Operator, variables: bool) -> Pattern:
    return pattern(text, variables=variables, wildcards=operator.wildcards)


def number(text: str) -> Decimal | None:
    """A whole or decimal number."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def moment(text: str) -> Decimal | None:
    """Seconds since the epoch, of those, or of a date of ISO 8601 as W3C profiles it (a time has its zone)."""
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    try:
        if day := _DAY.fullmatch(text):
            at = datetime(int(day[1]), int(day[2] or 1), int(day[3] or 1), tzinfo=UTC)
            return Decimal(int(at.timestamp()))
        if full := _MOMENT.fullmatch(text):
            at = datetime.fromisoformat(full[1] + full[3].replace("Z", "+00:00"))
            return Decimal(f"{int(at.timestamp())}.{(full[2] or '0')[:9]}")
    except (ValueError, OverflowError):
        return None
    return None


def network(text: str) -> Network | None:
    """An address is the network of itself; bits behind the prefix are of no account."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def truth(text: str) -> str | None:
    """`true` or `false`, in any case."""
    return text.lower() if text.lower() in ("true", "false") else None


def binary(text: str) -> bytes | None:
    """Base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


_READERS: dict[str, Callable[[str], Any]] = {
    "Numeric": number,
    "Date": moment,
    "Bool": truth,
    "Null": truth,
    "Ip": network,
    "Binary": binary,
}
