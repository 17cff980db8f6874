"""Envoy: requests that a proxy let through or refused, with what its authorization filters say about them.

Reads     access logs as JSON lines, with the field names of Istio, Envoy Gateway or Envoy's own command operators.
Yields    an Action per request; a Decision where a filter of Envoy refused it (`ext_authz`, RBAC); the Decision of an
          external authorizer is cited where its metadata are logged.
Time      `start_time`, RFC 3339, when the request began, on the proxy's clock.
Not seen  a decision that allowed, unless the metadata of `ext_authz` are logged; who called, unless the peer's
          certificate or the verified claims of its token are logged.
Source    Envoy documentation, access logging (command operators, response code details); external authorization filter;
          HTTP header `x-forwarded-client-cert`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Resource
from quowarranto.records import model as records
from quowarranto.sources import keys
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped, Source
from quowarranto.sources.strict import read_as, strict_json, strict_object
from quowarranto.sources.times import instant

NAMES = {
    "time": ("start_time", "timestamp", "time"),
    "method": ("method", ":method"),
    "path": ("path", "x-envoy-origin-path", ":path", "x_envoy_original_path"),
    "authority": ("authority", ":authority", "host"),
    "code": ("response_code", "status"),
    "flags": ("response_flags",),
    "details": ("response_code_details",),
    "request_id": ("request_id", "x-request-id", "x_request_id"),
    "traceparent": ("traceparent", "trace_id"),
    "peer": ("downstream_peer_uri_san", "source_principal", "downstream_principal"),
    "subject": ("downstream_peer_subject",),
    "serial": ("downstream_peer_serial",),
    "forwarded_cert": ("x_forwarded_client_cert", "x-forwarded-client-cert"),
    "claims": ("jwt_payload", "jwt", "jwt_authn"),
    "authorizer": ("ext_authz", "ext_authz_metadata"),
    "address": ("downstream_remote_address", "downstream_direct_remote_address"),
    "cluster": ("upstream_cluster",),
    "route": ("route_name",),
}
"""Fields by the names that they usually go by; a format of one's own may use any of them."""

_URI = re.compile(r"(?:^|[;,])\s*URI=(?P<uri>[^;,\"]+)", re.IGNORECASE)
_RBAC = re.compile(r"rbac_access_denied_matched_policy\[(?P<policy>.{1,300})\]")
_NONE = frozenset(("", "-", "none"))
_WEBSOCKET = 101


class Line(msgspec.Struct, frozen=True):
    """One line by our names; `-` in a field means that there is nothing."""

    time: str
    code: int | str
    method: str | None = None
    path: str | None = None
    authority: str | None = None
    flags: str | None = None
    details: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    peer: str | None = None
    subject: str | None = None
    serial: str | None = None
    forwarded_cert: str | None = None
    claims: dict[str, Any] | str | None = None
    authorizer: dict[str, Any] | str | None = None
    address: str | None = None
    cluster: str | None = None
    route: str | None = None


def read(entry: Entry) -> Outcome:
    """The action of one request, and the decision that refused it.

    Raises:
        RejectedEntry: it is none; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    found = {field: one for field, names in NAMES.items() if (one := _first(value, names)) is not None}
    if "code" not in found and "method" not in found:
        raise RejectedEntry("neither a response code nor a method: not the access log of a proxy for HTTP")
    if found.get("method") is None:
        return Skipped("a connection without a request of HTTP")
    line = read_as({"code": 0, **found}, Line)
    at = instant("start_time", line.time)
    return _records(line, at, f"{line.request_id or '-'}/{hashlib.sha256(entry.data).hexdigest()[:16]}")


def _first(value: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((one for name in names if (one := value.get(name)) is not None and not _is_nothing(one)), None)


def _is_nothing(one: Any) -> bool:
    return isinstance(one, str) and one.lower() in _NONE


def _records(line: Line, at: Instant, name: str) -> Outcome:
    who, token = _who(line)
    path = (line.path or "").partition("?")[0]
    resource = Resource("http", f"{line.authority or line.cluster or 'unknown'}{path}")
    refusal = _refusal(line)
    decision = AuthorityFact(
        kind="decision",
        id=f"envoy/decision/{name}",
        time=at,
        effect="deny",
        principal=who,
        attributes=refusal or {},  # without a `request`: it is about this request, and must be found for no other
    )
    cites = list(dict.fromkeys((*_cites(line), *(one for one in (token,) if one))))
    action = Action(
        id=f"envoy/request/{name}",
        time=at,
        principal=who,
        action=line.method or "request",
        resource=resource,
        outcome=_outcome(line, refusal is not None),
        origin=_address(line.address),
        cites=(*cites, decision.id) if refusal is not None else tuple(cites),
        correlates=tuple(sorted(set(_correlates(line)))),
        attributes=_attributes(line),
    )
    return [action, decision] if refusal is not None else [action]


def _who(line: Line) -> tuple[Principal, str | None]:
    """The peer by its certificate, failing that by the claims that Envoy verified, with the token's key."""
    claims = _object(line.claims)
    issuer, subject, token = (claims.get(name) for name in ("iss", "sub", "jti"))
    key = None
    if isinstance(issuer, str) and isinstance(token, str):
        try:
            key = keys.token_of_issuer(issuer, token)
        except ValueError:
            key = None
    forwarded = _URI.findall(line.forwarded_cert or "")
    for uri in (line.peer, *reversed(forwarded)):  # the last hop stands at the end
        if uri and (workload := keys.maybe(keys.spiffe_id, uri.split(",")[0])):
            return Principal("workload", workload), key
    if isinstance(subject, str) and subject:
        account = keys.maybe(keys.service_account, subject) if subject.startswith("system:serviceaccount:") else None
        return (Principal("service_account", account) if account else Principal("user", subject)), key
    if line.subject:
        return Principal("certificate_subject", line.subject), key
    return Principal("anonymous", _address(line.address) or "unknown"), key


def _cites(line: Line) -> Iterator[str]:
    """The certificate of the peer, and the decision that an authorizer has put into its metadata."""
    if serial := keys.maybe(keys.serial_of_hex, line.serial):
        yield keys.x509_certificate(serial)
    for told in (
        _object(line.authorizer),
        *(one for one in _object(line.authorizer).values() if isinstance(one, dict)),
    ):
        if isinstance(decision := told.get("decision_id"), str) and decision:
            yield f"opa/decision/{decision}"
        if isinstance(call := told.get("cerbosCallId") or told.get("cerbos_call_id"), str) and call:
            yield f"cerbos/call/{call}"


def _correlates(line: Line) -> Iterator[str]:
    found = (keys.maybe(keys.request, line.request_id), keys.maybe(keys.trace, line.traceparent))
    yield from (key for key in found if key)


def _refusal(line: Line) -> dict[str, Any] | None:
    """What a filter of Envoy refused by; None where none did."""
    details, flags = line.details or "", set((line.flags or "").split(","))
    if details.startswith("ext_authz_denied") or "UAEX" in flags:
        return {"filter": "ext_authz"}
    if details.startswith("ext_authz_error"):
        return {"filter": "ext_authz", "error": "the authorizer could not be asked"}
    if details.startswith("rbac_access_denied"):
        found = _RBAC.search(details)
        return {"filter": "rbac"} | ({"policy": found["policy"]} if found and found["policy"] != "none" else {})
    return {"filter": "jwt_authn"} if details.startswith("jwt_authn_access_denied") else None


def _outcome(line: Line, refused: bool) -> records.Outcome:
    code = int(line.code) if str(line.code).isdecimal() and len(str(line.code)) <= 3 else 0
    if refused or code in (401, 403):
        return "denied"
    return "success" if 200 <= code < 400 or code == _WEBSOCKET else "failure"


def _attributes(line: Line) -> dict[str, Any]:
    said = {
        "code": line.code,
        "flags": line.flags,
        "details": line.details,
        "upstream": line.cluster,
        "route": line.route,
    }
    return {name: one for name, one in said.items() if one is not None}


def _address(text: str | None) -> str | None:
    """Without the port: IPv6 stands in brackets."""
    if not text:
        return None
    found = re.fullmatch(r"\[(?P<six>[^\]]+)\](?::\d+)?|(?P<four>[^:]+):\d+", text)
    return (found["six"] or found["four"]) if found else text


def _object(value: dict[str, Any] | str | None) -> dict[str, Any]:
    """Metadata as an object, or as JSON in a text, as formats that quote everything have them."""
    if isinstance(value, str):
        try:
            value = strict_json(value.encode("utf-8", "replace"))
        except RejectedEntry:
            return {}
    return value if isinstance(value, dict) else {}


def recognise(sample: Sample) -> int:
    """By a response code with Envoy's flags or details, and the time at which the request began."""
    return max((_likely(one) for one in sample.documents if isinstance(one, dict)), default=0)


def _likely(document: dict[str, Any]) -> int:
    if "start_time" not in document or "response_code" not in document:
        return 0
    own = {"response_flags", "response_code_details", "upstream_cluster", "upstream_host", "x-envoy-origin-path"}
    return 90 if len(own & document.keys()) >= 2 else 60 if own & document.keys() else 0


SOURCE = Source(
    name="envoy",
    title="Envoy",
    reads=("access logs as JSON lines",),
    recognise=recognise,
    read=read,
    ceiling="partial",
    raise_it="the metadata of `ext_authz` in the log format, as `ext_authz`, with the authorizer's `decision_id`",
)
