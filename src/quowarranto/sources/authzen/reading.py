"""One pair of request and response: the decisions in it, or how an access request stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import AuthorityFact, Instant, Principal
from quowarranto.sources.authzen import approvals
from quowarranto.sources.authzen.wire import Answered, Asked, Decided, Item, Pair, Request
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped
from quowarranto.sources.keys import maybe, request, trace
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.times import instant

_SEARCHES = "a search: it lists what would be allowed, and decides nothing"


def read(entry: Entry) -> Outcome:
    """The records of one pair.

    Raises:
        RejectedEntry: it is none; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    if isinstance(response := value.get("response"), dict) and isinstance(response.get("results"), list):
        return Skipped(_SEARCHES)
    pair = read_as(_as_pair(value), Pair)
    if pair.request is not None and pair.response is None:
        return Skipped("a request without its response: nothing was decided that is known")
    if pair.response is None:
        raise RejectedEntry("neither `request` nor `response`")
    if pair.response.task is not None:
        return approvals.task_of(pair, _at(pair, None))
    if pair.request is None:
        return Skipped("a response without its request: it is not known what was decided")
    found = [one for each in _decisions(pair, pair.request, entry.data) for one in each]
    return found or Skipped("no evaluation was answered")


def _as_pair(value: dict[str, Any]) -> dict[str, Any]:
    """Some write question and answer side by side in one object; its context is then the question's."""
    if "request" in value or "response" in value or not isinstance(value.get("decision"), bool):
        return value
    asked = {name: value[name] for name in ("subject", "action", "resource", "context") if name in value}
    return {**value, "request": asked, "response": {"decision": value["decision"]}}


def _decisions(pair: Pair, asked: Request, data: bytes) -> Iterator[list[AuthorityFact | Observation]]:
    response = pair.response
    assert response is not None
    around = Item(asked.subject, asked.action, asked.resource, asked.context)
    if response.evaluations is None:
        if response.decision is None:
            raise RejectedEntry("`response` has no `decision`")
        yield _decision(pair, around, Decided(response.decision, response.context), "", data)
        return
    items = asked.evaluations or ()
    if len(response.evaluations) > len(items):
        raise RejectedEntry("more answers than questions")
    # Fewer answers than questions are what the `…_on_first_…` semantics give: the rest was never evaluated.
    for place, (item, decided) in enumerate(zip(items, response.evaluations, strict=False)):
        yield _decision(pair, _within(item, around), decided, f"/{place}", data)


def _within(item: Item, around: Item) -> Item:
    return Item(
        item.subject or around.subject,
        item.action or around.action,
        item.resource or around.resource,
        item.context or around.context,
    )


def _decision(pair: Pair, asked: Item, decided: Decided, place: str, data: bytes) -> list[AuthorityFact | Observation]:
    if asked.subject is None or asked.action is None or asked.resource is None:
        raise RejectedEntry("`subject`, `action` or `resource` is missing")
    answered = decided.context or Answered()
    at = _at(pair, answered.evaluated_at)
    taken_up = answered.approval if decided.decision else None
    until = approvals.bound("approved_until", taken_up.approved_until) if taken_up else None
    key, alias = _keys(pair, answered.evaluation_id, place, data)
    decision = AuthorityFact(
        kind="decision",
        id=key,
        aliases=alias,
        time=at,
        valid_until=until,
        effect="allow" if decided.decision else "deny",
        principal=Principal(asked.subject.type, asked.subject.id),
        cites=(approvals.approval_key(taken_up.id),) if taken_up else (),
        correlates=() if place else _shared(pair),  # several answers to one request: not each is about each action
        request={
            "subject": {"type": asked.subject.type, "id": asked.subject.id},
            "action": {"name": asked.action.name},
            "resource": {"type": asked.resource.type, "id": asked.resource.id},
        },
        attributes=_attributes(pair, asked.context or Asked(), answered, decided.decision),
    )
    return [decision, approvals.taken_up(taken_up, asked, at)] if taken_up else [decision]


def _keys(pair: Pair, evaluation: str | None, place: str, data: bytes) -> tuple[str, tuple[str, ...]]:
    """The evaluation's own id; failing that the request's; failing that a digest of the line."""
    by_request = f"authzen/request/{pair.request_id}{place}" if pair.request_id else None
    if evaluation:
        return f"authzen/evaluation/{evaluation}", (by_request,) if by_request else ()
    return by_request or f"authzen/evaluation/sha256:{hashlib.sha256(data).hexdigest()}{place}", ()


def _shared(pair: Pair) -> tuple[str, ...]:
    found = (maybe(request, pair.request_id), maybe(trace, pair.trace_id), maybe(trace, pair.traceparent))
    return tuple(dict.fromkeys(key for key in found if key))


def _attributes(pair: Pair, asked: Asked, answered: Answered, allowed: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if pair.pdp:
        out["decision_point"] = pair.pdp
    if answered.obligations:
        out["obligations"] = sorted({one.type for one in answered.obligations})
    if asked.approval is not None and (not allowed or answered.approval is None):
        out["approval_presented"] = asked.approval.id  # whether it counted is not said
    if answered.access_request is not None:
        out["requestable"] = True
    return out


def _at(pair: Pair, evaluated_at: str | None) -> Instant:
    for field, text in (("time", pair.time), ("timestamp", pair.timestamp), ("evaluated_at", evaluated_at)):
        if text is not None:
            return instant(field, text)
    raise RejectedEntry("`time` is missing")


def recognise(sample: Sample) -> int:
    """By subject, action and resource with a decision, or by a task with its status."""
    return max((_likely(one) for one in sample.documents if isinstance(one, dict)), default=0)


def _likely(document: dict[str, Any]) -> int:
    asked, answered = document.get("request"), document.get("response")
    if isinstance(answered, dict) and isinstance(answered.get("task"), dict):
        return 85 if {"id", "status"} <= answered["task"].keys() else 0
    if isinstance(asked, dict) and isinstance(answered, dict):
        whole = _is_question(asked) and isinstance(answered.get("decision"), bool)
        several = isinstance(asked.get("evaluations"), list) and isinstance(answered.get("evaluations"), list)
        return 90 if whole or several else 0
    flat = _is_question(document) and isinstance(document.get("decision"), bool)
    return 60 if flat and {"time", "timestamp"} & document.keys() and "kind" not in document else 0


def _is_question(asked: dict[str, Any]) -> bool:
    parts = [asked.get(name) for name in ("subject", "action", "resource")]
    return all(isinstance(part, dict) for part in parts) and "name" in asked["action"]
