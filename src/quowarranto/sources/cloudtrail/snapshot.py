"""The output of `aws iam get-account-authorization-details`: what every role, user and group of an account holds.

It carries no moment of its own and says of no attachment when it was made. What it shows is taken to hold since the
later of the holder's creation and the policy version's; `history` lets the events of the log correct that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant, parse_instant
from quowarranto.sources.cloudtrail.changes import (
    Change,
    Held,
    Holder,
    HolderType,
    Joined,
    Made,
    Text,
    holder_of,
    to_observation,
)
from quowarranto.sources.cloudtrail.event import text_of
from quowarranto.sources.cloudtrail.policies import compiled, trusted
from quowarranto.sources.entry import Observation

_LISTS: tuple[tuple[str, HolderType], ...] = (
    ("UserDetailList", "user"),
    ("GroupDetailList", "group"),
    ("RoleDetailList", "role"),
)


def is_snapshot(value: dict[str, Any]) -> bool:
    """Whether the document has one of the lists of holders, or policies with their versions."""
    if any(isinstance(value.get(name), list) for name, _ in _LISTS):
        return True
    policies = value.get("Policies")
    return isinstance(policies, list) and any(isinstance(p, dict) and "PolicyVersionList" in p for p in policies)


def observed(value: dict[str, Any], modified_at: Instant) -> tuple[Observation, ...]:
    """All of it as observations.

    Raises:
        RejectedEntry: a list or an item of one is not what it should be.
    """
    out = [to_observation(change, at) for change, at in _policies(value, modified_at)]
    for name, kind in _LISTS:
        for item in _objects(value, name):
            out += [to_observation(change, at) for change, at in _holder_changes(kind, item, modified_at)]
    return tuple(out)


def _holder_changes(kind: HolderType, item: dict[str, Any], modified_at: Instant) -> Iterator[tuple[Change, Instant]]:
    holder = holder_of(text_of(item, "Arn"))
    if holder is None or holder.type != kind:
        raise RejectedEntry(f"a {kind} of the snapshot has no ARN of a {kind}")
    since = _instant(item, modified_at)
    yield Made(holder=holder, trust=trusted(item.get("AssumeRolePolicyDocument"))), since
    for policy in _objects(item, f"{kind.capitalize()}PolicyList"):
        name, document = text_of(policy, "PolicyName"), compiled(policy.get("PolicyDocument"))
        yield Held(holder=holder, policy=f"inline/{name}", document=document), since
    for policy in _objects(item, "AttachedManagedPolicies"):
        if arn := text_of(policy, "PolicyArn"):
            yield Held(holder=holder, policy=arn), since
    for name in item.get("GroupList") or () if isinstance(item.get("GroupList"), list) else ():
        if isinstance(name, str) and name:
            yield Joined(user=holder, group=_group(holder, name)), since


def _group(user: Holder, name: str) -> Holder:
    return Holder(type="group", account=user.account, name=name, partition=user.partition)


def _policies(value: dict[str, Any], modified_at: Instant) -> Iterator[tuple[Change, Instant]]:
    for item in _objects(value, "Policies"):
        arn, current = text_of(item, "Arn"), text_of(item, "DefaultVersionId")
        for version in _objects(item, "PolicyVersionList"):
            number = text_of(version, "VersionId")
            if arn and number:
                # The first version was in force until another was: which one between is not told.
                default = number in ("v1", current) or version.get("IsDefaultVersion") is True
                document = compiled(version.get("Document"))
                text = Text(policy=arn, version=number, default=default, document=document)
                yield text, _instant(version, modified_at)


def _objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    items = holder.get(name)
    if items is None:
        return []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise RejectedEntry(f"`{name}` of the snapshot is not a list of objects")
    return items


def _instant(item: dict[str, Any], otherwise: Instant) -> Instant:
    text = text_of(item, "CreateDate")
    try:
        return parse_instant(text) if text else otherwise
    except ValueError as error:
        raise RejectedEntry(f"`CreateDate` of the snapshot: {error}") from None
