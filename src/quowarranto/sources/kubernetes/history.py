"""From observations to facts: the terms of roles and bindings, and the tokens that ended with their service account.

A binding is one authority, established again with each change of it or of its role, ended when it is deleted, when its
role is, or when nobody is left in it. Its scope is that of the role's rules. Where it has (or may have had) several
subjects it names no principal; each user and service account in it is then a member, a grant of its own that rests on
the binding, so that an entitlement can be inferred for it and ends when it is taken out.

Times: instants in microseconds, as observed. What existed before the first change seen of it and does not say since
when has no known beginning: it is valid from 1970.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from quowarranto.records import AuthorityFact, Instant, Principal
from quowarranto.sources.entry import Observation
from quowarranto.sources.kubernetes import accounts
from quowarranto.sources.kubernetes.clusters import also_within, by_cluster, fact_within
from quowarranto.sources.kubernetes.names import PREFIX, literal, principal_of, service_account
from quowarranto.sources.kubernetes.scope import bound_of, scope_of

Fact = tuple[AuthorityFact, Observation]

_BEGINNING: Instant = 0
_ORDER = {"before": 0, "snapshot": 1, "create": 2, "update": 3, "delete": 4}
_MOST_LISTED = 20
_encode = msgspec.json.Encoder(order="sorted").encode


class _Step(msgspec.Struct, frozen=True):
    """One moment in the life of an object: what it was from `start` on."""

    start: Instant
    change: str
    seen: Observation

    @property
    def data(self) -> dict[str, Any]:
        return self.seen.data

    @property
    def at(self) -> Instant:
        """When the fact took effect as far as it is known; differs from `start` where that is unknown."""
        return self.seen.at if self.start == _BEGINNING else self.start

    @property
    def valid_from(self) -> Instant | None:
        return None if self.at == self.start else self.start


def derive(observations: Sequence[Observation]) -> Iterator[Fact]:
    """All facts that follow from all observations; their order, and repetitions, do not matter."""
    clusters = list(by_cluster(observations))
    for cluster, only, group in clusters:
        for fact, seen in _of_one(group, several=len(clusters) > 1):
            yield also_within(fact_within(fact, cluster), only), seen


def _of_one(observations: Sequence[Observation], *, several: bool) -> Iterator[Fact]:
    """What follows from the observations of one cluster, of one or several."""
    by_name = _by_name(observations)
    lives = {name: _life(seen) for name, seen in by_name.items() if not name.endswith("/*") and "/" in name}
    roles = {name: steps for name, steps in lives.items() if name.startswith(("role/", "clusterrole/"))}
    for name, steps in roles.items():
        yield from _role_facts(name, steps)
    for name, steps in lives.items():
        if name.startswith(("rolebinding/", "clusterrolebinding/")):
            yield from _Binding(name, steps, roles).facts()
    yield from _ended_tokens(by_name)
    yield from accounts.facts(by_name, several=several)


def _by_name(observations: Iterable[Observation]) -> dict[str, list[Observation]]:
    """Each observation once, by object; a deletion of a whole collection is one of every object in it."""
    distinct = {_encode((seen.name, seen.at, seen.data)): seen for seen in observations}
    by_name: defaultdict[str, list[Observation]] = defaultdict(list)
    for key in sorted(distinct):
        by_name[distinct[key].name].append(distinct[key])
    for name in [name for name in by_name if not name.endswith("/*")]:
        collection = f"{name.rpartition('/')[0]}/*"
        if collection in by_name:
            by_name[name] += by_name[collection]
    return dict(sorted(by_name.items()))


def _life(seen: Sequence[Observation]) -> list[_Step]:
    """The steps in order of time, with one before the first change where the object must have existed already."""
    dated = [
        _Step(o.at, o.data.get("change", ""), o)
        for o in seen
        if o.data.get("change") != "snapshot" or o.data.get("created") is not None
    ]
    dated.sort(key=lambda step: (step.start, _ORDER.get(step.change, 9)))
    undated = [o for o in seen if o.data.get("change") == "snapshot" and o.data.get("created") is None]
    if undated:  # the newest export, from the creation on when that was seen
        start = dated[0].start if dated and dated[0].change == "create" else _BEGINNING
        return [_Step(start, "snapshot", undated[-1]), *dated]
    if dated and dated[0].change == "update":
        created = dated[0].data.get("created")
        since = created if created is not None and created < dated[0].start else _BEGINNING
        return [_Step(since, "before", dated[0].seen), *dated]
    return dated


def _role_facts(name: str, steps: Sequence[_Step]) -> Iterator[Fact]:
    """A role is a policy: one version of its rules per term, known by their digest."""
    for step in steps:
        if step.change == "delete":
            yield _ended("policy", PREFIX + name, step), step.seen
            continue
        rules = None if step.change == "before" else step.data.get("rules")
        yield (
            AuthorityFact(
                kind="policy",
                id=PREFIX + name,
                time=step.at,
                valid_from=step.valid_from,
                issued_by=_action_of(step),
                attributes={"rules": "not seen"} if rules is None else {"rules_sha256": _sha256(rules)},
            ),
            step.seen,
        )


def _ended(kind: Any, key: str, step: _Step) -> AuthorityFact:
    """Says no more than the end: what an `ended` fact says else would be taken for what the authority is (SPEC 3)."""
    action = step.data.get("action")
    return AuthorityFact(
        kind=kind,
        id=key,
        time=step.start,
        fact="ended",
        end="revoked",
        attributes={"ended_by": action} if action else {},
    )


def _action_of(step: _Step) -> str | None:
    return None if step.change == "before" else step.data.get("action")


def _sha256(rules: list[dict[str, Any]]) -> str:
    return hashlib.sha256(_encode(rules)).hexdigest()


class _Binding:
    """One binding, told from its first step to its last."""

    def __init__(self, name: str, steps: Sequence[_Step], roles: dict[str, list[_Step]]) -> None:
        self.key = PREFIX + name
        self.namespace = name.split("/")[1] if name.startswith("rolebinding/") else None
        self.steps = steps
        self.roles = roles
        self.sole = _sole_principal(steps)
        self.live: set[str] = set()  # keys that have an open term
        self._forget()

    def _forget(self) -> None:
        self.alive = False
        self.role: str | None = None
        self.subjects: list[list[str]] | None = None
        self.issued_by: str | None = None
        self.logged = False

    def facts(self) -> Iterator[Fact]:
        for step, role in self._timeline():
            if role is None:
                self._take(step)
            elif not self.alive or role != self.role:
                continue
            gone = set(self.live)
            for fact in self._established(step):
                gone.discard(fact.id)
                self.live.add(fact.id)
                yield fact, step.seen
            if role is None and step.change == "delete":
                gone.add(self.key)  # also when nothing else was ever seen of it
            for key in sorted(gone):
                self.live.discard(key)
                yield _ended("grant", key, step), step.seen

    def _timeline(self) -> list[tuple[_Step, str | None]]:
        """Its own steps, and with their name those of every role it was ever bound to; roles first on a tie."""
        named = {role for step in self.steps if (role := step.data.get("role"))}
        moments: list[tuple[_Step, str | None]] = []
        for role in sorted(named):
            moments += [(step, role) for step in self.roles.get(role, ())]
        moments += [(step, None) for step in self.steps]
        return sorted(moments, key=lambda moment: (moment[0].start, moment[1] is None))

    def _take(self, step: _Step) -> None:
        """Let a change of the binding itself take effect; what it does not say of a living binding stays."""
        if step.change == "delete":
            self._forget()
            return
        self.alive = True
        self.issued_by = _action_of(step) or self.issued_by
        self.role = step.data.get("role") or self.role
        self.logged = _logged(step)
        if self.logged:
            self.subjects = step.data["subjects"]

    def _established(self, step: _Step) -> Iterator[AuthorityFact]:
        """What it grants from this step on: nothing when it is gone, or its role, or everybody in it."""
        deleted, rules = self._role_at(step.start)
        if not self.alive or deleted or self.subjects == []:
            return
        scope = None if rules is None else scope_of(rules, self.namespace)
        grant = AuthorityFact(
            kind="grant",
            id=self.key,
            time=step.at,
            valid_from=step.valid_from,
            principal=None if scope is None else self.sole,
            scope=bound_of(self.namespace) if scope is None else scope,
            cites=(PREFIX + self.role,) if self.role in self.roles else (),
            issued_by=self.issued_by,
            attributes=self._attributes(known=scope is not None),
        )
        yield grant
        if self.sole is None:
            yield from self._members(grant, known=scope is not None)

    def _members(self, grant: AuthorityFact, *, known: bool) -> Iterator[AuthorityFact]:
        """Users and service accounts among several subjects; nobody of whom the scope was never known."""
        for subject in self.subjects or ():
            key, principal = f"{self.key}/to/{'/'.join(filter(None, subject))}", _principal(subject)
            if principal is not None and (known or key in self.live):
                yield msgspec.structs.replace(
                    grant, id=key, principal=principal, cites=(self.key,), attributes={"member_of": self.key}
                )

    def _role_at(self, at: Instant) -> tuple[bool, list[dict[str, Any]] | None]:
        """Whether the role was deleted, and its rules as far as they are known."""
        steps = self.roles.get(self.role or "", ())
        reached = bisect_right(steps, at, key=lambda step: step.start)
        if not reached:
            return False, None
        last = steps[reached - 1]
        return last.change == "delete", None if last.change == "before" else last.data.get("rules")

    def _attributes(self, *, known: bool) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if self.role is not None:
            out["role"] = self.role
        if self.subjects is not None:
            out["subjects"] = [" ".join(filter(None, subject)) for subject in self.subjects[:_MOST_LISTED]]
        if not known:
            out["role_rules"] = "not seen"
        if not self.logged:
            out["content"] = "not logged"
        return out


def _logged(step: _Step) -> bool:
    return step.change != "before" and step.data.get("subjects") is not None


def _sole_principal(steps: Sequence[_Step]) -> Principal | None:
    """Whom a binding empowers, when it can never have been anybody else.

    A fact cannot take back a principal that an earlier one gave (SPEC 3), so one other subject, or one later change
    whose content was not logged, leaves the binding without.
    """
    subjects: set[tuple[str, ...]] = set()
    alive = False
    for step in steps:
        if step.change == "delete":
            alive = False
            continue
        if _logged(step):
            subjects |= {tuple(subject) for subject in step.data["subjects"]}
        elif subjects and not (step.change == "create" and alive):
            return None
        alive = True
    return _principal(list(subjects.pop())) if len(subjects) == 1 else None


def _principal(subject: list[str]) -> Principal | None:
    """A group is nobody in particular; a name that would read as a pattern is left out."""
    kind, namespace, name = subject
    if not literal(name) or not literal(namespace) or not name:
        return None
    if kind == "ServiceAccount":
        return service_account(namespace, name) if namespace else None
    return principal_of(name) if kind == "User" else None


def _ended_tokens(by_name: dict[str, list[Observation]]) -> Iterator[Fact]:
    """A token ends with its service account: the first deletion after it was issued."""
    deleted: defaultdict[str, list[Observation]] = defaultdict(list)
    for name, seen in by_name.items():
        if name.startswith("serviceaccount/"):
            deleted[name] += [one for one in seen if one.data["change"] == "delete"]
    if not deleted:
        return
    for name, seen in by_name.items():
        for issued in seen if name.startswith("token/") else ():
            account = issued.data["account"]
            ends = deleted.get(account, []) + deleted.get(f"{account.rpartition('/')[0]}/*", [])
            end = min((o for o in ends if o.at >= issued.at), key=lambda o: (o.at, o.name), default=None)
            if end is not None:
                key = f"{PREFIX}credential/{name.removeprefix('token/')}"
                yield _ended("credential", key, _Step(end.at, "delete", end)), end
