"""The linkage from records to verdicts: the relations of `steps/` in their order. Reads like SPEC 3 to 8.

Pure: reads no clock, file or environment. The engine must already hold `actions_in` and `facts_in` (see
docs/reference/formats/case.md for their columns) and ends up holding what `RESULTS` names.

What the facts say is worked out once; actions are judged slab by slab, so that memory is bounded by the facts and one
slab. What crosses slabs: chains (worked out by the slab that first needs them), which rows count (`crowd`), and what
only the whole case tells of an action. Actions of the last kind stay `pending` until all slabs are through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import Template

import msgspec

from quowarranto.linkage.engines import Engine
from quowarranto.linkage.expectations import expectation_rows, expected_rows
from quowarranto.linkage.steps import relations
from quowarranto.records import Expectation
from quowarranto.records.codes import CODES, GUILTY, PRINCIPAL_CODES, ROOT_CAUSES, UNAPPROVED, mask, names

MAX_DEPTH = 16
"""Authorities on one path (SPEC 4.1); also the steps that an alias is followed (decision 0001, 3)."""

FOREVER = 8_000_000_000_000_000_000
NEVER = -8_000_000_000_000_000_000
UNKNOWN = -9_000_000_000_000_000_000

FEW = 16
"""Stretches of time of one key up to which they are all looked at to find the one that holds an instant: cheaper than a
sorted join, but a key with many, and many actions, would cost their product."""

_KINDS = ("exception", "delegation", "session", "approval", "grant", "policy", "decision", "credential")
TRAITS = {name: 1 << place for place, name in enumerate((*_KINDS, "anchored", "ends", "denies", "revoked"))}
"""What chains consist of: kinds; whether an anchor is among them, one that ends, a denial, a revoked instrument."""

_BYTES_PER_ACTION = 350
_BYTES_PER_FACT = 1200
"""What the relations of an action and of a fact took at most in memory, measured."""

_EMPTY = {
    "first": "CAST(NULL AS BIGINT) AS a, CAST(NULL AS INT) AS mode",
    "borne": "CAST(NULL AS BIGINT) AS a, CAST(NULL AS BIGINT) AS use",
    "use_sum": "CAST(NULL AS BIGINT) AS use",
    "met": "CAST(NULL AS BIGINT) AS use, CAST(NULL AS BIGINT) AS s, CAST(NULL AS BIGINT) AS v",
    "set_verb": "CAST(NULL AS BIGINT) AS ss, CAST(NULL AS BIGINT) AS v",
    "verb_tried": "CAST(NULL AS BIGINT) AS sc, CAST(NULL AS BIGINT) AS v",
    "sought": "CAST(NULL AS BIGINT) AS s",
}
"""Relations that grow from slab to slab and are asked before they have begun to."""

STREAMED = ("verdict", "action_use", "fault")
"""Results that grow with the actions: handed over slab by slab (`Engine.stream`)."""
RESULTS = (*STREAMED, "use_visit", "use_parent", "says", "term", "authority", "key_of", "finding", "sample")
"""Relations that outlive the run."""


class Clock(msgspec.Struct, frozen=True):
    """How far clocks may differ, and how long before an action its decision may lie; microseconds."""

    skew_us: int = 2_000_000
    window_us: int = 30_000_000


class LinkageError(Exception):
    """Two different names share a hash: the run must be repeated with the engine's stronger one."""


def link(
    engine: Engine,
    clock: Clock,
    progress: Callable[[str], None] = lambda _: None,
    *,
    expectations: Sequence[Expectation] = (),
    slab: int | None = None,
) -> None:
    """Judge every action of `actions_in` by the facts of `facts_in`.

    Args:
        engine: holds the inputs; afterwards the relations of `RESULTS`.
        clock: the tolerances.
        progress: told the name of each stage as it begins.
        expectations: what is demanded of some actions.
        slab: about how many actions are judged at a time; default as many as the engine's memory holds. Changes no
            answer.
    """
    run = _Run(engine, clock, expectations)
    for title, stage in (*_OF_FACTS, ("origins", _origins)):
        progress(title)
        stage(run)
    slabs = _slabs(engine, slab or _fitting(engine))
    run.slabs = len(slabs)
    for number, bounds in enumerate(slabs, 1):
        run.slab = bounds
        for title, stage in (
            ("cited and correlated", _named),
            ("inferred", _inferred),
            ("tests", _tests),
            ("verdicts", _verdicts),
            ("faults", _faults),
        ):
            progress(title if len(slabs) == 1 else f"{title}, part {number} of {len(slabs)}")
            stage(run)
    run.slab = "TRUE"
    for title, stage in (("origin", _unsettled), ("findings", _findings)):
        progress(title)
        stage(run)


def fold_terms(engine: Engine, clock: Clock) -> None:
    """Only what is said of the authorities of `facts_in`: `key_of`, `authority`, `correlate`, `term`, `decision`,
    `says`, `standing_term` and, at the times between the first and the last of `actions_in`, `phase`.
    """
    run = _Run(engine, clock)
    for _, stage in _OF_FACTS:
        stage(run)
    run.build("standing_said", "standing_term")


def _fitting(engine: Engine) -> int | None:
    """So many actions that their relations fit beside those of the facts, or take a fourth of the memory anyhow."""
    if engine.memory is None:
        return None
    left = engine.memory - _BYTES_PER_FACT * engine.count("facts_in")
    return max(left, engine.memory // 4) // _BYTES_PER_ACTION


def _slabs(engine: Engine, size: int | None) -> list[str]:
    """Conditions on `i.rec` that part the actions into slabs of about this size; numbers of records may have gaps."""
    if size is None or engine.count("actions_in") <= size:
        return ["TRUE"]
    width = max(1, size // 8)
    groups = engine.rows(
        f"SELECT CAST(floor(rec / {width}) AS BIGINT) AS part, count(*) AS actions FROM actions_in "
        f"GROUP BY CAST(floor(rec / {width}) AS BIGINT) ORDER BY part"
    )
    starts, held = [groups[0][0]], 0
    for part, actions in groups:
        if held and held + actions > size:
            starts.append(part)
            held = 0
        held += actions
    ends = [*starts[1:], groups[-1][0] + 1]
    return [f"i.rec >= {at * width} AND i.rec < {end * width}" for at, end in zip(starts, ends, strict=True)]


class _Run:
    """Fills the placeholders of a relation's text and hands it to the engine."""

    def __init__(self, engine: Engine, clock: Clock, expectations: Sequence[Expectation] = ()) -> None:
        self.engine = engine
        self.expectations = expectations
        self.slab, self.slabs = "TRUE", 1
        self._begun: set[str] = set()
        self._codes: set[int] = set()
        self._values = {
            "skew": str(clock.skew_us),
            "window": str(clock.window_us),
            "forever": str(FOREVER),
            "never": f"({NEVER})",
            "unknown": f"({UNKNOWN})",
            "few": str(FEW),
            "max_depth": str(MAX_DEPTH),
            "guilty": str(mask(GUILTY)),
            "unapproved": str(UNAPPROVED),
            **{code: str(entry.bit) for code, entry in CODES.items()},
            **{trait: str(bit) for trait, bit in TRAITS.items()},
            "principal_codes": str(mask(PRINCIPAL_CODES)),
            **{cause.replace("-", "_"): str(mask(codes)) for cause, codes in ROOT_CAUSES},
        }
        for name, columns in _EMPTY.items():
            engine.create(name, f"SELECT {columns} WHERE FALSE")

    def text(self, name: str, **which: object) -> str:
        values = {**self._values, "slab": self.slab, **{key: str(value) for key, value in which.items()}}
        return Template(relations()[name]).substitute(values)

    def build(self, *names: str, **which: object) -> None:
        for name in names:
            self.engine.create(_named_for(name, which), self.text(name, **which))

    def view(self, *names: str, **which: object) -> None:
        for name in names:
            self.engine.view(_named_for(name, which), self.text(name, **which))

    def grow(self, *names: str) -> None:
        """Add `NAME_new` to the relation of that name, which outlives the slab."""
        for name in names:
            if name in self._begun:
                self.engine.append(name, f"SELECT * FROM {name}_new")
                self.engine.drop(f"{name}_new")
            else:
                self.engine.rename(f"{name}_new", name)
                self._begun.add(name)

    def stream(self, name: str, sql: str) -> None:
        """Hand over more rows of a result."""
        self.engine.stream(name, sql, begin=name not in self._begun)
        self._begun.add(name)

    def within(self, left: str, right: str, keys: tuple[str, ...], at: str, take: tuple[str, ...]) -> str:
        """Rows of `left` that have one, with columns `take` of the row of `right` of the same keys whose [from_us,
        until_us) holds their `at`. `RIGHT_many` names the keys of which `right` has many rows.
        """
        same = " AND ".join(f"l.{key} = r.{key}" for key in keys)
        columns = ", ".join(f"r.{column}" for column in take)
        near = f"SELECT l.*, {columns} FROM {left} l JOIN {right} r ON {same} AND r.from_us <= l.{at}"
        near += f" AND l.{at} < r.until_us"
        if not self.engine.count(f"{right}_many"):
            return near
        many = f"EXISTS (SELECT 1 FROM {right}_many r WHERE {same})"
        self.engine.create(f"{left}_far", f"SELECT l.* FROM {left} l WHERE {many}")
        self.engine.asof(
            f"{left}_found", left=f"{left}_far", right=right, keys=keys, left_at=at, right_at="from_us", take=take
        )
        return f"{near} WHERE NOT {many} UNION ALL SELECT * FROM {left}_found"

    def distinct(self, relation: str, why: str = "two names share a hash") -> None:
        if self.engine.count(relation):
            raise LinkageError(why)


def _named_for(name: str, which: dict[str, object]) -> str:
    return Template(name).substitute({key: str(value) for key, value in which.items()})


def _records(run: _Run) -> None:
    """SPEC 2: what counts as a record, and small numbers for what is named again and again."""
    run.build("crowd", "crowded")
    run.engine.view("counting", run.text("counting" if run.engine.count("crowded") else "counting_uncrowded"))
    run.build("left_out", "acting", "lent", "principal", "subject", "subject_twins", "verb")
    run.engine.create(
        "code", " UNION ALL ".join(f"SELECT '{c.code}' AS code, {c.bit} AS bit" for c in CODES.values() if c.bit)
    )


def _authorities(run: _Run) -> None:
    """SPEC 3, aliases: which keys name which authority."""
    run.build("fact_crowd", "fact_copy", "alias_claim")
    if run.engine.count("alias_claim"):
        _aliases(run)
        run.build("authority_id", "key_of_aliased")
        run.engine.view("key_of", "SELECT key, a FROM key_of_aliased")
    else:
        run.engine.create("authority_id", run.text("authority_id_unaliased"))
        run.engine.view("key_of", run.text("key_of_unaliased"))
    run.build("fact", "fact_count", "authority", "decision_later", "correlate")


def _aliases(run: _Run) -> None:
    """Decision 0001, 3: an alias is followed from key to key; in a ring the lowest key is the id."""
    run.build("alias_walk")
    for _ in range(MAX_DEPTH - 1):
        run.build("alias_step")
        run.engine.create("alias_moving", "SELECT key FROM alias_step WHERE moved")
        moving = run.engine.count("alias_moving")
        run.engine.create("alias_walk", "SELECT key, reached FROM alias_step")
        if not moving:
            break
    run.build("alias_step", "alias_ring")
    if run.engine.count("alias_ring"):
        for _ in range(MAX_DEPTH):
            run.build("alias_ring_step")
            run.engine.rename("alias_ring_step", "alias_ring")
    run.build("key_root")


def _terms(run: _Run) -> None:
    """SPEC 3: from facts to terms."""
    run.build(
        "ended_at", "said", "taken_over", "composed", "opening", "never_opened", "never_opened_says", "next_ended"
    )
    run.build("series_start", "several", "renewed", "succeeded", "bounded", "term", "decision", "says")
    run.build("span")
    run.engine.drop(
        "said", "taken_over", "composed", "opening", "never_opened_says", "next_ended", "renewed", "succeeded"
    )
    run.engine.drop("bounded", "series_start", "fact")


def _citations(run: _Run) -> None:
    """What rests on what, and the scopes."""
    run.build("cited_key", "below", "dangling", "edge", "opened", "scope", "scope_pattern", "latest_principal")
    run.engine.drop("cited_key")
    run.build("twins_of_names")
    run.distinct("twins_of_names")


def _phases(run: _Run) -> None:
    """SPEC 5: which term is tested from which moment on."""
    run.build("tested_span", "moment", "counted", "latest_so_far", "held", "graced", "phase_several", "inside", "phase")
    run.engine.drop("moment", "counted", "held", "latest_so_far", "graced", "phase_several", "inside")
    run.build("rotated", "phase_many", "point", "citable")


def _origins(run: _Run) -> None:
    """SPEC 5, origin: which actions brought about what."""
    run.build("issuer")


def _named(run: _Run) -> None:
    """SPEC 4.1 and 4.2."""
    subject = "hash64(i.principal_type, i.principal_id)"
    if run.engine.count("lent"):
        lent = "hash64(i.principal_type, i.principal_id, i.on_behalf_of)"
        subject = f"CASE WHEN cardinality(i.on_behalf_of) > 0 THEN {lent} ELSE {subject} END"
    run.build("act", subject=subject)
    run.build("cite", "marked", "action_dangling")
    run.view("unnamed")
    run.build("correlated")
    run.view("root1")
    _chains(run, 1)


def _inferred(run: _Run) -> None:
    """SPEC 4.3 and 4.4."""
    run.build("unanchored", "bare")
    _by_decision(run)
    run.view("undecided")
    _empowered(run)
    run.build("by_session", found=_live_sessions(run))
    run.build("want_grant", "resource_wanted", "twins_wanted")
    run.distinct("twins_wanted")
    run.build("want_scope_wanted", "want_verb_wanted")
    _rules(run, "_wanted")
    run.build("covers$x", x="_wanted")
    run.build("covering", "by_grant", "by_ended_grant", "uncovered", "in_chain")
    run.view("root2")
    run.build("joined", "rootless")
    _chains(run, 2)
    run.engine.drop(
        "act", "unanchored", "bare", "bare_late", "answered", "undecided_at", "want_grant", "resource_wanted"
    )
    run.engine.drop("want_scope_wanted", "want_verb_wanted", "covers_wanted", "covering")
    run.engine.drop("by_decision", "by_grant", "by_ended_grant")


def _empowered(run: _Run) -> None:
    """Sessions and grants of the subjects that need them."""
    run.build("sought_new", "empowered_new", "session_point", "session_span", "session_live_new")
    run.build("session_stretch_new", "session_stretch_many_new", "entitled_new")
    run.grow("sought", "empowered", "session_live", "session_stretch", "session_stretch_many", "entitled")
    run.engine.drop("session_point", "session_span")


def _rules(run: _Run, wanted: str) -> None:
    """Which rules of the wanted scopes allow the wanted verbs."""
    run.build("verb_tried_new", "rule_verb_new", x=wanted)
    run.grow("verb_tried", "rule_verb")


def _by_decision(run: _Run) -> None:
    """SPEC 4.3a."""
    if "asked" not in run._begun and run.engine.count("bare"):
        run.build("asked", "asked_resource")
        run._begun.add("asked")
    if "asked" not in run._begun or not run.engine.count("asked"):
        run.engine.create("by_decision", run.text("by_decision_none"))
        return
    run.build("bare_late", "asked_twins")
    run.distinct("asked_twins")
    run.engine.asof(
        "answered",
        left="bare_late",
        right="asked",
        keys=("p", "v", "r"),
        left_at="until_us",
        right_at="at_us",
        take=("at_us", "a"),
    )
    run.build("by_decision")


def _live_sessions(run: _Run) -> str:
    """SPEC 4.3b: the sessions that live at the time of each undecided action, from the stretches of its subject."""
    live = "SELECT u.*, l.a, l.live FROM {} u JOIN session_live l ON l.s = u.s AND l.from_us {} AND u.time < l.until_us"
    if not run.engine.count("session_stretch_many"):
        return live.format("undecided", "<= u.time")
    run.engine.create("undecided_at", run.within("undecided", "session_stretch", ("s",), "time", ("from_us",)))
    return live.format("undecided_at", "= u.from_us")


def _chains(run: _Run, n: int) -> None:
    """SPEC 4.1 and 5: the chain of every first step in every stretch of time in which an action falls; its tests."""
    engine = run.engine
    run.build("bearing", "first_new", n=n)
    run.build("reach")
    engine.create("reach_front", "SELECT * FROM reach")
    for _ in range(MAX_DEPTH):
        run.build("reach_next")
        if not engine.count("reach_next"):
            break
        engine.append("reach", "SELECT * FROM reach_next")
        engine.rename("reach_next", "reach_front")
    run.grow("first")
    run.build("stretch_start", "stretch_count")
    run.build("stretch_new", "stretch_many_new", known=engine.count("stretch") if "stretch" in run._begun else 0)
    run.grow("stretch", "stretch_many")
    run.build("borne_new")
    run.grow("borne")
    run.view("followed$n", n=n)
    run.build("placed$n", n=n, followed=run.within(f"followed{n}", "stretch", ("a", "mode"), "time", ("use",)))
    engine.drop("bearing", "reach", "reach_front", "reach_next", "stretch_start", "stretch_count")
    run.build("met_new", "use_new", n=n)
    _walk(run)
    _told(run, n)


def _walk(run: _Run) -> None:
    """Down the citations of the new chains, at most `MAX_DEPTH` authorities on a path; else, or in a circle, QW107."""
    engine = run.engine
    run.build("level")
    visits: list[int] = []
    while engine.count("level") or not visits:
        k = len(visits) + 1
        engine.create("tested", run.within("level", "phase", ("node",), "at_us", ("term", "bits")))
        run.build("visit_$k", "cut_$k", "level_next", k=k)
        engine.rename("level_next", "level")
        visits.append(k)
    engine.view("visit", " UNION ALL ".join(f"SELECT * FROM visit_{k}" for k in visits))
    engine.create("cut", " UNION ".join(f"SELECT use, node FROM cut_{k}" for k in visits))
    run.build(
        "decided", "use_visit_new", "use_parent_new", "use_fault_new", "issuing_new", "use_scopes", "set_name_new"
    )
    run.build("use_sum_new")
    run.grow("use_visit", "use_parent", "use_fault", "issuing", "set_name", "use_sum")
    run.build("scope_set")
    engine.drop("tested", "cut", "decided", *(f"{name}_{k}" for k in visits for name in ("visit", "cut")))


def _told(run: _Run, n: int) -> None:
    """SPEC 5: what depends on the action itself: principal, scope, effect."""
    run.build("unlike", "stranger_new", "set_verb_new")
    run.grow("met", "stranger")
    run.build("stranger_use", "want_verb_tested")
    _rules(run, "_tested")
    run.build("scope_try", "easy_new", "hard_new")
    run.grow("easy", "hard", "set_verb")
    run.build("tried", "resource_tested", "twins_tested", n=n)
    run.distinct("twins_tested")
    run.build("want_set", "want_scope_tested", "covered", "overstep", "set_overstep")
    run.build("hard_overstep", "hard_overstep_use")
    run.build("told$n", "outside$n", n=n)
    run.engine.drop(f"placed{n}", "unlike", "stranger_use", "want_verb_tested", "scope_try", "tried", "resource_tested")
    run.engine.drop("want_set", "want_scope_tested", "covered", "overstep", "set_overstep", "use_scopes")
    run.engine.drop("hard_overstep", "hard_overstep_use")


def _tests(run: _Run) -> None:
    """SPEC 5, rotation: what is needed to tell QW403 from QW402 when all slabs are through."""
    run.build("rotated_visit", "late_use", "origin_of", "known_origin_new", "late_all_new", "gone_new", "aside")
    run.engine.drop("rotated_visit", "origin_of", "cite")


def _verdicts(run: _Run) -> None:
    """SPEC 6 and 8, of all actions of the slab but those that only the whole case tells about."""
    run.build("judged")
    _expectations(run)
    run.build("unsettled", "pending_new", "pending_use_new")
    run.view("settled")
    _conclude(run, "settled")
    run.engine.drop("unsettled", "late_use")
    run.grow("known_origin", "late_all", "gone", "pending", "pending_use")
    steps = " UNION ALL ".join(f"SELECT rec, use, CAST(how AS BIGINT) AS how, under FROM told{n}" for n in (1, 2))
    run.stream("action_use", steps)


def _expectations(run: _Run) -> None:
    """SPEC 9: what is demanded of some actions and not met."""
    if not run.expectations:
        return
    engine = run.engine
    if "expectation" not in run._begun:
        engine.create("expectation", expectation_rows(run.expectations, TRAITS))
        run.build("standing_said", "standing_term")
        run._begun.add("expectation")
    engine.create("expected", expected_rows(run.expectations, run.slab))
    engine.view("told", "SELECT * FROM told1 UNION ALL SELECT * FROM told2")
    run.build("fault_expected", "unmet", "judged_expected")
    engine.rename("judged_expected", "judged")
    engine.drop("expected", "unmet")


def _conclude(run: _Run, judgements: str) -> None:
    engine = run.engine
    run.build("conclusion", judgements=judgements)
    _name_codes(run, [row[0] for row in engine.rows("SELECT DISTINCT bits FROM conclusion")])
    engine.create_labels("concluded", run.text("concluded"))
    run.stream("verdict", run.text("verdict", judgements=judgements))


def _name_codes(run: _Run, found: list[int]) -> None:
    """A table that turns bits into text; there are few different sets of codes."""
    run._codes |= {*found, 0}
    rows = ", ".join(f"({bits}, '{','.join(names(bits))}')" for bits in sorted(run._codes))
    run.engine.create_labels("code_text", f"SELECT bits, codes FROM (VALUES {rows}) AS named(bits, codes)")


def _faults(run: _Run) -> None:
    """SPEC 8: codes per authority, or per principal where they are about no authority."""
    run.engine.view("told", "SELECT * FROM told1 UNION ALL SELECT * FROM told2")
    run.build("fault_new")
    if run.expectations:
        run.engine.append("fault_new", "SELECT rec, code, a, time, s FROM fault_expected")
        run.engine.drop("fault_expected")
    run.engine.drop("told1", "told2", "judged", "outside1", "outside2")
    _fold(run, "fault_new")


def _fold(run: _Run, faults: str) -> None:
    run.build("fault_about", faults=faults)
    # the subject of a finding that is no authority, as a number that a case can hold
    about = "CASE WHEN a = 0 THEN CAST(p % 4611686018427387904 AS BIGINT) END"
    run.stream("fault", f"SELECT rec, code, at_fault AS a, time, {about} AS about FROM fault_about")
    run.build("finding_part_new")
    run.build("fifth$x", x="_of_slab", early="fault_about")
    run.build("sample_part_new")
    run.grow("finding_part", "sample_part")
    run.engine.drop("fault_about", "fifth_of_slab", faults)


def _unsettled(run: _Run) -> None:
    """What only the whole case tells. SPEC 5, origin: the least fixed point of "obtained by an unauthorised action"."""
    run.build("late", "sprawled", "accused", "culprit")
    known = run.engine.count("culprit")
    while True:
        run.build("tainted")
        if not known:
            break
        run.build("culprit_next")
        now = run.engine.count("culprit_next")
        if now == known:
            break
        run.engine.rename("culprit_next", "culprit")
        known = now
    run.build("cleared")
    _conclude(run, "cleared")
    run.build("fault_late")
    _fold(run, "fault_late")


def _findings(run: _Run) -> None:
    """SPEC 8: folded over all slabs."""
    run.build("finding")
    early = "sample_part"
    if run.slabs > 1:
        run.build("fifth$x", x="_of_all", early=early)
        early = "sample_early"
        run.build(early)
    run.build("sample", early=early)
    run.engine.drop("pending", "pending_use", "late_all", "gone", "known_origin", "finding_part", "sample_part")
    _name_codes(run, [row[0] for row in run.engine.rows("SELECT DISTINCT bits FROM use_visit")])


_OF_FACTS: tuple[tuple[str, Callable[[_Run], None]], ...] = (
    ("records", _records),
    ("authorities", _authorities),
    ("terms", _terms),
    ("citations", _citations),
    ("phases", _phases),
)
"""What is worked out once, whatever the actions are."""
