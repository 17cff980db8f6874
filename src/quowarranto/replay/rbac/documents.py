"""Texts of policies to roles and bindings; what cannot be read is named, never guessed.

A text holds one JSON value, or any number of YAML documents; each is an object or a list of objects. Objects of other
kinds carry nothing. A key that stands twice is refused, because readers differ in which one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import yaml

from quowarranto.errors import RejectedEntry
from quowarranto.replay.language import Policy
from quowarranto.replay.rbac.objects import BINDINGS, GROUP, KINDS, ROLES, Binding, Role, Subject
from quowarranto.sources.strict import reason_of, strict_json

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LISTS = {f"{kind}List": kind for kind in KINDS}


class Objects(msgspec.Struct, frozen=True):
    """All that the policies hold, each different version of an object once, by key."""

    roles: dict[str, list[Role]]
    bindings: dict[str, list[Binding]]
    errors: tuple[str, ...]
    unread: tuple[str, ...]
    """Names of the policies of which something could not be read."""


class _Unreadable(Exception):
    """A text or object that is not what it should be; the reason never quotes it."""


def read(policies: Sequence[Policy]) -> Objects:
    """The objects of all texts. The same policies are asked about again and again, so the last few are remembered."""
    return _read(tuple(policies))


@lru_cache(maxsize=16)
def _read(policies: tuple[Policy, ...]) -> Objects:
    roles: dict[str, list[Role]] = {}
    bindings: dict[str, list[Binding]] = {}
    errors: set[tuple[str, str]] = set()
    for policy in policies:
        for found in _objects(policy.text):
            if isinstance(found, Role):
                _add(roles, found.key, found)
            elif isinstance(found, Binding):
                _add(bindings, found.key, found)
            else:
                errors.add((policy.name, str(found)))
    return Objects(
        roles,
        bindings,
        tuple(f"policy `{name}`: {reason}" for name, reason in sorted(errors)),
        tuple(sorted({name for name, _ in errors})),
    )


def _add(known: dict[str, list[Any]], key: str, found: Role | Binding) -> None:
    versions = known.setdefault(key, [])
    if found not in versions:
        versions.append(found)


def _objects(text: str) -> Iterator[Role | Binding | _Unreadable]:
    try:
        for value in _values(text):
            yield from _of(value)
    except _Unreadable as error:
        yield error


def _values(text: str) -> Iterator[Any]:
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            yield strict_json(text.lstrip("\ufeff").encode())
        except (RejectedEntry, UnicodeEncodeError):
            pass  # a flow mapping of YAML begins like JSON
        else:
            return
    try:
        yield from yaml.load_all(text, Loader=_StrictLoader)
    except RecursionError:
        raise _Unreadable("nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError):
        raise _Unreadable("neither JSON nor YAML, or a key stands twice") from None


class _StrictLoader(_Loader):  # type: ignore[misc]
    """The safe loader, which refuses a repeated key and reads a moment as the text that it is."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(names)) != len(names):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", None)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)


def _of(value: Any) -> Iterator[Role | Binding | _Unreadable]:
    if value is None:
        return
    if not isinstance(value, dict) or not isinstance(kind := value.get("kind"), str):
        yield _Unreadable("not an object with a `kind`")
    elif kind == "List" or (kind in _LISTS and _is_rbac(value)):
        items = value.get("items")
        if not isinstance(items, list | None):
            yield _Unreadable("`items` is not a list")
            return
        for item in items or ():
            yield from _item(item, _LISTS.get(kind), value.get("apiVersion"))
    else:
        yield from _one(value)


def _item(item: Any, kind: str | None, version: Any) -> Iterator[Role | Binding | _Unreadable]:
    """An item of a typed list is written without its kind."""
    if not isinstance(item, dict):
        yield _Unreadable("an item of a list is not an object")
    elif kind is not None:
        yield from _one({"kind": kind, "apiVersion": version} | item)
    elif not isinstance(item.get("kind"), str):
        yield _Unreadable("an item of a list has no `kind`")
    elif item["kind"] == "List" or item["kind"] in _LISTS:
        yield _Unreadable("a list within a list")
    else:
        yield from _one(item)


def _one(value: dict[str, Any]) -> Iterator[Role | Binding | _Unreadable]:
    kind = value["kind"]
    if kind not in KINDS or not _is_rbac(value):
        return
    try:
        if kind in ROLES:
            yield msgspec.convert(value, Role)
        elif kind in BINDINGS:
            yield _of_its_version(msgspec.convert(value, Binding), value.get("apiVersion"))
    except msgspec.ValidationError as error:
        yield _Unreadable(f"a {kind}: {reason_of(error)}")
    except RecursionError:
        yield _Unreadable("nested too deeply")


def _is_rbac(value: dict[str, Any]) -> bool:
    """Other groups have a `Role` too; an object that does not say its version is taken to be of this one."""
    version = value.get("apiVersion")
    return version is None or (isinstance(version, str) and version.startswith(f"{GROUP}/"))


def _of_its_version(binding: Binding, version: Any) -> Binding:
    """In `v1alpha1` the user `*` stood for everybody who is authenticated."""
    if version != f"{GROUP}/v1alpha1" or not binding.subjects:
        return binding
    everybody = Subject("Group", "system:authenticated")
    subjects = tuple(everybody if (s.kind, s.name) == ("User", "*") else s for s in binding.subjects)
    return msgspec.structs.replace(binding, subjects=subjects)
