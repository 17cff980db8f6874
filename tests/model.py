"""SPEC sections 3 to 6 as plain, slow, obviously right Python: one small function per clause.

Written from the specification and decision record 0001 and from nothing else; the engine is held to it by random
differential tests (`tests/worlds.py`) and by the case files (`tests/cases`). "Reading N" is a reading of record 0001;
"choice" marks what both texts leave open (listed at the end of this docstring).

All instants are whole microseconds since the epoch, UTC; an open bound is plus or minus infinity.

Choices
    C1   Fields are taken over transitively: what the fact before it had itself taken over counts (SPEC 3).
    C2   `series` is a field like any other: it is taken over, on both sides of "next member of its series".
         Decisions and facts of ids with only `ended` facts are no members of a series: they open no term.
    C3   `rotated` or `superseded` at the start of the next member goes by the kind of the authority that ends.
    C4   The grace of a term ended `rotated` or `superseded` is the latest of the graces at that very end: of the
         `ended` facts there that name the reason (reading 6) and of the next member of the series where it starts
         there too (reading 7). A next member that starts later than the end gives none.
    C5   A record's alias for itself says nothing.
    C6   A bound that lies before the start is kept: such a term has `end < start`, and is compared literally.
    C7   A decision that is both too late and past its `valid_until` is QW204 alone: one test, one code.
    C8   QW301 is judged on approvals and on exceptions, the two kinds that have deciders.
    C9   QW406 stands beside every QW202 of a credential or session, however the end was worded.
    C10  QW403: actions of any outcome show an origin.
    C11  4.3d asks only that 4.3c found nothing; a live term for somebody else does not keep a grant out.
    C12  What 4.2 finds, and the first steps of step 3, are cited by the action as far as the order test goes.
    C13  An id with only `ended` facts has the principal of its one term in 4.2.
    C14  Equality in 4.3a is of `type` and `id` alone; a `request` of another shape matches nothing.
    C15  A chain of aliases longer than 16 steps may end at a key without facts: it is dangling.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from quowarranto.records import (
    ANCHORS,
    Action,
    AuthorityFact,
    Expectation,
    Principal,
    Record,
    Rule,
    content_digest,
    literal_prefix_length,
    matches,
    matches_resource,
)

Moment = float
"""An instant in whole microseconds (an int), or plus or minus infinity."""

MAX_PATH = 16
MAX_ALIAS_STEPS = 16
TAKEN_OVER = (
    *("series", "principal", "by", "effect", "scope", "cites", "issued_by", "standing", "requested_by", "decided_by"),
    *("justification", "ticket", "owner", "request"),
)
END_REASONS = ("revoked", "closed", "expired", "superseded", "rotated")
CODE_OF_END = {
    "expired": "QW201",
    "renewed": "QW201",
    "revoked": "QW202",
    "closed": "QW202",
    "superseded": "QW203",
}
DAMNING = frozenset(
    ["QW201", "QW202", "QW203", "QW204", "QW205", "QW206", "QW207", "QW208", "QW302", "QW304", "QW402", "QW403"],
)


@dataclass(frozen=True)
class Judgement:
    """What is concluded of one distinct action record."""

    action: str
    content: str
    verdict: str
    linkage: str
    basis: str
    method: str
    codes: tuple[str, ...]
    root_cause: str | None
    authorities: tuple[tuple[str, str], ...]


def judge(
    records: Iterable[Record],
    *,
    skew_us: int = 2_000_000,
    window_us: int = 30_000_000,
    expectations: Sequence[Expectation] = (),
) -> list[Judgement]:
    """Judge every distinct action of the case, ordered by action id and content digest."""
    seen = list(records)
    case = Case(_counting_actions(seen), _distinct_facts(seen), skew_us, window_us)
    linked = [_link(case, action) for action in case.actions]
    for one in linked:
        one.chain.codes.update(*(_unmet(one, expectation) for expectation in expectations))
    tainted = _obtained_by_unauthorised_actions(linked)
    return [_judgement(case, one, number in tainted, expectations) for number, one in enumerate(linked)]


# ---------------------------------------------------------------------------------------------------------------------
# Which records count (SPEC 2)


@dataclass(frozen=True)
class Told:
    """One distinct record with its content digest."""

    fact: AuthorityFact
    digest: str

    @property
    def start(self) -> int:
        """SPEC 3: `valid_from`, else `time`."""
        return self.fact.time if self.fact.valid_from is None else self.fact.valid_from

    @property
    def order(self) -> tuple[int, int, str]:
        """Reading 4."""
        return (self.start, self.fact.time, self.digest)

    @property
    def by_time(self) -> tuple[int, str]:
        return (self.fact.time, self.digest)


@dataclass(frozen=True)
class Act:
    """One distinct action record; `shared_id` when another record bears its id (QW606)."""

    record: Action
    digest: str
    shared_id: bool


def _counting_actions(records: Sequence[Record]) -> list[Act]:
    """SPEC 2, last paragraph; only the highest stage of an id counts."""
    by_id: dict[str, list[Action]] = defaultdict(list)
    for record in records:
        if isinstance(record, Action):
            by_id[record.id].append(record)
    out = []
    for key in sorted(by_id):
        last = max(action.stage for action in by_id[key])
        distinct = {content_digest(action): action for action in by_id[key] if action.stage == last}
        out += [Act(distinct[digest], digest, len(distinct) > 1) for digest in sorted(distinct)]
    return out


def _distinct_facts(records: Sequence[Record]) -> list[Told]:
    """SPEC 2: the same record seen twice (same kind, id and content) counts once."""
    facts = {content_digest(record): record for record in records if isinstance(record, AuthorityFact)}
    return [Told(facts[digest], digest) for digest in sorted(facts)]


# ---------------------------------------------------------------------------------------------------------------------
# From facts to terms (SPEC 3)


@dataclass(frozen=True)
class Term:
    """`[start, end)`, why and with which grace it ended, and what it says of itself (`says`).

    A decision has one as well, from its time to its `valid_until`: the point and its bound.
    """

    start: Moment
    end: Moment
    reason: str | None
    grace_until: int | None
    says: AuthorityFact
    opened_at: int | None
    opening: tuple[int, str]


@dataclass(frozen=True)
class Authority:
    key: str
    kind: str
    terms: tuple[Term, ...]
    correlates: frozenset[str]
    latest: AuthorityFact
    """What its latest established fact says, fields taken over included."""


def _alias_owners(facts: Sequence[Told]) -> dict[str, str]:
    """Reading 3: a key that is an alias of several ids belongs to the lowest of them."""
    owners: dict[str, str] = {}
    for told in facts:
        for alias in told.fact.aliases:
            if alias != told.fact.id:
                owners[alias] = min(owners.get(alias, told.fact.id), told.fact.id)
    return owners


def _owner(key: str, owners: dict[str, str]) -> str:
    """SPEC 3, alias; reading 3: from key to key up to 16 steps, in a ring the lowest key."""
    path = [key]
    for _ in range(MAX_ALIAS_STEPS):
        above = owners.get(path[-1])
        if above is None:
            break
        if above in path:
            return min(path[path.index(above) :])
        path.append(above)
    return path[-1]


def _kind(facts: Sequence[Told]) -> str:
    """Reading 2."""
    return min(facts, key=lambda told: (told.fact.fact == "ended", *told.order)).fact.kind


def _taking_over(fact: AuthorityFact, before: Iterable[AuthorityFact]) -> AuthorityFact:
    """The fact, with each field that it lacks from the first of `before` that has it (SPEC 3, readings 5 and 8)."""
    missing = [name for name in TAKEN_OVER if getattr(fact, name) is None]
    found: dict[str, Any] = {}
    for other in before:
        for name in missing:
            if name not in found and getattr(other, name) is not None:
                found[name] = getattr(other, name)
    return msgspec.structs.replace(fact, **found) if found else fact


def _split(facts: Sequence[Told]) -> tuple[list[Told], list[Told]]:
    """Established facts in the order of reading 4, ended facts by (time, content digest)."""
    established = sorted((told for told in facts if told.fact.fact == "established"), key=lambda told: told.order)
    ended = sorted((told for told in facts if told.fact.fact == "ended"), key=lambda told: told.by_time)
    return established, ended


def _what_each_says(facts: Sequence[Told]) -> list[Told]:
    """Established facts in order, each with the fields it takes over (SPEC 3, reading 5)."""
    established, ended = _split(facts)
    out: list[Told] = []
    for told in established:
        before = [out[-1].fact] if out else []
        out.append(Told(_taking_over(told.fact, [*before, *(end.fact for end in ended)]), told.digest))
    return out


def _end_by_fact(start: Moment, ended: Sequence[Told]) -> tuple[Moment, str, int | None] | None:
    """SPEC 3, item 1: the earliest `ended` fact not before the start. Reading 6: its reason and grace."""
    times = [told.fact.time for told in ended if told.fact.time >= start]
    if not times:
        return None
    there = [told.fact for told in ended if told.fact.time == min(times)]
    reason = min((fact.end or "closed" for fact in there), key=END_REASONS.index)
    graces = [fact.grace_until for fact in there if (fact.end or "closed") == reason and fact.grace_until is not None]
    return min(times), reason, max(graces, default=None)


def _next_start(start: int, established: Sequence[Told]) -> int | None:
    """SPEC 3, item 3: only starts later than the term's own."""
    return min((told.start for told in established if told.start > start), default=None)


@dataclass(frozen=True)
class Member:
    """One established fact as a member of a series."""

    start: int
    key: str
    grace_until: int | None


def _next_member(start: int, members: Sequence[Member]) -> Member | None:
    """SPEC 3, item 4; reading 7: the next later start, the lowest id; the latest grace of that id there."""
    later = (member for member in members if member.start > start)
    return min(later, key=lambda member: (member.start, member.key), default=None)


def _terms(key: str, kind: str, facts: Sequence[Told], series: dict[str, list[Member]]) -> tuple[Term, ...]:
    """SPEC 3: each established fact opens a term; an id with only `ended` facts has one from minus infinity."""
    established, ended = _what_each_says(facts), _split(facts)[1]
    if not established:
        return (_term_of_ended_only(ended),)
    return tuple(_term(kind, told, established, ended, series) for told in established)


def _term(
    kind: str, told: Told, established: Sequence[Told], ended: Sequence[Told], series: dict[str, list[Member]]
) -> Term:
    """SPEC 3, items 1 to 4: the earliest end; on a tie the reason listed first."""
    ends: list[tuple[Moment, int, str, int | None]] = []
    if (by_fact := _end_by_fact(told.start, ended)) is not None:
        ends.append((by_fact[0], 1, by_fact[1], by_fact[2]))
    if told.fact.valid_until is not None:
        ends.append((told.fact.valid_until, 2, "expired", None))
    if (renewed := _next_start(told.start, established)) is not None:
        ends.append((renewed, 3, "renewed", None))
    member = None if told.fact.series is None else _next_member(told.start, series[told.fact.series])
    if member is not None:
        ends.append((member.start, 4, "rotated" if kind == "credential" else "superseded", member.grace_until))
    if not ends:
        return Term(told.start, math.inf, None, None, told.fact, told.fact.time, told.by_time)
    end, _, reason, grace = min(ends, key=lambda one: one[:2])
    if reason in ("rotated", "superseded") and member is not None and member.start == end:
        grace = _later(grace, member.grace_until)
    return Term(told.start, end, reason, grace, told.fact, told.fact.time, told.by_time)


def _later(one: int | None, other: int | None) -> int | None:
    return max((grace for grace in (one, other) if grace is not None), default=None)


def _term_of_ended_only(ended: Sequence[Told]) -> Term:
    """SPEC 3: one term from minus infinity to the earliest of them; reading 8: its fields."""
    by_fact = _end_by_fact(-math.inf, ended)
    assert by_fact is not None
    end, reason, grace = by_fact
    says = _taking_over(ended[0].fact, [told.fact for told in ended[1:]])
    return Term(-math.inf, end, reason, grace, says, None, ended[0].by_time)


def _point(facts: Sequence[Told]) -> Term:
    """SPEC 3: a decision is a point; reading 9: its earliest fact, with that fact's own fields only."""
    first = min(facts, key=lambda told: told.by_time)
    fact = first.fact
    until = math.inf if fact.valid_until is None else fact.valid_until
    return Term(fact.time, until, "expired", None, fact, fact.time, first.by_time)


def _members(groups: dict[str, list[Told]], kinds: dict[str, str]) -> dict[str, list[Member]]:
    """The established facts of each series."""
    series: dict[str, list[Member]] = defaultdict(list)
    for key, facts in groups.items():
        if kinds[key] == "decision":
            continue
        said = _what_each_says(facts)
        for told in said:
            if told.fact.series is not None:
                graces = [
                    other.fact.grace_until
                    for other in said
                    if other.start == told.start and other.fact.grace_until is not None
                ]
                series[told.fact.series].append(Member(told.start, key, max(graces, default=None)))
    return series


def _authorities(facts: Sequence[Told], owners: dict[str, str]) -> dict[str, Authority]:
    groups: dict[str, list[Told]] = defaultdict(list)
    for told in facts:
        groups[_owner(told.fact.id, owners)].append(told)
    kinds = {key: _kind(group) for key, group in groups.items()}
    series = _members(groups, kinds)
    out = {}
    for key, group in groups.items():
        terms = (_point(group),) if kinds[key] == "decision" else _terms(key, kinds[key], group, series)
        telling = [terms[0].says] if kinds[key] == "decision" else [told.fact for told in group]  # reading 20
        correlates = frozenset(value for fact in telling for value in fact.correlates)
        out[key] = Authority(key, kinds[key], terms, correlates, terms[-1].says)
    return out


# ---------------------------------------------------------------------------------------------------------------------
# The case: what every judgement may look at


class Case:
    """All records of the case, folded: the actions that count and the authorities by their id."""

    def __init__(self, actions: list[Act], facts: list[Told], skew: int, window: int) -> None:
        self.actions = actions
        self.skew = skew
        self.window = window
        owners = _alias_owners(facts)
        self.authorities = _authorities(facts, owners)
        keys = {told.fact.id for told in facts} | set(owners)
        self.owner = {key: _owner(key, owners) for key in keys}
        times = [told.fact.time for told in facts]
        self.span = (min(times), max(times)) if times else None
        self.of_kind: dict[str, list[Authority]] = defaultdict(list)
        for key in sorted(self.authorities):
            self.of_kind[self.authorities[key].kind].append(self.authorities[key])
        self.citing: dict[str, list[Action]] = defaultdict(list)
        """Actions by what their own `cites` name: the authority's id, or the key itself where it dangles."""
        for act in actions:
            for name in {self.owner.get(key, key) for key in act.record.cites}:
                self.citing[name].append(act.record)

    def find(self, key: str) -> Authority | None:
        """The authority that has this key as id or alias."""
        return self.authorities.get(self.owner.get(key, key))


# ---------------------------------------------------------------------------------------------------------------------
# Testing one authority (SPEC 5)


def _is(pattern: Principal, who: Principal) -> bool:
    """SPEC 4, last paragraph: it has the type, and its id as a pattern matches the id."""
    return pattern.type == who.type and matches(pattern.id, who.id)


def _acting(action: Action) -> tuple[Principal, ...]:
    """The acting principal and those it acts for (SPEC 4, last paragraph; SPEC 5, principal)."""
    return (action.principal, *action.on_behalf_of)


def _matches_any(pattern: Principal, whom: Iterable[Principal]) -> bool:
    return any(_is(pattern, who) for who in whom)


def _rule_covers(rule: Rule, action: Action) -> bool:
    """SPEC 2, scope: a missing list is unlimited; reading 13: an empty one covers nothing."""
    verb = rule.actions is None or any(matches(pattern, action.action) for pattern in rule.actions)
    return verb and (
        rule.resources is None
        or any(matches_resource(pattern, action.resource.type, action.resource.id) for pattern in rule.resources)
    )


def _covers(scope: tuple[Rule, ...] | None, action: Action) -> bool:
    """SPEC 2, scope: one of the rules must cover; no scope is unlimited."""
    return scope is None or any(_rule_covers(rule, action) for rule in scope)


def _lives(term: Term, at: Moment) -> bool:
    """`start <= at < end`, exactly (SPEC 4.3b)."""
    return term.start <= at < term.end


def _last(terms: Iterable[Term]) -> Term | None:
    """Reading 10a: the latest end, then the latest start, then the latest opening fact."""
    return max(terms, key=lambda term: (term.end, term.start, term.opening), default=None)


def _lives_within(term: Term, at: Moment, skew: int) -> bool:
    """SPEC 5, in force."""
    return term.start - skew <= at < term.end + skew


def _in_grace(term: Term, at: Moment, skew: int) -> bool:
    """SPEC 5, grace."""
    return (
        term.reason in ("rotated", "superseded")
        and term.end <= at
        and term.grace_until is not None
        and at < term.grace_until + skew
    )


def _first(terms: Iterable[Term]) -> Term:
    """Reading 10e: starts first, then the latest end, then the earliest opening fact."""
    return min(terms, key=lambda term: (term.start, -term.end, term.opening))


def _tested_term(authority: Authority, at: Moment, skew: int) -> tuple[Term, str | None]:
    """Reading 10: the tested term, and `QW604`, `QW401`, `QW204`, `ended` or nothing."""
    terms = authority.terms
    if (term := _last(term for term in terms if _lives(term, at))) is not None:
        return term, None
    if (term := _last(term for term in terms if _lives_within(term, at, skew))) is not None:
        return term, "QW604"
    if (term := _last(term for term in terms if _in_grace(term, at, skew))) is not None:
        return term, "QW401"
    if (term := _last(term for term in terms if term.end <= at)) is not None:
        return term, "ended"
    return _first(terms), "QW204"


def _tested_decision(authority: Authority, at: Moment, skew: int) -> tuple[Term, str | None]:
    """SPEC 5 for a decision; reading 11."""
    (point,) = authority.terms
    if point.start > at + skew:
        return point, "QW204"
    if at >= point.end + skew:
        return point, "QW201"
    return point, None if _lives(point, at) else "QW604"


def _origin_is_new(case: Case, action: Action, authority: Authority, rotated_at: Moment) -> bool:
    """SPEC 5: an origin that no action citing this credential had before the rotation; reading 16."""
    before = {other.origin for other in case.citing[authority.key] if other.time < rotated_at}
    return action.origin is not None and action.origin not in before


def _end_code(case: Case, action: Action, authority: Authority, term: Term) -> str:
    """SPEC 5, in force: by how the latest ended term ended; reading 15 for exceptions."""
    assert term.reason is not None
    if term.reason == "rotated":
        return "QW403" if _origin_is_new(case, action, authority, term.end) else "QW402"
    code = CODE_OF_END[term.reason]
    return "QW304" if authority.kind == "exception" and code in ("QW201", "QW202") else code


def _in_force(case: Case, action: Action, authority: Authority, at: Moment) -> tuple[Term, set[str]]:
    """SPEC 5, in force and grace, with QW604, QW401 and QW406."""
    test = _tested_decision if authority.kind == "decision" else _tested_term
    term, note = test(authority, at, case.skew)
    if note is None:
        return term, set()
    if note != "ended":
        return term, {note}
    code = _end_code(case, action, authority, term)
    if code == "QW202" and authority.kind in ("credential", "session") and action.outcome == "success":
        return term, {code, "QW406"}
    return term, {code}


def _effect(action: Action, says: AuthorityFact) -> Iterator[str]:
    """SPEC 5, effect."""
    if says.effect == "deny" and action.outcome != "denied":
        yield "QW205"


def _scope(action: Action, says: AuthorityFact) -> Iterator[str]:
    """SPEC 5, scope."""
    if not _covers(says.scope, action):
        yield "QW206"


def _principal(says: AuthorityFact, expected: Iterable[Principal]) -> Iterator[str]:
    """SPEC 5, principal."""
    if says.principal is not None and not _matches_any(says.principal, expected):
        yield "QW207"


def _order(kind: str, term: Term, citing_start: Moment, skew: int) -> Iterator[str]:
    """SPEC 5, order: holds where either start is unknown."""
    unknown = term.opened_at is None or citing_start == -math.inf
    if kind == "approval" and not unknown and term.opened_at is not None and term.opened_at > citing_start + skew:
        yield "QW302"


def _approval_fields(kind: str, term: Term) -> Iterator[str]:
    """QW301, QW305 and QW306 (SPEC 8, reading 17)."""
    says = term.says
    if (
        kind in ("approval", "exception")
        and says.requested_by is not None
        and says.decided_by
        and set(says.decided_by) == {says.requested_by}
    ):
        yield "QW301"
    if kind == "exception" and (not says.owner or term.end == math.inf):
        yield "QW305"
    if kind == "approval" and not says.justification and not says.ticket:
        yield "QW306"


def _groundless(kind: str, says: AuthorityFact) -> Iterator[str]:
    """QW109 (SPEC 8, reading 18)."""
    if kind == "decision" and says.effect != "deny" and not says.cites:
        yield "QW109"


# ---------------------------------------------------------------------------------------------------------------------
# The chain (SPEC 4.1 and 5)


@dataclass(frozen=True)
class Passed:
    """What is passed on along a path: the instant, the expected principals, the start of what cites."""

    instant: Moment
    expected: tuple[Principal, ...]
    citing_start: Moment


@dataclass
class Chain:
    """What was gathered on all paths."""

    visits: list[tuple[Authority, Term]] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)

    def has(self, *kinds: str) -> bool:
        return any(authority.kind in kinds for authority, _ in self.visits)

    @property
    def anchored(self) -> bool:
        """SPEC 6, proven: some path reaches an anchor; every key up to it was resolved, or we were not there."""
        return self.has(*ANCHORS)


def _visit(case: Case, action: Action, authority: Authority, passed: Passed, chain: Chain) -> Term:
    """Test one authority of the chain at its instant; the codes of all tests add up (SPEC 5)."""
    term, codes = _in_force(case, action, authority, passed.instant)
    kind, says = authority.kind, term.says
    codes.update(_effect(action, says))
    codes.update(_scope(action, says))
    codes.update(_principal(says, passed.expected))
    codes.update(_order(kind, term, passed.citing_start, case.skew))
    codes.update(_approval_fields(kind, term))
    codes.update(_groundless(kind, says))
    chain.codes |= codes
    chain.visits.append((authority, term))
    return term


def _passed_on(authority: Authority, term: Term, passed: Passed) -> Passed:
    """SPEC 5: below a decision its time is the instant; past a delegation its `by` is expected (reading 12)."""
    instant = term.start if authority.kind == "decision" else passed.instant
    by = term.says.by if authority.kind == "delegation" else None
    return Passed(instant, passed.expected if by is None else (by,), term.start)


def _follow(
    case: Case, action: Action, keys: Iterable[str], path: tuple[str, ...], passed: Passed, chain: Chain
) -> None:
    """SPEC 4.1: each cited key is the next step; dangling QW104; a cycle or more than 16 on one path QW107."""
    steps: dict[str, Authority] = {}
    for key in keys:
        authority = case.find(key)
        if authority is None:
            chain.codes.add("QW104")
        elif authority.key in path or len(path) == MAX_PATH:
            chain.codes.add("QW107")
        else:
            steps[authority.key] = authority
    for authority in steps.values():
        term = _visit(case, action, authority, passed, chain)
        below = _passed_on(authority, term, passed)
        _follow(case, action, term.says.cites or (), (*path, authority.key), below, chain)


# ---------------------------------------------------------------------------------------------------------------------
# Finding the first step (SPEC 4.2 to 4.4)


def _correlated(case: Case, action: Action) -> list[str]:
    """SPEC 4.2; reading 20."""
    shared = set(action.correlates)
    return [
        authority.key
        for authority in case.authorities.values()
        if authority.correlates & shared
        and (authority.latest.principal is None or _matches_any(authority.latest.principal, _acting(action)))
    ]


def _evaluated(request: dict[str, Any] | None, action: Action) -> bool:
    """SPEC 4.3a: the request has the action's own principal, verb and resource."""

    def part(name: str, *fields: str) -> list[Any]:
        value = request.get(name) if isinstance(request, dict) else None
        return [value.get(one) for one in fields] if isinstance(value, dict) else []

    return (
        part("subject", "type", "id") == [action.principal.type, action.principal.id]
        and part("action", "name") == [action.action]
        and part("resource", "type", "id") == [action.resource.type, action.resource.id]
    )


def _inferred_decision(case: Case, action: Action) -> list[str]:
    """SPEC 4.3a: the latest within the window; ties: highest id."""
    found = [
        (authority.terms[0].start, authority.key)
        for authority in case.of_kind["decision"]
        if action.time - case.window <= authority.terms[0].start <= action.time + case.skew
        and _evaluated(authority.terms[0].says.request, action)
    ]
    return [max(found)[1]] if found else []


def _empowers(term: Term, action: Action) -> bool:
    """Reading 21: the term's own principal, which must be there."""
    return term.says.principal is not None and _matches_any(term.says.principal, _acting(action))


def _live_sessions(case: Case, action: Action) -> list[str]:
    """SPEC 4.3b."""
    return [
        authority.key
        for authority in case.of_kind["session"]
        if any(_lives(term, action.time) and _empowers(term, action) for term in authority.terms)
    ]


def _narrowness(scope: tuple[Rule, ...] | None, action: Action) -> tuple[int, int]:
    """SPEC 4.3c, reading 22: longest literal prefix of the matching resource pattern, then action pattern."""
    if scope is None:
        return (-1, -1)
    scores = []
    for rule in scope:
        if _rule_covers(rule, action):
            resources = [
                p for p in rule.resources or () if matches_resource(p, action.resource.type, action.resource.id)
            ]
            verbs = [p for p in rule.actions or () if matches(p, action.action)]
            scores.append(
                (
                    max((literal_prefix_length(p) for p in resources), default=-1),
                    max((literal_prefix_length(p) for p in verbs), default=-1),
                )
            )
    return max(scores)


def _live_grant(case: Case, action: Action) -> list[str]:
    """SPEC 4.3c: deny before allow, then the narrowest, then earliest start, then lowest id."""
    found = []
    for authority in case.of_kind["grant"]:
        for term in authority.terms:
            if _lives(term, action.time) and _empowers(term, action) and _covers(term.says.scope, action):
                resource, verb = _narrowness(term.says.scope, action)
                found.append((term.says.effect != "deny", -resource, -verb, term.start, authority.key))
    return [min(found)[-1]] if found else []


def _ended_grant(case: Case, action: Action) -> list[str]:
    """SPEC 4.3d: the one that ended last before the action (ties: lowest id); reading 23."""
    found = [
        (-term.end, authority.key)
        for authority in case.of_kind["grant"]
        for term in authority.terms
        if term.end <= action.time and _empowers(term, action) and _covers(term.says.scope, action)
    ]
    return [min(found)[1]] if found else []


def _has_some_live_grant(case: Case, action: Action) -> bool:
    """QW108; reading 24: of any effect, whatever it covers."""
    return any(
        _lives(term, action.time) and _empowers(term, action)
        for authority in case.of_kind["grant"]
        for term in authority.terms
    )


def _infer(case: Case, action: Action) -> tuple[list[str], set[str]]:
    """SPEC 4.3: in this order, the first that gives a candidate; with QW103 and QW108."""
    if found := _inferred_decision(case, action):
        return found, set()
    if found := _live_sessions(case, action):
        return found, {"QW103"} if len(found) > 1 else set()
    if found := _live_grant(case, action):
        return found, set()
    codes = {"QW108"} if _has_some_live_grant(case, action) else set()
    return _ended_grant(case, action), codes


def _join_by_entitlement(case: Case, action: Action, passed: Passed, chain: Chain) -> None:
    """SPEC 4.4; reading 26: the grant is tested at the action's instant, what it cites is not followed."""
    found = _live_grant(case, action)
    for key in found:
        if all(authority.key != key for authority, _ in chain.visits):
            chain.codes.add("QW102")
            _visit(case, action, case.authorities[key], passed, chain)
    if not found and _has_some_live_grant(case, action):
        chain.codes.add("QW108")


# ---------------------------------------------------------------------------------------------------------------------
# Linkage, verdict, basis, root cause (SPEC 6 and 8)


@dataclass(frozen=True)
class Linked:
    """An action with its chain and every code except QW208."""

    act: Act
    chain: Chain
    method: str
    linkage: str


def _link(case: Case, act: Act) -> Linked:
    """SPEC 4 and 5 for one action."""
    action = act.record
    passed = Passed(action.time, _acting(action), action.time)
    chain = Chain()
    resolved = [key for key in action.cites if case.find(key) is not None]
    if len(resolved) < len(action.cites):
        chain.codes.add("QW104")
    method, first = "cited", resolved
    if not first:
        method, first = "correlated", _correlated(case, action)
    if not first:
        first, codes = _infer(case, action)
        method = "inferred" if first else "none"
        chain.codes |= codes
    _follow(case, action, first, (), passed, chain)
    linkage = _linkage(method, chain)
    if linkage == "partial":
        _join_by_entitlement(case, action, passed, chain)
    chain.codes.update(_linkage_codes(case, act, linkage, chain))
    return Linked(act, chain, method, linkage)


def _linkage(method: str, chain: Chain) -> str:
    """SPEC 6."""
    if method == "none":
        return "missing"
    if method == "inferred":
        return "inferred"
    return "proven" if chain.anchored else "partial"


def _linkage_codes(case: Case, act: Act, linkage: str, chain: Chain) -> Iterator[str]:
    """QW101, QW102 (reading 25), QW105 (SPEC 5, reading 27) and QW606 (SPEC 2)."""
    if linkage == "missing":
        yield "QW101"
    if linkage == "inferred":
        yield "QW102"
    outside = case.span is None or not case.span[0] <= act.record.time <= case.span[1]
    if outside and (linkage == "missing" or "QW104" in chain.codes):
        yield "QW105"
    if act.shared_id:
        yield "QW606"


def _verdict(outcome: str, linkage: str, codes: set[str]) -> str:
    """SPEC 6: the first that applies."""
    if outcome == "denied":
        return "refused"
    if "QW103" in codes:
        return "disputed"
    if linkage in ("proven", "partial") and codes & DAMNING:
        return "unauthorised"
    if linkage == "proven":
        return "authorised"
    if linkage == "partial" or (linkage == "inferred" and not codes & DAMNING):
        return "presumed"
    return "unproven"


def _codes(linked: Linked, tainted: bool) -> set[str]:
    return linked.chain.codes | {"QW208"} if tainted else linked.chain.codes


def _obtained_by_unauthorised_actions(linked: Sequence[Linked]) -> set[int]:
    """SPEC 5, origin: the numbers of the actions with QW208, as the least fixed point; reading 28."""
    issuers = [{term.says.issued_by for _, term in one.chain.visits} for one in linked]
    tainted: set[int] = set()
    while True:
        unauthorised = {
            one.act.record.id
            for number, one in enumerate(linked)
            if _verdict(one.act.record.outcome, one.linkage, _codes(one, number in tainted)) == "unauthorised"
        }
        now = {number for number, names in enumerate(issuers) if names & unauthorised}
        if now == tainted:
            return tainted
        tainted = now


def _basis(chain: Chain) -> str:
    """SPEC 6, basis: the first that applies; reading 30."""
    bounded = any(
        authority.kind in ("approval", "grant", "credential") and term.end != math.inf
        for authority, term in chain.visits
    )
    carried = (
        ("exception", chain.has("exception")),
        ("delegated", chain.has("delegation")),
        ("pam", chain.has("session")),
        ("jit", chain.has("approval") and bounded),
        ("rbac", chain.has("grant")),
        ("policy", chain.has("policy", "decision")),
    )
    return next((name for name, holds in carried if holds), "none")


def _dangling_and_spread(case: Case, action: Action) -> bool:
    """SPEC 8, secret-sprawl: a dangling credential used from more than one origin; reading 29."""
    return any(
        len({other.origin for other in case.citing[key] if other.origin is not None}) > 1
        for key in action.cites
        if case.find(key) is None
    )


def _root_cause(case: Case, action: Action, verdict: str, codes: set[str], unapproved: bool) -> str | None:
    """SPEC 8: the first that applies, for unproven, presumed and unauthorised actions."""
    if verdict not in ("unproven", "presumed", "unauthorised"):
        return None
    causes = (
        ("telemetry-gap", codes & {"QW105"}),
        ("unmanaged-exception", codes & {"QW304", "QW305"}),
        ("weak-approval", codes & {"QW301", "QW302", "QW306"} or unapproved),
        ("secret-sprawl", codes & {"QW402", "QW403", "QW405"} or _dangling_and_spread(case, action)),
        ("stale-authority", codes & {"QW201", "QW202", "QW203", "QW204"}),
        ("detached-system", codes & {"QW102", "QW104", "QW108", "QW109"}),
        ("enforcement-bypass", codes & {"QW205", "QW206", "QW207", "QW208"}),
    )
    return next((name for name, holds in causes if holds), "unknown")


# ---------------------------------------------------------------------------------------------------------------------
# What is demanded of some actions (SPEC 9)


def _about(action: Action, expectation: Expectation) -> bool:
    """Whether the expectation speaks of the action; refused actions meet all expectations."""
    who, what = action.principal, action.resource
    return action.outcome != "denied" and all(
        patterns is None or any(map(holds, patterns))
        for patterns, holds in (
            (expectation.principals, lambda pattern: matches_resource(pattern, who.type, who.id)),
            (expectation.resources, lambda pattern: matches_resource(pattern, what.type, what.id)),
            (expectation.actions, lambda pattern: matches(pattern, action.action)),
        )
    )


def _unmet(linked: Linked, expectation: Expectation) -> set[str]:
    if not _about(linked.act.record, expectation):
        return set()
    codes = set()
    if not all(linked.chain.has(kind) for kind in expectation.require):
        codes.add("QW303")
    for authority, term in linked.chain.visits:
        if authority.kind == "grant" and not expectation.standing and _stands(term.says):
            codes.add("QW503")
        longest = expectation.max_lifetime_us
        if authority.kind == "credential" and longest is not None and term.end - term.start > longest:
            codes.add("QW405")
    return codes


def _stands(says: AuthorityFact) -> bool:
    """SPEC 2: as the grant says, else one without `valid_until`."""
    return says.valid_until is None if says.standing is None else says.standing


def _unapproved(linked: Linked, expectations: Sequence[Expectation]) -> bool:
    """QW303 for an approval (SPEC 8, `weak-approval`)."""
    return not linked.chain.has("approval") and any(
        "approval" in one.require and _about(linked.act.record, one) for one in expectations
    )


def _judgement(case: Case, linked: Linked, tainted: bool, expectations: Sequence[Expectation]) -> Judgement:
    action = linked.act.record
    codes = _codes(linked, tainted)
    verdict = _verdict(action.outcome, linked.linkage, codes)
    return Judgement(
        action=action.id,
        content=linked.act.digest,
        verdict=verdict,
        linkage=linked.linkage,
        basis=_basis(linked.chain),
        method=linked.method,
        codes=tuple(sorted(codes)),
        root_cause=_root_cause(case, action, verdict, codes, _unapproved(linked, expectations)),
        authorities=tuple(sorted({(authority.key, authority.kind) for authority, _ in linked.chain.visits})),
    )
