"""What events tell together: sessions and what was assigned to them, privileges given and taken, policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from quowarranto.records import AuthorityFact, Instant, Principal, Rule
from quowarranto.sources.entry import Observation

_encode = msgspec.json.Encoder(order="deterministic").encode
_Found = Iterator[tuple[AuthorityFact, Observation]]


def derive(observations: Sequence[Observation]) -> _Found:
    """Facts of sessions, grants and policies, whatever the order of the events."""
    ordered = sorted(observations, key=lambda one: (one.at, one.name, _encode(one.data)))
    kinds = defaultdict[str, list[Observation]](list)
    for item in ordered:
        kinds[item.name.partition("/")[0]].append(item)
    yield from _sessions(kinds["session"])
    yield from _grants(kinds["grant"], [one for one in kinds["session"] if "over" in one.data])
    yield from _policies(kinds["managed"], kinds["decided"])


def _who(data: dict[str, Any]) -> Principal | None:
    return Principal(*data["who"]) if data.get("who") else None


def _sessions(steps: list[Observation]) -> _Found:
    for seen in steps:
        data = seen.data
        if "over" in data:
            attributes = {"ended_by": data["over"]}
            yield (
                AuthorityFact(
                    kind="session", id=data["key"], time=seen.at, fact="ended", end="closed", attributes=attributes
                ),
                seen,
            )
            continue
        yield (
            AuthorityFact(
                kind="session",
                id=data["key"],
                time=seen.at,
                valid_until=data.get("until"),
                principal=_who(data),
                issued_by=data["action"],
            ),
            seen,
        )


def _grants(steps: list[Observation], ends: list[Observation]) -> _Found:
    """Taken without a word about where, a privilege is taken everywhere. With a session ends what it had."""
    known = defaultdict[str, set[str]](set)
    of_session = defaultdict[str, set[str]](set)
    for seen in steps:
        data = seen.data
        if not data["taken"]:
            known[data["whole"]].add(data["key"])
            if data["session"]:
                of_session[data["session"]].add(data["key"])
            yield _grant(data, seen), seen
            continue
        ended = {data["key"]} if data["place"] else {data["key"], *known[data["whole"]]}
        for key in sorted(ended):
            yield _ended("grant", key, seen, data["action"]), seen
    for over in ends:
        for key in sorted(of_session[over.data["key"]]):
            yield _ended("grant", key, over, over.data["over"], "closed"), over


def _grant(data: dict[str, Any], seen: Observation) -> AuthorityFact:
    privileges, place = data["privileges"], data["place"]
    limited = privileges is not None or place is not None
    rule = Rule(tuple(privileges) if privileges is not None else None, (place,) if place else None)
    cites = [key for key in (data["session"], data.get("holds")) if key]
    return AuthorityFact(
        kind="grant",
        id=data["key"],
        time=seen.at,
        principal=_who(data),
        scope=(rule,) if limited else None,
        # What a role or group may do is told by nobody: citing it shows that this is missing.
        cites=tuple(cites),
        issued_by=data["action"],
        standing=False if data["session"] else None,
    )


def _ended(kind: Any, key: str, seen: Observation, by: str, end: Any = "revoked") -> AuthorityFact:
    return AuthorityFact(kind=kind, id=key, time=seen.at, fact="ended", end=end, attributes={"ended_by": by})


def _policies(managed: list[Observation], decided: list[Observation]) -> _Found:
    """As managed; versions from before the first change on record are known from the first decision made with them.

    A version that a decision names after that, and that no change brought about, stays unknown: it may be a stale one.
    """
    begun: dict[str, Instant] = {}
    for seen in managed:
        if not seen.data["over"]:
            begun.setdefault(seen.data["series"], seen.at)
    brought = {seen.data["key"] for seen in managed if not seen.data["over"]}
    current: dict[str, str] = {}
    first: set[str] = set()
    for seen in decided:
        key, series = seen.data["key"], seen.data["series"]
        if key in first or key in brought or seen.at >= begun.get(series, seen.at + 1):
            continue
        first.add(key)
        yield AuthorityFact(kind="policy", id=key, time=seen.at, series=series if series in begun else None), seen
    for seen in managed:
        series = seen.data["series"]
        if not seen.data["over"]:
            current[series] = seen.data["key"]
            by = seen.data["action"]
            yield AuthorityFact(kind="policy", id=current[series], time=seen.at, series=series, issued_by=by), seen
            continue
        known = {current.pop(series)} if series in current else {key for key in first if key.startswith(f"{series}@")}
        for key in sorted(known):
            yield _ended("policy", key, seen, seen.data["action"]), seen
