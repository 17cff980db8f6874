"""Sessions put together: begun, changed, revoked by themselves or with everything of a user or a device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from quowarranto.records import AuthorityFact, Principal
from quowarranto.sources.entry import Observation

_encode = msgspec.json.Encoder(order="deterministic").encode
_ORDER = {"established": 0, "changed": 1, "revoked": 2, "all": 3}


def derive(observations: Sequence[Observation]) -> Iterator[tuple[AuthorityFact, Observation]]:
    """Facts of sessions, whatever the order in which the tokens arrived."""
    ordered = sorted(observations, key=lambda one: (one.at, _ORDER[one.data["step"]], one.name, _encode(one.data)))
    began = dict[str, dict[str, Any]]()
    over = set[str]()
    of_subject = defaultdict[tuple[str, ...], set[str]](set)
    for seen in ordered:
        data, session = seen.data, seen.data.get("session", "")
        if data["step"] == "established":
            began[session] = data
            over.discard(session)
            for subject in _subjects(data):
                of_subject[subject].add(session)
            yield _established(data, seen, {}), seen
        elif data["step"] == "changed":
            if session in began and session not in over:  # else it would begin what nobody has told of, or has ended
                yield _established(began[session], seen, data["attributes"]), seen
        elif data["step"] == "revoked":
            over.add(session)
            yield _revoked(session, seen), seen
        else:
            all_of_them = set[str]().union(*(of_subject.pop(one, ()) for one in _subjects(data)))
            for named in sorted(all_of_them - over):  # what is over needs no second end
                over.add(named)
                yield _revoked(named, seen), seen


def _subjects(data: dict[str, Any]) -> list[tuple[str, ...]]:
    who, device = data.get("who"), data.get("device")
    return [key for key in ((tuple(who) if who else ()), ("device", device) if device and not who else ()) if key]


def _established(data: dict[str, Any], seen: Observation, changed: dict[str, Any]) -> AuthorityFact:
    return AuthorityFact(
        kind="session",
        id=data["session"],
        time=seen.at,
        principal=Principal(*data["who"]) if data["who"] else None,
        cites=(data["token"],) if data["token"] else None,
        attributes=data["attributes"] | changed,
    )


def _revoked(session: str, seen: Observation) -> AuthorityFact:
    return AuthorityFact(
        kind="session", id=session, time=seen.at, fact="ended", end="revoked", attributes=seen.data["attributes"]
    )
