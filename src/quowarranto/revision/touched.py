"""Which actions new records touch: a superset of those whose verdict they can change, rule by rule.

Each rule selects numbers of actions (`rec`) judged before; the actions that came are touched by themselves. What the
rules ask is what earlier runs left in the case (`old_…`), and what `arrivals` and `differing` left before the engine.
"""

from __future__ import annotations

from string import Template

from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import FOREVER, NEVER, Clock
from quowarranto.revision.arrivals import ACTION
from quowarranto.revision.index import HASH

# What several rules ask.
PARTS: dict[str, str] = {
    # records of an id that came again: a later stage, a copy, or another record under one id (SPEC 2, QW606)
    "same_id": f"""
        SELECT rec FROM old_named WHERE id_hash IN (SELECT {HASH.format("id")} FROM came_action)""",
    "again": "SELECT rec FROM old_verdicts WHERE rec IN (SELECT rec FROM same_id)",
    "again_action": f"SELECT {ACTION} FROM new_action WHERE rec IN (SELECT rec FROM again)",
    # actions that may have begun or ceased to count, and the keys that they cite
    "stirred": f"SELECT {ACTION} FROM came_action UNION ALL SELECT {ACTION} FROM again_action",
    "stirred_key": """
        SELECT DISTINCT rec, origin, key FROM (SELECT rec, origin, explode(cites) AS key FROM stirred) c""",
    "stirred_authority": """
        SELECT DISTINCT k.a FROM old_keys k WHERE k.key IN (SELECT key FROM stirred_key)
        UNION SELECT n.a FROM old_authorities n WHERE n.id IN (SELECT now_id FROM rekeyed)""",
    "changed_node": "SELECT n.a, d.from_us, d.until_us FROM old_authorities n JOIN differs d ON d.id = n.id",
    "empowering": """
        SELECT kind, principal_type, principal_id, principal_like, start_us, end_us FROM resaid
        WHERE kind IN ('session', 'grant') AND principal_id IS NOT NULL""",
    "empowered_subject": """
        SELECT DISTINCT m.subject, e.kind, e.start_us, e.end_us
        FROM old_subjects m JOIN empowering e ON e.principal_type = m.type AND e.principal_id = m.id
        UNION
        SELECT DISTINCT m.subject, e.kind, e.start_us, e.end_us
        FROM old_subjects m JOIN (
          SELECT * FROM empowering WHERE instr(principal_id, '*') > 0 OR instr(principal_id, '?') > 0
        ) e ON e.principal_type = m.type AND m.id LIKE e.principal_like ESCAPE '!'""",
    # keys without any record: from how many places they were used before, and may be used now (SPEC 8, secret-sprawl)
    "spread": """
        SELECT d.key, count(DISTINCT d.origin) AS before,
               count(DISTINCT CASE WHEN d.rec NOT IN (SELECT rec FROM again) THEN d.origin END) AS staying,
               min(d.origin) AS one
        FROM old_dangling d WHERE d.key IN (SELECT key FROM stirred_key) GROUP BY d.key""",
    "spreading": """
        SELECT s.key FROM spread s LEFT JOIN stirred_key k ON k.key = s.key GROUP BY s.key, s.before, s.staying, s.one
        HAVING s.staying < 2
           AND (s.before > 1 OR s.before + count(DISTINCT CASE WHEN k.origin <> s.one THEN k.origin END) > 1
                OR (s.before = 0 AND count(DISTINCT k.origin) > 1))""",
}

# Chains that may look different, and between which moments: the action's, or those of a decision in between.
CHAINS: dict[str, str] = {
    # SPEC 3 and 5: an authority looks different at the moment at which it was tested
    "an authority differs": """
        SELECT c.use, c.at_us, n.from_us, n.until_us FROM old_chains c JOIN changed_node n ON n.a = c.node""",
    # SPEC 4.1: something is known of a key that is cited in it, or no longer
    "a key in it is known": f"""
        SELECT c.use, 0, {NEVER} - 1, {FOREVER} + 1
        FROM old_loose l JOIN old_chains c ON c.node = l.a
        WHERE l.key IN (SELECT key FROM rekeyed)""",
    # SPEC 5: who used a rotated credential before its rotation
    "a rotated credential is used": f"""
        SELECT use, 0, {NEVER} - 1, {FOREVER} + 1 FROM old_chains
        WHERE contains(codes, 'QW402') AND node IN (SELECT a FROM stirred_authority)""",
}
# Below a decision that an action rests on, the decision's time is the instant; deeper down it is in the chain.
_STEPS = """
    SELECT s.rec, s.under, u.at_us, u.from_us, u.until_us FROM old_steps s JOIN changed_use u ON u.use = s.use"""
_CHAIN = """
    SELECT s.rec FROM changed_step s JOIN old_named n ON n.rec = s.rec
    LEFT JOIN (SELECT a, start_us FROM old_terms WHERE point) d ON d.a = s.under
    WHERE (coalesce(d.start_us, n.time) >= s.from_us AND coalesce(d.start_us, n.time) < s.until_us)
       OR (s.at_us >= s.from_us AND s.at_us < s.until_us)"""

SPAN = "the span moves over it"

RULES: dict[str, str] = {
    "its id came again": "SELECT rec FROM again",
    # SPEC 4.1: something is known of a key now, or no longer
    "a key that it cites is known": "SELECT rec FROM old_dangling WHERE key IN (SELECT key FROM rekeyed)",
    # SPEC 4.2
    "it shares a value": f"""
        SELECT rec FROM old_sharing WHERE value_hash IN (SELECT {HASH.format("value")} FROM revalued)""",
    # SPEC 4.3 and 4.4: who was looking for an authority may find another one
    "a decision answers it": """
        SELECT q.rec FROM old_seeking q JOIN resaid d ON d.question = q.question AND d.kind = 'decision'
        WHERE q.time >= d.start_us - $skew AND q.time <= d.start_us + $window""",
    "a session is open": """
        SELECT q.rec FROM old_seeking q JOIN empowered_subject e ON e.subject = q.subject AND e.kind = 'session'
        WHERE q.time >= e.start_us AND q.time < e.end_us""",
    "a grant is there": """
        SELECT q.rec FROM old_seeking q JOIN empowered_subject e ON e.subject = q.subject AND e.kind = 'grant'
        WHERE q.time >= e.start_us""",
    # SPEC 8: a dangling key is used from another place
    "its dangling key spreads": "SELECT rec FROM old_dangling WHERE key IN (SELECT key FROM spreading)",
    # SPEC 5, QW105: the control records cover another span of time
    SPAN: """
        SELECT rec FROM old_verdicts
        WHERE (linkage = 'missing' OR contains(codes, 'QW104'))
          AND ((time >= least($was_first, $now_first) AND time <= greatest($was_first, $now_first)
                AND $was_first <> $now_first)
            OR (time >= least($was_last, $now_last) AND time <= greatest($was_last, $now_last)
                AND $was_last <> $now_last))""",
}

PARTNERS = """
    SELECT rec FROM old_named WHERE id_hash IN (
      SELECT id_hash FROM old_named WHERE rec IN (
        SELECT rec FROM touched_was WHERE contains(codes, 'QW606')))"""
"""SPEC 2, QW606: other records that bear the id of a touched one."""

ISSUED = """
    SELECT s.rec FROM old_steps s WHERE s.use IN (
      SELECT c.use FROM old_chains c JOIN old_terms t ON t.a = c.node
      WHERE t.issued_by IN (SELECT id FROM turned))"""
"""SPEC 5, origin: the action that brought about an authority in its chain is unauthorised now, or no longer."""


def recall(engine: DuckDB) -> None:
    """Build `touched_was`: what was concluded of the touched actions."""
    engine.create("touched_was", "SELECT rec, verdict, codes FROM old_verdicts WHERE rec IN (SELECT rec FROM touched)")


def widen(engine: DuckDB, rule: str) -> bool:
    """Add what a rule selects to `touched`; returns whether it has grown."""
    before = engine.count("touched")
    engine.create(
        "wider",
        f"SELECT rec FROM touched UNION SELECT rec FROM ({rule}) r WHERE rec IN (SELECT rec FROM old_verdicts)",
    )
    engine.rename("wider", "touched")
    grown = engine.count("touched") > before
    if grown:
        recall(engine)
    return grown


def touched(engine: DuckDB, clock: Clock, span: dict[str, int]) -> None:
    """Build `touched`: one row per action judged before that some rule names.

    Args:
        engine: holds what `arrivals` and `differing` leave.
        clock: the tolerances.
        span: `was_first`, `was_last`, `now_first`, `now_last`: earliest and latest time of all facts, then and now.
    """
    for name, sql in PARTS.items():
        engine.create(name, sql)
    values = {"skew": str(clock.skew_us), "window": str(clock.window_us), **{k: f"({v})" for k, v in span.items()}}
    engine.create("changed_use", " UNION ALL ".join(CHAINS.values()))
    engine.create("changed_step", _STEPS)
    moved = (span["was_first"], span["was_last"]) != (span["now_first"], span["now_last"])
    asked = [sql for name, sql in RULES.items() if moved or name != SPAN]
    rules = " UNION ".join([_CHAIN, *(Template(sql).substitute(values) for sql in asked)])
    engine.create("touched", rules)
    recall(engine)
