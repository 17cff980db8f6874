"""Parameters and response wrapping: what a rule demands of a request beside its path and operation.

Where versions of the server differ in how a list of values is held against a rule, both ways are tried; they decide
only where they agree, or where `context.list_matching` says which one counts (`whole`, or `each` as since Vault 1.21).

Source: vault/acl.go, AllowOperation, valueInParameterList; go-secure-stdlib strutil, GlobbedStringsMatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quowarranto.replay.answer import Answer, Missing, both, either, negated
from quowarranto.replay.vault_acl.permissions import Permissions

PARAMETERS = "action.properties.parameters"
LIST_MATCHING = "context.list_matching"
_HMAC = "hmac-sha256:"
_ALL = "*"
_LIMIT = "limit"


def wrapping_fits(rule: Permissions, wrap_ttl_s: float | None) -> Answer:
    """Either bound makes wrapping a duty; `0` is a request without wrapping."""
    least, most = rule.min_wrapping_s, rule.max_wrapping_s
    if not least and not most:
        return True
    if least and most and most < least:
        return False
    if wrap_ttl_s is None:
        return frozenset({"context.wrap_ttl"})
    return wrap_ttl_s > 0 and wrap_ttl_s >= least and (not most or wrap_ttl_s <= most)


def parameters_fit(rule: Permissions, given: Mapping[str, Any] | None, list_matching: str | None) -> Answer:
    """For operations that send data: required names are there, no denied value, nothing beside the allowed ones."""
    only_all = set(rule.allowed) == {_ALL}
    if not rule.required and not rule.denied and (not rule.allowed or only_all):
        return True
    if given is None:
        return frozenset({PARAMETERS})
    if any(name.lower() not in given for name in rule.required):
        return False
    if not given:
        return True
    if _ALL in rule.denied:
        return False
    answers = [_not_denied(rule, name, value, list_matching) for name, value in given.items()]
    if rule.allowed and not only_all:
        answers += [_allowed(rule, name, value, list_matching) for name, value in given.items()]
    return both(answers)


def _not_denied(rule: Permissions, name: str, value: Any, matching: str | None) -> Answer:
    values = rule.denied.get(name.lower())
    if values is None:
        return True
    if not values:
        return False
    whole = _in_list(name, value, values)
    parts = _parts(value)
    if parts is None or whole is True:
        return negated(whole)
    each = either([whole, *(_in_list(name, part, values) for part in parts)])
    return negated(_as_matched(whole, each, matching))


def _allowed(rule: Permissions, name: str, value: Any, matching: str | None) -> Answer:
    values = rule.allowed.get(name.lower())
    if values is None:
        return _ALL in rule.allowed
    if not values:
        return True
    whole = _in_list(name, value, values)
    parts = _parts(value)
    if parts is None or whole is True:
        return whole
    each = either([whole, both(_in_list(name, part, values) for part in parts)])
    return _as_matched(whole, each, matching)


def _as_matched(whole: Answer, each: Answer, matching: str | None) -> Answer:
    if matching == "whole":
        return whole
    if matching == "each" or whole == each:
        return each
    missing: Missing = frozenset({LIST_MATCHING})
    return missing.union(*(answer for answer in (whole, each) if not isinstance(answer, bool)))


def _parts(value: Any) -> list[Any] | None:
    """The elements of a list, or of a text that may be one with commas; `None` of everything else."""
    if isinstance(value, list):
        return value
    if not isinstance(value, str) or value.startswith(_HMAC):
        return None
    return [part.strip() for part in value.split(",")] if value else []


def _in_list(name: str, value: Any, values: list[Any]) -> Answer:
    return either(_equal(name, value, one) for one in values)


def _equal(name: str, value: Any, wanted: Any) -> Answer:
    """Texts with an asterisk before or behind; everything else as it is.

    Whether a number is the number of a policy depends on how the server came by it (JSON or not), which is not known.
    """
    unknown: Missing = frozenset({f"{PARAMETERS}.{name}"})
    if isinstance(value, str) and value.startswith(_HMAC):
        return unknown  # the audit log hides every text, in lists too
    if isinstance(value, str) and isinstance(wanted, str):
        return globbed(wanted, value)
    if value is None or wanted is None or isinstance(value, bool) or isinstance(wanted, bool):
        return type(value) is type(wanted) and value == wanted
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return unknown if value == wanted else False
    if isinstance(value, list) and isinstance(wanted, list):
        return len(value) == len(wanted) and both(map(lambda one, other: _same(name, one, other), value, wanted))
    if isinstance(value, Mapping) and isinstance(wanted, Mapping):
        return value.keys() == wanted.keys() and both(_same(name, value[key], wanted[key]) for key in value)
    return False


def _same(name: str, value: Any, wanted: Any) -> Answer:
    """Within a list or an object an asterisk is a letter, and objects are too differently read to be compared."""
    if isinstance(value, str) and isinstance(wanted, str) and not value.startswith(_HMAC):
        return value == wanted
    if isinstance(value, list | Mapping) and isinstance(wanted, list | Mapping):
        return frozenset({f"{PARAMETERS}.{name}"})
    return _equal(name, value, wanted)


def globbed(pattern: str, text: str) -> bool:
    """One asterisk at either end is a wildcard; a pattern of one letter is that letter."""
    if len(pattern) < 2:
        return pattern == text
    if pattern.startswith("*") and pattern.endswith("*"):
        return pattern[1:-1] in text
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return pattern == text


def page_fits(rule: Permissions, given: Mapping[str, Any] | None) -> Answer:
    """For listings of OpenBao: no more entries at once than the rule's limit, where the request says a number."""
    if rule.pagination_limit <= 0:
        return True
    if given is None:
        return frozenset({PARAMETERS})
    if _LIMIT not in given:
        return _LIMIT not in {name.lower() for name in rule.required}
    limit = given[_LIMIT]
    if isinstance(limit, str) and limit.startswith(_HMAC):
        return frozenset({f"{PARAMETERS}.{_LIMIT}"})
    if limit == "max":
        return True
    try:
        return int(limit) <= rule.pagination_limit
    except (TypeError, ValueError, OverflowError):
        return False
