"""What a Cedar policy looks at, read from its JSON form: needed to tell a false from a not known.

An entity that is not among the entities has no parents and no attributes, so `principal in Group::"admins"` and
`resource has owner` are then false without an error. Where the entity was merely not recorded, that is no answer.

Source    Cedar, JSON policy format (scope operators `All`, `==`, `in`, `is`; expressions); docs.cedarpolicy.com.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

Part = Literal["principal", "action", "resource", "context"]
Uid = tuple[str, str]
"""Type and id of an entity."""

ENTITIES = "entities"
_LOOKING = {".", "has", "hasTag", "getTag"}


class Shape(msgspec.Struct, frozen=True):
    """One policy: whether it permits, whom its scope takes, and what it has to know."""

    forbids: bool
    scope: tuple[tuple[str, Mapping[str, Any]], ...]
    needs: frozenset[str]
    """`principal's attributes`, `resource's parents`, `context`, `entities` and so on."""

    @property
    def plain(self) -> bool:
        """Whether the names in a request alone tell whether it applies."""
        return not self.needs and all("in" not in test and test["op"] != "in" for _, test in self.scope)

    def takes(self, uids: Mapping[str, Uid]) -> bool:
        """Whether the scope may take a request; False only where no entity data could change that."""
        return all(_may_take(test, uids[part]) for part, test in self.scope)

    def looks_at(self, uids: Mapping[str, Uid]) -> frozenset[str]:
        """Needs, with those of the scope that this request does not satisfy by its own names."""
        asked = {f"{part}'s parents" for part, test in self.scope if _by_hierarchy(part, test, uids[part])}
        return self.needs | asked


def shape_of(policy: Mapping[str, Any]) -> Shape:
    """A static policy of the JSON form."""
    scope = tuple((part, policy[part]) for part in ("principal", "action", "resource"))
    bodies = [condition["body"] for condition in policy.get("conditions", ())]
    return Shape(policy["effect"] == "forbid", scope, frozenset(need for body in bodies for need in _needs(body)))


def _may_take(test: Mapping[str, Any], uid: Uid) -> bool:
    if test["op"] == "==":
        return _uid(test["entity"]) == uid
    return test["op"] != "is" or bool(test["entity_type"] == uid[0])


def _by_hierarchy(part: str, test: Mapping[str, Any], uid: Uid) -> bool:
    """Whether only parents can tell: an entity is in itself, and a list of actions mostly names plain ones.

    A single action after `in` is taken for a group of actions, a list of several for the actions it names: this is how
    policies are written, and which it is stands in no policy.
    """
    inside = test.get("in", test) if test["op"] in ("in", "is") else {}
    if "entities" in inside:
        return part != "action" and uid not in map(_uid, inside["entities"])
    return "entity" in inside and _uid(inside["entity"]) != uid


def _uid(entity: Mapping[str, str]) -> Uid:
    return entity["type"], entity["id"]


def _needs(node: Any) -> Iterator[str]:
    """Every need in an expression; unbounded depth is refused by the parser before."""
    if isinstance(node, list):
        for one in node:
            yield from _needs(one)
    if not isinstance(node, dict):
        return
    for operator, parts in node.items():
        if operator == "Value":
            continue
        if operator in _LOOKING:
            yield from _looked(operator, parts["left"])
        if operator == "in" or (operator == "is" and "in" in parts):
            yield from _inside(parts)
        yield from _needs(parts)


def _looked(operator: str, left: Any) -> Iterator[str]:
    part = _variable(left)
    if part == "context":
        yield "context"
    elif part is not None:
        yield f"{part}'s attributes"
    elif operator != "." and _root(left) != "context":
        yield ENTITIES  # `principal.manager has x`: false too where the manager is not known


def _inside(parts: Mapping[str, Any]) -> Iterator[str]:
    part = _variable(parts["left"])
    yield f"{part}'s parents" if part in ("principal", "action", "resource") else ENTITIES


def _variable(node: Any) -> str | None:
    return node.get("Var") if isinstance(node, dict) else None


def _root(node: Any) -> str | None:
    while isinstance(node, dict) and "." in node:
        node = node["."]["left"]
    return _variable(node)
