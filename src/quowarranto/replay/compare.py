"""Recorded decisions against what their policies say when asked again (SPEC 8: QW601, QW605)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import Any, Literal

import msgspec

from quowarranto.case.redaction import redact_text
from quowarranto.replay.decisions import Decision
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.isolated import Pool
from quowarranto.replay.language import Policy
from quowarranto.replay.planning import Plan, Planner

Effect = Literal["permit", "deny", "indeterminate"]
_WINDOW = 65_536
_MOST = 10
"""Names and errors that are kept of one answer."""
_LONGEST = 500


class Comparison(msgspec.Struct, frozen=True):
    """One decision, and what its policies say of it now."""

    decision: str
    time: int
    """Microseconds, on the decision point's clock."""
    source: str
    language: str | None
    recorded: Literal["permit", "deny"]
    replayed: Effect
    code: Literal["QW601", "QW605"] | None
    policy: str | None
    principal_type: str
    principal_id: str
    question: str
    """Who asked to do what with what."""
    policies: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each document that was asked."""
    determining: tuple[str, ...]
    missing: tuple[str, ...]
    errors: tuple[str, ...]


class Tally(msgspec.Struct):
    """What a replay came to."""

    decisions: int = 0
    without_question: int = 0
    """Decisions whose record does not say what was asked: they are not compared."""
    agree: int = 0
    disagree: int = 0
    lacking: int = 0
    evaluations: int = 0
    """Different ones; identical questions of identical policies are asked once."""


def compare(decisions: Iterable[Decision], planner: Planner, pool: Pool, tally: Tally) -> Iterator[Comparison]:
    """Ask every decision again; those without a question are only counted.

    Args:
        tally: counted up as comparisons are taken.
    """
    remaining = iter(decisions)
    digests: dict[int, tuple[tuple[Policy, ...], tuple[tuple[str, str], ...]]] = {}
    while window := list(islice(remaining, _WINDOW)):
        plans = [planner.plan(decision) for decision in window]
        answers = pool.evaluate([plan.question for plan in plans if plan and plan.question])
        for plan in plans:
            tally.decisions += 1
            if plan is None:
                tally.without_question += 1
                continue
            said = next(answers) if plan.question else Evaluation(effect="indeterminate", missing=plan.missing)
            asked = plan.question.policies if plan.question else ()
            held = digests.get(id(asked))
            if held is None:  # the documents are kept beside, so that no others get their number
                held = digests[id(asked)] = (asked, tuple((one.name, _digest(one.text)) for one in asked))
            yield _count(_compared(plan, said, held[1]), tally)
        tally.evaluations = pool.distinct


def _count(one: Comparison, tally: Tally) -> Comparison:
    if one.code is None:
        tally.agree += 1
    elif one.code == "QW601":
        tally.disagree += 1
    else:
        tally.lacking += 1
    return one


def _compared(plan: Plan, said: Evaluation, policies: tuple[tuple[str, str], ...]) -> Comparison:
    decision = plan.decision
    recorded: Literal["permit", "deny"] = "permit" if decision.permitted else "deny"
    agrees = said.effect == recorded
    who, question = _asked(decision)
    return Comparison(
        decision=decision.key,
        time=decision.time,
        source=decision.source,
        language=plan.language,
        recorded=recorded,
        replayed=said.effect,
        code=None if agrees else "QW605" if said.effect == "indeterminate" else "QW601",
        policy=plan.policy,
        principal_type=who[0],
        principal_id=who[1],
        question=question,
        policies=policies,
        determining=_clean(said.determining),
        missing=_clean(said.missing),
        errors=_clean(said.errors),
    )


def _clean(texts: tuple[str, ...]) -> tuple[str, ...]:
    """What engines say may quote a question or a policy, so it is searched for secrets, and kept short."""
    return tuple(_cleaned(text[:_LONGEST]) for text in texts[:_MOST]) if texts else ()


_seen: dict[str, str] = {}


def _cleaned(text: str) -> str:
    if text not in _seen:
        if len(_seen) > 100_000:
            _seen.clear()
        _seen[text] = redact_text(text)
    return _seen[text]


def _asked(decision: Decision) -> tuple[tuple[str, str], str]:
    """Who asked, and the question as `user:ann read document:d`: of the record, which has no secrets."""
    asked = msgspec.json.decode(decision.request) if decision.request else {}
    asked = asked if isinstance(asked, dict) else {}
    who, verb, what = (asked.get(part) for part in ("subject", "action", "resource"))
    name = verb.get("name") if isinstance(verb, dict) else None
    text = " ".join(part for part in (_entity(who), str(name or ""), _entity(what)) if part)[:_LONGEST]
    kind, _, subject = (_entity(who) or "unknown:unknown").partition(":")
    principal_type, principal_id = decision.principal
    if principal_type is None or principal_id is None:
        return (kind, subject), text
    return (principal_type, principal_id), text


def _entity(named: Any) -> str:
    return f"{named.get('type')}:{named.get('id')}" if isinstance(named, dict) and named.get("id") is not None else ""


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
