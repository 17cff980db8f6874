"""What entries tell together: grants from policies and roles, keys that end with their account, calls made complete.

A grant is one role on one resource in one member's hands, and holds there and below: in the projects of a folder or
organisation as far as their ancestors are known. Where a role's permissions are nowhere told, the grant names no
principal, and so is no candidate. Policies that were exported hold since they were last written, where that is said,
else since before the log; a binding that the log tells of begins and ends as the log says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, EndReason, Instant, Principal, Record, Rule
from quowarranto.sources.entry import Observation
from quowarranto.sources.gcp.names import covering, grant_key, members_of
from quowarranto.sources.gcp.roles import Permits, predefined
from quowarranto.sources.kubernetes.history import derive as derive_of_clusters
from quowarranto.sources.observed import CLUSTER, by_kind

_Found = Iterator[tuple[Record, Observation]]
_encode = msgspec.json.Encoder(order="deterministic").encode
_ORDER = {"seen": 0, "set": 1, "add": 2, "remove": 3}
_BEGINNING: Instant = 0


def derive(observations: Sequence[Observation]) -> _Found:
    """All records that follow from all observations; neither order nor repetition matters."""
    kinds = by_kind(observations, "gcp-")
    accounts = _emails(kinds["gcp-account"])
    yield from _Policies(kinds["gcp-role"], kinds["gcp-project"], accounts).facts(kinds["gcp-policy"])
    yield from _keys(kinds["gcp-key"], kinds["gcp-account"], accounts)
    terms = defaultdict[str, list[tuple[Instant, Instant]]](list)
    yield from _delegations(kinds["gcp-token"], accounts, terms)
    yield from _calls(kinds["gcp-call"], terms)
    yield from derive_of_clusters(kinds[CLUSTER])


def _emails(seen: Sequence[Observation]) -> dict[str, str]:
    """E-mails of service accounts by their unique ids."""
    return {one.data["unique"]: one.data["email"] for one in seen if one.data["unique"]}


# ---- calls -----------------------------------------------------------------------------------------------------------


def _calls(seen: Sequence[Observation], terms: dict[str, list[tuple[Instant, Instant]]]) -> _Found:
    """One action per call: as its first entry has it, with the end that the last one tells."""
    groups = defaultdict[str, list[Observation]](list)
    for one in seen:
        groups[one.name].append(one)
    for name in sorted(groups):
        group = sorted(groups[name], key=lambda one: (not one.data["begins"], one.at))
        base = msgspec.convert(group[0].data["action"], Action)
        every = [msgspec.convert(one.data["action"], Action) for one in group]
        outcome = next((one.outcome for one in reversed(every) if one.outcome != "success"), "success")
        cites = dict.fromkeys(cite for one in every for cite in one.cites)
        lent = group[0].data["lent"]
        if lent is not None and any(start <= base.time < until for start, until in terms.get(lent, ())):
            cites[lent] = None
        yield msgspec.structs.replace(base, outcome=outcome, cites=tuple(cites)), group[0]


def _delegations(
    seen: Sequence[Observation], emails: dict[str, str], terms: dict[str, list[tuple[Instant, Instant]]]
) -> _Found:
    """An account lent to somebody, for as long as the longest of the tokens made until then lasts."""
    last: dict[str, Instant] = {}
    for one in seen:
        data = one.data
        account = emails.get(data["account"], data["account"])
        key = data["key"].replace(f"/{data['account']}/", f"/{account}/", 1)
        until = max(data["until"], last.get(key, 0))
        last[key] = until
        terms[key].append((one.at, until))
        yield (
            AuthorityFact(
                kind="delegation",
                id=key,
                time=one.at,
                valid_until=until,
                principal=Principal("service_account", account),
                by=Principal(*data["by"]),
                issued_by=data["action"],
            ),
            one,
        )


# ---- keys ------------------------------------------------------------------------------------------------------------


def _keys(keys: Sequence[Observation], accounts: Sequence[Observation], emails: dict[str, str]) -> _Found:
    """With an account that is deleted or switched off its keys stop working, and with one switched on they work."""
    of_account = defaultdict[str, dict[str, Instant]](dict)
    for one in keys:
        account = emails.get(one.data["account"], one.data["account"])
        of_account[account].setdefault(one.data["key"], one.at)
    for one in accounts:
        change, email = one.data["change"], one.data["email"]
        if change not in ("ended", "enabled"):
            continue
        for key in sorted(key for key, since in of_account[email].items() if since <= one.at):
            if change == "enabled":
                holder = Principal("service_account", email)
                yield (
                    AuthorityFact(kind="credential", id=key, time=one.at, principal=holder, issued_by=one.data["by"]),
                    one,
                )
            else:
                yield _ended("credential", key, one.at, one.data["by"]), one


def _ended(kind: Any, key: str, at: Instant, by: str | None, reason: EndReason = "revoked") -> AuthorityFact:
    attributes = {"ended_by": by} if by else {}
    return AuthorityFact(kind=kind, id=key, time=at, fact="ended", end=reason, attributes=attributes)


# ---- policies --------------------------------------------------------------------------------------------------------


def _start(one: Observation) -> Instant:
    """When a change took effect; what was merely seen held since it was written, or since nobody knows when."""
    if one.data.get("change") != "seen":
        return one.at
    return _BEGINNING if one.data["since"] is None else one.data["since"]


class _Policies:
    """What is bound where, step by step, with what is known of roles and of what lies below what."""

    def __init__(self, roles: Sequence[Observation], projects: Sequence[Observation], emails: dict[str, str]) -> None:
        self._changes = roles
        self._permissions: dict[str, Permits | None] = {}
        told = {one.data["role"] for one in roles if one.data["by"] is not None}
        for one in roles:
            if one.data["by"] is None and one.data["role"] not in told:
                self._set_role(one.data)
        self._emails = emails
        self._ids: dict[str, str] = {}
        self._below = defaultdict[str, set[str]](set)
        for one in projects:
            project, named = one.data["project"], one.data["id"]
            if named:
                self._ids[project] = f"projects/{named}"
            for above in one.data["above"]:
                self._below[above].add(project)
        self._live: dict[str, dict[str, Any]] = {}
        self._by_role = defaultdict[str, set[str]](set)
        self._on = defaultdict[str, set[str]](set)

    def facts(self, policies: Sequence[Observation]) -> _Found:
        """Grants as they begin, change and end."""
        steps = [*policies, *(one for one in self._changes if one.data["by"] is not None)]
        steps.sort(
            key=lambda one: (_start(one), _ORDER.get(one.data.get("change", ""), -1), one.name, _encode(one.data))
        )
        logged = {key for one in policies if one.data["change"] != "seen" for key, _ in self._keyed(one)}
        written = {one.data["resource"] for one in policies if one.data["change"] == "set"}
        for one in steps:
            change = one.data.get("change")
            if change is None:
                yield from self._role(one)
            elif change == "seen":
                if one.data["resource"] not in written:
                    yield from self._shown(one, logged)
            elif change == "set":
                yield from self._set(one)
            else:
                for key, binding in self._keyed(one):
                    yield from (self._bind if change == "add" else self._unbind)(key, binding, one)

    def _keyed(self, one: Observation) -> list[tuple[str, dict[str, Any]]]:
        resource = one.data["resource"]
        return [
            (
                grant_key(resource or "unknown", data["role"], data["member"], data.get("expression", "")),
                data | {"on": resource},
            )
            for data in one.data["bindings"]
        ]

    # --- what each step does ---

    def _shown(self, one: Observation, logged: set[str]) -> _Found:
        for key, binding in self._keyed(one):
            if key not in logged and key not in self._live:
                self._take(key, binding)
                for fact in self._grants(key, binding, one.at, _start(one), None):
                    yield fact, one

    def _set(self, one: Observation) -> _Found:
        after = dict(self._keyed(one))
        for key in sorted(self._on[one.data["resource"]] - after.keys()):
            yield from self._unbind(key, self._live[key], one)
        for key, binding in after.items():
            if key not in self._live:
                yield from self._bind(key, binding, one)

    def _bind(self, key: str, binding: dict[str, Any], one: Observation) -> _Found:
        self._take(key, binding)
        for fact in self._grants(key, binding, one.at, one.at, one.data["by"]):
            yield fact, one

    def _unbind(self, key: str, binding: dict[str, Any], one: Observation) -> _Found:
        """Of a grant that was never seen to begin, its end says all that is known of it."""
        unseen = key not in self._live
        self._live.pop(key, None)
        self._by_role[binding["role"]].discard(key)
        self._on[binding["on"]].discard(key)
        for fact in self._grants(key, binding, one.at, one.at, None):
            yield (
                msgspec.structs.replace(
                    fact,
                    fact="ended",
                    end="revoked",
                    valid_from=None,
                    valid_until=None,
                    principal=fact.principal if unseen else None,
                    scope=fact.scope if unseen else None,
                    standing=None,
                    attributes=(fact.attributes if unseen else {}) | {"ended_by": one.data["by"]},
                ),
                one,
            )

    def _role(self, one: Observation) -> _Found:
        """Another list of permissions changes every grant of the role; without its role a grant gives nothing."""
        role = one.data["role"]
        self._set_role(one.data)
        for key in sorted(self._by_role[role]):
            binding = self._live[key]
            if one.data["gone"]:
                for fact in self._grants(key, binding, one.at, one.at, None):
                    yield _ended("grant", fact.id, one.at, one.data["by"]), one
            else:
                for fact in self._grants(key, binding, one.at, one.at, one.data["by"]):
                    yield fact, one

    def _set_role(self, data: dict[str, Any]) -> None:
        if data["gone"]:
            self._permissions[data["role"]] = Permits(())
        elif data["permissions"] is not None:
            self._permissions[data["role"]] = Permits(tuple(data["permissions"]))

    def _take(self, key: str, binding: dict[str, Any]) -> None:
        self._live[key] = binding
        self._by_role[binding["role"]].add(key)
        self._on[binding["on"]].add(key)

    # --- facts ---

    def _grants(
        self, key: str, binding: dict[str, Any], at: Instant, start: Instant, by: str | None
    ) -> list[AuthorityFact]:
        """One fact per principal that the member stands for; one without a principal where none can be told."""
        permits = self._permissions.get(binding["role"]) or predefined(binding["role"])
        whom = members_of(binding["member"])
        since, until = max(start, binding.get("since", start)), binding.get("until")
        common: dict[str, Any] = {
            "kind": "grant",
            "time": at,
            "valid_from": since if since != at else None,
            "valid_until": until,
            "issued_by": by,
            "attributes": self._said(binding, permits, shown=by is None),
        }
        if permits is None or not whom:
            return [AuthorityFact(id=key, **common)]
        scope = (Rule(permits.permissions, self._covered(binding["on"])),)
        return [
            AuthorityFact(
                id=f"{key}/to/{one.principal.type}" if one.several else key,
                principal=one.principal,
                scope=scope,
                **common,
            )
            for one in whom
        ]

    def _said(self, binding: dict[str, Any], permits: Permits | None, *, shown: bool) -> dict[str, Any]:
        remark = "not seen" if permits is None else permits.remark
        said = {
            "role": binding["role"],
            "member": binding["member"],
            "role_permissions": remark,
            "condition": binding.get("title"),
            "conditional": binding.get("other"),
            "resource": None if binding["on"] else "not said",
            "shown_by": "export of the policy" if shown else None,
        }
        return {name: value for name, value in said.items() if value}

    def _covered(self, resource: str) -> tuple[str, ...] | None:
        """Patterns for the resource and all below it; None for a policy that does not say what it is of."""
        if not resource:
            return None
        account = resource.rpartition("/serviceAccounts/")[2] if "/serviceAccounts/" in resource else ""
        names = [resource]
        if account in self._emails:
            names.append(resource.replace(account, self._emails[account]))
        numbers = {named: number for number, named in self._ids.items()}
        for project in [resource, *sorted(self._below[resource])]:
            names += [project] if project != resource else []
            other = self._ids.get(project) or numbers.get(project)
            names += [other] if other else []
        return tuple(dict.fromkeys(pattern for name in names for pattern in covering(name)))
