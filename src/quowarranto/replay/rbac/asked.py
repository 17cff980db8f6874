"""What a request asks of the API server, as far as it is known.

Of `resource.properties`, what is left out is empty, as in a SubjectAccessReview; what is `null` is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from quowarranto.replay.language import Request

_BY_NAME = "metadata.name"


class Unusable(Exception):
    """A request that cannot be evaluated at all; `missing` names the input."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes that the authorizer sees. `None` is not known."""

    user: str
    groups: frozenset[str]
    all_groups: bool
    """Whether there are no other groups than `groups`."""
    verb: str
    by_another: bool
    """The record says that an authorizer beside RBAC let this in."""
    refused_by_another: bool = False
    """The record says that an authorizer beside RBAC may have refused this before RBAC was asked."""
    not_known: tuple[str, ...] = ()
    """Names of roles and bindings that may have stood beside the policies."""
    path: str | None = None
    """Of a request that is for no resource; everything below is then empty."""
    group: str | None = ""
    resource: str = ""
    subresource: str | None = ""
    namespace: str | None = ""
    name: str | None = ""

    @property
    def is_node(self) -> bool:
        """Whom the Node authorizer might let in."""
        known = "system:nodes" in self.groups or not self.all_groups
        return known and self.user.startswith("system:node:")


def asked(request: Request) -> Asked:
    """Read a request.

    Raises:
        Unusable: what nothing can be said without is missing or of the wrong type.
    """
    user, verb = request.subject.get("id"), request.action.get("name")
    if not isinstance(user, str) or not user:
        raise Unusable("subject.id")
    if not isinstance(verb, str) or not verb:
        raise Unusable("action.name")
    groups, complete = _groups(_properties(request.subject, "subject.properties"))
    properties = _properties(request.resource, "resource.properties")
    refused = request.context.get("denied_by_another") is True
    by_another, not_known = request.context.get("allowed_by_another") is True, _not_known(request.context)
    common = Asked(
        user=user,
        groups=groups,
        all_groups=complete,
        verb=verb,
        by_another=by_another,
        refused_by_another=refused,
        not_known=not_known,
    )
    if "nonResourceURL" not in properties:
        return msgspec.structs.replace(
            common,
            group=_text(properties, "apiGroup"),
            resource=_resource(properties),
            subresource=_text(properties, "subresource"),
            namespace=_text(properties, "namespace"),
            name=_name(properties, verb),
        )
    path = properties["nonResourceURL"]
    if not isinstance(path, str) or not path:
        raise Unusable("resource.properties.nonResourceURL")
    return msgspec.structs.replace(common, path=path)


def _not_known(context: Mapping[str, Any]) -> tuple[str, ...]:
    found = context.get("not_known", ())
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise Unusable("context.not_known")
    return tuple(found)


def _properties(entity: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = entity.get("properties")
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise Unusable(name)
    return found


def _groups(properties: Mapping[str, Any]) -> tuple[frozenset[str], bool]:
    """Groups that are known, and whether these are all."""
    given = properties.get("groups")
    if given is None:
        return frozenset(), False
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise Unusable("subject.properties.groups")
    complete = properties.get("groups_complete", True)
    return frozenset(given), complete is True


def _resource(properties: Mapping[str, Any]) -> str:
    found = _text(properties, "resource")
    if not found:
        raise Unusable("resource.properties.resource")
    return found


def _name(properties: Mapping[str, Any], verb: str) -> str | None:
    name = _text(properties, "name")
    return _selected(properties, name) if not name and verb in ("list", "watch") else name


def _text(properties: Mapping[str, Any], key: str) -> str | None:
    value = properties.get(key, "")
    if value is not None and not isinstance(value, str):
        raise Unusable(f"resource.properties.{key}")
    return value


def _selected(properties: Mapping[str, Any], name: str | None) -> str | None:
    """The one name that a field selector asks for counts as the name of the request.

    Source: apiserver pkg/endpoints/request/requestinfo.go, NewRequestInfo.
    """
    selector = properties.get("fieldSelector", "")
    if not isinstance(selector, str):
        raise Unusable("resource.properties.fieldSelector")
    for term in selector.split(","):
        field, _, value = term.partition("=")
        if field.strip() == _BY_NAME and _is_segment(value := value.removeprefix("=").strip()):
            return value
    return name


def _is_segment(name: str) -> bool:
    """A name that may stand in a path; any other is left aside by the server."""
    return bool(name) and name not in (".", "..") and "/" not in name and "%" not in name
