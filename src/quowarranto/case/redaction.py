"""Secrets are removed before anything is written; the record says what was removed and why (SPEC 2 and 10).

Two ways of knowing a secret: by its shape (a JWT, a private key, a vendor's token prefix, a password inside a
connection string) and by the name of the field it stands in (`password`, `client_token`, `secretAccessKey`). Where a
secret stands in a field by which records are joined, a digest takes its place, so that the join survives; elsewhere a
remark does. An HMAC (`hmac-sha256:…`) is not a secret; an access key id or an accessor is an identifier.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Principal, Resource

_NAMED = (
    ("private key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z0-9 ]*PRIVATE KEY-----|[\s\S]*)"),
    ("JSON web token", r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?"),
    ("bearer header", r"(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"),
    ("vault token", r"\bhv[sbr]\.[A-Za-z0-9_-]{16,}|(?<![A-Za-z0-9_.-])[sbr]\.[A-Za-z0-9]{24}(?:\.[A-Za-z0-9]+)?\b"),
    ("github token", r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"),
    ("vendor token", r"\bglpat-[A-Za-z0-9_-]{16,}|\bxox[abposr]-[A-Za-z0-9-]{10,}|\bnpm_[A-Za-z0-9]{30,}"
                     r"|\bsk-[A-Za-z0-9_-]{20,}|\b[sr]k_live_[A-Za-z0-9]{16,}|\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,}"),
    ("password in a connection string", r"(?<=://)[^\s/:@]*:[^\s/@]+(?=@)"),
    ("AWS secret key", r"(?i:aws.{0,20}secret.{0,20}[=:]\s*[\"']?)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"),
    ("password", r"(?i:\b(?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?token|client[_-]?secret)"
                 r"\s*[=:]\s*)(?!hmac-sha256:|\[removed|\*{3})[^\s;,&\"'{}\[\]]{4,}"),
)  # fmt: skip
_SECRET = re.compile("|".join(f"(?P<g{number}>{pattern})" for number, (_, pattern) in enumerate(_NAMED)))

_SECRET_FIELDS = (
    *("password", "passwd", "pwd", "passphrase", "secret", "client_secret", "secret_id", "secret_key"),
    *("secret_access_key", "aws_secret_access_key", "session_token", "security_token", "token", "access_token"),
    *("refresh_token", "id_token", "client_token", "api_key", "x_api_key", "authorization", "proxy_authorization"),
    *("private_key", "private_key_pem", "bearer_token", "auth_token", "x_vault_token", "x_auth_token", "cookie"),
    *("set_cookie", "connection_string", "jwt", "assertion", "saml_assertion", "web_identity_token", "signing_key"),
    *("encryption_key", "unwrap_token", "one_time_token", "otp"),
)
"""Fields whose value is a secret, in any case and with `-`, `_` or nothing between the words."""
_SECRET_NAMES = frozenset(name.replace("_", "") for name in _SECRET_FIELDS)
_HARMLESS = ("hmac-sha256:", "[removed", "removed:")

_JOINED = frozenset(
    ("id", "cites", "aliases", "correlates", "successor", "series", "issued_by", "principal", "resource", "by")
)


class Removed(msgspec.Struct, frozen=True):
    """One secret that was taken out: where it stood and what it looked like."""

    field: str
    why: str


_known_clean: set[str] = set()
_KNOWN_LIMIT = 200_000


def redact_text(text: str) -> str:
    """The text with every secret replaced by a remark; for showing raw lines."""
    return _NAMED_FIELD.sub(lambda found: f"{found[1]}[removed: {found[2]}]{found[4]}", _SECRET.sub(_remark, text))


_NAMED_FIELD = re.compile(
    r'(?i)(\\?"('
    + "|".join(name.replace("_", "[_-]?") for name in sorted(_SECRET_FIELDS, key=len, reverse=True))
    + r')\\?"\s*:\s*\\?")((?!hmac-sha256:|\[removed|removed:)[^"\\]+)(\\?")'
)
"""`"password": "…"` in raw JSON, also where the JSON is itself a string in JSON."""


def redact(record: Action | AuthorityFact) -> Action | AuthorityFact:
    """The record without secrets; the same object where there are none.

    What was removed is listed under `attributes.removed` as `{"field", "why"}`.
    """
    if _looks_clean(record):
        return record
    removed: list[Removed] = []
    changes: dict[str, Any] = {}
    for name in record.__struct_fields__:  # type: ignore[misc, unused-ignore]
        value = getattr(record, name)
        cleaned = _clean(value, name, _digested if name in _JOINED else _remark, removed)
        if cleaned is not value:
            changes[name] = cleaned
    if not removed:
        return record
    attributes = changes.get("attributes", record.attributes)
    notes = [{"field": item.field, "why": item.why} for item in removed]
    changes["attributes"] = {**attributes, "removed": notes}
    return msgspec.structs.replace(record, **changes)


def redact_json(value: Any) -> Any:
    """Plain JSON values without secrets (for observations)."""
    return _clean(value, "", _remark, [])


def _looks_clean(record: Action | AuthorityFact) -> bool:
    """Whether no text of the record can hold a secret; texts seen before cost one look-up each."""
    fresh: list[str] = []
    if isinstance(record, Action):
        texts: list[Any] = [
            record.id,
            record.principal.id,
            record.action,
            record.resource.id,
            record.origin,
            *record.cites,
        ]
        if record.correlates:
            texts += record.correlates
        if record.on_behalf_of:
            texts += [who.id for who in record.on_behalf_of]
    else:
        return _SECRET.search(msgspec.json.encode(record).decode()) is None and not (
            _has_secret_name(record.attributes) or (record.request is not None and _has_secret_name(record.request))
        )
    for value in record.attributes.values():
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, (dict, list)):
            texts.append(msgspec.json.encode(value).decode())
    if record.attributes and _has_secret_name(record.attributes):
        return False
    for text in texts:
        if text is not None and text not in _known_clean:
            fresh.append(text)
    if fresh:
        if _SECRET.search("\n".join(fresh)) is not None:
            return False
        if len(_known_clean) > _KNOWN_LIMIT:
            _known_clean.clear()
        _known_clean.update(text for text in fresh if len(text) < 200)
    return True


_name_kinds: dict[str, bool] = {}


def _is_secret_name(name: str) -> bool:
    kind = _name_kinds.get(name)
    if kind is None:
        kind = name.lower().replace("_", "").replace("-", "") in _SECRET_NAMES
        if len(_name_kinds) < 10_000:
            _name_kinds[name] = kind
    return kind


def _has_secret_name(value: dict[str, Any]) -> bool:
    return any(
        _is_secret_name(name) or (isinstance(item, dict) and _has_secret_name(item)) or isinstance(item, list)
        for name, item in value.items()
    )


def _clean(value: Any, path: str, replace: Callable[[re.Match[str]], str], removed: list[Removed]) -> Any:
    """The value without secrets; the same object where nothing was removed."""
    if isinstance(value, str):
        return _clean_text(value, path, replace, removed)
    if isinstance(value, (Principal, Resource)):
        cleaned = _clean_text(value.id, f"{path}.id", replace, removed)
        return value if cleaned is value.id else type(value)(value.type, cleaned)
    if isinstance(value, tuple):
        items = [_clean(item, path, replace, removed) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else tuple(items)
    if isinstance(value, list):
        items = [_clean(item, path, replace, removed) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    if isinstance(value, dict):
        return _clean_dict(value, path, replace, removed)
    return value


def _clean_dict(
    value: dict[str, Any], path: str, replace: Callable[[re.Match[str]], str], removed: list[Removed]
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    changed = False
    for name, item in value.items():
        place = f"{path}.{name}" if path else name
        kept = _clean_text(name, place, replace, removed)
        if _is_secret_name(name) and _is_bare_secret(item):
            removed.append(Removed(place, f"value of a field named `{name[:40]}`"))
            out[kept] = "[removed: secret field]"
            changed = True
            continue
        cleaned = _clean(item, place, replace, removed)
        changed = changed or cleaned is not item or kept is not name
        out[kept] = cleaned
    return out if changed else value


def _is_bare_secret(item: Any) -> bool:
    if isinstance(item, str):
        return bool(item) and not item.startswith(_HARMLESS)
    if isinstance(item, list):
        return any(_is_bare_secret(entry) for entry in item)
    return isinstance(item, (int, float)) and not isinstance(item, bool)


def _clean_text(text: str, path: str, replace: Callable[[re.Match[str]], str], removed: list[Removed]) -> str:
    if _SECRET.search(text) is None:
        return text
    removed += [Removed(path, _why(found)) for found in _SECRET.finditer(text)]
    return _SECRET.sub(replace, text)


def _why(found: re.Match[str]) -> str:
    return _NAMED[int(found.lastgroup[1:])][0] if found.lastgroup else "secret"


def _remark(found: re.Match[str]) -> str:
    return f"[removed: {_why(found)}]"


def _digested(found: re.Match[str]) -> str:
    """A token as a digest of itself, so that what it joined is still joined; a password, being guessable, is not."""
    why = _why(found)
    if why.startswith("password"):
        return f"[removed: {why}]"
    return "removed:" + hashlib.sha256(found[0].encode()).hexdigest()[:32]
