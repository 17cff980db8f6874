"""Routine calls to AWS: jobs assume their role and read and write objects."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from quowarranto.records import Instant
from quowarranto.simulator import organisation
from quowarranto.simulator.background.parts import moments, template, truth_line, uuids
from quowarranto.simulator.dice import dice
from quowarranto.simulator.logs import TrailLog
from quowarranto.simulator.scene import HOUR, MINUTE, SECOND
from quowarranto.simulator.stamps import prose_stamp, second_stamp
from quowarranto.simulator.systems import aws
from quowarranto.simulator.truth import TruthLog

_CALLS_PER_SESSION = 20
_ASSUMED = truth_line("aws/", "presumed", "inferred", "QW102")
_CALLED = truth_line("aws/", "presumed", "partial", "QW102")
_MARKS = {"eventTime": "@time@", "requestID": "@request@", "eventID": "@id@"}


class _Job(NamedTuple):
    assume: str
    calls: list[str]


def _job(role: aws.Role) -> _Job:
    issuer, subject = organisation.TRUST[role]
    session = aws.Session(role, "qw-@name@", "ASIA@key@", "@opened@")
    assumed = aws.assumption(aws.web_identity(subject, issuer), session, "@secret@", "@expires@", 3600)
    who = session.identity()
    calls = [aws.object_call(who, "GetObject", "qw-orders-raw", "2026/10/part-@object@.parquet")]
    if role == organisation.ETL:
        calls.append(aws.object_call(who, "PutObject", "qw-orders-raw", "clean/part-@object@.parquet"))
    else:
        calls.append(aws.event(who, "dynamodb", "GetItem", {"tableName": "reports", "key": {"id": "@object@"}}))
    return _Job(_text(assumed), [_text(call) for call in calls])


def _text(record: dict[str, Any]) -> str:
    return template(msgspec.json.encode(record | _MARKS).decode())


class RoutineCalls:
    """Two jobs, each with a session of an hour for some twenty calls."""

    def __init__(self, trails: dict[str, TrailLog], truth: TruthLog | None, seed: int) -> None:
        self._trails, self._truth = trails, truth
        self._rng = dice(f"{seed}/routine calls")
        self._uuids = uuids(self._rng)
        self._jobs = [_job(role) for role in (organisation.ETL, organisation.REPORTS)]

    def write(self, count: int, start: Instant, end: Instant) -> None:
        """Write exactly so many events, in sessions that begin between two moments."""
        records: list[tuple[Instant, str]] = []
        issued: list[str] = []
        truths: list[str] = []
        sessions = -(-count // (_CALLS_PER_SESSION + 1))
        for number, opened in enumerate(moments(self._rng, sessions, start, end)):
            calls = min(_CALLS_PER_SESSION, count - number * (_CALLS_PER_SESSION + 1) - 1)
            issued.append(self._session(opened, calls, records, truths))
        records.sort()
        self._trails[aws.HOME].stream((record for _, record in records), end)
        self._trails[aws.GLOBAL].stream(issued, end)
        if self._truth is not None:
            self._truth.stream("".join(truths), "routine", {"presumed": count})

    def _session(self, opened: Instant, calls: int, records: list[tuple[Instant, str]], truths: list[str]) -> str:
        """One session; returns the record of its beginning, which is delivered in two regions."""
        rng, ids = self._rng, self._uuids
        job = self._jobs[int(rng.random() * len(self._jobs))]
        event_id = next(ids)
        values = {
            "name": f"{rng.getrandbits(32):08x}",
            "key": f"{rng.getrandbits(64):016X}",
            "secret": f"{rng.getrandbits(384):096x}",
            "opened": second_stamp(opened),
            "expires": prose_stamp(opened + HOUR),
            "time": second_stamp(opened),
            "request": next(ids),
            "id": event_id,
        }
        assumed = job.assume % values
        records.append((opened, assumed))
        truths.append(_ASSUMED % event_id)
        for at in moments(rng, calls, opened + 2 * SECOND, opened + 55 * MINUTE):
            event_id = next(ids)
            values["id"], values["request"], values["time"] = event_id, next(ids), second_stamp(at)
            values["object"] = event_id[-6:]
            records.append((at, job.calls[int(rng.random() * 2)] % values))
            truths.append(_CALLED % event_id)
        return assumed
