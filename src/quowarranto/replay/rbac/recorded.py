"""A recorded decision of the API server as a request to be evaluated again.

The log says `get pods/log` on `pods:NAMESPACE/NAME` (`sources/kubernetes/audit.py`); the API group stands with the
action.
Groups are not in the records. Those of a service account follow from its name, those of anybody else are not known, and
neither are those of an impersonated identity, for whom they are asked for by name.
"""

from __future__ import annotations

from typing import Any

from quowarranto.records import Action, AuthorityFact
from quowarranto.replay.language import Request

_SERVICE_ACCOUNT = "system:serviceaccount:"


def request_of(decision: AuthorityFact, action: Action | None = None) -> Request | None:
    """The request of a decision of source `kubernetes`.

    Args:
        decision: a fact of kind `decision` with the `request` that the source wrote.
        action: the action that cites it; without it the API group is not known, nor whether somebody was impersonated.
    Returns: `None` where the record is no such decision.
    """
    asked = decision.request or {}
    subject, verb, resource = asked.get("subject"), asked.get("action"), asked.get("resource")
    if not isinstance(subject, dict) or not isinstance(verb, dict) or not isinstance(resource, dict):
        return None
    name, kind, place = verb.get("name"), resource.get("type"), resource.get("id")
    if not (isinstance(name, str) and isinstance(kind, str) and isinstance(place, str)):
        return None
    word, _, what = name.partition(" ")
    properties = {"nonResourceURL": place} if kind == "url" else _properties(word, what, place, action)
    who = subject.get("id")
    impersonated = action is None or bool(action.on_behalf_of)
    return Request(
        subject={**subject, "properties": _groups(who, impersonated) if isinstance(who, str) else {}},
        action={"name": word},
        resource={"type": kind, "id": place, "properties": properties},
    )


def _properties(verb: str, what: str, place: str, action: Action | None) -> dict[str, Any]:
    resource, _, subresource = what.partition("/")
    namespace, _, name = place.rpartition("/")
    name = "" if name == "*" else name
    if verb == "create" and not subresource:
        name = ""  # an object is created without one; the log takes it from the object itself
    if resource == "namespaces":
        namespace = name  # a namespace is asked for within itself
    return {
        "apiGroup": None if action is None else action.attributes.get("api_group", ""),
        "resource": resource,
        "subresource": subresource,
        "namespace": namespace,
        "name": name,
    }


def _groups(user: str, impersonated: bool) -> dict[str, Any]:
    """Source: apiserver pkg/authentication/serviceaccount/util.go, MakeGroupNames; request/anonymous/anonymous.go."""
    if impersonated:
        return {}
    if user in ("system:anonymous", "system:unauthenticated"):
        return {"groups": ["system:unauthenticated"]}
    namespace, _, name = user.removeprefix(_SERVICE_ACCOUNT).partition(":")
    if user.startswith(_SERVICE_ACCOUNT) and namespace and name:
        every = "system:serviceaccounts"
        return {"groups": [every, f"{every}:{namespace}", "system:authenticated"]}
    return {"groups": ["system:authenticated"], "groups_complete": False}
