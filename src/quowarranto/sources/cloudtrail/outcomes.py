"""How a call ended: an error is a denial only where a control said no (throttling and not-found are failures)."""

from __future__ import annotations

from functools import lru_cache

from quowarranto.records import Outcome
from quowarranto.sources.cloudtrail.event import Event

# Matched within the code, because services put `Client.` before it or `Exception` and `Fault` after it.
_DENIALS = (
    "AccessDenied",
    "UnauthorizedOperation",
    "UnauthorizedException",
    "UnauthorizedAccess",
    "UnauthorizedRequest",
    "NotAuthorized",
    "AuthorizationError",
    "Forbidden",
    "AuthFailure",
    "ExpiredToken",
    "InvalidToken",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClient",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
)

_CONTROLS = (
    ("service control policy", "service control policy"),
    ("resource control policy", "resource control policy"),
    ("permissions boundary", "permissions boundary"),
    ("session policy", "session policy"),
    ("VPC endpoint policy", "VPC endpoint policy"),
    ("resource-based policy", "resource-based policy"),
    ("identity-based policy", "identity-based policy"),
)


def outcome_of(event: Event) -> Outcome:
    """`denied` where a control or the check of the credential refused; `failure` for any other error."""
    if event.errorCode:
        return "denied" if _is_denial(event.errorCode) else "failure"
    # Sign-in events carry no code: the answer is a field named after the event.
    if event.service == "signin" and event.answered.get(event.eventName) == "Failure":
        return "denied"
    return "success"


def denied_by(event: Event) -> str | None:
    """The kind of policy that the message blames, in our own words: messages themselves may quote anything."""
    message = event.errorMessage or ""
    kind = next((name for phrase, name in _CONTROLS if phrase in message), None)
    if kind is None:
        return None
    return f"explicit deny in {kind}" if "explicit deny" in message else f"no {kind} allows it"


@lru_cache(maxsize=4096)
def _is_denial(code: str) -> bool:
    # `UnauthorizedOperation` of a dry run comes as `DryRunOperation` when the call would have been allowed.
    return any(mark in code for mark in _DENIALS)
