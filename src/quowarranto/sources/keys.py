"""Keys that several systems share, each in the one spelling under which they join.

Two systems often write one thing in two ways: a certificate's serial in decimal and in hexadecimal, a role with and
without its session. A source that meets such a name puts the form of this module into `aliases`, `cites` or
`correlates`, whatever its own log spells. Each function says what comes in and what comes out, and raises `ValueError`
for what is not such a name; `maybe` turns that into None.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote

from quowarranto.sources.folding import folded

T = TypeVar("T")


def maybe(of: Callable[[str], T], text: str | None) -> T | None:
    """The form of a name, or None where there is none."""
    if not text:
        return None
    try:
        return of(text)
    except ValueError:
        return None


# ---- certificates ----------------------------------------------------------------------------------------------------

_HEX = re.compile(r"[0-9A-Fa-f]+")
_DECIMAL = re.compile(r"[0-9]{1,60}")


def serial_of_decimal(text: str) -> str:
    """A certificate's serial as a decimal number without leading zeros, from decimal (`sshd`, Teleport)."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a decimal serial")
    return str(int(text))


def serial_of_hex(text: str) -> str:
    """The same from hexadecimal, with or without colons or `0x` (Vault, SPIRE, OpenSSL)."""
    digits = text.strip().removeprefix("0x").replace(":", "").replace("-", "").replace(" ", "")
    if not _HEX.fullmatch(digits) or len(digits) > 64:
        raise ValueError("not a hexadecimal serial")
    return str(int(digits, 16))


def hex_of_serial(serial: str) -> str:
    """The serial as Vault writes that of an SSH certificate: lower-case hexadecimal without leading zeros."""
    return format(int(serial_of_decimal(serial)), "x")


def ssh_certificate(serial: str) -> str | None:
    """The key of an SSH certificate by its decimal serial; None for serial 0, which stands for none."""
    return None if serial_of_decimal(serial) == "0" else f"ssh/certificate/{serial_of_decimal(serial)}"


def x509_certificate(serial: str) -> str:
    """The key of an X.509 certificate by its decimal serial."""
    return f"x509/certificate/{serial_of_decimal(serial)}"


def fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as lower-case hexadecimal, from `SHA256:base64`, hexadecimal with colons or base64."""
    bare = re.sub(r"^sha256[:=]", "", text.strip(), flags=re.IGNORECASE)
    digits = bare.replace(":", "")
    if len(digits) == 64 and _HEX.fullmatch(digits):
        return digits.lower()
    raw = unbase64(bare)
    if len(raw) != 32:
        raise ValueError("not a SHA-256 fingerprint")
    return raw.hex()


def unbase64(text: str) -> bytes:
    """Base64 of either alphabet, padded or not."""
    try:
        bare = text.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


# ---- identifiers of Microsoft Entra ----------------------------------------------------------------------------------


_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def guid(text: str) -> str:
    """A GUID in lower case with dashes, from any spelling of its digits."""
    if _GUID.fullmatch(text):
        return text.lower()
    return str(uuid.UUID(text.strip().strip("{}")))


def guid_of_base64url(text: str) -> str:
    """A GUID from the base64url of its bytes as Windows lays them out: a token's `uti` is a sign-in's token id.

    Some tenants write the base64url of the GUID as a text.
    """
    raw = unbase64(text)
    if len(raw) == 36 and raw.isascii():
        return guid(raw.decode())
    if len(raw) != 16:
        raise ValueError("not the bytes of a GUID")
    return str(uuid.UUID(bytes_le=raw))


def base64url_of_guid(text: str) -> str:
    """The other way round."""
    return base64.urlsafe_b64encode(uuid.UUID(guid(text)).bytes_le).rstrip(b"=").decode()


def entra_token(uti: str) -> str:
    """The key of a token of Entra: its `uti` as base64url, which logs also show as a GUID or as base64."""
    try:
        return f"entra/token/{base64url_of_guid(uti)}"
    except ValueError:
        return f"entra/token/{base64url_of_guid(guid_of_base64url(uti))}"


# ---- Amazon resource names -------------------------------------------------------------------------------------------

_SESSION = re.compile(
    r"arn:(?P<partition>aws[\w-]*):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/(?P<name>.+)"
)
_ROLE = re.compile(r"arn:(?P<partition>aws[\w-]*):iam::(?P<account>\d{12}):role/(?:.*/)?(?P<role>[^/]+)")


def role_of_session(arn: str) -> str:
    """The role behind `arn:aws:sts::…:assumed-role/ROLE/SESSION`, as an ARN without the role's path."""
    found = _SESSION.fullmatch(arn)
    if found is None:
        raise ValueError("not the ARN of an assumed role")
    return f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}"


def role_without_path(arn: str) -> str:
    """The role's ARN without its path: sessions do not show it, and names are unique in an account."""
    found = _ROLE.fullmatch(arn)
    if found is None:
        raise ValueError("not the ARN of a role")
    return f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}"


# ---- workloads and accounts ------------------------------------------------------------------------------------------

_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:/]+):(?P<name>[^:/]+)")
_SHORT = re.compile(r"(?P<namespace>[^:/\s]+)/(?P<name>[^:/\s]+)")
_SPIFFE = re.compile(r"spiffe://(?P<domain>[A-Za-z0-9._-]{1,255})(?P<path>(?:/[^\s?#]*)?)", re.IGNORECASE)
_IN_CLUSTER = re.compile(r"/ns/(?P<namespace>[^/]+)/sa/(?P<name>[^/]+)")


def service_account(text: str) -> str:
    """`system:serviceaccount:NAMESPACE:NAME`, from `NAMESPACE/NAME` or a SPIFFE id with `/ns/…/sa/…` too."""
    found = _SERVICE_ACCOUNT.fullmatch(text) or _SHORT.fullmatch(text)
    if found is None and (spiffe := _SPIFFE.fullmatch(text)):
        found = _IN_CLUSTER.fullmatch(spiffe["path"])
    if found is None:
        raise ValueError("not a service account")
    return f"system:serviceaccount:{found['namespace']}:{found['name']}"


def service_account_object(namespace: str, name: str) -> str:
    """The key of a service account as an object of a cluster, in which others let its tokens count."""
    if not _SHORT.fullmatch(f"{namespace}/{name}"):
        raise ValueError("not a service account")
    return f"kubernetes/serviceaccount/{namespace}/{name}"


def service_account_without_uid(key: str) -> str:
    """What is shared where one side knows the uid and the other may not have logged it."""
    return f"{key}/uid-not-logged"


def service_account_uid(text: str) -> str:
    """The same by its uid: an account that was made anew under an old name is another one."""
    return f"kubernetes/serviceaccount/uid/{guid(text)}"


def cluster_token(token_id: str) -> str:
    """The key of a service account's token by its `jti`, as the API server's audit log names credentials."""
    return f"kubernetes/credential/JTI={guid(token_id)}"


def spiffe_id(text: str) -> str:
    """A SPIFFE id with its scheme and trust domain in lower case, without a slash at the end."""
    found = _SPIFFE.fullmatch(unquote(text.strip()))
    if found is None:
        raise ValueError("not a SPIFFE id")
    return f"spiffe://{found['domain'].lower()}{found['path'].rstrip('/')}"


def google_service_account(text: str) -> str:
    """The e-mail or unique id of a service account, from `serviceAccount:…` or `projects/…/serviceAccounts/…` too."""
    name = text.removeprefix("serviceAccount:").removeprefix("deleted:serviceAccount:")
    name = name.partition("?uid=")[0].rpartition("/serviceAccounts/")[2].split("/")[0]
    name = folded(name)
    if not re.fullmatch(r"\d{21}|[^@\s/]+@[^@\s/]+\.gserviceaccount\.com", name):
        raise ValueError("not a service account")
    return name


# ---- what several systems log of one request -------------------------------------------------------------------------

_TRACE = re.compile(r"(?:00-)?(?P<trace>[0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?", re.IGNORECASE)


def trace(text: str) -> str:
    """The shared key of a trace: its id in lower case, from the id or from a `traceparent` (W3C Trace Context)."""
    found = _TRACE.fullmatch(text.strip())
    if found is None or not found["trace"].strip("0"):
        raise ValueError("not a trace id")
    return f"trace/{found['trace'].lower()}"


def request(text: str) -> str:
    """The shared key of a request by its `x-request-id`, which proxies hand on to what they ask and guard."""
    if not re.fullmatch(r"[!-~]{8,200}", text):
        raise ValueError("not a request id")
    return f"request/{folded(text)}"


def database_user(text: str) -> str:
    """The key of a user of a database that was made for somebody (Vault's database secrets engine)."""
    if not text or "/" in text:
        raise ValueError("not a user of a database")
    return f"database/user/{text}"


def github_run(run: str, attempt: str) -> str:
    """The key of one attempt of a run of GitHub Actions: re-runs keep the id and count the attempts."""
    if not _DECIMAL.fullmatch(run) or not _DECIMAL.fullmatch(attempt):
        raise ValueError("not a run and its attempt")
    return f"github/run/{int(run)}/{int(attempt)}"


GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
_AWS_PROVIDER = re.compile(r"^arn:aws[\w-]*:iam::[0-9]*:oidc-provider/")
_GITHUB_RUN = re.compile(r"(?:^|:)run_id:([0-9]{1,20})(?=:|$)")
_GITHUB_ENVIRONMENT = re.compile(r"(?:^|:)environment:([^:]{1,255})(?=:|$)")
_FREE_TEXT = re.compile(r"(?:^|:)workflow:")


def is_github_issuer(name: str) -> bool:
    """Whether tokens come from GitHub Actions: by their `iss`, or by the provider that a cloud keeps for it.

    An enterprise may have an issuer of its own below the same host. AWS writes the provider as an ARN.
    """
    bare = _AWS_PROVIDER.sub("", name).removeprefix("https://")
    host, _, rest = bare.partition("/")
    return host.lower() == "token.actions.githubusercontent.com" and "/" not in rest.rstrip("/")


def github_deployment(run: str, environment: str | None) -> str:
    """What a run that reaches an environment shares with the review that let it; older entries name no environment.

    No word stands for whichever environment it was: it could be the name of one.
    """
    return f"github/run/{run}/environment/{environment}" if environment else f"github/run/{run}/environment"


def github_deployments(subject: str) -> tuple[str, ...]:
    """The keys of the reviewed deployment that a token of GitHub Actions was made for, by its signed `sub` alone.

    By default a subject names the environment and not the run; where an organisation has put `run_id` into its subjects
    (`include_claim_keys`), it names both. A colon inside a value is written `%3A`. The name of a workflow is free text,
    so that a subject which holds one says nothing here.
    """
    runs, environments = _GITHUB_RUN.findall(subject), _GITHUB_ENVIRONMENT.findall(subject)
    if len(runs) != 1 or len(environments) != 1 or _FREE_TEXT.search(subject):
        raise ValueError("a subject that does not name one run and one environment")
    run, environment = str(int(runs[0])), environments[0].replace("%3A", ":").replace("%3a", ":")
    return github_deployment(run, environment), github_deployment(run, None)


def token_of_issuer(issuer: str, token_id: str) -> str:
    """The key of a token by its `iss` and `jti` (RFC 7519); the issuer without a slash at its end."""
    if not re.fullmatch(r"[!-~]{1,300}", issuer) or not re.fullmatch(r"[!-~]{1,300}", token_id):
        raise ValueError("not the issuer and id of a token")
    return f"jwt/{_issuer(issuer)}/{token_id}"


def session_of_issuer(issuer: str, session: str) -> str:
    """The key of a session by the `iss` and `sid` of its tokens (OpenID Connect), spelled as tokens' keys are."""
    if not re.fullmatch(r"[!-~]{1,300}", issuer) or not re.fullmatch(r"[!-~]{1,300}", session):
        raise ValueError("not the issuer and id of a session")
    return f"oidc/session/{_issuer(issuer)}/{session}"


def _issuer(text: str) -> str:
    """Scheme and host do not tell upper case from lower; the path does."""
    scheme, mark, rest = text.rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}{mark}{host.lower()}{slash}{path}" if mark else scheme
