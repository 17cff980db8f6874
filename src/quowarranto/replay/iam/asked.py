"""What is asked, in IAM's terms: who, by every name that a policy may call them; what, on what, in which context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from quowarranto.replay.answer import Missing
from quowarranto.replay.iam.operators import Unreadable, text_of
from quowarranto.replay.language import Request

PrincipalType = Literal["user", "role", "session", "federated-user", "root", "service", "federated", "anonymous"]
_TYPES: dict[str, PrincipalType] = {
    "user": "user",
    "role": "role",
    "assumed-role": "session",
    "session": "session",
    "federated-user": "federated-user",
    "root": "root",
    "service": "service",
    "federated": "federated",
    "anonymous": "anonymous",
}
_OF_ARN: dict[str, PrincipalType] = {
    "user": "user",
    "role": "role",
    "assumed-role": "session",
    "federated-user": "federated-user",
    "root": "root",
}


class Value(msgspec.Struct, frozen=True):
    """What a key holds in the request: no values at all is the same as no key."""

    texts: tuple[str, ...] = ()
    several: bool = False
    """The key is one that may hold several values."""


ABSENT = Value()


class Asked(msgspec.Struct, frozen=True):
    """A request; `None` is not known, the empty text is known to be nothing."""

    type: PrincipalType | None
    arn: str | None
    account: str | None
    role: str | None
    """ARN of the role of a session, or of the user behind a federated session."""
    unique_id: str | None
    provider: str | None
    """Who vouched for a federated principal."""
    canonical_user: str | None
    action: str | None
    resource: str | None
    owner: str | None
    """Account of the resource."""
    context: dict[str, Value | None]
    """By key in lower case; `None`: there may be a value."""
    complete: bool
    """Keys that are not listed are known to be absent."""
    kinds: frozenset[str] | None
    """Kinds of policies that are known in full; `None`: all of them."""

    def value_of(self, key: str) -> Value | Missing:
        """What a key (in lower case) holds, or that it is missing."""
        value = self.context.get(key, ABSENT if self.complete else None)
        return frozenset({f"context.{key}"}) if value is None else value

    def one_value_of(self, key: str) -> str | Missing | None:
        """The value that a variable stands for; keys of several values cannot be variables."""
        value = self.value_of(key)
        if isinstance(value, frozenset):
            return value
        return value.texts[0] if len(value.texts) == 1 and not value.several else None


def asked(request: Request) -> Asked:
    """The request as far as it is usable; what has another shape than it should is not known."""
    who, about = _properties(request.subject), _properties(request.resource)
    arn = _text(request.subject.get("id"))
    kind = _type(request.subject.get("type"), arn)
    account = _text(who.get("account")) or (_account(arn) if kind not in ("service", "anonymous") else None)
    resource = _text(request.resource.get("id"))
    owner = _text(about.get("account")) or _owner(resource, account)
    role = arn if kind == "role" else _text(who.get("user" if kind == "federated-user" else "role"))
    context = request.context if isinstance(request.context, Mapping) else {}
    kinds = context.get("policies")
    found = Asked(
        type=kind,
        arn=arn,
        account=account,
        role=role,
        unique_id=_text(who.get("uniqueId")),
        provider=_text(who.get("provider")),
        canonical_user=_text(who.get("canonicalUser")),
        action=_text(request.action.get("name")),
        resource=resource,
        owner=owner,
        context={},
        complete=context.get("complete") is True,
        kinds=frozenset(map(str, kinds)) if isinstance(kinds, list | tuple) else None,
    )
    return msgspec.structs.replace(found, context=_of_principal(found) | _given(context))


def _properties(part: Mapping[str, Any]) -> Mapping[str, Any]:
    found = part.get("properties")
    return found if isinstance(found, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _type(said: Any, arn: str | None) -> PrincipalType | None:
    parts = (arn or "").split(":", 5)
    if len(parts) == 6 and parts[0] == "arn" and parts[2] in ("iam", "sts"):
        return _OF_ARN.get(parts[5].partition("/")[0])
    return _TYPES.get(said) if isinstance(said, str) else None


def _account(arn: str | None) -> str | None:
    parts = (arn or "").split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else None


def _owner(resource: str | None, account: str | None) -> str | None:
    """An action on no resource in particular, or on what AWS owns, is one within the caller's account."""
    if resource == "*" or (resource or "").startswith("arn:aws:iam::aws:"):
        return account
    return _account(resource)


def _of_principal(who: Asked) -> dict[str, Value | None]:
    """Source: IAM user guide, "Variables and tags", principal key values; "Global condition context keys"."""
    found: dict[str, Value | None] = {}
    if who.account:
        found["aws:principalaccount"] = Value((who.account,))
    if who.owner:
        found["aws:resourceaccount"] = Value((who.owner,))
    if who.type == "session" or who.type == "role":
        found["aws:principalarn"] = Value((who.role,)) if who.role else None
        found["aws:username"] = ABSENT
        found["aws:principaltype"] = Value(("AssumedRole",))
    elif who.type in ("user", "root", "federated-user") and who.arn:
        found["aws:principalarn"] = Value((who.arn,))
        found["aws:username"] = Value((who.arn.rpartition("/")[2],)) if who.type == "user" else ABSENT
        kinds = {"user": "User", "root": "Account", "federated-user": "FederatedUser"}
        found["aws:principaltype"] = Value((kinds[who.type],))
    return found


def _given(context: Mapping[str, Any]) -> dict[str, Value | None]:
    absent = context.get("absent")
    found: dict[str, Value | None] = {}
    for key in absent if isinstance(absent, list | tuple) else ():
        if isinstance(key, str):
            found[key.lower()] = ABSENT
    for key, value in context.items():
        if isinstance(key, str) and ":" in key:
            found[key.lower()] = _value(value)
    return found


def _value(given: Any) -> Value | None:
    several = isinstance(given, list | tuple)
    try:
        return Value(tuple(text_of(one) for one in (given if several else (given,))), several)
    except Unreadable:
        return None
