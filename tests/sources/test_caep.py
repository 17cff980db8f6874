"""Security events: whose signature counts, and which time."""

from __future__ import annotations

import base64
import hmac
import json
import sys
from typing import Any

import pytest
from joserfc import jwk, jws

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import AuthorityFact, parse_instant
from quowarranto.sources import Entry, Source
from quowarranto.sources.caep import SOURCE

ISSUER, AUDIENCE = "https://idp.example.com", "https://audit.example.com"
EVENT = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "jti": "1",
    "iat": 1772355700,
    "aud": [AUDIENCE, "https://other.example.com"],
    "sub_id": {"format": "jwt_id", "iss": ISSUER, "jti": "token-17"},
    "events": {EVENT: {"event_timestamp": 1772355600}},
}
MADE: dict[str, Any] = {
    "ES256": jwk.generate_key("EC", "P-256"),
    "ES384": jwk.generate_key("EC", "P-384"),
    "RS256": jwk.generate_key("RSA", 2048),
    "PS512": jwk.generate_key("RSA", 2048),
    "EdDSA": jwk.generate_key("OKP", "Ed25519"),
    "Ed25519": jwk.generate_key("OKP", "Ed25519"),
}


def configured(*keys: object, **more: object) -> Source:
    assert SOURCE.configure is not None
    return SOURCE.configure({"issuers": [{"issuer": ISSUER, "audience": [AUDIENCE], "keys": list(keys), **more}]})


def public(key: Any) -> dict[str, Any]:
    found: dict[str, Any] = key.as_dict(private=False)
    return found


def signed(key: Any, algorithm: str, claims: object = CLAIMS, **header: object) -> bytes:
    told = {"alg": algorithm, "typ": "secevent+jwt"} | header
    return jws.serialize_compact(told, json.dumps(claims), key, algorithms=[algorithm]).encode()


def part(value: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def fact(source: Source, data: bytes) -> AuthorityFact:
    found = source.read(Entry(data))
    assert isinstance(found, list)
    assert isinstance(found[0], AuthorityFact)
    return found[0]


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("algorithm", MADE)
@pytest.mark.parametrize("as_pem", [False, True])
def test_a_token_that_its_issuer_signed_is_read(algorithm: str, as_pem: bool) -> None:
    key = MADE[algorithm]
    source = configured(key.as_pem(private=False).decode() if as_pem else public(key))
    found = fact(source, signed(key, algorithm))
    assert (found.id, found.end) == (f"jwt/{ISSUER}/token-17", "revoked")
    assert found.attributes["signature"] == "verified"


def test_when_it_took_effect_counts_and_when_it_was_issued_and_received_is_kept() -> None:
    line = json.dumps({"received_at": "2026-03-01T09:05:00Z", "set": CLAIMS}).encode()
    found = fact(SOURCE, line)
    assert found.time == parse_instant("2026-03-01T09:00:00Z")
    assert found.attributes["issued_at"] == "2026-03-01T09:01:40Z"
    assert found.attributes["received_at"] == "2026-03-01T09:05:00Z"


def refused(source: Source, data: bytes) -> str:
    with pytest.raises(RejectedEntry) as caught:
        source.read(Entry(data))
    return str(caught.value)


def test_a_token_with_any_bit_changed_is_refused() -> None:
    key = MADE["ES256"]
    source, token = configured(public(key)), bytearray(signed(key, "ES256"))
    for place in range(len(token)):
        changed = bytearray(token)
        changed[place] ^= 1
        if base64_of(bytes(changed)) != base64_of(bytes(token)):
            refused(source, bytes(changed))


def base64_of(token: bytes) -> object:
    """The bytes of its parts: the last character of one may have bits that say nothing."""
    try:
        return [base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)) for part in token.split(b".")]
    except ValueError:
        return token


def test_a_public_key_is_no_shared_secret() -> None:
    """The old trick: sign with HS256, the secret being the text of the public key."""
    key = MADE["RS256"]
    told = part({"alg": "HS256", "typ": "secevent+jwt"}) + b"." + part(CLAIMS)
    code = hmac.digest(key.as_pem(private=False), told, "sha256")
    token = told + b"." + base64.urlsafe_b64encode(code).rstrip(b"=")
    assert "alg" in refused(configured(public(key)), token)


def test_a_token_without_a_signature_is_refused_whatever_is_configured() -> None:
    token = part({"alg": "none", "typ": "secevent+jwt"}) + b"." + part(CLAIMS) + b"."
    for source in (SOURCE, configured(public(MADE["ES256"]))):
        refused(source, token)
    with pytest.raises(ConfigError):
        configured(public(MADE["ES256"]), algorithms=["none"])


def test_a_key_that_the_token_brings_along_proves_nothing() -> None:
    own = MADE["ES256"]
    token = signed(own, "ES256", jwk=public(own), kid="known")
    refused(configured(public(jwk.generate_key("EC", "P-256", {"kid": "known"}))), token)


def test_a_header_that_must_be_understood_and_is_not_is_refused() -> None:
    """`crit` (RFC 7515 section 4.1.11)."""
    key = MADE["ES256"]
    head = {"alg": "ES256", "typ": "secevent+jwt", "crit": ["exp"], "exp": 1}
    refused(configured(public(key)), part(head) + b"." + part(CLAIMS) + b".AAAA")


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "logout+jwt", "secevent", ""])
def test_another_kind_of_token_of_the_same_issuer_is_refused(typ: str) -> None:
    key = MADE["ES256"]
    assert "typ" in refused(configured(public(key)), signed(key, "ES256", typ=typ))


@pytest.mark.parametrize("audience", [None, "", "https://else.example.com", ["https://else.example.com"], [1], {}])
def test_a_token_for_somebody_else_is_refused(audience: object) -> None:
    key = MADE["ES256"]
    assert "aud" in refused(configured(public(key)), signed(key, "ES256", CLAIMS | {"aud": audience}))


def test_a_known_key_of_another_issuer_does_not_count() -> None:
    key = MADE["ES256"]
    assert "issuer" in refused(configured(public(key)), signed(key, "ES256", CLAIMS | {"iss": "https://evil.example"}))


def test_claims_without_a_signature_do_not_get_around_configured_keys() -> None:
    data = json.dumps(CLAIMS).encode()
    assert fact(SOURCE, data).attributes["signature"] == "not in the log"
    refused(configured(public(MADE["ES256"])), data)
    assert fact(configured(public(MADE["ES256"]), unsigned=True), data).end == "revoked"


def test_an_issuer_may_end_a_token_of_another_and_not_begin_one() -> None:
    """Else whoever may tell of its own sessions could make up those of everybody."""
    other = {"sub_id": {"format": "jwt_id", "iss": "https://other.example.com", "jti": "token-17"}}
    assert fact(SOURCE, json.dumps(CLAIMS | other).encode()).end == "revoked"
    begun = {"events": {EVENT.replace("session-revoked", "session-established"): {"event_timestamp": 1772355600}}}
    assert "another issuer" in refused(SOURCE, json.dumps(CLAIMS | other | begun).encode())
    assert fact(SOURCE, json.dumps(CLAIMS | begun).encode()).fact == "established"


@pytest.mark.parametrize(
    "values",
    [
        {"keys": []},
        {"issuers": {}},
        {"issuers": [{"issuer": ISSUER, "audience": [], "keys": [public(MADE["ES256"])]}]},
        {"issuers": [{"issuer": ISSUER, "audience": [AUDIENCE], "keys": []}]},
        {"issuers": [{"issuer": ISSUER, "audience": [AUDIENCE], "keys": [{"kty": "oct", "k": "c2VjcmV0"}]}]},
        {"issuers": [{"issuer": ISSUER, "audience": [AUDIENCE], "keys": ["nonsense"]}]},
        {"issuers": [{"issuer": ISSUER, "audience": [AUDIENCE], "keys": [MADE["ES256"].as_dict(private=True)]}]},
        {
            "issuers": [
                {"issuer": ISSUER, "audience": [AUDIENCE], "keys": [MADE["ES256"].as_pem(private=True).decode()]}
            ]
        },
    ],
)
def test_settings_that_could_not_be_obeyed_are_an_error_that_quotes_no_key(values: dict[str, Any]) -> None:
    assert SOURCE.configure is not None
    with pytest.raises(ConfigError) as caught:
        SOURCE.configure(values)
    told = "\n".join(caught.value.lines())
    assert "c2VjcmV0" not in told
    assert str(MADE["ES256"].as_dict(private=True)["d"]) not in told


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joserfc", None)
    with pytest.raises(ConfigError) as caught:
        configured(public(MADE["ES256"]))
    assert "quowarranto[caep]" in "\n".join(caught.value.lines())
    assert fact(SOURCE, json.dumps(CLAIMS).encode()).end == "revoked"
