"""What several events tell together: decided access requests, the roles of users, and what locks put out of force.

A request is asked for by one event and decided by another; a lock ends, for as long as it lasts, what it is aimed at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from quowarranto.records import AuthorityFact, Instant, Principal, Record, Rule
from quowarranto.sources.entry import Observation
from quowarranto.sources.teleport import keys
from quowarranto.sources.teleport.wire import principal_named

Derived = Iterator[tuple[Record, Observation]]

_KINDS = {"db": "database", "windows_desktop": "windows_desktop", "app": "app", "node": "node"}
_NOT_REACHED = tuple(
    f"{kind}:*"
    for kind in (
        "certificate",
        "cluster",
        "access_request",
        "user",
        "role",
        "lock",
        "join_token",
        "bot",
        "mfa",
        "session",
    )
)
"""What is asked of Teleport itself."""


class _Lock(msgspec.Struct, frozen=True):
    """A lock in force from its creation to its deletion or end."""

    name: str
    cluster: str
    target: dict[str, str]
    start: Instant
    end: Instant | None
    by: str
    seen: Observation


def derive(observations: Sequence[Observation]) -> Iterable[tuple[Record, Observation]]:
    """Approvals, roles and locks, each shown with the event that decided it."""
    by_name: dict[str, list[Observation]] = defaultdict(list)
    for one in sorted(observations, key=lambda one: (one.at, one.name, str(one.data.get("by")))):
        by_name[one.name].append(one)
    locks = [lock for name, found in by_name.items() if name.startswith("lock/") for lock in _locks(found)]
    for name, found in by_name.items():
        kind, _, rest = name.partition("/")
        if kind == "request":
            yield from _approval(rest, found, locks)
        elif kind == "user":
            yield from _roles(found, locks)
        elif kind == "bot":
            yield from _bot(found, locks)
        elif kind == "session":
            yield from _locked_session(found[0], locks)
    for lock in locks:
        yield from _locked(lock)


# ---- access requests -------------------------------------------------------------------------------------------------


def _approval(request: str, steps: list[Observation], locks: list[_Lock]) -> Derived:
    """A pending request is no authority yet; one that was denied says so, and one may be denied after its approval."""
    asked = next((one.data for one in steps if one.data["event"] == "access_request.create"), {})
    decided = next((one for one in steps if one.data["state"] in ("APPROVED", "DENIED")), None)
    ends = [(one, end) for one in steps if (end := _end_of(one, decided)) is not None]
    if decided is not None:
        fact = _decided(request, asked, decided, steps)
        yield fact, decided
        if fact.effect is None:
            bounds = [one.at for one, _ in ends if one.at >= decided.at]
            yield from _while_asker_is_locked(fact, decided, min(bounds, default=None), locks)
    for one, end in ends:
        yield (
            AuthorityFact(
                kind="approval",
                id=keys.request_key(request),
                time=one.at,
                fact="ended",
                end=end,
                attributes={"ended_by": one.data["by"]},
            ),
            one,
        )


def _end_of(one: Observation, decided: Observation | None) -> Literal["revoked", "expired"] | None:
    """How a step ends its request, if it does."""
    step = one.data["event"].rpartition(".")[2]
    if step in ("delete", "expire"):
        return "revoked" if step == "delete" else "expired"
    was_approved = decided is not None and decided.data["state"] == "APPROVED"
    return "revoked" if was_approved and one.data["state"] == "DENIED" else None


def _while_asker_is_locked(
    fact: AuthorityFact, decided: Observation, over: Instant | None, locks: list[_Lock]
) -> Derived:
    """A lock on who asked, or on a role that was asked for, puts the request out of force while it lasts."""
    ends = [at for at in (over, fact.valid_until) if at is not None]
    start = decided.at if fact.valid_from is None else fact.valid_from
    cluster, roles = decided.data.get("cluster", ""), frozenset(fact.attributes["roles"])
    for lock in _outages(locks, cluster, fact.principal, roles):
        if any(lock.start >= at for at in ends) or (lock.end is not None and lock.end <= start):
            continue
        yield _revoked("approval", fact.id, msgspec.structs.replace(lock, start=max(lock.start, start))), lock.seen
        if lock.end is not None and all(lock.end < at for at in ends):
            yield msgspec.structs.replace(fact, valid_from=lock.end), decided


def _decided(request: str, asked: dict[str, Any], decided: Observation, steps: list[Observation]) -> AuthorityFact:
    state = decided.data["state"]
    agreeing = [one.data for one in steps if one.data["state"] == state]
    reviews = [one.data for one in steps if one.at <= decided.at and one.data["proposed"] == state]
    deciders = [one["reviewer"] for one in reviews if one["reviewer"]]
    deciders = deciders or [one["updated_by"] for one in agreeing if one["updated_by"]]
    untils = [one["until"] for one in agreeing if one["until"]]
    starts = [one["from"] for one in agreeing if one["from"]] or [asked.get("from")]
    requester = Principal(*asked["user"]) if asked.get("user") else None
    resources = asked.get("resources") or decided.data["resources"]
    return AuthorityFact(
        kind="approval",
        id=keys.request_key(request),
        time=decided.at,
        valid_from=max(starts[-1], decided.at) if starts[-1] else None,
        valid_until=untils[-1] if untils else asked.get("until"),
        principal=requester,
        effect="deny" if state == "DENIED" else None,
        scope=_scope(resources) if resources else None,
        issued_by=decided.data["by"],
        requested_by=requester,
        decided_by=tuple(principal_named(name) for name in dict.fromkeys(deciders)) or None,
        justification=asked.get("reason") or None,
        attributes={"roles": asked.get("roles") or decided.data["roles"]},
    )


def _scope(resources: list[dict[str, Any]]) -> tuple[Rule, ...]:
    """The resources that were asked for; a certificate that is limited to them is not limited elsewhere."""
    patterns = [pattern for one in resources for pattern in _patterns(one)]
    return (Rule(resources=_NOT_REACHED), Rule(resources=tuple(patterns)))


def _patterns(resource: dict[str, Any]) -> tuple[str, ...]:
    """A part of a Kubernetes cluster other than a pod is taken for the whole cluster, which is wider than it was."""
    kind, name, part = resource.get("kind"), resource.get("name"), resource.get("sub_resource")
    if kind in ("kube_cluster", "pod"):
        namespace, slash, pod = part.partition("/") if isinstance(part, str) else ("", "", "")
        if slash:
            path = f"kube_cluster:{name}/api/v1/namespaces/{namespace}/pods/{pod}"
            return path, f"{path}/*"
    if isinstance(kind, str) and (kind.startswith("kube") or kind in ("pod", "namespace")):
        return f"kube_cluster:{name}", f"kube_cluster:{name}/*"
    of = _KINDS.get(str(kind), str(kind))
    return f"{of}:{name}", f"{of}:{name}/*"


# ---- locks -----------------------------------------------------------------------------------------------------------


def _locks(found: list[Observation]) -> Iterator[_Lock]:
    """Each creation lasts until the next deletion of that name, the next creation, or its own end."""
    for number, one in enumerate(found):
        if one.data["event"] != "lock.created":
            continue
        ends = [at for at in (one.data["expires"], *(later.at for later in found[number + 1 : number + 2])) if at]
        yield _Lock(
            name=one.name.partition("/")[2],
            cluster=one.data.get("cluster", ""),
            target=one.data["target"],
            start=one.at,
            end=min(ends) if ends else None,
            by=one.data["by"],
            seen=one,
        )


def _locked(lock: _Lock) -> Derived:
    """A lock denies its user everything, and ends the request or instance that it names."""
    if user := lock.target.get("user"):
        yield (
            AuthorityFact(
                kind="grant",
                id=keys.lock_key(lock.name),
                time=lock.start,
                valid_until=lock.end,
                principal=principal_named(user),
                effect="deny",
                issued_by=lock.by,
            ),
            lock.seen,
        )
    if request := lock.target.get("access_request"):
        yield _revoked("approval", keys.request_key(request), lock), lock.seen
    bot, instance = lock.target.get("bot_name"), lock.target.get("bot_instance_id")
    if bot and instance:
        yield _revoked("credential", keys.instance_key(bot, instance), lock), lock.seen


def _revoked(kind: Any, key: str, lock: _Lock) -> AuthorityFact:
    return AuthorityFact(
        kind=kind, id=key, time=lock.start, fact="ended", end="revoked", attributes={"ended_by": lock.by}
    )


def _locked_session(opened: Observation, locks: list[_Lock]) -> Derived:
    """Teleport closes the sessions of whom it locks."""
    who, roles = Principal(opened.data["type"], opened.data["id"]), frozenset(opened.data.get("roles", ()))
    for lock in locks:
        if lock.start >= opened.at and _is_aimed_at(lock, opened.data.get("cluster", ""), who, roles):
            yield _revoked("session", keys.session_key(opened.data["sid"]), lock), lock.seen


def _is_aimed_at(lock: _Lock, cluster: str, who: Principal | None, roles: frozenset[str]) -> bool:
    """Whether a lock stops this principal, or anybody with one of these roles; names are those of one cluster."""
    if lock.cluster != cluster:
        return False
    user = lock.target.get("user")
    return (bool(user) and principal_named(user or "") == who) or lock.target.get("role") in roles


def _outages(locks: list[_Lock], cluster: str, who: Principal | None, roles: frozenset[str]) -> list[_Lock]:
    """The stretches in which at least one lock is aimed there, each as its first lock with the end of its last."""
    out: list[_Lock] = []
    for lock in sorted(locks, key=lambda lock: (lock.start, lock.name)):
        if not _is_aimed_at(lock, cluster, who, roles):
            continue
        last = out[-1] if out else None
        if last is None or (last.end is not None and last.end < lock.start):
            out.append(lock)
        elif last.end is not None and (lock.end is None or lock.end > last.end):
            out[-1] = msgspec.structs.replace(last, end=lock.end)
    return out


# ---- roles of users, and bots ----------------------------------------------------------------------------------------


def _roles(steps: list[Observation], locks: list[_Lock]) -> Derived:
    """Every role from the event that gave it to the one that left it out."""
    holder = Principal(steps[0].data["type"], steps[0].data["id"])
    cluster = steps[0].data.get("cluster", "")
    for role in sorted({role for one in steps if one.data["is_there"] for role in one.data["roles"]}):
        given = [one.data["is_there"] and role in one.data["roles"] for one in steps]
        key = keys.role_key(cluster, holder, role)
        yield from _held(key, holder, role, list(zip(steps, given, strict=True)), locks)


def _bot(steps: list[Observation], locks: list[_Lock]) -> Derived:
    bot = Principal("bot", steps[0].data["id"])
    key = keys.bot_key(steps[0].data.get("cluster", ""), bot.id)
    yield from _held(key, bot, "", [(one, one.data["is_there"]) for one in steps], locks)


def _held(key: str, holder: Principal, role: str, steps: list[tuple[Observation, bool]], locks: list[_Lock]) -> Derived:
    """One authority through its steps; out of force while a lock is aimed at it."""
    for number, (one, is_given) in enumerate(steps):
        if is_given:
            after = steps[number + 1][0].at if number + 1 < len(steps) else None
            yield _given(key, holder, role, one, one.at), one
            yield from _while_locked(key, holder, role, one, after, locks)
        else:
            yield _taken(key, one.at, one.data["by"]), one


def _while_locked(
    key: str, holder: Principal, role: str, given: Observation, after: Instant | None, locks: list[_Lock]
) -> Derived:
    ends = [at for at in (after, given.data["expires"]) if at is not None]
    for lock in _outages(locks, given.data.get("cluster", ""), holder, frozenset((role,) if role else ())):
        if any(lock.start >= at for at in ends) or (lock.end is not None and lock.end <= given.at):
            continue
        yield _taken(key, max(lock.start, given.at), lock.by), lock.seen
        if lock.end is not None and all(lock.end < at for at in ends):
            yield _given(key, holder, role, given, lock.end), lock.seen


def _given(key: str, holder: Principal, role: str, by: Observation, at: Instant) -> AuthorityFact:
    return AuthorityFact(
        kind="grant",
        id=key,
        time=at,
        valid_until=by.data["expires"],
        principal=holder,
        issued_by=by.data["by"],
        attributes={"role": role} if role else {},
    )


def _taken(key: str, at: Instant, by: str) -> AuthorityFact:
    return AuthorityFact(kind="grant", id=key, time=at, fact="ended", end="revoked", attributes={"ended_by": by})
