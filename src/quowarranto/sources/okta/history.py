"""What several events tell: sessions and API tokens that end with their user, and rules that are changed while off.

Whoever is suspended, deactivated or deleted loses sessions and tokens, without an event for each. A token of a
suspended user works again when the suspension is lifted; what a deactivation ended stays ended. An administrator may
also clear all sessions of a user. A rule that is off may be changed, and stays off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from quowarranto.records import Action, AuthorityFact, Instant, Record
from quowarranto.sources.entry import Observation
from quowarranto.sources.okta.records import action_of, facts_of
from quowarranto.sources.okta.wire import Event

_ENDS_ALL = frozenset(("user.lifecycle.deactivate", "user.lifecycle.delete.initiated", "user.lifecycle.suspend"))
_ENDS_SESSIONS = _ENDS_ALL | {"user.session.clear"}
_LIFTED = "user.lifecycle.unsuspend"
_RULE = "policy.rule."
_OFF = frozenset(("deactivate", "delete"))


def told_by(event: Event, time: Instant) -> list[Record | Observation]:
    """All that an event tells: its action, the facts it makes, and what a user holds or loses."""
    action = action_of(event, time)
    facts = facts_of(event, action)
    return [action, *facts, *observations_of(event, action, facts)]


def observations_of(event: Event, action: Action, facts: Sequence[Record]) -> Iterator[Observation]:
    """What a user holds from now on, or loses."""
    if action.outcome != "success":
        return
    if event.eventType in ("user.session.start", "system.api_token.create"):
        for fact in facts:
            held = {"what": "holds", "key": fact.id, "by": action.id}
            yield Observation(f"user/{event.actor.id}", action.time, held)
    elif event.eventType in _ENDS_SESSIONS or event.eventType == _LIFTED:
        for one in event.targets("User"):
            yield Observation(f"user/{one.id}", action.time, {"what": event.eventType, "by": action.id})
    elif event.eventType.startswith(_RULE):
        step = event.eventType.removeprefix(_RULE)
        for fact in facts:
            yield Observation(f"rule/{fact.id}", action.time, {"what": step, "by": action.id})
    elif event.eventType == "system.api_token.revoke":
        for fact in facts:
            yield Observation(f"token/{fact.id}", action.time, {"what": "revoked", "by": action.id})


def derive(observations: Sequence[Observation]) -> Iterator[tuple[Record, Observation]]:
    """The ends, and the tokens that are in force again; neither order nor repetition matters."""
    users = defaultdict[str, dict[tuple[Instant, str, str], Observation]](dict)
    revoked: dict[str, Instant] = {}
    for one in observations:
        if one.name.startswith("token/"):
            key = one.name.removeprefix("token/")
            revoked[key] = min(one.at, revoked.get(key, one.at))
        else:
            users[one.name][one.at, one.data["what"], one.data.get("key", "")] = one
    for name, seen in sorted(users.items()):
        steps = [seen[key] for key in sorted(seen)]
        if name.startswith("rule/"):
            yield from _changed_while_off(name.removeprefix("rule/"), steps)
        else:
            yield from _of_user(steps, revoked)


def _changed_while_off(key: str, steps: list[Observation]) -> Iterator[tuple[Record, Observation]]:
    """A change establishes a rule anew: of one that is off that ends where it begins."""
    off = False
    for one in steps:
        step = one.data["what"]
        off = step in _OFF or (off and step not in ("activate", "add"))
        if off and step == "update":
            attributes = {"ended_by": one.data["by"]}
            fact = AuthorityFact(kind="policy", id=key, time=one.at, fact="ended", end="closed", attributes=attributes)
            yield fact, one


def _of_user(steps: list[Observation], revoked: Mapping[str, Instant]) -> Iterator[tuple[Record, Observation]]:
    held: dict[str, Observation] = {}
    suspended: dict[str, Observation] = {}
    for one in steps:
        what = one.data["what"]
        if what == "holds":
            held[one.data["key"]] = one
        elif what == _LIFTED:
            for key, begun in sorted(suspended.items()):
                if key not in revoked or revoked[key] > one.at:
                    yield _again(key, begun, one), one
            held, suspended = held | suspended, {}
        else:
            ending = {key for key in held if what in _ENDS_ALL or _is_session(key)}
            for key in sorted(ending):
                yield _ended(key, one), one
            if what == "user.lifecycle.suspend":
                suspended |= {key: held[key] for key in ending if not _is_session(key)}
            else:
                suspended = suspended if what not in _ENDS_ALL else {}
            held = {key: begun for key, begun in held.items() if key not in ending}


def _is_session(key: str) -> bool:
    return key.startswith("okta/session/")


def _ended(key: str, one: Observation) -> AuthorityFact:
    return AuthorityFact(
        kind="session" if _is_session(key) else "credential",
        id=key,
        time=one.at,
        fact="ended",
        end="revoked",
        attributes={"ended_by": one.data["by"]},
    )


def _again(key: str, begun: Observation, one: Observation) -> AuthorityFact:
    """What it says besides is taken over from its beginning (SPEC 3)."""
    return AuthorityFact(kind="credential", id=key, time=one.at, issued_by=begun.data["by"])
