"""Requests, their responses and the rounds of one call, put together from what single lines say.

Ids of requests are unique only within a session and a direction, and some clients begin again at 1: so a response
belongs to the latest request before it with its id, of the right sender, that has no response yet. A call that the
server answers with `input_required` is sent again under a new id with what was asked for: all rounds are one action.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Instant, Outcome, Principal, Record, Resource
from quowarranto.sources.entry import Observation
from quowarranto.sources.mcp.reading import session_key

_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass
class _Round:
    """One request and what answered it."""

    asked: Observation
    answered: Observation | None = None

    @property
    def data(self) -> dict[str, Any]:
        return self.asked.data

    @property
    def answer(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.answered.data["answer"] if self.answered else None
        return found

    @property
    def answered_at(self) -> Instant:
        return self.answered.at if self.answered else self.asked.at

    @property
    def unfinished(self) -> bool:
        return bool(self.answer and self.answer.get("unfinished"))

    @property
    def decision(self) -> dict[str, Any] | None:
        """With the request, or failing that with the response."""
        found = self.data.get("decision") or (self.answered.data.get("decision") if self.answered else None)
        return found if isinstance(found, dict) else None

    @property
    def who(self) -> Principal | None:
        pair = self.data["who"] or (self.answered.data["who"] if self.answered else None)
        return Principal(*pair) if pair else None


def derive(observations: Sequence[Observation]) -> Iterable[tuple[Record, Observation]]:
    """An action per call, its decisions, and the sessions that were opened."""
    once = {(item.at, _encode(item.data)): item for item in observations}
    ordered = [once[key] for key in sorted(once)]
    rounds = [_Round(item, item if "answer" in item.data else None) for item in ordered if "action" in item.data]
    _answer(rounds, [item for item in ordered if "action" not in item.data])
    for chain in _chains(rounds):
        yield _action(chain), chain[-1].asked
        for one in chain:
            yield from _decided(one)
        yield from _opened(chain[0])


def _answer(rounds: list[_Round], responses: list[Observation]) -> None:
    waiting = defaultdict[tuple[str, str], list[_Round]](list)
    opening = defaultdict[tuple[str, str], list[_Round]](list)
    for one in rounds:
        if one.answered is None:
            waiting[one.data["scope"], one.data["id"]].append(one)
            if one.data["verb"] == "initialize" and one.data["session"] is None:
                opening[one.data["server"], one.data["id"]].append(one)
    for response in responses:
        data = response.data
        open_here = [one for one in waiting[data["scope"], data["id"]] if _may_answer(one, response)]
        if not open_here and data["answer"].get("opened"):  # only the response knows the session that was opened
            open_here = [one for one in opening[data["server"], data["id"]] if _may_answer(one, response)]
        if len({one.data["sender"] for one in open_here}) == 1:  # else nobody can tell which of two it answers
            open_here[-1].answered = response


def _may_answer(one: _Round, response: Observation) -> bool:
    asker = "server" if response.data["answer"].get("of_client") else response.data["sender"]
    before = one.answered is None and one.asked.at <= response.at
    return before and asker in (None, one.data["sender"])


def _chains(rounds: list[_Round]) -> list[list[_Round]]:
    """Rounds of one call, in order of time. A state that is sent twice continues the call once, then it is another."""
    chains, open_ones = list[list[_Round]](), list[list[_Round]]()
    for one in rounds:
        chain = next((each for each in open_ones if _continues(one, each[-1])), None) if _goes_on(one) else None
        if chain is None:
            chain = []
            chains.append(chain)
        else:
            open_ones.remove(chain)
        chain.append(one)
        if one.unfinished:
            open_ones.append(chain)
    return chains


def _goes_on(one: _Round) -> bool:
    return "state" in one.data or "inputs" in one.data


def _continues(one: _Round, last: _Round) -> bool:
    answer = last.answer
    if answer is None or last.answered_at > one.asked.at:
        return False
    same = ("verb", "resource", "server", "sender", *(() if one.who else ("scope",)))
    if one.who != last.who or any(one.data[name] != last.data[name] for name in same):
        return False
    inputs = one.data.get("inputs")
    return one.data.get("state") == answer["state"] and inputs in (None, answer["inputs"])


def _action(chain: list[_Round]) -> Action:
    first, last = chain[0], chain[-1]
    deciding = next((one for one in reversed(chain) if one.decision), None)
    cites = [*last.data["cites"], *([_decision_key(deciding)] if deciding else [])]
    return Action(
        id=first.data["action"],
        time=last.asked.at,
        principal=last.who or _nobody(last),
        on_behalf_of=tuple(Principal(*pair) for pair in last.data["behalf"]),
        action=last.data["verb"],
        resource=Resource(*last.data["resource"]),
        outcome=_outcome(last, deciding.decision if deciding else None),
        origin=last.data["origin"],
        cites=tuple(dict.fromkeys(cites)),
        correlates=tuple(sorted({key for one in chain for key in one.data["correlates"]})),
        attributes=_attributes(chain),
    )


def _nobody(one: _Round) -> Principal:
    return Principal("anonymous", one.data["origin"] or one.data["scope"] or one.data["server"] or "unknown")


def _outcome(last: _Round, decision: dict[str, Any] | None) -> Outcome:
    answer, status = last.answer, last.data["status"] or (last.answered.data["status"] if last.answered else None)
    if status in (401, 403):
        return "denied"
    broken = answer is not None and ("error" in answer or bool(answer.get("failed")))
    if decision is not None and not decision["allow"] and (answer is None or broken):
        return "denied"  # where it was answered all the same, QW205 is to see that
    failed = broken or last.unfinished or (status is not None and status >= 400)
    return "failure" if failed else "success"


def _attributes(chain: list[_Round]) -> dict[str, Any]:
    first, last = chain[0], chain[-1]
    out: dict[str, Any] = {}
    for name in ("client", "protocol"):
        if name in last.data:
            out[name] = last.data[name]
    if last.answered is None:
        out["stage"] = "request"
    elif last.unfinished:
        out["stage"] = "input required"
    if last.answer is not None and "error" in last.answer:
        out["error_code"] = last.answer["error"]
    if len(chain) > 1:
        out["rounds"] = len(chain)
    if _goes_on(first):
        out["continues"] = "a call that is not in the records, or was continued already"
    return out


def _decision_key(one: _Round) -> str:
    """Its own for every round: some gateways give one id to what they decide several times."""
    return f"mcp/decision/{one.data['action'].removeprefix('mcp/')}"


def _decided(one: _Round) -> Iterator[tuple[Record, Observation]]:
    """A trace spans many calls, so a decision does not bear its key: it must not be taken for that of another call."""
    decision = one.decision
    if decision is None:
        return
    who = one.who or _nobody(one)
    kind, target = one.data["resource"]
    fact = AuthorityFact(
        kind="decision",
        id=_decision_key(one),
        time=decision["at"],
        effect="allow" if decision["allow"] else "deny",
        principal=who,
        cites=tuple(decision["policies"]),
        request={
            "subject": {"type": who.type, "id": who.id},
            "action": {"name": one.data["verb"]},
            "resource": {"type": kind, "id": target},
        },
        attributes={"decision_id": decision["id"]} if decision["id"] else {},
    )
    yield fact, one.asked


def _opened(one: _Round) -> Iterator[tuple[Record, Observation]]:
    """The session that an answered `initialize` opens; nothing says for how long."""
    answered = one.answered
    session = one.data["session"] or (answered.data.get("session") if answered else None)
    if answered is None or not answered.data["answer"].get("opened") or not session:
        return
    fact = AuthorityFact(
        kind="session",
        id=session_key(session),
        time=answered.at,
        principal=one.who,
        issued_by=one.data["action"],
        attributes={"server": one.data["server"]} if one.data["server"] else {},
    )
    yield fact, one.asked
