"""What all policies together say of one pattern of paths.

Source: vault/acl.go, NewACL.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from quowarranto.replay.vault_acl.policy import Rule, Values


class Permissions(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one pattern, merged."""

    granting: dict[str, frozenset[str]]
    """The policies that give each capability; `deny` alone where one policy denies."""
    min_wrapping_s: float
    max_wrapping_s: float
    allowed: Values
    denied: Values
    required: frozenset[str]
    mfa: frozenset[str]
    controlled: frozenset[str]
    pagination_limit: int
    event_types: frozenset[str]
    all_have_event_types: bool


def merged(rules: Sequence[tuple[str, Rule]]) -> Permissions:
    """Capabilities add up and one `deny` takes all; of durations and limits the least counts; demands add up.

    Args:
        rules: of one pattern, each with the name of its policy; at least one.
    """
    plain = [rule for _, rule in rules]
    return Permissions(
        granting=_granting(rules),
        min_wrapping_s=_least([rule.min_wrapping_s for rule in plain]),
        max_wrapping_s=_least([rule.max_wrapping_s for rule in plain]),
        allowed=_parameters([rule.allowed for rule in plain]),
        denied=_parameters([rule.denied for rule in plain]),
        required=frozenset().union(*(rule.required for rule in plain)),
        mfa=frozenset().union(*(rule.mfa for rule in plain)),
        controlled=frozenset().union(*(rule.controlled for rule in plain)),
        pagination_limit=int(_least([rule.pagination_limit for rule in plain])),
        event_types=frozenset().union(*(rule.event_types for rule in plain)),
        all_have_event_types=all(rule.event_types for rule in plain),
    )


def _granting(rules: Sequence[tuple[str, Rule]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name, rule in rules:
        for capability in rule.capabilities:
            found[capability] = found.get(capability, frozenset()) | {name}
    return {"deny": found["deny"]} if "deny" in found else found


def _least(values: Sequence[float]) -> float:
    """Zero and less mean: not set."""
    return min((value for value in values if value > 0), default=0)


def _parameters(several: Sequence[Values | None]) -> Values:
    """Lists of one name are joined; an empty one, which stands for any value, stays empty."""
    found: Values = {}
    for one in several:
        for name, values in (one or {}).items():
            if name in found and values and found[name]:
                found[name] = found[name] + values
            else:
                found[name] = [] if name in found else list(values)
    return found
