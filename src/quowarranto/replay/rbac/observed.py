"""Timelines of roles and bindings, from observations of source `kubernetes` and from documents that somebody gave.

Source: the reference "Using RBAC Authorization", default roles and role bindings; kubernetes
plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go and namespace_policy.go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from quowarranto.records import Instant
from quowarranto.replay.rbac.documents import read
from quowarranto.replay.rbac.objects import GROUP
from quowarranto.replay.rbac.timeline import UNKNOWN, Body, Change, Coverage, Export, Timeline
from quowarranto.replay.state import Told, Versions
from quowarranto.sources.kubernetes.rbac import EXPORTED, KINDS, SOME

KIND_OF = {name: kind for kind, name in KINDS.items()}
"""`ClusterRole` of `clusterrole`."""
_WHOLE = {
    "clusterrolebinding": ("clusterrolebinding/system:basic-user",),
    "rolebinding": ("rolebinding/kube-system/", "rolebinding/kube-public/"),
}
"""Every cluster has these from its beginning, the latter in namespaces that an export of another one leaves out."""


def timelines(
    told: Iterable[Told],
    exports: defaultdict[str, list[Export]],
    some: Iterable[tuple[str, str, Change]],
    coverage: Coverage,
) -> dict[str, Timeline]:
    """One per object, by name; a change of objects that are not named is one of each that it may have hit."""
    changes: defaultdict[str, list[Change]] = defaultdict(list)
    for one in told:
        if one.name.startswith(EXPORTED):
            exports[one.name.removeprefix(EXPORTED)].append(_export(one))
        elif _kind(one.name) in KIND_OF and one.data.get("change") != "snapshot":
            changes[one.name].append(_change(one))
    every = {name.removesuffix("*"): changes.pop(name) for name in [*changes] if name.endswith("/*")}
    for name in {*changes, *exports}:
        hit = (change for kind, place, change in some if name.startswith(f"{kind}/{place}"))
        changes[name] += [change for change in hit if not change.created]
        changes[name] += [change for start, ended in every.items() if name.startswith(start) for change in ended]
    return {name: Timeline(changes[name], exports.get(name, ()), coverage) for name in sorted(changes)}


def some_changes(told: Iterable[Told]) -> Iterator[tuple[str, str, Change]]:
    """Changes of objects without a name: kind, `NAMESPACE/` or nothing, when."""
    for one in told:
        if one.name.startswith(SOME):
            kind, _, place = one.name.removeprefix(SOME).partition("/")
            change = Change(*_moments(one), UNKNOWN, created=one.data.get("change") == "create")
            yield kind, f"{place}/" if place else "", change


def _moments(one: Told) -> tuple[Instant, Instant]:
    asked, answered = one.data.get("asked"), one.data.get("answered")
    return asked if isinstance(asked, int) else one.at, answered if isinstance(answered, int) else one.at


def _change(one: Told) -> Change:
    verb = one.data.get("change")
    if one.data.get("lingers"):  # it goes when its last finalizer does, which may be now
        return Change(*_moments(one), UNKNOWN)
    if verb == "delete":
        return Change(*_moments(one), None)
    return Change(*_moments(one), body_of(one.name, one.data), created=verb == "create")


def _export(one: Told) -> Export:
    since = one.data.get("since")
    return Export(one.at, body_of(one.name.removeprefix(EXPORTED), one.data), since if isinstance(since, int) else None)


def wholes(told: Iterable[Told]) -> Iterator[tuple[Instant, frozenset[str]]]:
    """Exports of which a kind is whole: by when they were made, the kinds."""
    by_file: defaultdict[tuple[Instant, str], set[str]] = defaultdict(set)
    for one in told:
        if one.name.startswith(EXPORTED):
            by_file[one.at, one.file].add(one.name.removeprefix(EXPORTED))
    for (at, _), names in sorted(by_file.items()):
        kinds = {kind for kind, every in _WHOLE.items() if all(any(n.startswith(one) for n in names) for one in every)}
        yield at, frozenset(kinds)


def given_exports(versions_of: Versions) -> tuple[defaultdict[str, list[Export]], tuple[str, ...]]:
    """Objects of given documents, each as it stood from its time until the next version of the same name."""
    found: defaultdict[str, list[Export]] = defaultdict(list)
    unread: set[str] = set()
    for versions in versions_of.values():
        objects = [(at, read(documents)) for at, documents in versions]
        keys = {key for _, one in objects for key in (*one.roles, *one.bindings)}
        for place, (at, one) in enumerate(objects):
            until = objects[place + 1][0] if place + 1 < len(objects) else None
            unread |= {*one.unread}
            for key in keys:
                held = [*one.roles.get(key, ()), *one.bindings.get(key, ())]
                body: Body = UNKNOWN if len(held) > 1 else msgspec.to_builtins(held[0]) if held else None
                found[_name(key)].append(Export(at, body, until=until, said=True))
    return found, tuple(sorted(unread))


def body_of(name: str, data: Mapping[str, Any]) -> Body:
    """The manifest behind an observation.

    `UNKNOWN`: its content was not logged, or is of the first version of the group, where the user `*` stood for all.
    """
    kind, _, rest = name.partition("/")
    namespace, _, own = rest.rpartition("/") if kind in ("role", "rolebinding") else ("", "", rest)
    metadata = {"name": own} | ({"namespace": namespace} if namespace else {})
    head = {"apiVersion": f"{GROUP}/v1", "kind": KIND_OF[kind], "metadata": metadata}
    if kind in ("role", "clusterrole"):
        return UNKNOWN if data.get("rules") is None else head | {"rules": data["rules"]}
    subjects, role = data.get("subjects"), data.get("role")
    if subjects is None or ["User", "", "*"] in subjects:
        return UNKNOWN
    if role is None:
        return None
    kind, _, rest = role.partition("/")
    reference = {"kind": KIND_OF[kind], "name": rest.rpartition("/")[2] if kind == "role" else rest}
    return head | {"roleRef": reference, "subjects": [_subject(*subject) for subject in subjects]}


def _subject(kind: str, namespace: str, name: str) -> dict[str, str]:
    return {"kind": kind, "name": name} | ({"namespace": namespace} if namespace else {})


def _kind(name: str) -> str:
    return name.partition("/")[0]


def _name(key: str) -> str:
    kind, _, rest = key.partition("/")
    return f"{KINDS[kind]}/{rest}"
