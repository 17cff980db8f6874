"""Roles and bindings as they stood at a moment, from what a case holds: logged changes, exports, and a given folder.

1. Every role and binding that anything tells of is a `Timeline`.
2. Of a request, the bindings that can reach it and may name its subject are looked up at its time, and their roles.
3. What may have been several things is given as several versions; what is not known is named in `context.not_known`.
4. That there were no other bindings is known from an export of what every cluster has (`observed.py`).
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from quowarranto.records import Instant
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.rbac.asked import Asked, Unusable, asked
from quowarranto.replay.rbac.decide import MASTERS
from quowarranto.replay.rbac.objects import UNKNOWN_NAMESPACE
from quowarranto.replay.rbac.observed import KIND_OF, body_of, given_exports, some_changes, timelines, wholes
from quowarranto.replay.rbac.timeline import MARGIN_US, UNKNOWN, Body, Coverage
from quowarranto.replay.state import Seen, Versions
from quowarranto.sources.kubernetes.rbac import KINDS

_REMEMBERED = 100_000
_Known = tuple[tuple[Policy, ...], tuple[str, ...]]


class Roles:
    """A `State` (`replay/state.py`).

    Args:
        every: what the case tells of source `kubernetes`, and nothing else.
        given: documents that somebody says to have stood so from a time on; they are all that there was.
    """

    def __init__(self, every: Sequence[Seen], given: Versions) -> None:
        (seen,) = every
        self._coverage = Coverage(seen.stretches)
        self._some = sorted(some_changes(seen.told), key=lambda one: (one[0], one[1], one[2].answered))
        self._wholes = list(wholes(seen.told))
        self._given = sorted(at for versions in given.values() for at, _ in versions)
        exports, self._unread = given_exports(given)
        self._lines = timelines(seen.told, exports, self._some, self._coverage)
        moments = {moment for line in self._lines.values() for moment in line.moments()} | {*self._given}
        moments |= {m for _, _, one in self._some for m in (one.asked - MARGIN_US, one.answered + MARGIN_US + 1)}
        moments |= {at for at, _ in self._wholes} | {*self._coverage.moments()}
        self._moments = sorted(moments | {end + 1 for end in self._coverage.moments()})
        """Between two of these nothing changes of what is known."""
        self._bindings = _by_place(self._lines)
        self._known: dict[Any, _Known] = {}
        self._texts: dict[str, Policy] = {}
        self._same: dict[tuple[Policy, ...], tuple[Policy, ...]] = {}

    def asked(self, request: Request, at: Instant) -> tuple[tuple[Policy, ...], Request]:
        """The bindings and roles that may decide, as they stood, and the request with what is not known."""
        try:
            wanted = asked(request)
        except Unusable:
            return (), request
        if MASTERS in wanted.groups:
            return (), request
        epoch = bisect_right(self._moments, at)
        key = (epoch, wanted.user, wanted.groups, wanted.all_groups, wanted.namespace)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._at(wanted, at)
        policies, unknown = found
        return policies, msgspec.structs.replace(request, context={**request.context, "not_known": list(unknown)})

    def _at(self, wanted: Asked, at: Instant) -> _Known:
        policies: dict[Policy, None] = {}
        unknown = [f"policy {name}" for name in self._unread]
        unknown += [self._nameless(kind, place) for kind, place in _places(wanted) if not self._whole(kind, place, at)]
        for name in self._reaching(wanted):
            bodies = self._bodies(name, at)
            if not any(_may_name(body, wanted) for body in bodies):
                continue
            if UNKNOWN in bodies:
                unknown.append(f"{_key(name)} at that time")
                continue
            for body in bodies:
                policies[self._document(name, body if isinstance(body, dict) else _nothing(bodies))] = None
                for role in _roles_of(body):
                    policies |= dict.fromkeys(self._role(role, at, unknown))
        found = tuple(policies)
        return self._same.setdefault(found, found), tuple(unknown)

    def _bodies(self, name: str, at: Instant) -> list[Body]:
        kind, _, rest = name.partition("/")
        place = rest.partition("/")[0] if kind in ("role", "rolebinding") else ""
        return self._lines[name].at(at, else_none=self._whole(kind, place, at))

    def _role(self, name: str, at: Instant, unknown: list[str]) -> Iterator[Policy]:
        """The versions of a role; none where it is not known, which the evaluator then says.

        Those that it may have its rules from come with it, where it is a manifest without them.
        """
        bodies = self._lines[name].at(at, else_none=False) if name in self._lines else [UNKNOWN]
        if UNKNOWN in bodies:
            return
        for body in bodies:
            yield self._document(name, body if isinstance(body, dict) else _empty(name))
        if any(isinstance(body, dict) and body.get("aggregationRule") for body in bodies):
            for other, line in self._lines.items():
                if other.startswith("clusterrole/"):
                    others = line.at(at, else_none=False)
                    unknown += [f"{_key(other)} at that time"] * (UNKNOWN in others)
                    yield from (self._document(other, one) for one in others if isinstance(one, dict))

    def _document(self, name: str, body: Mapping[str, Any]) -> Policy:
        text = json.dumps(body, sort_keys=True)
        return self._texts.setdefault(text, Policy(_key(name), text))

    def _reaching(self, wanted: Asked) -> Iterator[str]:
        """Bindings of the whole cluster, and of the namespace that is asked for (of any, where it is not known)."""
        places = [place for _, place in _places(wanted)] + [UNKNOWN_NAMESPACE]
        for place, names in self._bindings.items():
            if place in places or (wanted.namespace is None and wanted.path is None):
                yield from names

    def _whole(self, kind: str, place: str, at: Instant) -> bool:
        """Whether of a kind there was nothing at that time (in a namespace) but what is told of."""
        begun = self._given[:1] if self._given and self._given[0] <= at else []
        begun += [when for when, kinds in self._wholes if kind in kinds and self._coverage.covers(when, at)]
        return any(not self._hidden(kind, place, when, at) for when in begun)

    def _hidden(self, kind: str, place: str, one: Instant, other: Instant) -> bool:
        """Whether something of the kind was made or ended in between that the log does not name."""
        first, last = min(one, other) - MARGIN_US, max(one, other) + MARGIN_US
        return any(
            changed == kind
            and (not where or not place or where == f"{place}/")
            and change.asked <= last
            and change.answered >= first
            for changed, where, change in self._some
        )

    def _nameless(self, kind: str, place: str) -> str:
        inside = f" in `{place}`" if place else ""
        return f"every {KIND_OF[kind]}{inside} at that time (an export with its time, and the log up to it)"


# ---- names and bodies ------------------------------------------------------------------------------------------------


def _key(name: str) -> str:
    """`RoleBinding/NAMESPACE/NAME` of `rolebinding/NAMESPACE/NAME`."""
    kind, _, rest = name.partition("/")
    return f"{KIND_OF[kind]}/{rest}"


def _by_place(lines: Iterable[str]) -> dict[str, list[str]]:
    """Bindings by namespace; those of the whole cluster under no name."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in lines:
        if name.startswith("clusterrolebinding/"):
            found[""].append(name)
        elif name.startswith("rolebinding/"):
            found[name.split("/")[1]].append(name)
    return found


def _places(wanted: Asked) -> list[tuple[str, str]]:
    """Kinds of bindings, and namespaces, that can reach what is asked."""
    found = [("clusterrolebinding", "")]
    if wanted.path is None and wanted.namespace != "":
        found.append(("rolebinding", wanted.namespace or ""))
    return found


def _may_name(body: Body, wanted: Asked) -> bool:
    """A rough look; the evaluator looks closely."""
    if body is UNKNOWN:
        return True
    subjects: Iterable[Any] = (body.get("subjects") or ()) if isinstance(body, dict) else ()
    for one in subjects:
        kind, name = one.get("kind"), one.get("name")
        if (
            (kind == "User" and name == wanted.user)
            or (kind == "Group" and (name in wanted.groups or not wanted.all_groups))
            or (kind == "ServiceAccount" and wanted.user.endswith(f":{name}"))
        ):
            return True
    return False


def _roles_of(body: Body) -> Iterator[str]:
    """The name of the role that a binding refers to."""
    if isinstance(body, dict):
        kind, name = KINDS.get(body["roleRef"]["kind"], ""), body["roleRef"]["name"]
        if kind == "clusterrole":
            yield f"clusterrole/{name}"
        elif kind == "role" and body["kind"] == "RoleBinding":
            yield f"role/{body['metadata'].get('namespace') or UNKNOWN_NAMESPACE}/{name}"


def _nothing(bodies: Iterable[Body]) -> dict[str, Any]:
    """A binding of nobody, which is as good as none."""
    like = next(body for body in bodies if isinstance(body, dict))
    return like | {"subjects": []}


def _empty(name: str) -> dict[str, Any]:
    """A role without rules, which is as good as none."""
    found = body_of(name, {"rules": []})
    return found if isinstance(found, dict) else {}
