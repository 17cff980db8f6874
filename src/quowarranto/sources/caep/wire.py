"""The claims of a Security Event Token (RFC 8417) and the subjects that its events are about (RFC 9493)."""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant, Principal
from quowarranto.sources import keys
from quowarranto.sources.times import instant

_LAST = 253_402_300_799
_MILLISECONDS = 100_000_000_000
"""Drafts of CAEP wrote milliseconds; as seconds, such numbers lie thousands of years ahead."""


class Subject(msgspec.Struct, frozen=True):
    """A subject identifier; `subject_type` is what drafts called its format."""

    format: str | None = None
    subject_type: str | None = None
    id: str | None = None
    iss: str | None = None
    sub: str | None = None
    jti: str | None = None
    email: str | None = None
    uri: str | None = None
    url: str | None = None
    phone_number: str | None = None
    issuer: str | None = None
    assertion_id: str | None = None
    identifiers: tuple[dict[str, Any], ...] = ()
    user: dict[str, Any] | None = None
    session: dict[str, Any] | None = None
    device: dict[str, Any] | None = None
    application: dict[str, Any] | None = None


class Told(msgspec.Struct, frozen=True):
    """The payload of one event; reasons are texts for people in many languages and stay out."""

    event_timestamp: int | float | None = None
    initiating_entity: str | None = None
    subject: dict[str, Any] | None = None
    change_type: str | None = None
    credential_type: str | None = None
    friendly_name: str | None = None
    x509_issuer: str | None = None
    x509_serial: str | None = None
    fido2_aaguid: str | None = None
    namespace: str | None = None
    current_level: str | None = None
    previous_level: str | None = None
    change_direction: str | None = None
    current_status: str | None = None
    previous_status: str | None = None
    principal: str | None = None
    claims: dict[str, Any] | None = None
    ips: tuple[str, ...] = ()
    acr: str | None = None
    amr: tuple[str, ...] | str | None = None
    ext_id: str | None = None


class Token(msgspec.Struct, frozen=True):
    """The claims that are read."""

    iss: str
    jti: str
    iat: int | float
    events: dict[str, dict[str, Any]]
    aud: str | tuple[str, ...] = ()
    txn: str | None = None
    toe: int | float | None = None
    sub_id: dict[str, Any] | None = None
    sub: str | None = None


class Envelope(msgspec.Struct, frozen=True):
    """What a receiver may write around a token."""

    received_at: str | None = None
    time: str | None = None
    timestamp: str | None = None

    @property
    def received(self) -> Instant | None:
        for name in ("received_at", "time", "timestamp"):
            if (text := getattr(self, name)) is not None:
                return instant(name, text)
        return None


class Parties(msgspec.Struct, frozen=True):
    """Whom and what an event is about: the person or workload, and keys of the session and the token."""

    who: Principal | None = None
    session: str | None = None
    token: str | None = None
    device: str | None = None
    foreign: bool = False
    """The session or token is of another issuer than the one that speaks of it."""

    @property
    def named(self) -> bool:
        return any((self.who, self.session, self.token, self.device))


def moment(field: str, number: int | float) -> Instant:
    """Seconds since the epoch (or milliseconds, as drafts had it) as an instant.

    Raises:
        RejectedEntry: outside the calendar.
    """
    seconds = number / 1000 if number > _MILLISECONDS else number
    if not 0 <= seconds <= _LAST:
        raise RejectedEntry(f"`{field}` is not a time that exists")
    return int(number) * 1000 if number > _MILLISECONDS else int(number * 1_000_000)


def parties(subject: dict[str, Any] | None, issuer: str) -> Parties:
    """What a subject names.

    Raises:
        RejectedEntry: it is no subject identifier.
    """
    return _parties(_subject(subject), issuer) if subject is not None else Parties()


def _subject(value: dict[str, Any]) -> Subject:
    try:
        return msgspec.convert(value, Subject)
    except msgspec.ValidationError:
        raise RejectedEntry("a subject is not an identifier as RFC 9493 has it") from None


def _parties(subject: Subject, issuer: str) -> Parties:
    form = (subject.format or subject.subject_type or "").replace("-", "_")
    if form in ("complex", "complex_subject", "") and (
        subject.session or subject.user or subject.device or subject.application
    ):
        return _complex(subject, issuer)
    if form == "aliases":
        each = [_parties(_subject(one), issuer) for one in subject.identifiers if one.get("format") != "aliases"]
        return next((one for one in each if one.named), Parties())
    if form == "jwt_id" or (not form and subject.jti):
        token = keys.maybe(lambda jti: keys.token_of_issuer(subject.iss or issuer, jti), subject.jti)
        return Parties(token=token, foreign=_is_other(subject.iss, issuer))
    if form == "saml_assertion_id":
        named = subject.assertion_id
        token = f"saml/assertion/{subject.issuer or issuer}/{named}" if named else None
        return Parties(token=token, foreign=_is_other(subject.issuer, issuer))
    if form == "opaque":
        return Parties(session=session_key(issuer, subject.id))
    return Parties(who=_person(subject, form))


def _complex(subject: Subject, issuer: str) -> Parties:
    user, device = subject.user or subject.application, subject.device
    inner = _subject(subject.session) if subject.session else None
    of_session = _parties(inner, issuer) if inner else Parties()
    told = _subject(device) if device else None
    of_user = _subject(user) if user else None
    return Parties(
        who=_person(of_user, of_user.format or of_user.subject_type or "") if of_user else None,
        session=of_session.session or (session_key(inner.iss or issuer, inner.sub) if inner and inner.sub else None),
        token=of_session.token,
        device=(told.id or told.sub or told.uri) if told else None,
        foreign=of_session.foreign or _is_other(inner.iss if inner else None, issuer),
    )


def _is_other(named: str | None, issuer: str) -> bool:
    return named is not None and named.rstrip("/") != issuer.rstrip("/")


def _person(subject: Subject, form: str) -> Principal | None:
    name = subject.sub or subject.email or subject.uri or subject.url or subject.phone_number or subject.id
    if not name:
        return None
    if (workload := keys.maybe(keys.spiffe_id, name)) is not None:
        return Principal("workload", workload)
    if name.startswith("system:serviceaccount:") and (account := keys.maybe(keys.service_account, name)) is not None:
        return Principal("service_account", account)
    return Principal("user", name.removeprefix("acct:") if form == "account" else name)


def session_key(issuer: str, session: str | None) -> str | None:
    return keys.maybe(lambda name: keys.session_of_issuer(issuer, name), session)
