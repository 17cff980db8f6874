"""What a secret looks like: shapes of tokens, keys and passwords in text, and the names of fields that hold them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import unquote, unquote_plus

_TAKEN = r"(?!hmac-sha256:|\[removed|removed:|\*{3})"
"""What stands there already is no secret."""
_QUOTED = r"(?P<quote>\\{0,64}[\"'])" + _TAKEN + r".{1,4096}?(?P=quote)"
_BARE = _TAKEN + r"[^\s;,&\"'{}\[\]\\<>]{4,}"
_WORDS = r"password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret"
_QUERY = r"(?:access_|id_|refresh_|auth_|x-amz-security-)?(?:token|sig|signature|x-amz-signature|jwt|" + _WORDS + ")"
_KINDS = (
    ("private key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
                    r"(?:[\s\S]*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|[\s\S]*)"),
    ("JSON web token", r"eyJ[A-Za-z0-9_-]{6,1024}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)*"),
    ("bearer header", r"(?i:bearer(?:[\s+]|%20|\\[nrt])+)(?=[A-Za-z._~+/=-]*[0-9]|[A-Za-z._~+/=-]{20})"
                      r"[A-Za-z0-9._~+/=-]{8,}"),
    ("basic header", r"(?i:basic(?:[\s+]|%20)+)(?=[A-Za-z]*(?:[0-9=+/]|[a-z][A-Z]))[A-Za-z0-9+/=_-]{6,}"),
    ("okta token", r"(?i:(?<![A-Za-z])ssws(?:[\s+]|%20)+)[A-Za-z0-9_-]{16,}"),
    ("vault token", r"hv[sbr]\.[A-Za-z0-9_-]{16,}|(?<![A-Za-z0-9_.-])[sbr]\.[A-Za-z0-9]{24}(?:\.[A-Za-z0-9]+)?\b"),
    ("github token", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"),
    ("vendor token", r"glpat-[A-Za-z0-9_-]{16,}|(?<![A-Za-z0-9])xox[abeposr]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{30,}"
                     r"|(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,}|[srp]k_live_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{35}"
                     r"|ya29\.(?:[a-z]{1,4}\.)?[A-Za-z0-9_-]{20,}"),
    ("AWS session token", r"(?:FwoGZXIvYXdz|FQoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=]{16,}"),
    ("password in a connection string", r"(?<=://)[^\s/:@\"'\\]*:[^\s/@\"'\\]+(?=@)"),
    ("AWS secret key", r"(?i:aws.{0,20}secret.{0,20}[=:]\s*\\{0,64}[\"']?)(?:[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
                       r"|(?=[A-Za-z/+]{0,39}[0-9])(?=[^A-Z]{0,39}[A-Z])(?=[^a-z]{0,39}[a-z])[A-Za-z0-9/+]{40}(?=[/=]))"),
    ("password in a query", r"(?i:[?&]" + _QUERY + r"=)" + _TAKEN + r"[^&\s\"'\\#]{4,}"),
    ("password", r"(?i:(?<![A-Za-z])(?:(?:" + _WORDS + r")\s{0,8}(?:=\s{0,8}|:\s{1,8}|:(?=\\{0,64}[\"'])))"
                 r"|(?:password|passwd|pwd|passphrase):)(?:" + _QUOTED + "|" + _BARE + ")"),
    ("password flag", r"(?i:--(?:password|passwd|token|secret|api-key)[ =+])" + _TAKEN + r"[^\s\"'\\]{4,}"),
)  # fmt: skip
_SECRET = re.compile("|".join(f"(?P<g{number}>{pattern})" for number, (_, pattern) in enumerate(_KINDS)))
GUESSABLE = frozenset(
    (
        *("password in a connection string", "password in a query", "password", "password flag", "basic header"),
        "encoded secret",
    )
)
"""Kinds that a person may have thought of: their digest could be turned back by trying."""

HINTS = (
    *("private key", "eyj", "bearer", "basic", "hvs.", "hvb.", "hvr.", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "xox", "npm_", "sk-", "_live_", "aiza", "ya29.", "wogzxivyxdz", "qogzxivyxdz"),
    *("iqojb3jpz2lu", "://", "secret", "passw", "pwd", "passphrase", "apikey", "api_key", "api-key", "token", "sig"),
    *("jwt", "iqojbjpzlu", "ssws"),
)
"""One of these stands in every text that shows a secret: looking for them is much cheaper than the shapes.

The texts may have been stripped of their digits (`redaction`), so a hint with digits is here without them as well.
"""
_SHORT_VAULT_TOKEN = re.compile(r"[sbr]\.[A-Za-z0-9]{24}")

_FIELDS = (
    *("password", "passwd", "pwd", "passphrase", "secret", "client_secret", "secret_id", "secret_key"),
    *("secret_access_key", "aws_secret_access_key", "session_token", "security_token", "token", "access_token"),
    *("refresh_token", "id_token", "client_token", "api_key", "x_api_key", "authorization", "proxy_authorization"),
    *("private_key", "private_key_pem", "bearer_token", "auth_token", "x_vault_token", "x_auth_token", "cookie"),
    *("set_cookie", "connection_string", "jwt", "assertion", "saml_assertion", "web_identity_token", "signing_key"),
    *("encryption_key", "unwrap_token", "one_time_token", "otp", "shared_secret", "webhook_secret"),
)
"""Fields whose value is a secret, in any case and with `-`, `_` or nothing between the words."""
_NAMES = frozenset(name.replace("_", "") for name in _FIELDS)
_LAST_WORDS = (
    *("password", "passwd", "passphrase", "secret_key", "secret_access_key", "private_key", "client_secret", "api_key"),
    *("access_token", "refresh_token", "session_token", "security_token", "auth_token", "bearer_token"),
    "connection_string",
)
"""Also the end of a longer name (`masterUserPassword`)."""
_ENDINGS = tuple(name.replace("_", "") for name in _LAST_WORDS)


def _any_of(names: tuple[str, ...]) -> str:
    return "|".join(name.replace("_", "[_-]?") for name in sorted(names, key=len, reverse=True))


NAMED_FIELD = re.compile(
    r'(?i)(?P<before>(?P<mark>\\{0,64}")(?:'
    + f"{_any_of(_FIELDS)}|[a-z0-9_-]{{0,40}}?(?:{_any_of(_LAST_WORDS)})"
    + r")(?P=mark)\s*:\s*(?:\[\s*)?(?P=mark))(?!hmac-sha256:[0-9a-f]{64}|\[removed|removed:|\*{3})"
    r".{1,65536}?(?P<after>(?<!\\)(?P=mark))"
)
"""`"password": "…"` in JSON that is itself a text, however deep it is quoted."""

_name_kinds: dict[str, bool] = {}


_RUN = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
"""What base64 of a secret is at least; it has letters of both kinds."""
_READABLE = re.compile(rb"[\t\n\r -~]{8,}")
_QUOTED_RUN = re.compile(r"(?<![^\s\"'<>])(?=[^\s\"'<>]*?%[0-9A-Fa-f]{2})[^\s\"'<>]++")
"""A stretch of text with URL-encoded characters in it; looked for only where one begins, or a long one takes ages."""


def may_be_encoded(text: str) -> bool:
    """Whether something in it may be base64 or URL-encoded, so that its digits matter; cheap."""
    return "%" in text or any(not run.islower() for run in _RUN.findall(text))


def _hides_a_secret(found: re.Match[str]) -> bool:
    """Whether what stands encoded there holds a secret by its shape."""
    if found.re is _QUOTED_RUN:
        return any(
            plain != found[0] and _shows_a_secret(plain) for plain in (unquote(found[0]), unquote_plus(found[0]))
        )
    run = found[0]
    if run.islower() or run.isupper():
        return False
    bare = run.rstrip("=").replace("-", "+").replace("_", "/")
    # the run may begin with something else (`opa/decision/`), so what is encoded may begin at any of four characters
    return any(_shows_a_secret(plain) for skipped in range(4) for plain in _plain_texts(bare[skipped:]))


def _plain_texts(encoded: str) -> list[str]:
    """What is readable of what base64 stands for; a last character that stands for nothing by itself is left out."""
    if len(encoded) % 4 == 1:
        encoded = encoded[:-1]
    found = _READABLE.findall(b64decode(encoded + "=" * (-len(encoded) % 4)))
    return [text.decode("ascii") for text in found]


def _shows_a_secret(text: str) -> bool:
    return may_show_a_secret(text) and (
        _SECRET.search(text) is not None or ('"' in text and NAMED_FIELD.search(text) is not None)
    )


def may_hold_a_secret(text: str) -> bool:
    """False where no secret can be in it, neither plain nor encoded; cheap."""
    return may_show_a_secret(text) or may_be_encoded(text)


def may_show_a_secret(text: str) -> bool:
    """False where no secret can stand in it plainly, by its shape; cheap."""
    low = text.lower()
    for hint in HINTS:  # twice as fast as `any`
        if hint in low:
            return True
    return "." in text and _SHORT_VAULT_TOKEN.search(text) is not None


def holds_a_secret(text: str) -> bool:
    """Whether a secret is in it by its shape, plain, as base64 or URL-encoded."""
    return _shows_a_secret(text) or (
        may_be_encoded(text)
        and any(_hides_a_secret(found) for shape in (_QUOTED_RUN, _RUN) for found in shape.finditer(text))
    )


def without_secrets(text: str, replace: Callable[[re.Match[str]], str]) -> str:
    """The text with every secret in it replaced; what hides one is replaced as a whole."""
    text = _SECRET.sub(replace, text)
    text = NAMED_FIELD.sub(replace, text) if '"' in text else text
    if may_be_encoded(text):
        for shape in (_QUOTED_RUN, _RUN):
            if any(_hides_a_secret(found) for found in shape.finditer(text)):
                text = shape.sub(lambda found: replace(found) if _hides_a_secret(found) else found[0], text)
    return text


def kind_of(found: re.Match[str]) -> str:
    """What kind of secret a match is."""
    if found.re is NAMED_FIELD:
        return "value of a field named like a secret"
    if found.re is _RUN or found.re is _QUOTED_RUN:
        return "encoded secret"
    name = found.lastgroup or ""
    return _KINDS[int(name[1:])][0] if name[1:].isdigit() else "secret"


def is_secret_name(name: str) -> bool:
    """Whether a field of that name holds a secret."""
    kind = _name_kinds.get(name)
    if kind is None:
        plain = name.lower().replace("_", "").replace("-", "")
        kind = plain in _NAMES or plain.endswith(_ENDINGS)
        if len(_name_kinds) < 10_000:
            _name_kinds[name] = kind
    return kind


def is_harmless(value: str) -> bool:
    """Whether the value of a secret field was taken out already, or is only a digest."""
    return (
        not value
        or value.startswith(("[removed", "removed:", "***", "HIDDEN_DUE_TO"))
        or _HMAC.fullmatch(value) is not None
    )


_HMAC = re.compile(r"hmac-sha256:[0-9a-f]{64}")
