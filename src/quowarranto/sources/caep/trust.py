"""Whose tokens are believed: `[source.caep]`, and the verification of a signed token against it (RFC 8725).

Only public keys and signatures by them are known here: `none` and codes made with a shared secret are refused by name.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.sources.strict import strict_json

if TYPE_CHECKING:
    from joserfc.jwk import Key

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
TYPES = ("secevent+jwt", "application/secevent+jwt")
_LONGEST = 256 * 1024
_NEED = (
    '[[source.caep.issuers]] with issuer = "…", audience = ["…"] and keys = [{ kty = "EC", … }] or public keys as PEM'
)


class _Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One issuer as the settings name it."""

    issuer: str
    audience: tuple[str, ...]
    keys: tuple[str | dict[str, Any], ...]
    algorithms: tuple[str, ...] = ALGORITHMS
    unsigned: bool = False


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    issuers: tuple[_Issuer, ...] = ()


class Known(msgspec.Struct, frozen=True):
    """An issuer with its keys, read: (key id or "", key); `unsigned`: its claims count without their signature too."""

    audience: tuple[str, ...]
    algorithms: tuple[str, ...]
    keys: tuple[tuple[str, Any], ...]
    unsigned: bool


Trust = Mapping[str, Known]
NOBODY: Trust = {}


def trust_of(values: Mapping[str, Any]) -> Trust:
    """The issuers that the settings name.

    Raises:
        ConfigError: an unknown setting, an audience that is empty, a key that is none or not public; or `joserfc` is
            not installed.
    """
    for name in values:
        if name != "issuers":
            raise ConfigError(f"`{name}` is not a setting of `source.caep`", need=_NEED)
    try:
        settings = msgspec.convert(dict(values), _Settings)
    except msgspec.ValidationError:
        raise ConfigError("`issuers` is not a list of issuers", need=_NEED) from None
    return {one.issuer: _known(one) for one in settings.issuers}


def _known(one: _Issuer) -> Known:
    if not one.issuer or not one.audience or not one.keys:
        raise ConfigError("`issuers`: an issuer without its name, an audience or keys", need=_NEED)
    if unknown := set(one.algorithms) - set(ALGORITHMS):
        raise ConfigError(
            f"`algorithms`: `{min(unknown)[:40]}` is not one with a public key", need="some of " + ", ".join(ALGORITHMS)
        )
    found = tuple((str(key.get("kid", "")) if isinstance(key, dict) else "", _key(key)) for key in one.keys)
    return Known(one.audience, one.algorithms, found, one.unsigned)


def _key(given: str | dict[str, Any]) -> Key:
    try:
        from joserfc import jwk
    except ImportError:
        raise ConfigError(
            "`issuers` cannot be used: signatures are verified by `joserfc`, which is not installed",
            hint="pip install 'quowarranto[caep]'",
        ) from None
    need = "a public key: RSA, EC or OKP as JWK, or PEM"
    if isinstance(given, dict):
        if given.get("kty") not in ("RSA", "EC", "OKP"):
            raise ConfigError("`keys`: a key of a kind that proves nothing about who signed", need=need)
        if {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & given.keys():
            raise ConfigError("`keys`: a private key, which must never stand here", need=need)
    elif "PRIVATE" in given:
        raise ConfigError("`keys`: a private key, which must never stand here", need=need)
    try:
        if isinstance(given, dict):
            return jwk.import_key(
                {name: value for name, value in given.items() if name not in ("use", "key_ops", "alg")}
            )
        return jwk.import_key(given, "RSA" if _is_rsa(given) else "EC" if _is_ec(given) else "OKP")
    except Exception:  # what a library says of a key might quote it
        raise ConfigError("`keys`: a key that cannot be read", need=need) from None


def _public(pem: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return load_pem_public_key(pem.encode())


def _is_rsa(pem: str) -> bool:
    return type(_public(pem)).__name__.startswith("RSA")


def _is_ec(pem: str) -> bool:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    return isinstance(_public(pem), EllipticCurvePublicKey)


def verified(token: bytes, trust: Trust) -> dict[str, Any]:
    """The claims of a signed token, of which everything demanded of it holds.

    Raises:
        RejectedEntry: it does not verify, or nobody is known who could have signed it; the reason names what is wrong,
            never what stands in it.
    """
    if len(token) > _LONGEST:
        raise RejectedEntry("longer than a security event token may be here")
    parts = token.split(b".")
    if len(parts) != 3:
        raise RejectedEntry("not a compact signed token of three parts")
    header, claims = (_part(one) for one in parts[:2])
    if str(header.get("typ", "")).lower() not in TYPES:
        raise RejectedEntry("`typ` of its header is not `secevent+jwt`: another kind of token")
    issuer = claims.get("iss")
    known = trust.get(issuer) if isinstance(issuer, str) else None
    if known is None:
        raise RejectedEntry("not verified: `[source.caep]` names no keys of its issuer")
    if header.get("alg") not in known.algorithms:
        raise RejectedEntry("`alg` of its header is not one that is accepted of its issuer")
    if not any(_signed(token, key, header["alg"]) for key in _candidates(header, known)):
        raise RejectedEntry("not verified: the signature is of none of its issuer's keys")
    _check_audience(claims, known)
    return claims


def check_claims(claims: dict[str, Any], trust: Trust) -> None:
    """Of claims without a signature: once keys are configured, they count only where the settings say so.

    Raises:
        RejectedEntry: settings name issuers, and this is none of them, must sign, or spoke to somebody else.
    """
    if not trust:
        return
    issuer = claims.get("iss")
    known = trust.get(issuer) if isinstance(issuer, str) else None
    if known is None:
        raise RejectedEntry("`[source.caep]` does not name its issuer")
    if not known.unsigned:
        raise RejectedEntry("not verified: claims without a signature, of an issuer whose keys are known")
    _check_audience(claims, known)


def _check_audience(claims: dict[str, Any], known: Known) -> None:
    said = claims.get("aud")
    audience = said if isinstance(said, list) else [said]
    if not any(isinstance(one, str) and one in known.audience for one in audience):
        raise RejectedEntry("`aud` names none of the audiences configured for its issuer")


def _part(part: bytes) -> dict[str, Any]:
    from quowarranto.sources.keys import unbase64

    try:
        value = strict_json(unbase64(part.decode("ascii")))
    except (ValueError, RejectedEntry):
        raise RejectedEntry("not a signed token: a part of it is not JSON in base64url") from None
    if not isinstance(value, dict):
        raise RejectedEntry("not a signed token: a part of it is not an object")
    return value


def _candidates(header: dict[str, Any], known: Known) -> list[Any]:
    """The key that the header names, or all of them where it names none; never one that the header brings along."""
    kid = header.get("kid")
    return [key for name, key in known.keys if kid is None or not name or name == kid]


def _signed(token: bytes, key: Any, algorithm: str) -> bool:
    from joserfc import jws
    from joserfc.errors import SecurityWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # `EdDSA` has a newer name, and issuers use both
            jws.deserialize_compact(token, key, algorithms=[algorithm])
    except Exception:  # a signature that does not hold, a key of another kind, a header that is not understood
        return False
    return True
