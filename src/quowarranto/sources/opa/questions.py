"""Who asked for what: the input has no fixed shape, so only those shapes are read that name their parts."""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.records import Principal, Resource
from quowarranto.sources.folding import folded
from quowarranto.sources.keys import maybe, service_account, spiffe_id


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[source.opa]`: paths into the input, their parts joined by dots, and the types of what they name."""

    allow: tuple[str, ...] = ()
    subject: str = ""
    subject_type: str = "user"
    action: str = ""
    resource: str = ""
    resource_type: str = "resource"


class Question(msgspec.Struct, frozen=True):
    """What was evaluated, as far as it can be told, and what a proxy called the request."""

    subject: Principal | None = None
    action: str | None = None
    resource: Resource | None = None
    request_id: str | None = None
    traceparent: str | None = None

    def request(self) -> dict[str, Any] | None:
        """The parts that are known, in AuthZEN's shape; never the input itself, which may hold tokens."""
        out: dict[str, Any] = {}
        if self.subject is not None:
            out["subject"] = {"type": self.subject.type, "id": self.subject.id}
        if self.action is not None:
            out["action"] = {"name": self.action}
        if self.resource is not None:
            out["resource"] = {"type": self.resource.type, "id": self.resource.id}
        return out or None


def question_of(given: Any, settings: Settings) -> Question:
    """The settings first; then Envoy's attributes, an admission review, and AuthZEN's shape."""
    if not isinstance(given, dict):
        return Question()
    if settings.subject or settings.action or settings.resource:
        return _as_set(given, settings)
    if isinstance(given.get("attributes"), dict):
        return _of_envoy(given["attributes"])
    if given.get("kind") == "AdmissionReview":
        return _of_admission(_in(given, "request"))
    return _of_authzen(given)


def _as_set(given: dict[str, Any], settings: Settings) -> Question:
    subject, resource = _at(given, settings.subject), _at(given, settings.resource)
    envoy = _of_envoy(_in(given, "attributes"))
    return Question(
        subject=Principal(settings.subject_type, subject) if subject else None,
        action=_at(given, settings.action),
        resource=Resource(settings.resource_type, resource) if resource else None,
        request_id=envoy.request_id,
        traceparent=envoy.traceparent,
    )


def _of_envoy(attributes: dict[str, Any]) -> Question:
    """An external authorization request of Envoy; the query of a path stays out."""
    http = _in(_in(attributes, "request"), "http")
    headers = _in(http, "headers")
    peer = _text(_in(attributes, "source").get("principal"))
    workload = maybe(spiffe_id, peer)
    host, path = _text(http.get("host")), _text(http.get("path"))
    return Question(
        subject=Principal("workload", workload or peer) if peer else None,
        action=_text(http.get("method")),
        resource=Resource("http", (host or "") + path.partition("?")[0]) if path else None,
        request_id=_text(headers.get("x-request-id")),
        traceparent=_text(headers.get("traceparent")),
    )


def _of_admission(asked: dict[str, Any]) -> Question:
    """A review of an API server: who writes which object."""
    name = _text(_in(asked, "userInfo").get("username"))
    kind = _in(asked, "resource")
    plural, space, object_ = _text(kind.get("resource")), _text(asked.get("namespace")), _text(asked.get("name"))
    account = maybe(service_account, name) if name and name.startswith("system:serviceaccount:") else None
    subject = Principal("service_account", account) if account else Principal("user", name) if name else None
    operation = _text(asked.get("operation"))
    return Question(
        subject=subject,
        action=f"{folded(operation)} {plural}" if operation and plural else None,
        resource=Resource(plural, "/".join(part for part in (space, object_) if part)) if plural and object_ else None,
    )


def _of_authzen(given: dict[str, Any]) -> Question:
    subject, action, resource = _in(given, "subject"), _in(given, "action"), _in(given, "resource")
    who, what = _pair(subject), _pair(resource)
    return Question(
        subject=Principal(*who) if who else None,
        action=_text(action.get("name")),
        resource=Resource(*what) if what else None,
    )


def _pair(named: dict[str, Any]) -> tuple[str, str] | None:
    kind, name = _text(named.get("type")), _text(named.get("id"))
    return (kind, name) if kind and name else None


def _in(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _at(given: Any, path: str) -> str | None:
    """The text at a path, without a query; the parts of a list, as which OPA's examples write a URL, with slashes."""
    if not path:
        return None
    for part in path.split("."):
        given = given.get(part) if isinstance(given, dict) else None
    if isinstance(given, list) and given and all(isinstance(part, str) for part in given):
        return "/" + "/".join(given)
    return _text(given.partition("?")[0]) if isinstance(given, str) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
