"""IAM events to observations: what changed about roles, users, groups and policies, and which event changed it.

A change alone makes no grant: an attachment names a policy whose text another event (or a snapshot) holds, a role is
named without its path. `history` puts the changes together. Policy texts are kept as scopes, not as they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from quowarranto.records import Action, Instant
from quowarranto.sources.cloudtrail.event import Event, part_of, text_of
from quowarranto.sources.cloudtrail.keys import empowered, issued_key
from quowarranto.sources.cloudtrail.policies import Document, Trusted, compiled, trusted
from quowarranto.sources.entry import Observation

HolderType = Literal["role", "user", "group"]


class Holder(msgspec.Struct, frozen=True):
    """A role, user or group by account and name; the ARN (which has the path) where it was said."""

    type: HolderType
    account: str
    name: str
    partition: str = "aws"
    arn: str | None = None


class _Change(msgspec.Struct, frozen=True, tag_field="what"):
    by: str | None = None
    """Id of the action that made the change; `None`: a snapshot showed it."""
    actor: str | None = None
    """Who made it, as `type:id`: what they change about themselves counts only after the change."""


class Issued(_Change, frozen=True, tag="issued", kw_only=True):
    """A temporary key was issued for a role or user."""

    key: str
    holder: Holder


class Made(_Change, frozen=True, tag="made", kw_only=True):
    """A role, user or group exists from now on; a role with whom it trusts."""

    holder: Holder
    trust: tuple[Trusted, ...] | None = None


class TrustSet(_Change, frozen=True, tag="trust", kw_only=True):
    """A role trusts these from now on, and nobody else."""

    holder: Holder
    trust: tuple[Trusted, ...] | None


class Text(_Change, frozen=True, tag="text", kw_only=True):
    """A version of a managed policy; `default`: it is the one in force from now on."""

    policy: str
    version: str
    default: bool
    document: Document | None


class Default(_Change, frozen=True, tag="default", kw_only=True):
    """Another version of a managed policy is in force from now on."""

    policy: str
    version: str


class Held(_Change, frozen=True, tag="held", kw_only=True):
    """A policy is attached (managed, by ARN) or put (inline, `inline/NAME` with its text)."""

    holder: Holder
    policy: str
    document: Document | None = None


class Joined(_Change, frozen=True, tag="joined", kw_only=True):
    """A user is in a group from now on."""

    user: Holder
    group: Holder


class Left(_Change, frozen=True, tag="left", kw_only=True):
    """A user is no longer in a group."""

    user: Holder
    group: Holder


class Dropped(_Change, frozen=True, tag="dropped", kw_only=True):
    """A policy is detached or deleted from its holder."""

    holder: Holder
    policy: str


class PolicyGone(_Change, frozen=True, tag="policy-gone", kw_only=True):
    """A managed policy is deleted."""

    policy: str


class Gone(_Change, frozen=True, tag="gone", kw_only=True):
    """A role, user or group is deleted."""

    holder: Holder


Change = Issued | Made | TrustSet | Text | Default | Held | Joined | Left | Dropped | PolicyGone | Gone


def observed(event: Event, action: Action) -> tuple[Observation, ...]:
    """The change that a successful event made, if it is one of those."""
    if event.service == "iam":
        read = _READERS.get(event.eventName)
        change = read(event, action.id) if read is not None else None
    elif event.service in ("sts", "cognito-identity"):
        change = _issued(event, action.id)
    else:
        return ()
    if change is None:
        return ()
    actor = f"{action.principal.type}:{action.principal.id}"
    return (to_observation(msgspec.structs.replace(change, actor=actor), action.time),)


def to_observation(change: Change, at: Instant) -> Observation:
    """The change as the case keeps it: exactly what JSON gives back."""
    return Observation(name=_name(change), at=at, data=msgspec.json.decode(msgspec.json.encode(change)))


def holder_of(arn: str) -> Holder | None:
    """The role, user or group of an IAM ARN."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[2] != "iam":
        return None
    kind, _, path = parts[5].partition("/")
    name = path.rpartition("/")[2]
    if not name or kind not in ("role", "user", "group"):
        return None
    return Holder(type=kind, account=parts[4], name=name, partition=parts[1], arn=arn)  # type: ignore[arg-type]


def _name(change: Change) -> str:
    if isinstance(change, Issued):
        return f"key/{change.key}"
    if isinstance(change, Text | Default | PolicyGone):
        return f"policy/{change.policy}"
    holder = change.user if isinstance(change, Joined | Left) else change.holder
    return f"{holder.type}/{holder.account}/{holder.name}"


def _issued(event: Event, by: str) -> Issued | None:
    key, who = issued_key(event), empowered(event)
    holder = holder_of(who.id) if who is not None else None
    return Issued(by=by, key=key, holder=holder) if key and holder is not None else None


def _holder(event: Event, kind: HolderType) -> Holder | None:
    answer = part_of(event.answered, kind)
    name = text_of(event.asked, f"{kind}Name") or text_of(answer, f"{kind}Name")
    if not name or not event.account:
        return None
    arn = text_of(answer, "arn") or None
    return Holder(type=kind, account=event.account, name=name, partition=event.partition, arn=arn)


_Reader = Callable[[Event, str], "Change | None"]


def _made(kind: HolderType) -> _Reader:
    def read(event: Event, by: str) -> Change | None:
        holder = _holder(event, kind)
        written = event.asked.get("assumeRolePolicyDocument") or part_of(event.answered, "role").get(
            "assumeRolePolicyDocument"
        )
        return None if holder is None else Made(by=by, holder=holder, trust=trusted(written))

    return read


def _gone(kind: HolderType) -> _Reader:
    def read(event: Event, by: str) -> Change | None:
        holder = _holder(event, kind)
        return None if holder is None else Gone(by=by, holder=holder)

    return read


def _held(kind: HolderType) -> _Reader:
    def read(event: Event, by: str) -> Change | None:
        holder, arn, name = _holder(event, kind), text_of(event.asked, "policyArn"), text_of(event.asked, "policyName")
        if holder is None or not (arn or name):
            return None
        if arn:
            return Held(by=by, holder=holder, policy=arn)
        return Held(by=by, holder=holder, policy=f"inline/{name}", document=compiled(event.asked.get("policyDocument")))

    return read


def _dropped(kind: HolderType) -> _Reader:
    def read(event: Event, by: str) -> Change | None:
        holder, arn, name = _holder(event, kind), text_of(event.asked, "policyArn"), text_of(event.asked, "policyName")
        if holder is None or not (arn or name):
            return None
        return Dropped(by=by, holder=holder, policy=arn or f"inline/{name}")

    return read


def _trust_set(event: Event, by: str) -> Change | None:
    holder = _holder(event, "role")
    return None if holder is None else TrustSet(by=by, holder=holder, trust=trusted(event.asked.get("policyDocument")))


def _membership(change: type[Joined] | type[Left]) -> _Reader:
    def read(event: Event, by: str) -> Change | None:
        user, group = _holder(event, "user"), _holder(event, "group")
        return None if user is None or group is None else change(by=by, user=user, group=group)

    return read


def _policy_made(event: Event, by: str) -> Change | None:
    made = part_of(event.answered, "policy")
    arn = text_of(made, "arn")
    version = text_of(made, "defaultVersionId") or "v1"
    document = compiled(event.asked.get("policyDocument"))
    return Text(by=by, policy=arn, version=version, default=True, document=document) if arn else None


def _version_made(event: Event, by: str) -> Change | None:
    arn, version = text_of(event.asked, "policyArn"), part_of(event.answered, "policyVersion")
    if not arn or not (number := text_of(version, "versionId")):
        return None
    default = True in (event.asked.get("setAsDefault"), version.get("isDefaultVersion"))
    document = compiled(event.asked.get("policyDocument"))
    return Text(by=by, policy=arn, version=number, default=default, document=document)


def _default_set(event: Event, by: str) -> Change | None:
    arn, version = text_of(event.asked, "policyArn"), text_of(event.asked, "versionId")
    return Default(by=by, policy=arn, version=version) if arn and version else None


def _policy_gone(event: Event, by: str) -> Change | None:
    arn = text_of(event.asked, "policyArn")
    return PolicyGone(by=by, policy=arn) if arn else None


def _for_each(kinds: Iterable[HolderType]) -> dict[str, _Reader]:
    out: dict[str, _Reader] = {}
    for kind in kinds:
        title = kind.capitalize()
        out |= {
            f"Create{title}": _made(kind),
            f"Delete{title}": _gone(kind),
            f"Put{title}Policy": _held(kind),
            f"Attach{title}Policy": _held(kind),
            f"Delete{title}Policy": _dropped(kind),
            f"Detach{title}Policy": _dropped(kind),
        }
    return out


_READERS: dict[str, _Reader] = {
    **_for_each(("role", "user", "group")),
    "CreateServiceLinkedRole": _made("role"),
    "UpdateAssumeRolePolicy": _trust_set,
    "AddUserToGroup": _membership(Joined),
    "RemoveUserFromGroup": _membership(Left),
    "CreatePolicy": _policy_made,
    "CreatePolicyVersion": _version_made,
    "SetDefaultPolicyVersion": _default_set,
    "DeletePolicy": _policy_gone,
}
