"""What a call that succeeded brought about: keys, tokens that an account lends, and changes of policies and roles."""

from __future__ import annotations

import re
from typing import Any

from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, parse_instant
from quowarranto.sources import keys as shared
from quowarranto.sources.entry import Observation
from quowarranto.sources.gcp import policies
from quowarranto.sources.gcp.names import account_in, delegation_key, key_of, principal_of_email
from quowarranto.sources.gcp.wire import LogEntry, part, text_of

_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_NEVER = 253_402_300_799
"""The last second of the year 9999, which stands for no end."""
_LIFETIME = re.compile(r"(?P<seconds>\d{1,9})(?:\.\d+)?s")
_KEY_CHANGES = {
    "CreateServiceAccountKey": True,
    "UploadServiceAccountKey": True,
    "EnableServiceAccountKey": True,
    "DisableServiceAccountKey": False,
    "DeleteServiceAccountKey": False,
}
_ACCOUNT_CHANGES = {
    "CreateServiceAccount": "made",
    "DeleteServiceAccount": "ended",
    "DisableServiceAccount": "ended",
    "EnableServiceAccount": "enabled",
}
_ROLE_CHANGES = ("CreateRole", "UpdateRole", "DeleteRole", "UndeleteRole")


def may_change(entry: LogEntry) -> bool:
    """Whether a call by its method could have effects, whatever its body says; a delta in the body is one too."""
    call, method = entry.call, entry.call.methodName.rpartition(".")[2]
    return (
        call.serviceName == "iamcredentials.googleapis.com"
        or method in _KEY_CHANGES
        or method in _ACCOUNT_CHANGES
        or method in _ROLE_CHANGES
        or method.lower() in ("setiampolicy", "setiampermissions", "setorgpolicy")
    )


def effects(entry: LogEntry, action: Action) -> list[Record | Observation]:
    """What is in force after a call; nothing for most.

    It takes effect a microsecond after the call, so that no call is covered by what it makes, and whatever ends its
    own key or right still had it.
    """
    call, method = entry.call, entry.call.methodName.rpartition(".")[2]
    if call.serviceName == "iamcredentials.googleapis.com":
        return _token(entry, action) if method == "GenerateAccessToken" else []
    if method in _KEY_CHANGES:
        return _key(entry, action, begins=_KEY_CHANGES[method])
    if method in _ACCOUNT_CHANGES:
        return _account(entry, action, _ACCOUNT_CHANGES[method])
    if method in _ROLE_CHANGES and call.serviceName in ("iam.googleapis.com", ""):
        return policies.role_changed(entry, action, gone=method == "DeleteRole")
    if method.lower() in ("setiampolicy", "setiampermissions", "setorgpolicy") or policies.has_delta(entry):
        return policies.policy_changed(entry, action)
    return []


def _key(entry: LogEntry, action: Action, *, begins: bool) -> list[Record | Observation]:
    answer = part(entry.call.response)
    name = text_of(answer, "name") or entry.call.resourceName or text_of(part(entry.call.request), "name")
    key = key_of(name)
    if key is None:
        return []
    account = _account_of(entry, name)
    holder = Principal("service_account", account) if account else None
    until = _moment(answer.get("valid_before_time") or answer.get("validBeforeTime"))
    fact = AuthorityFact(
        kind="credential",
        id=key,
        time=action.time if begins else action.time + 1,
        fact="established" if begins else "ended",
        end=None if begins else "revoked",
        valid_until=until if begins and until is not None and until > action.time else None,
        principal=holder,
        issued_by=action.id if begins else None,
        attributes={"issued_through": entry.call.methodName} if begins else {"ended_by": action.id},
    )
    seen = policies.account_key(account, key, action.time) if begins and account else None
    return [fact] if seen is None else [fact, seen]


def _account(entry: LogEntry, action: Action, change: str) -> list[Record | Observation]:
    answer = part(entry.call.response)
    email = _account_of(entry, entry.call.resourceName) or shared.maybe(
        shared.google_service_account, text_of(answer, "email")
    )
    unique = entry.place.get("unique_id") or text_of(answer, "unique_id", "uniqueId")
    if not email:
        return []
    return [policies.account_seen(email, unique, action.time + 1, change, action.id)]


def _account_of(entry: LogEntry, name: str) -> str | None:
    """By e-mail where the labels or the name have it, else by unique id."""
    label = shared.maybe(shared.google_service_account, entry.place.get("email_id"))
    return label or account_in(name)


def _token(entry: LogEntry, action: Action) -> list[Record | Observation]:
    """A token of a service account for whoever asked. Its id is in no log: the pair of them stands for it."""
    request = part(entry.call.request)
    account = _account_of(entry, text_of(request, "name") or entry.call.resourceName)
    if not account:
        return []
    lender = action.principal
    listed = request.get("delegates")
    chain = [account_in(one) for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    if chain and chain[-1]:
        lender = principal_of_email(chain[-1])
    until = _moment(part(entry.call.response).get("expireTime")) or action.time + _lifetime(request.get("lifetime"))
    data = {
        "key": delegation_key(account, lender),
        "account": account,
        "by": [lender.type, lender.id],
        "until": until,
        "action": action.id,
    }
    return [Observation(name=f"gcp-token/{data['key']}", at=action.time, data=data)]


def _lifetime(value: Any) -> int:
    """An hour unless something else was asked for; twelve are the most."""
    found = _LIFETIME.fullmatch(value) if isinstance(value, str) else None
    seconds = int(found["seconds"]) if found else part(value).get("seconds")
    if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) < 9:
        seconds = int(seconds)
    return int(seconds) * _SECOND if isinstance(seconds, int | float) and 0 < seconds <= 43_200 else _HOUR


def _moment(value: Any) -> Instant | None:
    """A time as text or as `{"seconds": …}`; None for none, and for the year 9999."""
    if isinstance(value, str):
        try:
            at = parse_instant(value)
        except ValueError:
            return None
    else:
        seconds = part(value).get("seconds")
        if isinstance(seconds, str) and seconds.isdecimal() and len(seconds) < 13:
            seconds = int(seconds)
        if not isinstance(seconds, int | float) or not 0 < seconds <= _NEVER:
            return None
        at = int(seconds) * _SECOND
    return at if at < _NEVER * _SECOND else None


def listed_key(value: dict[str, Any], modified_at: Instant) -> list[Record | Observation]:
    """A key as `gcloud iam service-accounts keys list` shows it."""
    name = text_of(value, "name")
    key, account = key_of(name), account_in(name)
    since, until = _moment(value.get("validAfterTime")), _moment(value.get("validBeforeTime"))
    if key is None or account is None:
        return []
    at = modified_at if since is None else since
    fact = AuthorityFact(
        kind="credential",
        id=key,
        time=at,
        valid_until=until,
        principal=Principal("service_account", account),
        attributes={"shown_by": "list of keys"},
    )
    if value.get("disabled") is True:
        return [fact, AuthorityFact(kind="credential", id=key, time=max(at, modified_at), fact="ended", end="revoked")]
    return [fact, policies.account_key(account, key, at)]


def listed_accounts(value: dict[str, Any], modified_at: Instant) -> list[Record | Observation]:
    """A service account as `gcloud iam service-accounts list` shows it: its e-mail and its unique id."""
    email = shared.maybe(shared.google_service_account, text_of(value, "email"))
    unique = text_of(value, "uniqueId", "unique_id")
    return [policies.account_seen(email, unique, modified_at, "made", None)] if email and unique else []
