"""What records tell together: calls of Resource Manager, role assignments, requests of PIM."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Instant, Outcome, Principal, Record, Rule
from quowarranto.sources.azure.assignments import scope_of
from quowarranto.sources.azure.directory import DIRECTORY, role_key
from quowarranto.sources.azure.names import identifier, of_type
from quowarranto.sources.entry import Observation
from quowarranto.sources.kubernetes.history import derive as derive_of_clusters
from quowarranto.sources.observed import CLUSTER, by_kind

_Found = Iterator[tuple[Record, Observation]]
_BEGINNING: Instant = 0
_OUTCOMES: tuple[Outcome, ...] = ("success", "failure", "denied")
_encode = msgspec.json.Encoder(order="sorted").encode


def derive(observations: Sequence[Observation]) -> _Found:
    """All records that follow from all observations; neither order nor repetition matters."""
    kinds = by_kind(observations, "azure-")
    changes: list[tuple[Instant, dict[str, Any], Observation]] = []
    yield from _calls(kinds["azure-call"], changes)
    roles = {one.data["role"]: one.data for one in kinds["azure-role"]}
    given = list(_assignments(kinds["azure-assignment"], changes, roles))
    yield from given
    yield from _while_gone(given, kinds["azure-standing"])
    yield from _requests(kinds["azure-pim"])
    yield from derive_of_clusters(kinds[CLUSTER])


# ---- calls -----------------------------------------------------------------------------------------------------------


def _calls(seen: Sequence[Observation], changes: list[tuple[Instant, dict[str, Any], Observation]]) -> _Found:
    """One action per call, with the time and the caller of its first record and the best end of all its ends.

    A call that was made again under one correlation and got through at last did get through.
    """
    groups = defaultdict[str, list[Observation]](list)
    for one in seen:
        groups[one.name].append(one)
    for name in sorted(groups):
        group = sorted(groups[name], key=lambda one: (one.at, one.data["ended"]))
        for number, call in enumerate(_apart(group)):
            yield from _call(call, number, changes)


def _apart(group: list[Observation]) -> list[list[Observation]]:
    """The calls among records with one correlation id, which is the caller's to choose and so may serve for several.

    Whoever else calls makes another call, and so does a start after a success. More records never make fewer calls.
    """
    callers = [one.data["action"]["principal"] for one in group]
    named = [who for who in callers if who["type"] != "anonymous"]
    by_caller = defaultdict[str, list[Observation]](list)
    for one, who in zip(group, callers, strict=True):
        by_caller[_encode(named[0] if named and who["type"] == "anonymous" else who).decode()].append(one)
    calls: list[list[Observation]] = []
    for records in by_caller.values():
        got_through = True
        for one in records:
            if got_through and (one.data.get("begins") or one is records[0]):
                calls.append([])
                got_through = False
            calls[-1].append(one)
            got_through = got_through or (one.data["ended"] and one.data["action"]["outcome"] == "success")
    return sorted(calls, key=lambda call: (call[0].at, _encode(call[0].data["action"]["principal"])))


def _call(group: list[Observation], number: int, changes: list[tuple[Instant, dict[str, Any], Observation]]) -> _Found:
    every = [msgspec.convert(one.data["action"], Action) for one in group]
    known = next((one for one in every if one.principal.type != "anonymous"), every[0])
    known = msgspec.structs.replace(known, id=f"{known.id}/{number}") if number else known
    ends = [action.outcome for action, one in zip(every, group, strict=True) if one.data["ended"]]
    outcome = min(ends or ["success"], key=_OUTCOMES.index)
    decisions = [(one.data["decision"], one) for one in group if one.data["decision"] is not None]
    wanted = [pair for pair in decisions if (pair[0]["effect"] == "deny") == (outcome == "denied")]
    cites = dict.fromkeys(cite for one in every for cite in one.cites if not cite.endswith("/decision"))
    if wanted:
        decision = msgspec.convert(wanted[0][0], AuthorityFact)
        decision = msgspec.structs.replace(decision, id=f"{known.id}/decision", time=every[0].time)
        cites[decision.id] = None
        yield decision, wanted[0][1]
    action = msgspec.structs.replace(known, time=every[0].time, outcome=outcome, cites=tuple(cites))
    yield action, group[0]
    if outcome == "success":
        yield from _keys_and_elevations(action, group)
        told = [one.data["change"] for one in group if one.data["change"] is not None]
        merged = {field: next((one[field] for one in told if one.get(field)), "") for one in told for field in one}
        if merged.get("what") in ("assigned", "taken"):
            changes.append((every[-1].time + 1, merged | {"by": action.id}, group[-1]))


def _keys_and_elevations(action: Action, group: list[Observation]) -> _Found:
    what = group[-1].data["change"] or next((one.data["change"] for one in group if one.data["change"]), None) or {}
    if what.get("what") == "regenerated":
        yield (
            AuthorityFact(kind="credential", id=what["key"], time=action.time + 1, issued_by=action.id),
            group[-1],
        )
    elif what.get("what") == "elevated":
        yield (
            AuthorityFact(
                kind="grant",
                id=f"azure/elevated/{action.principal.id}",
                time=action.time + 1,
                principal=action.principal,
                scope=(Rule(("*/read", "microsoft.authorization/*")),),
                issued_by=action.id,
                attributes={"role": "User Access Administrator"},
            ),
            group[-1],
        )


# ---- role assignments ------------------------------------------------------------------------------------------------


def _assignments(
    seen: Sequence[Observation],
    changes: list[tuple[Instant, dict[str, Any], Observation]],
    roles: dict[str, dict[str, Any]],
) -> _Found:
    """As they are made and taken; one that was listed holds since it was made, if the log does not know better."""
    made = {data["key"] for _, data, _ in changes if data["what"] == "assigned"}
    listed = {one.data["key"]: one for one in reversed(seen)}
    known: dict[str, dict[str, Any]] = {key: one.data for key, one in listed.items()}
    for key in sorted(listed.keys() - made):
        one = listed[key]
        since = one.data["since"]
        yield _assignment(one.data, roles, one.at, _BEGINNING if since is None else None), one
    for at, data, one in sorted(changes, key=lambda change: (change[0], change[1]["key"])):
        told = known.get(data["key"], {})
        full = {
            name: data.get(name) or told.get(name, "") for name in ("principal", "kind", "role", "scope", "condition")
        }
        full |= {"key": data["key"], "by": data["by"]}
        known[data["key"]] = full
        fact = _assignment(full, roles, at, None)
        if data["what"] == "taken":
            attributes = fact.attributes | {"ended_by": data["by"]}
            fact = msgspec.structs.replace(fact, fact="ended", end="revoked", issued_by=None, attributes=attributes)
        yield fact, one


def _assignment(
    data: dict[str, Any], roles: dict[str, dict[str, Any]], at: Instant, start: Instant | None
) -> AuthorityFact:
    scope, said = scope_of(data, roles)
    if data["kind"].lower() == "group":
        said["group"] = identifier(data["principal"])
    if data["by"] is None:
        said["shown_by"] = "list of role assignments"
    return AuthorityFact(
        kind="grant",
        id=data["key"],
        time=at,
        valid_from=start,
        principal=of_type(data["kind"], data["principal"]),
        scope=scope,
        issued_by=data["by"],
        attributes=said,
    )


def _while_gone(given: Sequence[tuple[Record, Observation]], standing: Sequence[Observation]) -> _Found:
    """The assignments of whoever is deleted or disabled are out of force until that is undone."""
    steps = defaultdict[str, list[Observation]](list)
    for one in standing:
        steps[one.data["who"]].append(one)
    lives = defaultdict[str, list[AuthorityFact]](list)
    for fact, _ in given if steps else ():
        if isinstance(fact, AuthorityFact):
            lives[fact.id].append(fact)
    for key, facts in sorted(lives.items()):
        for one in steps.get(next((fact.principal.id for fact in facts if fact.principal is not None), ""), ()):
            held = max((fact for fact in facts if _start(fact) <= one.at), key=_start, default=None)
            if held is None or held.fact == "ended":
                continue
            attributes = held.attributes | {"by": one.data["by"]}
            if one.data["step"] == "back":
                yield msgspec.structs.replace(held, time=one.at, valid_from=None, attributes=attributes), one
            else:
                yield (
                    AuthorityFact(
                        kind="grant",
                        id=key,
                        time=one.at,
                        fact="ended",
                        end="revoked",
                        attributes={"ended_by": one.data["by"]},
                    ),
                    one,
                )


def _start(fact: AuthorityFact) -> Instant:
    return fact.time if fact.valid_from is None else fact.valid_from


# ---- Privileged Identity Management ----------------------------------------------------------------------------------


def _requests(seen: Sequence[Observation]) -> _Found:
    """A request as an approval with its window, and the role that it gave as a grant that rests on it.

    Approved by whoever did so; a request that needed nobody's word has no deciders.
    """
    groups = defaultdict[str, list[Observation]](list)
    for one in seen:
        groups[one.name].append(one)
    for name in sorted(groups):
        yield from _request(groups[name])
    yield from _taken(seen)


def _request(group: list[Observation]) -> _Found:
    steps = defaultdict[str, list[Observation]](list)
    for one in group:
        steps[one.data["step"]].append(one)
    told: dict[str, Any] = {}
    for one in group:
        for field, value in one.data.items():
            if value not in (None, "") and field not in told:
                told[field] = value
    key = f"entra/pim/{told['request']}"
    who = Principal(*told["who"]) if told.get("who") else None
    asked = steps["asked"][0] if steps["asked"] else None
    requester = Principal(*asked.data["by"]) if asked is not None else None
    granted = next(iter(steps["approved"] or steps["done"]), None)
    if told["eligible"]:
        return  # the right to ask is no right to act
    for one in steps["denied"]:
        yield _approval(key, one, told, who, requester, [one], "deny"), one
    if granted is not None:
        yield _approval(key, granted, told, who, requester, steps["approved"], None), granted
    for one in steps["done"]:
        if who is None or not told.get("role") or not told["directory"]:
            continue
        yield (
            AuthorityFact(
                kind="grant",
                id=role_key(who, told["role"]),
                time=one.at + 1,
                valid_until=told.get("until"),
                principal=who,
                scope=(Rule(resources=DIRECTORY),),
                cites=(key,),
                issued_by=one.data["action"],
                attributes={"role": told["name"]} if told.get("name") else {},
            ),
            one,
        )
    for one in steps["over"]:
        yield AuthorityFact(kind="approval", id=key, time=one.at, fact="ended", end="closed"), one


def _approval(
    key: str,
    one: Observation,
    told: dict[str, Any],
    who: Principal | None,
    requester: Principal | None,
    approved: list[Observation],
    effect: Any,
) -> AuthorityFact:
    if not approved and not told["activation"] and effect is None:
        approved, requester = [one], None  # somebody gave the role outright
    deciders = tuple(dict.fromkeys(Principal(*step.data["by"]) for step in approved))
    since = told.get("since")
    return AuthorityFact(
        kind="approval",
        id=key,
        time=one.at,
        valid_from=since if since is not None and since > one.at else None,
        valid_until=told.get("until"),
        principal=who,
        effect=effect,
        requested_by=requester,
        decided_by=deciders or None,
        justification=told.get("why"),
        ticket=told.get("ticket"),
        attributes={"role": told["name"]} if told.get("name") else {},
    )


def _taken(seen: Sequence[Observation]) -> _Found:
    """A role that expires, is given back or is taken; nobody else's."""
    for one in seen:
        data = one.data
        if data["step"] == "ended" and data["who"] and data["role"] and not data["eligible"] and data["directory"]:
            key = role_key(Principal(*data["who"]), data["role"])
            yield (
                AuthorityFact(
                    kind="grant",
                    id=key,
                    time=one.at + 1,
                    fact="ended",
                    end="revoked",
                    principal=Principal(*data["who"]),
                    scope=(Rule(resources=DIRECTORY),),
                    attributes={"ended_by": data["action"]},
                ),
                one,
            )
