"""AWS CloudTrail: what was called in an account, by which identity and with which key, and who issued that key.

Reads     events as trail files hold them (`Records`), as LookupEvents prints them (`CloudTrailEvent` strings), as
          EventBridge delivers them (`detail`), as arrays or lines; and `aws iam get-account-authorization-details`.
Yields    an Action per event; credential facts for keys that are issued, created, switched on or off, or deleted;
          observations of IAM changes and snapshots, of which `derive` makes grants and revocations; decisions and
          policies of Verified Permissions.
Time      RFC 3339, whole seconds, UTC; `expiration` also in US prose without a zone, which is UTC.
Not seen  which policy allowed a call (no event says); data events unless enabled; resource policies, boundaries,
          service control policies; bodies beyond the identifiers listed in the reference page.
Source    AWS CloudTrail user guide, "record contents" and "userIdentity element"; IAM user guide, "logging IAM and
          STS API calls".
"""

from __future__ import annotations

from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.sources.cloudtrail import snapshot
from quowarranto.sources.cloudtrail.action import to_action
from quowarranto.sources.cloudtrail.changes import observed
from quowarranto.sources.cloudtrail.event import to_event, unwrapped
from quowarranto.sources.cloudtrail.history import derive
from quowarranto.sources.cloudtrail.keys import key_facts
from quowarranto.sources.cloudtrail.ordinary import CHANGING, ORDINARY
from quowarranto.sources.cloudtrail.trails import digest_of, is_digest, switches
from quowarranto.sources.cloudtrail.verified_permissions import verified
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped, Source
from quowarranto.sources.strict import strict_json

__all__ = ["SOURCE", "derive", "read", "recognise"]


def read(entry: Entry) -> Outcome:
    """The action of one event with the facts and observations it carries, or a snapshot's observations."""
    value = unwrapped(strict_json(entry.data))
    if (reason := _nothing_to_record(value)) is not None:
        return Skipped(reason)
    if "eventName" not in value and is_digest(value):
        return digest_of(value)
    if "eventName" not in value and snapshot.is_snapshot(value):
        return snapshot.observed(value, entry.modified_at) or Skipped("an account snapshot that lists nothing")
    event = to_event(value)
    action = to_action(event, entry.data)
    if event.errorCode or event.eventSource not in CHANGING:
        return (action, *switches(event, action))
    return (action, *key_facts(event, action), *observed(event, action), *verified(event, action))


def _nothing_to_record(value: dict[str, Any]) -> str | None:
    if value.get("eventCategory") == "Insight" or "insightDetails" in value:
        return "an Insights event: a rate of calls, not a call"
    if "eventName" in value:
        return None
    if not is_digest(value) and ("digestStartTime" in value or "digestS3Object" in value):
        return "a digest file: it names log files and their hashes, not events"
    if "detail-type" in value:
        return "an EventBridge event that carries no CloudTrail record"
    return None


def recognise(sample: Sample) -> int:
    """Objects with the three names that every event has, alone or in their wrappings, or an account snapshot."""
    return max((_likeness(document) for document in sample.documents), default=0)


def _likeness(document: Any) -> int:
    try:
        value = unwrapped(document)
    except RejectedEntry:
        return 0
    if snapshot.is_snapshot(value):
        return 95
    if "digestS3Object" in value and "logFiles" in value:
        return 90
    source = value.get("eventSource")
    if not isinstance(source, str) or not isinstance(value.get("eventName"), str):
        return 0
    if not source.endswith(".amazonaws.com"):
        return 0
    return 95 if "userIdentity" in value and ("eventTime" in value or "@timestamp" in value) else 60


SOURCE = Source(
    name="cloudtrail",
    title="AWS CloudTrail",
    reads=(
        "trail files (`Records`), JSON lines and arrays of events",
        "LookupEvents output and EventBridge events",
        "`aws iam get-account-authorization-details` output",
    ),
    recognise=recognise,
    read=read,
    ordinary=(ORDINARY,),
    derive=derive,
    wrappers=("Records", "Events"),
    chosen=frozenset(("session", "session_name", "source_identity", "user_agent")),
    ceiling="partial",
    raise_it="add the output of `aws iam get-account-authorization-details`, so that calls can be held against the "
    "policies of their principal; no CloudTrail event names the policy that allowed it",
)
