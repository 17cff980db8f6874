"""Approvals: what an access request asked for, how its task stands, and which decisions took the approval up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from quowarranto.records import AuthorityFact, Instant, Principal
from quowarranto.sources.authzen.wire import Approval, Asked, Item, Pair
from quowarranto.sources.entry import Observation, Outcome
from quowarranto.sources.times import instant

_OVER = frozenset(("denied", "cancelled", "expired", "failed"))


def approval_key(name: str) -> str:
    return f"authzen/approval/{name}"


def bound(field: str, text: str | None) -> Instant | None:
    return None if text is None else instant(field, text)


def task_of(pair: Pair, at: Instant) -> Outcome:
    """How a task stands at this moment: what it was asked for with, and what it gave, may stand on two lines."""
    asked, response = pair.request, pair.response
    assert response is not None
    assert response.task is not None
    approval = response.result.approval if response.result else None
    data: dict[str, Any] = {"task": response.task.id, "status": response.task.status}
    if response.task.status == "approved" and approval is not None:  # other modes of completion give tokens
        data["approval"] = _told(approval, at)
    if asked is not None and asked.subject is not None:
        data["subject"] = [asked.subject.type, asked.subject.id]
        context = asked.context or Asked()
        if context.business_justification:
            data["justification"] = context.business_justification
        if asked.denial and asked.denial.evaluation_id:
            data["denial"] = asked.denial.evaluation_id
    return [Observation(name=f"authzen/task/{response.task.id}", at=at, data=data)]


def taken_up(approval: Approval, asked: Item, at: Instant) -> Observation:
    """The decision point says that it verified this approval; when it was given only the request may say."""
    assert asked.subject is not None
    presented = asked.context.approval if asked.context else None
    since = presented.approved_at if presented and presented.id == approval.id else None
    known = Approval(approval.id, approval.approved_at or since, approval.approved_until)
    data = {"approval": _told(known, at), "subject": [asked.subject.type, asked.subject.id]}
    return Observation(name=f"authzen/approval/{approval.id}", at=at, data=data)


def _told(approval: Approval, at: Instant) -> dict[str, Any]:
    return {
        "id": approval.id,
        "since": bound("approved_at", approval.approved_at) or at,
        "until": bound("approved_until", approval.approved_until),
    }


def derive(observations: Sequence[Observation]) -> Iterator[tuple[AuthorityFact, Observation]]:
    """One fact for each approval that a task gave; for others what the earliest decision that took it up says."""
    by_name: defaultdict[str, list[Observation]] = defaultdict(list)
    for seen in sorted(observations, key=lambda one: (one.at, repr(sorted(one.data.items())))):
        by_name[seen.name].append(seen)
    from_tasks: set[str] = set()
    for name, steps in sorted(by_name.items()):
        if name.startswith("authzen/task/"):
            for fact, seen in _of_task(steps):
                from_tasks.add(fact.id)
                yield fact, seen
    for name, steps in sorted(by_name.items()):
        if name.startswith("authzen/approval/") and name not in from_tasks:
            yield _approval(steps[0], {"known_from": "a decision that took it up"}), steps[0]


def _of_task(steps: Sequence[Observation]) -> Iterator[tuple[AuthorityFact, Observation]]:
    given = next((seen for seen in steps if "approval" in seen.data), None)
    if given is None:
        return
    asked: dict[str, Any] = {}
    for seen in steps:
        asked = {name: seen.data[name] for name in ("subject", "justification", "denial") if name in seen.data} | asked
    attributes = {"task": given.data["task"]} | ({"denied_first": asked["denial"]} if "denial" in asked else {})
    yield _approval(Observation(given.name, given.at, asked | given.data), attributes), given
    over = next((seen for seen in steps if seen.at >= given.at and seen.data["status"] in _OVER), None)
    if over is not None:
        end: Any = "expired" if over.data["status"] == "expired" else "revoked"
        key = approval_key(given.data["approval"]["id"])
        yield AuthorityFact(kind="approval", id=key, fact="ended", time=over.at, end=end), over


def _approval(seen: Observation, attributes: dict[str, Any]) -> AuthorityFact:
    told, subject = seen.data["approval"], seen.data.get("subject")
    who = Principal(*subject) if subject else None
    return AuthorityFact(
        kind="approval",
        id=approval_key(told["id"]),
        time=told["since"],
        valid_until=told["until"],
        principal=who,
        requested_by=who,
        justification=seen.data.get("justification"),
        attributes=attributes,
    )
