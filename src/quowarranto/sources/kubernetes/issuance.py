"""What a write brings into being besides roles and bindings: tokens, certificates, approvals, admission controls.

No body is kept and no secret is read: of a token only its id and its end, of a certificate only its digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Record
from quowarranto.sources.entry import Observation
from quowarranto.sources.kubernetes.names import PREFIX, principal_of, service_account
from quowarranto.sources.kubernetes.rbac import Change as Verb
from quowarranto.sources.strict import reason_of
from quowarranto.sources.times import instant

ADMISSION = {
    "validatingadmissionpolicies": "validatingadmissionpolicy",
    "validatingadmissionpolicybindings": "validatingadmissionpolicybinding",
    "mutatingadmissionpolicies": "mutatingadmissionpolicy",
    "mutatingadmissionpolicybindings": "mutatingadmissionpolicybinding",
    "validatingwebhookconfigurations": "validatingwebhookconfiguration",
    "mutatingwebhookconfigurations": "mutatingwebhookconfiguration",
    "podsecuritypolicies": "podsecuritypolicy",
}
"""Cluster-scoped objects that decide what may be admitted, by plural."""
ADMISSION_KINDS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicy",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybinding",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicy",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybinding",
    "ValidatingWebhookConfiguration": "validatingwebhookconfiguration",
    "MutatingWebhookConfiguration": "mutatingwebhookconfiguration",
    "PodSecurityPolicy": "podsecuritypolicy",
}
WATCHED = frozenset(ADMISSION) | {"serviceaccounts", "certificatesigningrequests"}

_ISSUED_ID = "authentication.kubernetes.io/issued-credential-id"
_EXTENDED_S = 3607
"""A token asked for this long is one that servers may stretch to a year without saying so in the response.

Source: kubernetes pkg/serviceaccount/claims.go (WarnOnlyBoundTokenExpirationPeriod, ExpirationExtensionSeconds).
"""
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


class Change(msgspec.Struct, frozen=True):
    """A write that succeeded, and the action that it is."""

    action: Action
    at: Instant
    """When it took effect."""
    answered: Instant
    """When the server answered; where that is not told, as `at`."""
    resource: str
    subresource: str
    namespace: str | None
    name: str | None
    verb: Verb
    request: dict[str, Any] | None
    response: dict[str, Any] | None
    whole_request: bool
    """The request holds the object itself, not a patch of it."""

    @property
    def lingers(self) -> bool:
        """The server answered with an object that is only marked as to be deleted: finalizers keep it."""
        shown = (self.response or {}).get("metadata")
        return isinstance(shown, dict) and shown.get("deletionTimestamp") is not None

    def after(self) -> dict[str, Any] | None:
        """The object after the change, when it was logged."""
        if self.response is not None and self.response.get("kind") != "Status":
            return self.response
        return self.request if self.whole_request else None


def facts(change: Change, notes: dict[str, str]) -> list[Record | Observation]:
    """The facts about what was issued, approved or put in force."""
    if change.resource in ADMISSION:
        return [] if change.subresource else _admission(change)
    part = (change.resource, change.subresource)
    try:
        if part == ("serviceaccounts", "token"):
            return _token(change, notes.get(_ISSUED_ID))
        if part == ("certificatesigningrequests", "approval"):
            return _approval(change)
        if part == ("certificatesigningrequests", "status"):
            return _certificate(change)
    except msgspec.ValidationError as error:
        raise RejectedEntry(f"a token or certificate request: {reason_of(error)}") from None
    return []


class _Bound(msgspec.Struct, frozen=True):
    kind: str | None = None
    name: str | None = None


class _TokenSpec(msgspec.Struct, frozen=True):
    expirationSeconds: int | None = None
    boundObjectRef: _Bound | None = None


class _TokenStatus(msgspec.Struct, frozen=True):
    expirationTimestamp: str | None = None


class _TokenRequest(msgspec.Struct, frozen=True):
    """The token itself is not among the fields, so it is never decoded."""

    spec: _TokenSpec | None = None
    status: _TokenStatus | None = None


def _token(change: Change, issued: str | None) -> list[Record | Observation]:
    """A token of a service account. Its id is in the annotation; without one later use cannot be told."""
    if not issued or not change.namespace or not change.name or change.verb != "create":
        return []
    body = msgspec.convert(change.response or change.request or {}, _TokenRequest)
    spec = body.spec or _TokenSpec()
    key = f"{PREFIX}credential/{issued}"
    bound = spec.boundObjectRef
    attributes: dict[str, Any] = {}
    if bound is not None and bound.kind and bound.name:
        attributes["bound_to"] = f"{bound.kind} {change.namespace}/{bound.name}"
    if spec.expirationSeconds == _EXTENDED_S:
        attributes["lifetime"] = f"{_EXTENDED_S} s asked; the server may have extended it to a year"
    token = AuthorityFact(
        kind="credential",
        id=key,
        time=change.action.time,
        valid_until=_expires_at(body, change.action.time),
        principal=service_account(change.namespace, change.name),
        issued_by=change.action.id,
        attributes=attributes,
    )
    account = f"serviceaccount/{change.namespace}/{change.name}"
    return [token, Observation(f"token/{issued}", change.action.time, {"account": account})]


def _expires_at(body: _TokenRequest, at: Instant) -> Instant | None:
    spec = body.spec or _TokenSpec()
    if spec.expirationSeconds == _EXTENDED_S:
        return None
    if body.status is not None and body.status.expirationTimestamp:
        return instant("expirationTimestamp", body.status.expirationTimestamp)
    seconds = spec.expirationSeconds
    return at + seconds * 1_000_000 if seconds is not None and 0 < seconds < 10**9 else None


class _CsrSpec(msgspec.Struct, frozen=True):
    username: str | None = None
    signerName: str | None = None


class _Condition(msgspec.Struct, frozen=True):
    type: str | None = None
    message: str | None = None


class _CsrStatus(msgspec.Struct, frozen=True):
    conditions: list[_Condition] | None = None
    certificate: str | None = None


class _Csr(msgspec.Struct, frozen=True):
    spec: _CsrSpec | None = None
    status: _CsrStatus | None = None


def _csr(change: Change) -> tuple[_CsrSpec, _CsrStatus]:
    body = msgspec.convert(change.after() or {}, _Csr)
    return body.spec or _CsrSpec(), body.status or _CsrStatus()


def _approval(change: Change) -> list[Record | Observation]:
    """Somebody approved or denied a certificate request; which of the two is only in the body."""
    spec, status = _csr(change)
    decided = [c for c in status.conditions or [] if c.type in ("Approved", "Denied")]
    if not decided or not change.name:
        return []
    return [
        AuthorityFact(
            kind="approval",
            id=f"{PREFIX}certificatesigningrequest/{change.name}",
            time=change.action.time,
            effect="deny" if any(c.type == "Denied" for c in decided) else "allow",
            requested_by=principal_of(spec.username) if spec.username else None,
            decided_by=(change.action.principal,),
            justification=decided[0].message or None,
            issued_by=change.action.id,
            attributes={"signer": spec.signerName} if spec.signerName else {},
        )
    ]


def _certificate(change: Change) -> list[Record | Observation]:
    """A signer put the certificate into the request's status; its digest is the id that its holder shows."""
    spec, status = _csr(change)
    digest = _certificate_sha256(status.certificate or "")
    if digest is None:
        return []
    return [
        AuthorityFact(
            kind="credential",
            id=f"{PREFIX}credential/X509SHA256={digest}",
            time=change.action.time,
            issued_by=change.action.id,
            attributes={"request": change.name or ""} | ({"signer": spec.signerName} if spec.signerName else {}),
        )
    ]


def _certificate_sha256(text: str) -> str | None:
    """Digest of the first certificate (DER) in a base64 PEM bundle."""
    try:
        found = _CERTIFICATE.search(base64.b64decode(text, validate=True).decode("ascii"))
        return hashlib.sha256(base64.b64decode(found[1])).hexdigest() if found else None
    except (ValueError, binascii.Error):
        return None


def _admission(change: Change) -> list[Record | Observation]:
    body = change.after() or {}
    meta = body.get("metadata")
    name = change.name or (meta.get("name") if isinstance(meta, dict) else None)
    if not name or not isinstance(name, str):
        return []
    key = f"{PREFIX}{ADMISSION[change.resource]}/{name}"
    if change.verb == "delete":
        attributes = {"ended_by": change.action.id}
        return [
            AuthorityFact(kind="policy", id=key, time=change.at, fact="ended", end="revoked", attributes=attributes)
        ]
    return [AuthorityFact(kind="policy", id=key, time=change.at, issued_by=change.action.id)]


def admission_snapshot(value: dict[str, Any]) -> AuthorityFact | None:
    """An exported admission control, in force since its creation; `None` when it does not say since when."""
    meta = value.get("metadata")
    name, created = (meta.get("name"), meta.get("creationTimestamp")) if isinstance(meta, dict) else (None, None)
    if not isinstance(name, str) or not name or not isinstance(created, str):
        return None
    key = f"{PREFIX}{ADMISSION_KINDS[value['kind']]}/{name}"
    return AuthorityFact(kind="policy", id=key, time=instant("creationTimestamp", created))
