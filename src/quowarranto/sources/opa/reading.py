"""One event of a decision log: the decision, and the bundles that it was made with."""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import AuthorityFact, Instant, Principal
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped
from quowarranto.sources.keys import maybe, request, trace
from quowarranto.sources.losses import lost
from quowarranto.sources.opa.answers import answer_of
from quowarranto.sources.opa.bundles import group_of, policy_key, series_of
from quowarranto.sources.opa.questions import Question, Settings, question_of
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.times import instant

__all__ = ["PLAIN", "Settings", "read", "recognise"]

PLAIN = Settings()
PREFIX = "opa/decision/"
_MESSAGE = "Decision Log"
_LOST = "Decision log dropped"
"""How the agent's own words for a decision that it did not log begin (rate limit, serialisation, encoding)."""
_PARTIAL = "a partial evaluation or an ad hoc query: it says under which conditions, not whether"


class Bundle(msgspec.Struct, frozen=True):
    revision: str | None = None


class Event(msgspec.Struct, frozen=True):
    """One event as the agent writes it; only the fields that are read."""

    decision_id: str
    timestamp: str
    labels: dict[str, Any] = {}
    trace_id: str | None = None
    batch_decision_id: str | None = None
    bundles: dict[str, Bundle] = {}
    revision: str | None = None
    path: str | None = None
    query: str | None = None
    input: Any = None
    result: Any | msgspec.UnsetType = msgspec.UNSET
    mapped_result: Any | msgspec.UnsetType = msgspec.UNSET
    error: Any = None
    erased: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    requested_by: str | None = None


def read(entry: Entry, settings: Settings) -> Outcome:
    """The decision of one event.

    Raises:
        RejectedEntry: it is no event; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    if "decision_id" not in value and isinstance(value.get("level"), str) and "msg" in value:
        return _lost(value) or Skipped("another line of the agent's own log")
    if value.get("msg", _MESSAGE) != _MESSAGE:
        return Skipped("another line of the agent's own log")
    event = read_as(value, Event)
    if not event.decision_id:
        raise RejectedEntry("`decision_id` is empty")
    return records_of(event, instant("timestamp", event.timestamp), settings)


def _lost(value: dict[str, Any]) -> list[Observation]:
    """The agent's own word that it dropped a decision, a line for each."""
    message, at = value["msg"], value.get("time")
    if not (isinstance(message, str) and message.startswith(_LOST) and isinstance(at, str)):
        return []
    return [lost("decision log", instant("time", at))]


def records_of(event: Event, at: Instant, settings: Settings) -> Outcome:
    """The decision, and what was seen of the bundles that it was made with."""
    hidden = [pointer for pointer in (*event.erased, *event.masked) if pointer.lstrip("/").startswith("result")]
    if hidden:
        return Skipped("masking took the result away: it is not known what was decided")
    if event.path is None:
        return Skipped(_PARTIAL) if event.query else Skipped("neither `path` nor `query`: a rule of the root document")
    effect = answer_of(event.path, event.result, settings.allow)
    if isinstance(effect, Skipped):
        return effect
    question = question_of(event.input, settings)
    seen = _bundles(event, at)
    decision = AuthorityFact(
        kind="decision",
        id=f"{PREFIX}{event.decision_id}",
        time=at,
        effect=effect,
        principal=question.subject,
        cites=tuple(policy_key(one.data["series"], one.data["revision"]) for one in seen),
        correlates=_shared(event, question),
        request=question.request(),
        attributes=_attributes(event, question.subject),
    )
    return [decision, *seen]


def _bundles(event: Event, at: Instant) -> list[Observation]:
    """The revisions that were loaded; a bundle without a revision cannot be told from the next one."""
    group, agent = group_of(event.labels), event.labels.get("id")
    revisions = {name: bundle.revision for name, bundle in sorted(event.bundles.items())}
    if not revisions and event.revision:
        revisions = {"": event.revision}  # agents before 0.15, with one bundle only
    return [
        Observation(
            name=f"opa/{series_of(name, group)}",
            at=at,
            data={
                "series": series_of(name, group),
                "revision": revision,
                "agent": agent if isinstance(agent, str) else "",
            },
        )
        for name, revision in revisions.items()
        if revision
    ]


def _shared(event: Event, question: Question) -> tuple[str, ...]:
    """A trace holds many requests, so it is shared only where it is known whose decision this is."""
    traces = (event.trace_id, question.traceparent) if question.subject is not None else ()
    found = [maybe(request, question.request_id), *(maybe(trace, one) for one in traces)]
    return tuple(dict.fromkeys(key for key in found if key))


def _attributes(event: Event, subject: Principal | None) -> dict[str, Any]:
    out: dict[str, Any] = {"rule": (event.path or "").strip("/")}
    agent = event.labels.get("id")
    if isinstance(agent, str):
        out["agent"] = agent
    if event.requested_by:
        out["requested_by"] = event.requested_by
    if event.batch_decision_id:
        out["batch"] = event.batch_decision_id
    if event.result is msgspec.UNSET:
        out["result"] = "undefined"
    if event.mapped_result is not msgspec.UNSET:
        out["answered"] = "a mapped result"
    if event.error:
        out["error"] = "the evaluation failed"  # the text may quote the input
    if event.erased or event.masked:
        out["masked"] = True
    if subject is None:
        out["subject"] = "not in the record"
    return out


def recognise(sample: Sample) -> int:
    """By the event's own names; a server log only where a decision is among its first lines."""
    for document in sample.documents:
        if not isinstance(document, dict) or not isinstance(document.get("decision_id"), str):
            continue
        if document.get("type") == "openpolicyagent.org/decision_logs" or document.get("msg") == _MESSAGE:
            return 95
        if "timestamp" in document and isinstance(document.get("labels"), dict):
            return 90 if {"path", "query"} & document.keys() else 40
    own = '"msg":"Decision Log"' in sample.text and '"decision_id":' in sample.text
    return 70 if own else 0
