"""One token to what its events say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Resource, format_instant
from quowarranto.sources import keys
from quowarranto.sources.caep.trust import TYPES, Trust, check_claims, verified
from quowarranto.sources.caep.wire import Envelope, Parties, Token, Told, moment, parties, session_key
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped
from quowarranto.sources.strict import read_as, reason_of, strict_json, strict_object

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
_CHANGES = ("assurance-level-change", "device-compliance-change", "risk-level-change", "token-claims-change")
_COMPACT = re.compile(rb"\s*(?P<token>eyJ[\w-]*\.[\w-]*\.[\w-]*)\s*")
_AROUND = ("set", "SET", "token", "jwt")
"""Under what receivers keep a token."""
_WORSE = frozenset(("decrease", "not-compliant", "high"))
Found = Observation | Action | AuthorityFact


def read(entry: Entry, trust: Trust) -> Outcome:
    """The records of one token.

    Raises:
        RejectedEntry: it is none, or does not verify; the reason names fields, never values.
    """
    found = _COMPACT.fullmatch(entry.data)
    if found is not None:
        return _events(_token(verified(found["token"], trust)), None, signed=True)
    value = strict_object(entry.data)
    if isinstance(value.get("sets"), dict):
        raise RejectedEntry("several tokens in one answer of a poll: one a line is needed")
    held = next((value[name] for name in _AROUND if name in value), None)
    received = _envelope(value).received if held is not None else None
    if isinstance(held, str):
        compact = _COMPACT.fullmatch(held.encode("utf-8", "replace"))
        if compact is None:
            raise RejectedEntry("not a compact signed token")
        return _events(_token(verified(compact["token"], trust)), received, signed=True)
    claims = held if held is not None else value
    if not isinstance(claims, dict):
        raise RejectedEntry("the token is neither a text nor an object")
    if isinstance(claims.get("payload"), dict) and "events" not in claims:
        claims = claims["payload"]
    check_claims(claims, trust)
    return _events(_token(claims), received, signed=False)


def _envelope(value: dict[str, Any]) -> Envelope:
    return read_as(value, Envelope)


def _token(claims: dict[str, Any]) -> Token:
    try:
        token = msgspec.convert(claims, Token)
    except msgspec.ValidationError as error:
        raise RejectedEntry(reason_of(error).split("[")[0]) from None  # names of events are the issuer's words
    if not token.jti or not token.iss:
        raise RejectedEntry("`jti` or `iss` is empty")
    return token


def _events(token: Token, received: Instant | None, *, signed: bool) -> Outcome:
    issued = moment("iat", token.iat)
    found: list[Found] = []
    for name, payload in sorted(token.events.items()):
        if name.startswith(CAEP):
            found += _event(token, name.removeprefix(CAEP), payload, _Times(issued, received), signed)
    return found or Skipped("events that tell nothing of sessions, tokens or credentials (CAEP)")


class _Times(msgspec.Struct, frozen=True):
    issued: Instant
    received: Instant | None


def _event(token: Token, name: str, payload: dict[str, Any], times: _Times, signed: bool) -> Iterator[Found]:
    told = read_as(payload, Told)
    at = times.issued
    if told.event_timestamp is not None:
        at = moment("event_timestamp", told.event_timestamp)
    elif token.toe is not None:
        at = moment("toe", token.toe)
    about = parties(token.sub_id if token.sub_id is not None else told.subject, token.iss)
    said = {
        "event": f"caep/event/{token.iss}/{token.jti}",
        "issued_at": format_instant(times.issued),
        "received_at": format_instant(times.received) if times.received is not None else None,
        "signature": "verified" if signed else "not in the log",
        "initiated_by": told.initiating_entity,
        "txn": token.txn,
    }
    attributes = {key: value for key, value in said.items() if value is not None}
    if name == "session-revoked":
        yield from _revoked(token.iss, about, at, attributes)
    elif name in ("session-established", "session-presented"):
        yield from _used(token, name, about, told, at, attributes)
    elif name == "credential-change":
        yield _credential(token, about, told, at, attributes)
    elif name in _CHANGES:
        yield from _changed(token, name, about, told, at, attributes)


def _revoked(issuer: str, about: Parties, at: Instant, attributes: dict[str, Any]) -> Iterator[Found]:
    if not about.named:
        raise RejectedEntry("it names no session, token or user")
    if about.token is not None:
        yield AuthorityFact(
            kind="credential", id=about.token, time=at, fact="ended", end="revoked", attributes=attributes
        )
    if about.session is not None:
        data = {"session": about.session, "step": "revoked", "attributes": attributes}
        yield Observation(f"session/{about.session}", at, data)
    elif about.token is None:
        who = [about.who.type, about.who.id] if about.who else None
        whose = about.who.id if about.who else f"device:{about.device}"
        key = f"oidc/sessions/{issuer}/{whose}"
        yield AuthorityFact(
            kind="session", id=key, time=at, fact="ended", end="revoked", principal=about.who, attributes=attributes
        )
        yield Observation("subject", at, {"who": who, "device": about.device, "step": "all", "attributes": attributes})


def _used(
    token: Token, name: str, about: Parties, told: Told, at: Instant, attributes: dict[str, Any]
) -> Iterator[Found]:
    session = about.session or session_key(token.iss, told.ext_id)
    cites = tuple(key for key in (session, about.token) if key)
    if not cites:
        raise RejectedEntry("it names no session and no token")
    known = {"acr": told.acr, "amr": list(told.amr) if isinstance(told.amr, tuple) else told.amr}
    attributes |= {key: value for key, value in known.items() if value}
    origin = told.ips[0] if told.ips else None
    if name == "session-presented":
        if about.who is None:
            raise RejectedEntry("it does not name who presented the session")
        yield Action(
            id=f"caep/event/{token.iss}/{token.jti}",
            time=at,
            principal=about.who,
            action="session:present",
            resource=Resource("session", cites[0]),
            origin=origin,
            cites=cites,
            correlates=_shared(token),
            attributes={key: value for key, value in attributes.items() if key != "event"},
        )
        return
    if about.foreign:
        raise RejectedEntry("it begins a session or token of another issuer, which that one alone may do")
    if session is None:
        who = about.who
        yield AuthorityFact(kind="credential", id=cites[0], time=at, principal=who, attributes=attributes)
        return
    who_told = [about.who.type, about.who.id] if about.who else None
    data = {"session": session, "step": "established", "who": who_told, "device": about.device, "token": about.token}
    yield Observation(
        f"session/{session}", at, data | {"attributes": attributes | ({"origin": origin} if origin else {})}
    )


def _credential(token: Token, about: Parties, told: Told, at: Instant, attributes: dict[str, Any]) -> AuthorityFact:
    if told.change_type not in ("create", "revoke", "update", "delete") or not told.credential_type:
        raise RejectedEntry("`change_type` or `credential_type` is not one of CAEP's")
    key, aliases = _credential_key(token, about, told)
    over = told.change_type in ("revoke", "delete")
    return AuthorityFact(
        kind="credential",
        id=key,
        aliases=aliases,
        time=at,
        fact="ended" if over else "established",
        end="revoked" if over else None,
        principal=about.who,
        attributes=attributes | {"credential_type": told.credential_type, "change": told.change_type},
    )


def _credential_key(token: Token, about: Parties, told: Told) -> tuple[str, tuple[str, ...]]:
    """A certificate by its serial; others by whose they are and what they are called.

    CAEP does not say how a serial is spelled: digits alone may be either, and a long one is then known by both.
    """
    serial = told.x509_serial
    if serial and (plain := keys.maybe(keys.serial_of_decimal, serial)):
        either = keys.maybe(keys.serial_of_hex, serial) if len(serial) >= 16 else None
        return keys.x509_certificate(plain), (keys.x509_certificate(either),) if either and either != plain else ()
    if serial and (spelled := keys.maybe(keys.serial_of_hex, serial)):
        return keys.x509_certificate(spelled), ()
    if about.token is not None:
        return about.token, ()
    whose = about.who.id if about.who else about.session or about.device
    if whose is None:
        raise RejectedEntry("it does not say whose credential")
    parts = [told.credential_type or "", told.fido2_aaguid or told.friendly_name or ""]
    return "/".join(("caep/credential", token.iss, whose, *(one for one in parts if one))), ()


def _changed(
    token: Token, name: str, about: Parties, told: Told, at: Instant, attributes: dict[str, Any]
) -> Iterator[Found]:
    """What the issuer now thinks of a session, a device or a user: its answer, and no end of anything."""
    if not about.named:
        raise RejectedEntry("it names no session, token, device or user")
    level = told.current_level or told.current_status
    before = told.previous_level or told.previous_status
    changed = {
        "change": name,
        "namespace": told.namespace,
        "current": level,
        "previous": before,
        "direction": told.change_direction,
        "device": about.device,
        "claims": sorted(told.claims) if told.claims else None,  # which, not what they say
    }
    attributes = attributes | {key: value for key, value in changed.items() if value}
    words = {told.change_direction, told.current_status, (level or "").lower() if name.startswith("risk") else None}
    target = about.session or about.token or about.device or (about.who.id if about.who else "")
    kind = "session" if about.session else "token" if about.token else "device" if about.device else "user"
    yield AuthorityFact(
        kind="decision",
        id=f"caep/decision/{token.iss}/{token.jti}/{name}",
        time=at,
        effect="deny" if words & _WORSE and not _eased(name, told) else "allow",
        principal=about.who,
        request={
            "subject": {"type": about.who.type, "id": about.who.id} if about.who else {"type": kind, "id": target},
            "action": {"name": f"caep:{name}"},
            "resource": {"type": kind, "id": target},
        },
        attributes=attributes,
    )
    if about.session is not None:
        data = {"session": about.session, "step": "changed", "attributes": attributes}
        yield Observation(f"session/{about.session}", at, data)


def _eased(name: str, told: Told) -> bool:
    """A risk that went down is no reason to refuse, whatever the word for its direction."""
    return name.startswith("risk") and (told.current_level or "").lower() == "low"


def _shared(token: Token) -> tuple[str, ...]:
    found = (keys.maybe(keys.trace, token.txn), keys.maybe(keys.request, token.txn))
    return tuple(key for key in found if key)


def recognise(sample: Sample) -> int:
    """By the type in the header of a signed token, or by events named by the schemas of OpenID."""
    first = sample.text.lstrip("\ufeff").split("\n", 1)[0].strip().encode("utf-8", "replace")
    scores = [_likely(one) for one in sample.documents if isinstance(one, dict)]
    return max([*scores, _likely_compact(first)], default=0)


def _likely(document: dict[str, Any]) -> int:
    for inner in (document, *(document.get(name) for name in (*_AROUND, "payload"))):
        if isinstance(inner, str) and (score := _likely_compact(inner.encode("utf-8", "replace"))):
            return score
        named = inner.get("events") if isinstance(inner, dict) and isinstance(inner.get("iss"), str) else None
        if isinstance(named, dict) and any("/secevent/" in name for name in named):
            return 95
    return 0


def _likely_compact(text: bytes) -> int:
    found = _COMPACT.fullmatch(text)
    if found is None:
        return 0
    try:
        header = strict_json(keys.unbase64(text.strip().split(b".")[0].decode("ascii")))
    except (ValueError, RejectedEntry):
        return 0
    kind = header.get("typ") if isinstance(header, dict) else None
    return 95 if isinstance(kind, str) and kind.lower() in TYPES else 0
