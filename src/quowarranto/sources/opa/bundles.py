"""Bundles: which revision was in force when, as told by the decisions made with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quowarranto.records import AuthorityFact, Instant
from quowarranto.records.secret_shapes import is_secret_name
from quowarranto.sources.entry import Observation
from quowarranto.sources.losses import tells_of_loss

PROPAGATION_US = 120_000_000
"""Agents poll for bundles, each in its own time, so the revision before goes on deciding for a while (SPEC 9)."""
_OF_ONE_AGENT = frozenset(("id", "version"))


def group_of(labels: Mapping[str, Any]) -> str:
    """The agents that share their bundles: those with the same labels, apart from what names the agent itself.

    A label that is named like a secret tells nothing here: as part of a key nobody could tell it from a name.
    """
    shared = (f"{name}={labels[name]}" for name in sorted(labels.keys() - _OF_ONE_AGENT) if not is_secret_name(name))
    return ",".join(shared)


def series_of(bundle: str, group: str) -> str:
    """One bundle of one group of agents; in it one revision follows the other."""
    return f"{bundle}@{group}" if group else bundle


def policy_key(series: str, revision: str) -> str:
    return f"opa/bundle/{series}/{revision}" if series else f"opa/bundle/{revision}"


def derive(observations: Sequence[Observation]) -> Iterator[tuple[AuthorityFact, Observation]]:
    """A revision begins where it is seen first, and where an agent is seen to change to it (a rollback).

    An agent that still decides by an earlier revision does not bring it back: its decisions are what QW203 is for.
    """
    by_series: defaultdict[str, dict[tuple[Instant, str, str], Observation]] = defaultdict(dict)
    for seen in observations:
        if tells_of_loss(seen):
            continue
        by_series[seen.data["series"]][seen.at, seen.data["agent"], seen.data["revision"]] = seen
    for series, distinct in sorted(by_series.items()):
        had: dict[str, str] = {}
        known: set[str] = set()
        for (at, agent, revision), seen in sorted(distinct.items()):
            if revision not in known or had.get(agent, revision) != revision:
                yield _policy(series, revision, at), seen
            known.add(revision)
            had[agent] = revision


def _policy(series: str, revision: str, at: Instant) -> AuthorityFact:
    return AuthorityFact(
        kind="policy",
        id=policy_key(series, revision),
        time=at,
        series=f"opa/bundle/{series}",
        grace_until=at + PROPAGATION_US,
        attributes={"revision": revision},
    )
