"""Recorded decisions against what their policies say when asked again (SPEC 8: QW601, QW605)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from itertools import islice
from typing import Literal

import msgspec

from quowarranto.case.redaction import redact_text
from quowarranto.replay.decisions import Decision
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.isolated import Pool, Question
from quowarranto.replay.language import Policy
from quowarranto.replay.planning import Plan, Planner

Effect = Literal["permit", "deny", "indeterminate"]
_WINDOW = 16_384
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
    digests: dict[int, tuple[tuple[Policy, ...], tuple[tuple[str, str], ...]]] = {}
    for plans, answers in _answered(decisions, planner, pool):
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


def _answered(
    decisions: Iterable[Decision], planner: Planner, pool: Pool
) -> Iterator[tuple[list[Plan | None], Iterator[Evaluation]]]:
    """Plans and answers, some thousands at a time: the next ones are planned while these are evaluated."""
    remaining = iter(decisions)
    with ThreadPoolExecutor(1) as beside:
        waiting: tuple[list[Plan | None], Future[list[Evaluation]]] | None = None
        while window := list(islice(remaining, _WINDOW)):
            plans = [planner.plan(decision) for decision in window]
            questions = [plan.question for plan in plans if plan and plan.question]
            before, waiting = waiting, (plans, beside.submit(_evaluated, pool, questions))
            if before:
                yield before[0], iter(before[1].result())
        if waiting:
            yield waiting[0], iter(waiting[1].result())


def _evaluated(pool: Pool, questions: list[Question]) -> list[Evaluation]:
    return list(pool.evaluate(questions))


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
    return Comparison(
        decision=decision.key,
        time=decision.time,
        source=decision.source,
        language=plan.language,
        recorded=recorded,
        replayed=said.effect,
        code=None if agrees else "QW605" if said.effect == "indeterminate" else "QW601",
        policy=plan.policy,
        principal_type=plan.who[0],
        principal_id=plan.who[1],
        question=plan.asked,
        policies=policies,
        determining=_clean(said.determining),
        missing=_clean(said.missing),
        errors=_clean(said.errors),
    )


def _clean(texts: tuple[str, ...]) -> tuple[str, ...]:
    """What engines say may quote a question or a policy, so it is searched for secrets, and kept short."""
    if not texts:
        return ()
    if texts not in _seen:
        if len(_seen) > 100_000:
            _seen.clear()
        _seen[texts] = tuple(redact_text(text[:_LONGEST]) for text in texts[:_MOST])
    return _seen[texts]


_seen: dict[tuple[str, ...], tuple[str, ...]] = {}


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
