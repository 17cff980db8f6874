"""All rules of a token's policies to an answer.

1. The token's policies: one that is not given, not readable or given in two versions might hold any rule.
2. Their rules by pattern. One of which the path (a template) or the end is not known may or may not be there.
3. The pattern that counts for the path, and what its merged rules say of the operation.
4. The same with each uncertain rule, and with all of them: an answer that does not depend on them stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from quowarranto.replay.answer import Answer, Missing
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.vault_acl.asked import HELP, WRITE, Asked, Unusable, asked
from quowarranto.replay.vault_acl.attached import Attached, attached
from quowarranto.replay.vault_acl.builtin import ROOT
from quowarranto.replay.vault_acl.checks import allows
from quowarranto.replay.vault_acl.matching import best, is_open
from quowarranto.replay.vault_acl.permissions import merged
from quowarranto.replay.vault_acl.policy import Rule

Rules = Mapping[str, Sequence[tuple[str, Rule]]]
"""Rules by pattern, each with the name of its policy."""


class _Outcome(msgspec.Struct, frozen=True):
    answer: Answer
    determining: frozenset[str]


def evaluate(policies: Sequence[Policy], request: Request) -> Evaluation:
    """What the policies of a token say of a request.

    Args:
        policies: HCL or JSON, named as the token names them, or by key (`vault/policy/NAMESPACE/NAME`).
        request: `action.name` is the operation (`read`, `update`, …; `write` where it is not known whether a POST or
            PUT creates or updates), `resource.id` the path; `docs/reference/replay/vault-acl.md` has the properties.
    Returns: `determining` names the policies that give the capability, or that deny by name.
    Source: vault/acl.go, AllowOperation and performPolicyChecks.
    """
    try:
        wanted = asked(request)
    except Unusable as error:
        return Evaluation(effect="indeterminate", missing=(error.missing,))
    token = attached(policies, wanted)
    if ROOT in token.names:
        return _root(token)
    if wanted.operation == HELP:
        return Evaluation(effect="permit", errors=token.errors)
    if _denied_by_name(token.rules, wanted.path):
        return _evaluation(_outcome(token.rules, wanted), token)
    outcome = _whatever_is_uncertain(token, wanted)
    if token.unread:
        missing = token.unread | (outcome.answer if isinstance(outcome.answer, frozenset) else frozenset())
        outcome = _Outcome(missing, frozenset())
    return _evaluation(outcome, token)


def _root(token: Attached) -> Evaluation:
    """It allows everything, and stands alone: with other policies beside it the server refuses to judge at all."""
    if token.names == {ROOT}:
        return Evaluation(effect="permit", determining=(ROOT,), errors=token.errors)
    return Evaluation(
        effect="indeterminate",
        missing=("policies of the token",),
        errors=(*token.errors, "`root` has other policies beside it"),
    )


def _denied_by_name(rules: Rules, path: str) -> bool:
    """Nothing comes before the path itself, and nothing that is merged into it undoes a `deny`."""
    return not is_open(path) and any("deny" in rule.capabilities for _, rule in rules.get(path, ()))


def _evaluation(outcome: _Outcome, token: Attached) -> Evaluation:
    determining = tuple(sorted(outcome.determining))
    if isinstance(outcome.answer, bool):
        return Evaluation(effect="permit" if outcome.answer else "deny", determining=determining, errors=token.errors)
    return Evaluation(effect="indeterminate", missing=tuple(sorted(outcome.answer)), errors=token.errors)


def _whatever_is_uncertain(token: Attached, wanted: Asked) -> _Outcome:
    base = _outcome(token.rules, wanted)
    if not token.uncertain:
        return base
    worlds = [_outcome(rules, wanted) for rules in _worlds(token)]
    if isinstance(base.answer, bool) and all(world.answer is base.answer for world in worlds):
        return base
    missing: Missing = frozenset().union(*(one.missing for one in token.uncertain))
    for world in (base, *worlds):
        if isinstance(world.answer, frozenset):
            missing |= world.answer
    return _Outcome(missing, frozenset())


def _worlds(token: Attached) -> Iterable[Rules]:
    """The rules with each uncertain one as each pattern that it might be, and with all of them."""
    for one in token.uncertain:
        for pattern in one.patterns:
            yield _with(token.rules, [(pattern, one.policy, one.rule)])
    for choice in (0, -1):
        yield _with(token.rules, [(one.patterns[choice], one.policy, one.rule) for one in token.uncertain])


def _with(rules: Rules, more: Iterable[tuple[str, str, Rule]]) -> Rules:
    found = dict(rules)
    for pattern, policy, rule in more:
        found[pattern] = [*found.get(pattern, ()), (policy, rule)]
    return found


def _outcome(rules: Rules, wanted: Asked) -> _Outcome:
    if wanted.operation != WRITE:
        return _of_operation(rules, wanted, wanted.operation)
    if wanted.exists is not None:
        return _of_operation(rules, wanted, "update" if wanted.exists else "create")
    new, old = _of_operation(rules, wanted, "create"), _of_operation(rules, wanted, "update")
    if new.answer is old.answer and isinstance(new.answer, bool):
        return _Outcome(new.answer, new.determining | old.determining)
    missing: Missing = frozenset({"resource.properties.exists"})
    return _Outcome(
        missing.union(*(one.answer for one in (new, old) if isinstance(one.answer, frozenset))), frozenset()
    )


def _of_operation(rules: Rules, wanted: Asked, operation: str) -> _Outcome:
    pattern = best(rules.keys(), wanted.path, operation)
    if pattern is None:
        return _Outcome(False, frozenset())
    permissions = merged(rules[pattern])
    answer, determining = allows(permissions, wanted, operation)
    return _Outcome(answer, determining)
