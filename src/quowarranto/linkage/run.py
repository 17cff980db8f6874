"""The linkage from records to verdicts: the relations of `steps/` in their order. Reads like SPEC 3 to 8.

Pure: reads no clock, file or environment. The engine must already hold `actions_in` and `facts_in` (see
docs/reference/formats/case.md for their columns) and ends up holding what `RESULTS` names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import Template

import msgspec

from quowarranto.linkage.engines import Engine
from quowarranto.linkage.steps import relations
from quowarranto.records.codes import CODES, GUILTY, PRINCIPAL_CODES, ROOT_CAUSES, mask

MAX_DEPTH = 16
"""Authorities on one path (SPEC 4.1); also the steps that an alias is followed (decision 0001, 3)."""

FOREVER = 8_000_000_000_000_000_000
NEVER = -8_000_000_000_000_000_000
UNKNOWN = -9_000_000_000_000_000_000

RESULTS = (
    "verdict",
    "action_use",
    "use_visit",
    "use_parent",
    "term",
    "decision",
    "authority",
    "fault",
    "finding",
    "sample",
)
"""Relations that outlive the run."""


class Clock(msgspec.Struct, frozen=True):
    """How far clocks may differ, and how long before an action its decision may lie; microseconds."""

    skew_us: int = 2_000_000
    window_us: int = 30_000_000


class LinkageError(Exception):
    """Two different names share a hash: the run must be repeated with the engine's stronger one."""


def link(engine: Engine, clock: Clock, progress: Callable[[str], None] = lambda _: None) -> None:
    """Judge every action of `actions_in` by the facts of `facts_in`.

    Args:
        engine: holds the inputs; afterwards the relations of `RESULTS`.
        clock: the tolerances.
        progress: told the name of each stage as it begins.
    """
    _stages(_Run(engine, clock), _STAGES, progress)


def fold_terms(engine: Engine, clock: Clock) -> None:
    """Only what is said of the authorities of `facts_in`, as `key_of`, `authority`, `correlate`, `term`, `decision`,
    `says`, `cited_key` and `node_phase`. The engine holds `actions_in` too, which may be empty.
    """
    _stages(_Run(engine, clock), _STAGES[:3], lambda _: None)


def _stages(run: _Run, stages: Sequence[tuple[str, Callable[[_Run], None]]], progress: Callable[[str], None]) -> None:
    for title, stage in stages:
        progress(title)
        stage(run)


class _Run:
    """Fills the placeholders of a relation's text and hands it to the engine."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self._values = {
            "skew": str(clock.skew_us),
            "window": str(clock.window_us),
            "forever": str(FOREVER),
            "never": f"({NEVER})",
            "unknown": f"({UNKNOWN})",
            "guilty": str(mask(GUILTY)),
            **{code: str(entry.bit) for code, entry in CODES.items()},
            "principal_codes": str(mask(PRINCIPAL_CODES)),
            **{cause.replace("-", "_"): str(mask(codes)) for cause, codes in ROOT_CAUSES},
        }

    def text(self, name: str, **which: object) -> str:
        return Template(relations()[name]).substitute(self._values, **{key: str(value) for key, value in which.items()})

    def build(self, *names: str, **which: object) -> None:
        for name in names:
            self.engine.create(
                Template(name).substitute({k: str(v) for k, v in which.items()}), self.text(name, **which)
            )

    def view(self, *names: str) -> None:
        for name in names:
            self.engine.view(name, self.text(name))


def _records(run: _Run) -> None:
    """SPEC 2: what counts as a record, and small numbers for what is named again and again."""
    run.build(
        "crowd",
        "crowded",
        "left_out",
        "action",
        "acting",
        "principal",
        "subject",
        "subject_twins",
        "verb",
        "resource",
        "resource_twins",
    )
    run.engine.create(
        "twins",
        "SELECT 1 AS one FROM principal WHERE twins > 0 UNION ALL SELECT 1 FROM verb WHERE twins > 0 "
        "UNION ALL SELECT 1 FROM resource_twins UNION ALL SELECT 1 FROM subject_twins",
    )
    if run.engine.count("twins"):
        raise LinkageError("two names share a hash")
    run.engine.create("code", " UNION ALL ".join(f"SELECT '{c.code}' AS code, {c.bit} AS bit" for c in CODES.values()))


def _authorities(run: _Run) -> None:
    """SPEC 3, aliases: which keys name which authority."""
    run.build("fact_once", "alias_claim", "alias_walk")
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
    run.build("key_root", "authority_id", "key_of", "fact", "authority", "correlate")


def _terms(run: _Run) -> None:
    """SPEC 3: from facts to terms, and SPEC 5: which term is tested from which moment on."""
    run.build("ended_at", "said", "taken_over", "opening", "never_opened", "never_opened_says", "next_ended")
    run.build("series_start", "several", "renewed", "succeeded", "bounded", "term", "decision", "says")
    run.engine.drop(
        "said", "taken_over", "opening", "never_opened_says", "next_ended", "renewed", "succeeded", "bounded"
    )
    run.build("point", "counted", "latest_so_far", "held", "graced", "phase", "node_phase")
    run.engine.drop("counted", "held", "latest_so_far", "graced", "phase")
    run.build("cited_key", "below", "dangling", "edge", "scope", "scope_pattern")


def _named(run: _Run) -> None:
    """SPEC 4.1 and 4.2."""
    run.build("action_cite", "action_dangling", "unnamed", "latest_principal", "correlated", "root1")


def _named_chains(run: _Run) -> None:
    _chains(run, 1)


def _inferred(run: _Run) -> None:
    """SPEC 4.3 and 4.4."""
    run.build("half", "unanchored", "bare", "asked", "bare_late")
    run.engine.asof(
        "answered",
        left="bare_late",
        right="asked",
        keys=("p", "v", "r"),
        left_at="until_us",
        right_at="at_us",
        take=("at_us", "a"),
    )
    run.build("by_decision", "undecided", "seeking", "empowered", "session_point", "session_live", "session_count")
    run.engine.asof(
        "undecided_at",
        left="undecided",
        right="session_point",
        keys=("s",),
        left_at="time",
        right_at="at_us",
        take=("at_us",),
    )
    run.build("by_session", "want_grant", "want_scope_wanted")
    run.build("rule_verb$x", "covers$x", x="_wanted")
    run.build(
        "covering", "by_grant", "by_ended_grant", "entitled", "uncovered", "in_chain", "root2", "joined", "rootless"
    )
    run.engine.drop("half", "unanchored", "bare", "bare_late", "answered", "undecided", "undecided_at", "session_live")
    run.engine.drop("want_grant", "want_scope_wanted", "rule_verb_wanted", "covers_wanted", "covering", "empowered")
    run.engine.drop("by_decision", "by_grant", "by_ended_grant", "unnamed", "session_point", "entitled")


def _inferred_chains(run: _Run) -> None:
    _chains(run, 2)
    for name in ("action_use", "use_visit", "use_scopes", "use_sum", "use_parent"):
        run.engine.view(name, f"SELECT * FROM {name}1 UNION ALL SELECT * FROM {name}2")


def _chains(run: _Run, n: int) -> None:
    """SPEC 4.1 and 5: the chain of every first step in every stretch of time in which an action falls."""
    engine = run.engine
    run.build("first$n", "reach$n", n=n)
    engine.create(f"reach_front{n}", f"SELECT * FROM reach{n}")
    for _ in range(MAX_DEPTH):
        run.build("reach_next$n", n=n)
        if not engine.count(f"reach_next{n}"):
            break
        engine.create(f"reach_more{n}", f"SELECT * FROM reach{n} UNION ALL SELECT * FROM reach_next{n}")
        engine.rename(f"reach_more{n}", f"reach{n}")
        engine.rename(f"reach_next{n}", f"reach_front{n}")
    run.build("stretch$n", n=n)
    engine.asof(
        f"placed{n}",
        left=f"root{n}",
        right=f"stretch{n}",
        keys=("a", "alone"),
        left_at="time",
        right_at="at_us",
        take=("at_us",),
    )
    run.build("use$n", "action_use$n", n=n)
    _levels(run, n)
    run.build("use_visit$n", "use_scopes$n", "use_sum$n", n=n)
    spent = ("root", "first", "reach", "reach_front", "reach_next", "stretch", "placed", "use", "level", "visit", "cut")
    engine.drop(*(f"{name}{n}" for name in spent))


def _levels(run: _Run, n: int) -> None:
    """Walks down the citations, at most `MAX_DEPTH` authorities on a path; beyond, and in a circle, QW107."""
    engine = run.engine
    run.build("level1_$n", n=n)
    engine.rename(f"level1_{n}", f"level{n}")
    cuts = []
    visits = []
    for depth in range(1, MAX_DEPTH + 1):
        engine.asof(
            f"tested{n}_{depth}",
            left=f"level{n}",
            right="node_phase",
            keys=("node",),
            left_at="at_us",
            right_at="from_us",
            take=("term", "bits"),
        )
        run.build("visit${n}_$k", "cut${n}_$k", "level_next$n", n=n, k=depth)
        engine.drop(f"tested{n}_{depth}")
        visits.append(f"visit{n}_{depth}")
        cuts.append(f"SELECT use, node FROM cut{n}_{depth}")
        if not engine.count(f"level_next{n}"):
            break
        engine.rename(f"level_next{n}", f"level{n}")
    else:
        cuts.append(f"SELECT use, parent AS node FROM level{n}")
    engine.create(f"cut{n}", "SELECT DISTINCT use, node FROM (" + " UNION ALL ".join(cuts) + ") cuts")
    engine.create(
        f"visit{n}",
        f"SELECT v.*, c.use IS NOT NULL AS cut FROM ({' UNION ALL '.join(f'SELECT * FROM {v}' for v in visits)}) v "
        f"LEFT JOIN cut{n} c ON c.use = v.use AND c.node = v.node",
    )
    engine.drop(*visits, *(f"cut{n}_{depth}" for depth in range(1, len(visits) + 1)))
    run.build("use_parent$n", n=n)


def _tests(run: _Run) -> None:
    """SPEC 5: what depends on the action itself: principal, scope, effect, rotation."""
    run.build("use_subject", "stranger", "scope_set", "want_set", "want_scope_tested")
    run.build("rule_verb$x", x="_tested")
    run.build("covered", "overstep", "set_overstep", "rotated_visit", "known_origin", "late")
    run.engine.drop("use_subject", "want_set", "want_scope_tested", "rule_verb_tested", "covered")
    run.view("told")
    run.build("aside", "compound")


def _names(run: _Run) -> None:
    """No two of the names that only the tests compare share a hash; those of actions were looked at in `_records`."""
    run.build("origin_twins", "set_twins")
    run.engine.create(
        "twins",
        "SELECT 1 AS one FROM scope WHERE twins > 0 UNION ALL SELECT 1 FROM origin_twins "
        "UNION ALL SELECT 1 FROM set_twins",
    )
    if run.engine.count("twins"):
        raise LinkageError("two names share a hash")


def _origin(run: _Run) -> None:
    """SPEC 5, origin: the least fixed point of "obtained by an unauthorised action"."""
    run.build("dangling_key", "sprawled", "judged", "issuing", "culprit")
    known = run.engine.count("culprit")
    while True:
        run.build("tainted")
        if not known:
            return
        run.build("culprit_next")
        now = run.engine.count("culprit_next")
        if now == known:
            return
        run.engine.rename("culprit_next", "culprit")
        known = now


def _verdicts(run: _Run) -> None:
    """SPEC 6 and 8."""
    run.build("span")
    run.view("concluded", "verdict")


def _findings(run: _Run) -> None:
    """SPEC 8: codes folded per authority, or per principal where they are about no authority."""
    run.build("use_fault", "fault", "fault_about", "finding", "sample")


_STAGES: tuple[tuple[str, Callable[[_Run], None]], ...] = (
    ("records", _records),
    ("authorities", _authorities),
    ("terms", _terms),
    ("cited and correlated", _named),
    ("chains", _named_chains),
    ("inferred", _inferred),
    ("inferred chains", _inferred_chains),
    ("tests", _tests),
    ("names", _names),
    ("origin", _origin),
    ("verdicts", _verdicts),
    ("findings", _findings),
)
"""In the order of the specification."""
