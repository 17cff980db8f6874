"""What CloudTrail says of its own log: trails switched off and on, and digest files, which list what was delivered.

Source    AWS CloudTrail API reference, StopLogging, StartLogging, DeleteTrail, CreateTrail; user guide, "CloudTrail
          digest file structure".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from quowarranto.records import Action
from quowarranto.sources.cloudtrail.event import Event, text_of
from quowarranto.sources.entry import Observation
from quowarranto.sources.losses import listed, switched
from quowarranto.sources.strict import read_as
from quowarranto.sources.times import instant

SERVICE = "cloudtrail.amazonaws.com"
SWITCHES = {"StopLogging": False, "DeleteTrail": False, "StartLogging": True}
"""A trail that is created logs nothing before it is started."""
_DIGEST = re.compile(r"(?P<stream>[\w-]{1,40}_CloudTrail-Digest_[\w.-]{1,300})_\d{8}T\d{6}Z\.json(?:\.gz)?", re.ASCII)
_TRAIL = re.compile(r"[\w.-]{1,128}", re.ASCII)


class _Listed(msgspec.Struct, frozen=True):
    s3Object: str
    oldestEventTime: str | None = None
    newestEventTime: str | None = None


class _Digest(msgspec.Struct, frozen=True):
    digestStartTime: str
    digestEndTime: str
    digestS3Object: str
    awsAccountId: str = ""
    previousDigestS3Object: str | None = None
    logFiles: list[_Listed] = []


def is_digest(value: dict[str, Any]) -> bool:
    """A digest file, whole, that is named as CloudTrail names them."""
    named = _stream(text_of(value, "digestS3Object"))
    return bool(named) and "digestStartTime" in value and "digestEndTime" in value and "logFiles" in value


def digest_of(value: dict[str, Any]) -> list[Observation]:
    """The log files that a digest lists, and the digest before it.

    Raises:
        RejectedEntry: it is not as digests are.
    """
    told = read_as(value, _Digest)
    begun, ended = instant("digestStartTime", told.digestStartTime), instant("digestEndTime", told.digestEndTime)
    stream = _stream(told.digestS3Object)
    found = [listed(stream, told.digestS3Object, begun, ended, follows=True)]  # itself: it was read
    if told.previousDigestS3Object:
        found.append(listed(stream, told.previousDigestS3Object, begun, begun, follows=True))
    for one in told.logFiles:
        first = instant("oldestEventTime", one.oldestEventTime) if one.oldestEventTime else begun
        last = instant("newestEventTime", one.newestEventTime) if one.newestEventTime else ended
        found.append(listed(stream, one.s3Object, first, last))
    return found


def _stream(path: str) -> str:
    """`ACCOUNT_CloudTrail-Digest_REGION_TRAIL_REGION`: all of a digest's name but its time; of any other, nothing."""
    found = _DIGEST.fullmatch(path.rpartition("/")[2])
    return found["stream"] if found else ""


def switches(event: Event, action: Action) -> Iterator[Observation]:
    """A trail that was switched off or on; it may be named by its ARN."""
    on = SWITCHES.get(event.eventName)
    if event.eventSource != SERVICE or on is None or event.errorCode:
        return
    name = text_of(event.asked, "name").rpartition("/")[2]
    if _TRAIL.fullmatch(name):
        account = event.recipientAccountId
        yield switched(f"trail {account}/{name}" if account else f"trail {name}", action.time, on=on)
