"""Yes, no, or what is missing: how an evaluator reasons while some of its inputs are not known."""

from __future__ import annotations

from collections.abc import Iterable

Missing = frozenset[str]
"""Inputs that would decide."""

Answer = bool | Missing
"""`True`, `False`, or what is missing: never an empty set."""


def both(answers: Iterable[Answer]) -> Answer:
    """All must hold: one `False` decides, else what is missing."""
    missing: Missing = frozenset()
    for answer in answers:
        if answer is False:
            return False
        if answer is not True:
            missing |= answer
    return missing or True


def either(answers: Iterable[Answer]) -> Answer:
    """One must hold: one `True` decides, else what is missing."""
    missing: Missing = frozenset()
    for answer in answers:
        if answer is True:
            return True
        if answer is not False:
            missing |= answer
    return missing or False


def negated(answer: Answer) -> Answer:
    """What is missing stays missing."""
    return not answer if isinstance(answer, bool) else answer


def agreed(answers: Iterable[Answer], otherwise: str) -> Answer:
    """What all of them say; else what is missing, and `otherwise` with it."""
    said = list(answers)
    if all(answer == said[0] for answer in said):
        return said[0]
    missing: Missing = frozenset({otherwise})
    return missing.union(*(answer for answer in said if not isinstance(answer, bool)))
