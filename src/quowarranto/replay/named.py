"""Policies that the question itself names: all of whoever asked, not only those that a decision cites.

A server that merges the policies of a token names in its log the ones that granted; another one might have denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from quowarranto.records import Instant
from quowarranto.replay.decisions import PolicyFact
from quowarranto.replay.language import Policy
from quowarranto.replay.languages import Language
from quowarranto.replay.texts import Found, Texts

Held = Callable[[PolicyFact], tuple[Policy, ...] | None]
"""The documents on record of one policy version."""


def named_documents(
    named: Iterable[tuple[str, ...]],
    facts: Mapping[str, PolicyFact],
    held: Held,
    texts: Texts,
    at: Instant,
    language: Language,
) -> tuple[Policy, ...]:
    """The documents of the policies, each called by the first of its names.

    Args:
        named: names of each policy, its key first.
        at: when the decision was made.
    Returns: what is found; which are lacking, and whether that matters, the evaluator says.
    """
    out: list[Policy] = []
    for names in named:
        found = _documents(names, facts.get(names[0]), held, texts, at, language)
        out += [Policy(names[0], document.text) for document in found]
    return tuple(dict.fromkeys(out))


def _documents(
    names: tuple[str, ...], fact: PolicyFact | None, held: Held, texts: Texts, at: Instant, language: Language
) -> tuple[Policy, ...]:
    """A text without a date counts where no second version is on record, and none that began only later."""
    try:
        dated = texts.in_force(names, at, language)
        if dated:
            return dated
        if fact is not None and (len(fact.origins) > 1 or fact.since > at):
            return ()
        return (held(fact) if fact else None) or texts.by_name(names, language) or ()
    except Found:
        return ()
