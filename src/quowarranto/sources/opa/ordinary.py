"""Ordinary events, read by their parts: what was answered, what was asked, by which bundles, and for whom.

An agent answers the same few questions of the same few rules; what differs is the id, the time and what it measured.
"""

from __future__ import annotations

from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import AuthorityFact
from quowarranto.sources.entry import OBSERVED, Fields, Observation, Ordinary, Part
from quowarranto.sources.layout import Layout, Member
from quowarranto.sources.members import cutter, sound, value_of
from quowarranto.sources.opa.questions import Settings
from quowarranto.sources.opa.reading import PREFIX, Event, records_of
from quowarranto.sources.strict import read_as

_Members = tuple[Any, ...]
_NAME = "abcdefghijklmnopqrstuvwxyz0123456789_-"
"""Of these an ordinary `decision_id` consists: nothing encoded can hide in it and what precedes it."""
_ANSWER = ("path", "result", "mapped_result", "error", "erased", "masked")
_QUESTION = ("input", "trace_id")
_AGENT = ("labels", "bundles", "revision")
_ASKER = ("requested_by", "batch_decision_id")
_ASIDE = ("type", "level", "time", "span_id", "metrics", "req_id", "nd_builtin_cache", "intermediate_results", "custom")
_LAYOUT = Layout(
    members=(
        Member("decision_id", "called", (_NAME,), required=True),
        Member("labels"),
        Member("timestamp", "time", required=True),
        Member("path", "text", required=True),
        *(Member(name) for name in _ASKER),
        *(Member(name) for name in _AGENT[1:]),
        *(Member(name) for name in _ANSWER[1:]),
        *(Member(name) for name in (*_QUESTION, *_ASIDE)),
        Member("msg", "exact", ("Decision Log",)),
    ),
    parts=(_ANSWER, _QUESTION, _AGENT, _ASKER, _ASIDE),
)
_NEUTRAL = {"decision_id": "-", "timestamp": "-", "path": "allow", "result": True}
_NOTHING_ASKED = "subject"
"""The attribute that says that nobody is named as having asked."""


def ordinary(settings: Settings) -> Ordinary:
    """Of the source as it is set up."""

    def told(names: tuple[str, ...], members: _Members) -> tuple[AuthorityFact, list[Observation]] | None:
        """The decision as far as these members tell it, and what was seen of bundles; None where there is none."""
        neutral = _NEUTRAL if "path" not in names else {name: _NEUTRAL[name] for name in ("decision_id", "timestamp")}
        try:
            event = read_as(neutral | value_of(names, members), Event)
        except RejectedEntry:
            return None
        found = records_of(event, 0, settings)
        if not isinstance(found, list) or not isinstance(found[0], AuthorityFact):
            return None
        return found[0], [one for one in found[1:] if isinstance(one, Observation)]

    def answer(members: _Members) -> Fields | None:
        if (found := told(_ANSWER, members)) is None:
            return None
        return {}, {"effect": found[0].effect, "attributes": _without(found[0], _NOTHING_ASKED)}

    def question(members: _Members) -> Fields | None:
        if (found := told(_QUESTION, members)) is None:
            return None
        decision = found[0]
        asked = {name: value for name, value in decision.attributes.items() if name == _NOTHING_ASKED}
        said = {name: getattr(decision, name) for name in ("principal", "correlates", "request")}
        return {}, said | {"attributes": asked}

    def agent(members: _Members) -> Fields | None:
        if (found := told(_AGENT, members)) is None:
            return None
        seen = tuple((one.name, one.data) for one in found[1])
        attributes = _without(found[0], "rule", _NOTHING_ASKED)
        return {}, {"cites": found[0].cites, "attributes": attributes, OBSERVED: seen}

    def asker(members: _Members) -> Fields | None:
        if (found := told(_ASKER, members)) is None:
            return None
        return {}, {"attributes": _without(found[0], "rule", _NOTHING_ASKED)}

    return Ordinary(
        cut=cutter(_LAYOUT),
        layout=_LAYOUT,
        parts=(
            Part(answer, (), ("effect", "attributes")),
            Part(question, (), ("principal", "correlates", "request", "attributes")),
            Part(agent, (), ("cites", "attributes", OBSERVED)),
            Part(asker, (), ("attributes",)),
            Part(sound, ()),
        ),
        action_id=None,
        fact_id=PREFIX,
    )


def _without(decision: AuthorityFact, *names: str) -> dict[str, Any]:
    return {name: value for name, value in decision.attributes.items() if name not in names}
