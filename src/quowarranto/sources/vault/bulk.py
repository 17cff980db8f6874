"""What ends many things at once: leases revoked by their prefix; mounts, auth methods, namespaces and entities removed.

The server logs the one call and no end of a lease or token of its own. What was handed out is observed with the path by
which it goes: a lease by its id, a token by the path that made it, a role or policy by the path it is kept at.
Source: OpenBao vault/expiration.go, `revokePrefixCommon`: a prefix ends at a slash, whether or not it was written;
vault/request_handling.go: a token whose entity is gone is refused.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from quowarranto.records import AuthorityFact, Instant, Record
from quowarranto.sources.entry import Observation
from quowarranto.sources.losses import switched, tells_of_loss
from quowarranto.sources.vault.call import Call, without_token
from quowarranto.sources.vault.wire import ROOT

BULK = "bulk/"
"""How the names of observations begin without which nothing is derived."""
_BY_PREFIX = ("sys/leases/revoke-prefix/", "sys/leases/revoke-force/", "sys/revoke-prefix/", "sys/revoke-force/")
_REMOVED = {"sys/mounts/": "", "sys/auth/": "auth/", "sys/namespaces/": ""}
_ENTITY = "identity/entity/id/"
_DEEPEST = 64
"""Parts of a path that are looked at."""
_DEVICES = "sys/audit/"


def observations_of(call: Call, facts: Sequence[AuthorityFact]) -> Iterator[Observation]:
    """What a call handed out, and what it ended in bulk."""
    for fact in facts:
        if fact.fact == "established" and (path := _path_of(call, fact)):
            data = {"key": fact.id, "kind": fact.kind, "path": _full(call, path)}
            if fact.kind == "credential" and fact.principal is not None and fact.principal.type == "vault_entity":
                data["entity"] = _full(call, _ENTITY + fact.principal.id)
            yield Observation(f"held/{fact.id}", fact.time, data)
    yield from _switched(call)
    found = _ended_by(call) if call.succeeded else None
    if found is not None:
        prefix = _full(call, found[0]).rstrip("/")
        told: dict[str, Any] = {"prefix": prefix, "everything": found[1], "by": call.action_id}
        yield Observation(f"{BULK}{call.action_id}", call.at + 1, told)


def _switched(call: Call) -> Iterator[Observation]:
    """An audit device that was switched off or on: after that it tells nothing, or begins to.

    Source: the API documentation, `/sys/audit`.
    """
    name = call.path.removeprefix(_DEVICES).strip("/")
    if call.succeeded and call.path.startswith(_DEVICES) and name:
        operation = call.line.request.operation
        if operation in ("create", "update", "delete"):
            yield switched(f"audit device {name}", call.at, on=operation != "delete")


def _full(call: Call, path: str) -> str:
    """The path behind that of its namespace."""
    space = call.line.request.namespace or ROOT
    return (space.path or ("" if call.namespace == "root" else f"@{call.namespace}/")) + path.strip("/")


def _path_of(call: Call, fact: AuthorityFact) -> str | None:
    """By which path a thing goes; certificates are never revoked so."""
    if fact.kind in ("grant", "policy"):
        return call.path
    if fact.kind != "credential" or fact.id.startswith("ssh/"):
        return None
    lease = fact.id.removeprefix("vault/lease/")
    if lease != fact.id:
        return lease
    if call.path.startswith("auth/token/renew"):
        return None  # it goes by the path that made it
    wrapped = call.response.wrap_info
    return without_token((wrapped.creation_path if wrapped is not None else None) or call.path)


def _ended_by(call: Call) -> tuple[str, bool] | None:
    """The prefix that a call ended, and whether it ended roles and policies there too."""
    operation, path = call.line.request.operation, call.path
    if operation in ("create", "update"):
        for start in _BY_PREFIX:
            if path.startswith(start) and path != start:
                return path.removeprefix(start), False
    if operation == "delete":
        for start, within in _REMOVED.items():
            if path.startswith(start) and path.strip("/") != start.strip("/"):
                return within + path.removeprefix(start), True
        if path.startswith(_ENTITY):
            return path, False
    return None


def derive(observations: Sequence[Observation]) -> Iterator[tuple[Record, Observation]]:
    """The end of each thing that was handed out before a bulk end of its path; neither order nor repetition matters."""
    ends = defaultdict[str, list[tuple[Instant, str, Observation]]](list)
    observations = [one for one in observations if not tells_of_loss(one)]
    for one in observations:
        if one.name.startswith(BULK):
            ends[one.data["prefix"]].append((one.at, one.name, one))
    for listed in ends.values():
        listed.sort(key=itemgetter(0, 1))
    told: set[tuple[str, Instant]] = set()
    for one in sorted(observations if ends else (), key=lambda one: (one.name, one.at)):
        end = None if one.name.startswith(BULK) else _first_end(one, ends)
        if end is not None and (one.data["key"], end.at) not in told:
            told.add((one.data["key"], end.at))
            yield _ended(one.data, end), end


def _first_end(held: Observation, ends: dict[str, list[tuple[Instant, str, Observation]]]) -> Observation | None:
    parts = held.data["path"].split("/")
    prefixes = {"/".join(parts[:depth]) for depth in range(1, min(len(parts), _DEEPEST) + 1)}
    prefixes |= {held.data["entity"]} if "entity" in held.data else set()
    found: list[tuple[Instant, str, Observation]] = []
    for prefix in sorted(prefixes & ends.keys()):
        listed = ends[prefix]
        later = listed[bisect_left(listed, held.at, key=itemgetter(0)) :]
        found += [end for end in later if held.data["kind"] == "credential" or end[2].data["everything"]][:1]
    return min(found, key=itemgetter(0, 1))[2] if found else None


def _ended(held: dict[str, Any], end: Observation) -> AuthorityFact:
    return AuthorityFact(
        kind=held["kind"],
        id=held["key"],
        time=end.at,
        fact="ended",
        end="revoked",
        attributes={"ended_by": end.data["by"]},
    )
