"""Policies of which the log of a decision point tells no more than that a decision was made with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quowarranto.records import AuthorityFact
from quowarranto.sources.entry import Observation


def policies_seen(observations: Sequence[Observation]) -> Iterator[tuple[AuthorityFact, Observation]]:
    """Each policy once, from the first decision made with it; its key is the observation's name (`Source.derive`)."""
    first: dict[str, Observation] = {}
    for seen in observations:
        if seen.name not in first or seen.at < first[seen.name].at:
            first[seen.name] = seen
    for name, seen in sorted(first.items()):
        yield AuthorityFact(kind="policy", id=name, time=seen.at, attributes=seen.data), seen
