"""Cedar: evaluations that a host has written down, with the policies that determined them.

Reads     JSON lines with `principal`, `action`, `resource`, `decision` and a time; policies as text and JSON.
          Integration tests, entities and schemas of Cedar are known and skipped. (Amazon Verified Permissions logs to
          CloudTrail, which is a source of its own.)
Yields    a Decision per evaluation; a Policy per determining policy where the line names the version of the policy set,
          and per policy of a file, named by the file's digest.
Time      `time` or `timestamp`, RFC 3339, on the host's clock.
Not seen  Cedar itself logs nothing: what the host leaves out, and what was done after the answer.
Source    cedar-policy, Response and Diagnostics; cedar-integration-tests, the form of a test.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import PurePath
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import AuthorityFact, Principal
from quowarranto.sources.cedar import documents
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.keys import maybe, request, trace
from quowarranto.sources.policies_seen import policies_seen
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.times import instant

_UID = re.compile(r'(?P<type>[A-Za-z_][\w:]*)::"(?P<id>(?:[^"\\]|\\.)*)"', re.DOTALL)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEST = frozenset(("policies", "entities", "requests"))
_ENTITY = frozenset(("uid", "attrs", "parents"))


class Uid(msgspec.Struct, frozen=True):
    type: str
    id: str


class Diagnostics(msgspec.Struct, frozen=True):
    reason: tuple[str, ...] = ()
    errors: tuple[Any, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """One evaluation as a host writes it; the diagnostics lie beside the decision or under their own name."""

    principal: Uid | str
    action: Uid | str
    resource: Uid | str
    decision: str
    time: str | None = None
    timestamp: str | None = None
    reason: tuple[str, ...] = ()
    errors: tuple[Any, ...] = ()
    diagnostics: Diagnostics | None = None
    policy_set: str | None = None
    """The digest or revision of the policies: ids of policies are often mere places in a file."""
    request_id: str | None = None
    trace_id: str | None = None


def read(entry: Entry) -> Outcome:
    """The decision of one evaluation, or the policies of a file.

    Raises:
        RejectedEntry: it is none of these; the reason names fields, never values.
    """
    if PurePath(entry.file).suffix in documents.SUFFIXES:
        return documents.read_text(entry)
    value = strict_object(entry.data)
    if documents.is_policy_set(value):
        return documents.read_policy_set(entry, value)
    if documents.is_json_schema(value):
        return Skipped("a schema: it tells what policies may speak of, and allows nothing")
    if value.keys() >= _TEST:
        return Skipped("a test of policies: its evaluations have no time, and nobody acted on them")
    if value.keys() >= _ENTITY:
        return Skipped("an entity: it tells who belongs to what, but not since when")
    line = read_as(value, Line)
    return _records(line, entry.data)


def _records(line: Line, data: bytes) -> Outcome:
    text = line.time if line.time is not None else line.timestamp
    if text is None:
        return Skipped("an evaluation without a time")
    at = instant("time", text)
    effect = line.decision.lower()
    if effect not in ("allow", "deny"):
        raise RejectedEntry("`decision` is neither allow nor deny")
    who, verb, what = (_uid(name, getattr(line, name)) for name in ("principal", "action", "resource"))
    told = line.diagnostics or Diagnostics(line.reason, line.errors)
    seen = [
        Observation(policy_key(line.policy_set, policy), at, {"policy": policy, "revision": line.policy_set})
        for policy in dict.fromkeys(told.reason)
        if line.policy_set
    ]
    decision = AuthorityFact(
        kind="decision",
        id=f"cedar/decision/{line.request_id or 'sha256:' + sha256(data).hexdigest()}",
        time=at,
        effect="allow" if effect == "allow" else "deny",
        principal=Principal(who.type, who.id),
        cites=tuple(one.name for one in seen),
        correlates=tuple(key for key in (maybe(request, line.request_id), maybe(trace, line.trace_id)) if key),
        request={
            "subject": {"type": who.type, "id": who.id},
            "action": {"name": verb.id},
            "resource": {"type": what.type, "id": what.id},
        },
        attributes=_attributes(effect, told, line.policy_set),
    )
    return [decision, *seen]


def _attributes(effect: str, told: Diagnostics, policy_set: str | None) -> dict[str, Any]:
    out: dict[str, Any] = {"policies": list(told.reason)} if told.reason else {}
    if policy_set:
        out["policy_set"] = policy_set  # also where none of its policies decided
    if effect == "deny":
        out["denied_by"] = "a policy that forbids" if told.reason else "default: no policy permits"
    if told.errors:
        out["errors"] = len(told.errors)  # a policy that fails does not apply, also where it forbids
    return out


def _uid(name: str, value: Uid | str) -> Uid:
    """`Type::"id"`, or both apart."""
    if isinstance(value, Uid):
        return value
    found = _UID.fullmatch(value)
    if found is None:
        raise RejectedEntry(f"`{name}` is not the name of an entity")
    return Uid(found["type"], found["id"])


def policy_key(policy_set: str | None, policy: str) -> str:
    """A bare digest, as `sha256sum` prints it, is the same set as one that says so."""
    digest = policy_set is not None and _SHA256.fullmatch(policy_set) is not None
    return f"cedar/policy/{'sha256:' * digest}{policy_set}/{policy}"


def recognise(sample: Sample) -> int:
    """By principal, action and resource with a decision of Cedar's; by the form of a test, and of an entity."""
    if not sample.documents and PurePath(sample.file).suffix in documents.SUFFIXES:
        text = sample.text.removeprefix("\ufeff")
        return 80 if documents.is_policies(text) or documents.is_schema(text) else 0
    return max((_likely(one) for one in sample.documents if isinstance(one, dict)), default=0)


def _likely(document: dict[str, Any]) -> int:
    if documents.is_policy_set(document) or documents.is_json_schema(document):
        return 70
    if document.keys() >= _TEST and isinstance(document["requests"], list):
        return 70
    if document.keys() >= _ENTITY and "kind" not in document:
        return 60
    decision = document.get("decision")
    if not isinstance(decision, str) or decision.lower() not in ("allow", "deny") or "kind" in document:
        return 0
    parts = [document.get(name) for name in ("principal", "action", "resource")]
    return 75 if all(_is_uid(part) for part in parts) else 0


def _is_uid(part: object) -> bool:
    if isinstance(part, str):
        return _UID.fullmatch(part) is not None
    return isinstance(part, dict) and {"type", "id"} <= part.keys()


SOURCE = Source(
    name="cedar",
    title="Cedar",
    reads=("evaluations as JSON lines that the host writes", "policies (`.cedar`, or a set as JSON)"),
    recognise=recognise,
    read=read,
    derive=policies_seen,
    documents=documents.SUFFIXES,
    ceiling="proven",
    raise_it="`policy_set` (a digest of the policies) in the host's line, and its `request_id` in the action's log",
)
