"""All observed changes, in order of time, to grants with their terms.

A grant is one policy in one principal's hands: `aws/grant/<principal>/<policy>`, through a group
`aws/grant/<user>/<group>/<policy>`. What a policy allows under a condition is a grant of its own (`#conditional`), and
so is what it denies (`#deny`). Whom a role trusts is `aws/trust/<role>/<type>:<id>`: the right to assume it. Attaching,
putting and setting a version establish a grant (again), detaching and deleting end it, so what comes and goes is one
authority with several terms. A grant whose policy text was never seen names no principal, and so is no candidate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from quowarranto.records import AuthorityFact, EndReason, Instant, Principal, Rule
from quowarranto.sources.cloudtrail.changes import (
    Default,
    Dropped,
    Held,
    Holder,
    Issued,
    Joined,
    Left,
    Made,
    PolicyGone,
    Text,
    TrustSet,
)
from quowarranto.sources.cloudtrail.policies import USER_NAME, Document, Trusted
from quowarranto.sources.cloudtrail.timeline import Step, Who, arns_of, timeline, who_of
from quowarranto.sources.entry import Observation

# Its text has been this one ever since there are managed policies.
_ADMINISTRATOR = ":iam::aws:policy/AdministratorAccess"
_EVERYTHING = Document(allow=(Rule(actions=("*",), resources=("*",)),))


class _Slot(NamedTuple):
    principal: Who
    holder: Who
    policy: str


class _Grant(NamedTuple):
    principal: Principal | None
    scope: tuple[Rule, ...] | None
    effect: Literal["deny"] | None
    attributes: dict[str, Any]


def derive(observations: Sequence[Observation]) -> Iterable[tuple[AuthorityFact, Observation]]:
    """The facts that follow from all changes together, each with the observation that brought it about.

    The answer depends on the set of observations alone: copies count once, and their order does not matter.
    """
    steps = timeline(observations)
    history = _History(arns_of(steps))
    for step in steps:
        yield from history.take(step)


class _History:
    """What is known up to the last step taken; `take` gives the facts of one more."""

    def __init__(self, arns: dict[Who, str]) -> None:
        self._arns = arns
        self._partition: dict[Who, str] = {}
        self._texts: dict[str, dict[str, Document | None]] = defaultdict(dict)
        self._current: dict[str, str] = {}
        self._held: dict[Who, dict[str, Document | None]] = defaultdict(dict)
        self._holders: dict[str, dict[Who, None]] = defaultdict(dict)
        self._members: dict[Who, dict[Who, None]] = defaultdict(dict)
        self._groups: dict[Who, dict[Who, None]] = defaultdict(dict)
        self._keys: dict[Who, dict[str, Instant]] = defaultdict(dict)
        self._live: dict[_Slot, dict[str, _Grant]] = {}
        self._trust: dict[Who, dict[str, _Grant]] = defaultdict(dict)

    def take(self, step: Step) -> Iterator[tuple[AuthorityFact, Observation]]:
        """Apply one change; the facts it establishes and ends."""
        for fact in self._facts(step):
            yield fact, step.observation

    def _facts(self, step: Step) -> Iterator[AuthorityFact]:
        change = step.change
        if isinstance(change, Issued):
            self._keys[self._known(change.holder)][change.key] = step.at
        elif isinstance(change, Made | TrustSet):
            yield from self._trusted(self._known(change.holder), change.trust, step)
        elif isinstance(change, Text):
            yield from self._text(change, step)
        elif isinstance(change, Default):
            yield from self._in_force(change.policy, change.version, step)
        elif isinstance(change, Held):
            yield from self._hold(change, step)
        elif isinstance(change, Dropped):
            yield from self._drop(self._known(change.holder), change.policy, step)
        elif isinstance(change, Joined | Left):
            yield from self._membership(change, step)
        elif isinstance(change, PolicyGone):
            for who in list(self._holders[change.policy]):
                yield from self._drop(who, change.policy, step)
            self._texts.pop(change.policy, None)
            self._current.pop(change.policy, None)
        else:
            yield from self._gone(self._known(change.holder), step)

    # --- what each change does ---

    def _text(self, change: Text, step: Step) -> Iterator[AuthorityFact]:
        self._texts[change.policy][change.version] = change.document
        if change.default:
            yield from self._in_force(change.policy, change.version, step)

    def _in_force(self, policy: str, version: str, step: Step) -> Iterator[AuthorityFact]:
        self._current[policy] = version
        for who in list(self._holders[policy]):
            yield from self._refresh(who, policy, step)

    def _hold(self, change: Held, step: Step) -> Iterator[AuthorityFact]:
        who = self._known(change.holder)
        self._held[who][change.policy] = change.document
        self._holders[change.policy][who] = None
        yield from self._refresh(who, change.policy, step)
        document = self._document(who, change.policy)
        if document is not None and document.revoked_before is not None:
            yield from self._end_keys(who, document.revoked_before, "sessions revoked", step)

    def _drop(self, who: Who, policy: str, step: Step) -> Iterator[AuthorityFact]:
        was_held = policy in self._held[who]
        if not was_held:
            yield from self._ended_unseen(who, policy, step)
            return
        del self._held[who][policy]
        self._holders[policy].pop(who, None)
        yield from self._refresh(who, policy, step)

    def _ended_unseen(self, who: Who, policy: str, step: Step) -> Iterator[AuthorityFact]:
        """What is detached was attached before the log began."""
        for principal in self._principals(who):
            slot = _Slot(principal, who, policy)
            for key, grant in self._grants(slot, self._document(who, policy)).items():
                yield self._end(key, step, "revoked", grant, unseen=True)

    def _membership(self, change: Joined | Left, step: Step) -> Iterator[AuthorityFact]:
        user, group = self._known(change.user), self._known(change.group)
        if isinstance(change, Joined):
            self._members[group][user] = None
            self._groups[user][group] = None
        else:
            self._members[group].pop(user, None)
            self._groups[user].pop(group, None)
        for policy in list(self._held[group]):
            yield from self._refresh_slot(_Slot(user, group, policy), step)

    def _gone(self, who: Who, step: Step) -> Iterator[AuthorityFact]:
        for policy in list(self._held[who]):
            yield from self._drop(who, policy, step)
        for group in list(self._groups.pop(who, ())):
            self._members[group].pop(who, None)
            for policy in list(self._held[group]):
                yield from self._refresh_slot(_Slot(who, group, policy), step)
        self._members.pop(who, None)
        yield from self._trusted(who, (), step)
        yield from self._end_keys(who, step.at, f"{who[0]} deleted", step)

    def _trusted(self, who: Who, trust: tuple[Trusted, ...] | None, step: Step) -> Iterator[AuthorityFact]:
        if trust is None:
            return
        before, after = self._trust[who], self._trust_grants(who, trust)
        self._trust[who] = after
        for key in sorted(before.keys() - after.keys()):
            yield self._end(key, step, "revoked", before[key])
        for key, grant in after.items():
            yield self._establish(key, grant, step)

    def _end_keys(self, who: Who, before: Instant, why: str, step: Step) -> Iterator[AuthorityFact]:
        """Temporary keys of this principal that were issued before a moment and stop working now."""
        keys = self._keys[who]
        for key in sorted(key for key, issued_at in keys.items() if issued_at < before):
            del keys[key]
            attributes = {"because": why} | ({"ended_by": step.change.by} if step.change.by else {})
            yield AuthorityFact(
                kind="credential",
                id=f"aws/key/{key}",
                time=step.when(Principal(who[0], self._arn(who))),
                fact="ended",
                end="revoked",
                attributes=attributes,
            )

    # --- a policy in somebody's hands ---

    def _refresh(self, who: Who, policy: str, step: Step) -> Iterator[AuthorityFact]:
        for principal in self._principals(who):
            yield from self._refresh_slot(_Slot(principal, who, policy), step)

    def _refresh_slot(self, slot: _Slot, step: Step) -> Iterator[AuthorityFact]:
        """Compare what the slot gives now with what it gave before."""
        before, after = self._live.pop(slot, {}), self._now(slot)
        if after:
            self._live[slot] = after
        for key in sorted(before.keys() - after.keys()):
            yield self._end(key, step, "superseded" if after else "revoked", before[key])
        said_again = isinstance(step.change, Held)
        for key, grant in after.items():
            if said_again or before.get(key) != grant:
                yield self._establish(key, grant, step)

    def _now(self, slot: _Slot) -> dict[str, _Grant]:
        if slot.policy not in self._held[slot.holder]:
            return {}
        if slot.holder != slot.principal and slot.principal not in self._members[slot.holder]:
            return {}
        return self._grants(slot, self._document(slot.holder, slot.policy))

    def _grants(self, slot: _Slot, document: Document | None) -> dict[str, _Grant]:
        arn = self._arn(slot.principal)
        via = [] if slot.holder == slot.principal else [self._arn(slot.holder)]
        key = "/".join(("aws/grant", arn, *via, slot.policy))
        said: dict[str, Any] = {"policy": slot.policy} | ({"through": via[0]} if via else {})
        if document is None:
            return {key: _Grant(None, None, None, said | {"policy_document": "not seen"})}
        if document.left_out:
            said["left_out"] = list(document.left_out)
        who = Principal(slot.principal[0], arn)
        parts: dict[str, _Grant] = {}
        if document.allow:
            parts[key] = _Grant(who, _for(slot.principal, document.allow), None, said)
        if document.conditional:
            scope = _for(slot.principal, document.conditional)
            parts[f"{key}#conditional"] = _Grant(who, scope, None, said | {"conditional": True})
        if document.deny:
            parts[f"{key}#deny"] = _Grant(who, _for(slot.principal, document.deny), "deny", said)
        return parts

    def _document(self, who: Who, policy: str) -> Document | None:
        if policy.startswith("inline/"):
            return self._held[who].get(policy)
        text = self._texts.get(policy, {}).get(self._current.get(policy, ""))
        return _EVERYTHING if text is None and policy.endswith(_ADMINISTRATOR) else text

    def _trust_grants(self, who: Who, trust: tuple[Trusted, ...]) -> dict[str, _Grant]:
        role = self._arn(who)
        found: dict[str, _Grant] = {}
        for one in trust:
            principal = Principal(one.type, one.id) if one.type and one.id else None
            key = f"aws/trust/{role}/{one.type}:{one.id}" if principal else f"aws/trust/{role}/*"
            rules: tuple[Rule, ...] = (Rule(actions=one.verbs, resources=(role,)),)
            if (other := found.get(key)) is not None and other.scope is not None:
                rules = (*other.scope, *rules)
            said: dict[str, Any] = {"trust_policy": True} | ({"conditional": True} if one.conditional else {})
            found[key] = _Grant(principal, rules, None, said)
        return found

    # --- names and facts ---

    def _known(self, holder: Holder) -> Who:
        who = who_of(holder)
        self._partition[who] = holder.partition
        return who

    def _arn(self, who: Who) -> str:
        kind, account, name = who
        return self._arns.get(who) or f"arn:{self._partition.get(who, 'aws')}:iam::{account}:{kind}/{name}"

    def _principals(self, who: Who) -> list[Who]:
        return list(self._members[who]) if who[0] == "group" else [who]

    def _establish(self, key: str, grant: _Grant, step: Step) -> AuthorityFact:
        by = step.change.by
        return AuthorityFact(
            kind="grant",
            id=key,
            time=step.when(grant.principal),
            principal=grant.principal,
            scope=grant.scope,
            effect=grant.effect,
            issued_by=by,
            attributes=grant.attributes | ({} if by else {"shown_by": "account snapshot"}),
        )

    def _end(self, key: str, step: Step, reason: EndReason, grant: _Grant, *, unseen: bool = False) -> AuthorityFact:
        """An end; of a grant that was never seen to begin it says all that is known of it."""
        attributes: dict[str, Any] = dict(grant.attributes) if unseen else {}
        if step.change.by:
            attributes["ended_by"] = step.change.by
        return AuthorityFact(
            kind="grant",
            id=key,
            time=step.when(grant.principal),
            fact="ended",
            end=reason,
            principal=grant.principal if unseen else None,
            scope=grant.scope if unseen else None,
            effect=grant.effect if unseen else None,
            attributes=attributes,
        )


def _for(who: Who, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """The rules with `${aws:username}` as the name of this user; of a role it stays, and covers nothing."""
    if who[0] != "user" or not any(USER_NAME in one for rule in rules for one in rule.resources or ()):
        return rules
    return tuple(
        Rule(actions=rule.actions, resources=tuple(one.replace(USER_NAME, who[2]) for one in rule.resources or ()))
        for rule in rules
    )
