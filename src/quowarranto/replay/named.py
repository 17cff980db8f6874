"""Policies that the question itself names: all of whoever asked, not only those that a decision cites.

A server that merges the policies of a token names in its log the ones that granted; another one might have denied. The
texts of one policy follow each other under its name: writes in the log, linked files, texts that somebody gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter

import msgspec

from quowarranto.records import Instant
from quowarranto.replay.decisions import PolicyFact, Version
from quowarranto.replay.language import Policy
from quowarranto.replay.languages import Language
from quowarranto.replay.texts import Found, Texts, as_file

Held = Callable[[PolicyFact], tuple[Policy, ...] | None]
"""The documents on record of one policy version."""
MARGIN_US = 2_000_000
"""So near to a change either side of it may have decided."""
_Documents = tuple[Policy, ...]


class _Text(msgspec.Struct, frozen=True):
    """A text of one policy, from when it was in force until the next one."""

    since: Instant
    documents: _Documents | None
    """`None`: there was a text, and no record holds it. Of a policy that ended, none: it is one without rules."""
    ended: bool = False


class Named:
    """Policies of one language by their names, and the texts that each had.

    Args:
        facts: policies by key.
        held: the documents on record of one version.
        texts: those that somebody gave.
    """

    def __init__(self, facts: Mapping[str, PolicyFact], held: Held, texts: Texts, language: Language) -> None:
        self._facts = facts
        self._held = held
        self._texts = texts
        self._language = language
        self._dated = texts.versions(language)
        self._ages: dict[tuple[str, ...], tuple[_Text, ...]] = {}

    def documents(self, named: Iterable[tuple[str, ...]], at: Instant) -> tuple[Policy, ...]:
        """The documents of the policies, each called by the first of its names.

        Args:
            named: names of each policy, its key first.
            at: when the decision was made.
        Returns: what is found; which are lacking, and whether that matters, the evaluator says.
        """
        out: list[Policy] = []
        for names in named:
            try:
                out += [Policy(names[0], document.text) for document in self._in_force(names, at)]
            except Found:
                continue
        return tuple(dict.fromkeys(out))

    def _in_force(self, names: tuple[str, ...], at: Instant) -> _Documents:
        """The documents in force; none where they are not known.

        A text without a date counts where no second version is on record, and none that began only later.
        """
        fact, ages = self._facts.get(names[0]), self._known(names)
        begun = [one for one in ages if one.since <= at]
        written = [one for one in ages if not one.ended]
        undated = [one for one in (fact.versions if fact else ()) if one.since is None]
        if any(abs(one.since - at) <= MARGIN_US for one in ages):
            return ()
        if begun and begun[-1].ended:
            together = [one for one in begun if one.since >= begun[-1].since - MARGIN_US]
            return (Policy(names[0], ""),) if all(one.ended for one in together) else ()
        if fact is not None and len(undated) == 1 and not written:
            return self._held(fact) or self._by_name(names)
        if undated or (written and not begun):
            return ()
        if not begun:
            return self._by_name(names)
        last = {one.documents for one in begun if one.since >= begun[-1].since - MARGIN_US and not one.ended} - {None}
        if not last and len(written) == 1:
            return self._by_name(names)
        return (last.pop() or ()) if len(last) == 1 else ()

    def _by_name(self, names: tuple[str, ...]) -> _Documents:
        return self._texts.by_name(names, self._language) or ()

    def _known(self, names: tuple[str, ...]) -> tuple[_Text, ...]:
        """All texts of a policy of which it is known when they began, in that order."""
        found = self._ages.get(names)
        if found is None:
            dated = {*names, *map(as_file, names)} & self._dated.keys()
            given = [_Text(since, documents) for name in dated for since, documents in self._dated[name]]
            ages = sorted([*_on_record(self._facts.get(names[0]), self._held), *given], key=attrgetter("since"))
            found = self._ages[names] = tuple(ages)
        return found


def _on_record(fact: PolicyFact | None, held: Held) -> Iterator[_Text]:
    """The versions of a policy of which it is known when they began; one that an audit device shows to be the text
    before it is none.
    """
    before: Version | None = None
    for one in fact.versions if fact is not None else ():
        if fact is None or one.since is None:
            continue
        if one.ended:
            yield _Text(one.since, (), ended=True)
        elif before is None or one.hidden_as is None or one.hidden_as != before.hidden_as:
            alone = msgspec.structs.replace(
                fact, names=(), text=one.text, digest=one.digest, origins=(one.origin,), versions=(one,)
            )
            yield _Text(one.since, held(alone) or None)
        before = one
