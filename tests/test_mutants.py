"""The random worlds see small faults in the SQL of the engine, each of a clause of SPEC 3 to 6."""

from __future__ import annotations

import pytest

from tests.mutants import Mutant, fate

FAULTS = (
    ("alias_claim", "min(id)", "max(id)"),
    ("ended_at", "min(rank)", "max(rank)"),
    ("next_ended", "opens DESC", "opens"),
    ("renewed", "1 FOLLOWING", "0 FOLLOWING"),
    ("held", "c.at_us < x.end_us THEN 0", "c.at_us <= x.end_us THEN 0"),
    ("held", "c.at_us < y.end_us + $skew THEN 1", "c.at_us <= y.end_us + $skew THEN 1"),
    ("graced", "h.at_us < t.grace_us", "h.at_us <= t.grace_us"),
    ("placed$n", "x.time < d.at_us - $skew", "x.time < d.at_us"),
    ("phase", "at_us - $skew, term, $QW204 FROM inside", "at_us, term, $QW204 FROM inside"),
    ("asked", "max(d.a)", "min(d.a)"),
    ("bare_late", "b.time + $skew", "b.time"),
    ("by_decision", ">= time - $window", "> time - $window"),
    ("session_live_new", "p.from_us < e.end_us", "p.from_us <= e.end_us"),
    ("by_grant", "w.time < g.end_us", "w.time <= g.end_us"),
    ("by_grant", "g.narrow DESC", "g.narrow"),
    ("by_ended_grant", "g.end_us <= w.time", "g.end_us < w.time"),
    ("visit_$k", "s.decided_us > w.cited_us", "s.decided_us >= w.cited_us"),
    ("level_next", "coalesce(b.decided_us, v.at_us)", "v.at_us"),
    ("borne_new", "s.from_us <= b.at_us", "s.from_us < b.at_us"),
    ("late", "k.first_us >= l.end_us", "k.first_us > l.end_us"),
    ("accused", ">= 1536", "> 1536"),
)


@pytest.mark.parametrize(("relation", "right", "wrong"), FAULTS)
def test_a_fault_in_the_sql_is_seen_by_the_worlds(relation: str, right: str, wrong: str) -> None:
    """Where the text of a relation has changed, plant the fault where the clause now stands."""
    assert fate(Mutant.planted(relation, right, wrong)) == "seen"
