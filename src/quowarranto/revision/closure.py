"""What must lie before the engine so that the touched actions are judged as if everything did.

    facts_in     all facts of every authority that one of them can rest on, at any depth, or that can decide whether it
                 is found: with all aliases, and the other members of their series
    actions_in   the touched actions, and a few *stand-ins* for what others contribute to their verdicts. A stand-in is
                 not judged for its own sake; it shows just what the touched actions see of it:
                 - that an issuing action is unauthorised (SPEC 5, origin): its id, and the citation of a policy that
                   has ended;
                 - that a rotated credential was used from an origin before (SPEC 5): its time, origin and citation;
                 - that a dangling key was used from another origin (SPEC 8): its origin and citation.

Keys are compared by hash while the facts are gathered: two keys of one hash only mean that more facts are gathered.
"""

from __future__ import annotations

from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import Clock
from quowarranto.revision.arrivals import ACTION, written_out
from quowarranto.revision.index import HASH

NOBODY = "quo:stand-in"
"""Type of the principal of stand-ins; nothing that a log holds empowers it."""
_ENDED = "quo:stand-in/ended"

# Of all facts, in short; built once.
_SHORT: dict[str, str] = {
    "short": """
        SELECT rec, hash64(id) AS h, CASE WHEN series IS NOT NULL THEN hash64(series) END AS series,
               kind IN ('session', 'grant') AS empowers FROM new_fact""",
    "resting": """
        SELECT h, hash64(key) AS below FROM (
          SELECT hash64(id) AS h, explode(cites) AS key FROM new_fact WHERE cardinality(cites) > 0) c""",
    "both_ways": """
        SELECT hash64(key) AS h, hash64(other) AS other FROM new_alias
        UNION SELECT hash64(other), hash64(key) FROM new_alias""",
    "grant_or_session": "SELECT DISTINCT h FROM short WHERE empowers",
    "member_of": "SELECT DISTINCT series, h FROM short WHERE series IS NOT NULL",
}
_NEW_ALIAS = """
    SELECT id AS key, alias AS other FROM (
      SELECT id, explode(aliases) AS alias FROM new_fact WHERE cardinality(aliases) > 0) a WHERE alias <> id"""

# Where a touched action may begin to look for its authority (SPEC 4), and the two facts that bound the span (QW105).
_SEEDS: dict[str, str] = {
    "cited": "SELECT hash64(key) AS h FROM (SELECT explode(cites) AS key FROM task) c",
    "correlated": """
        SELECT DISTINCT hash64(id) AS h FROM (
          SELECT id, explode(correlates) AS value FROM new_fact WHERE cardinality(correlates) > 0) f
        WHERE value IN (SELECT value FROM (SELECT explode(correlates) AS value FROM task) t)""",
    "decided": """
        SELECT DISTINCT hash64(f.id) AS h FROM new_fact f JOIN (
          SELECT DISTINCT principal_type, principal_id, action, resource_type, resource_id FROM task) t
        ON f.request_subject_type = t.principal_type AND f.request_subject_id = t.principal_id
           AND f.request_action = t.action AND f.request_resource_type = t.resource_type
           AND f.request_resource_id = t.resource_id""",
    "span": """
        SELECT hash64(id) AS h FROM (
          (SELECT id FROM new_fact WHERE time = (SELECT min(time) FROM new_fact) LIMIT 1)
          UNION ALL (SELECT id FROM new_fact WHERE time = (SELECT max(time) FROM new_fact) LIMIT 1)) bounds""",
}
_WHO = """
    SELECT DISTINCT principal_type AS type, principal_id AS id FROM task
    UNION SELECT who.type, who.id FROM (SELECT explode(on_behalf_of) AS who FROM task) t"""
_EMPOWERING = """
    SELECT DISTINCT hash64(f.id) AS h FROM new_fact f JOIN who w
      ON f.principal_type = w.type AND f.principal_id = w.id
    UNION
    SELECT DISTINCT hash64(f.id) FROM (
      SELECT DISTINCT id, principal_type, principal_like FROM new_fact
      WHERE instr(principal_id, '*') > 0 OR instr(principal_id, '?') > 0) f
    JOIN who w ON f.principal_type = w.type AND w.id LIKE f.principal_like ESCAPE '!'"""
_RESTING = "SELECT below AS h FROM resting WHERE h IN (SELECT h FROM front)"
_MEMBERS = """
    SELECT h FROM member_of WHERE series IN (SELECT series FROM member_of WHERE h IN (SELECT h FROM needed))"""

# Issuing actions that are unauthorised, those that are judged again apart.
_CULPRITS = f"""
    SELECT DISTINCT i.id FROM new_action i WHERE i.rec IN (
      SELECT v.rec FROM old_verdicts v WHERE v.verdict = 'unauthorised' AND v.rec IN (
        SELECT n.rec FROM old_named n WHERE n.id_hash IN (
          SELECT {HASH.format("issued_by")} FROM facts_in WHERE issued_by IS NOT NULL)))
      AND i.id IN (SELECT issued_by FROM facts_in)
      AND i.id NOT IN (SELECT id FROM task)"""
# Authorities that a touched action may find rotated, and when actions that cite them first came from each origin.
_ROTATED = """
    SELECT a, id FROM old_authorities WHERE id IN (
      SELECT id FROM facts_in WHERE end_reason = 'rotated'
      UNION SELECT id FROM facts_in WHERE series IN (
        SELECT series FROM facts_in WHERE series IS NOT NULL GROUP BY series HAVING count(DISTINCT digest) > 1))"""
_FORMER = """
    SELECT u.id AS key, o.origin, min(o.time) AS time
    FROM (
      SELECT s.rec, c.id FROM old_steps s JOIN (
        SELECT c.use, r.id FROM old_chains c JOIN rotated r ON r.a = c.node WHERE c.depth = 1) c ON c.use = s.use
      WHERE s.how = 1 AND s.rec NOT IN (SELECT rec FROM task)) u
    JOIN (
      SELECT n.rec, n.time, t.origin FROM old_named n JOIN task_origin t ON t.origin_hash = n.origin_hash
    ) o ON o.rec = u.rec
    GROUP BY u.id, o.origin"""
_TASK_ORIGIN = f"""
    SELECT DISTINCT origin, {HASH.format("origin")} AS origin_hash FROM task WHERE origin IS NOT NULL"""
_ELSEWHERE = """
    SELECT d.key, min(d.origin) AS origin FROM staying d GROUP BY d.key
    UNION SELECT d.key, max(d.origin) FROM staying d GROUP BY d.key"""
_STAYING = """
    SELECT d.key, d.origin FROM old_dangling d
    WHERE d.origin IS NOT NULL AND d.key IN (SELECT key FROM (SELECT explode(cites) AS key FROM task) c)
      AND d.rec NOT IN (SELECT rec FROM task)"""


def prepare(engine: DuckDB) -> None:
    """Build what `gather` asks of all facts; once, however often it is called."""
    engine.create("new_alias", _NEW_ALIAS)
    for name, sql in _SHORT.items():
        engine.create(name, sql)


def gather(engine: DuckDB, clock: Clock) -> None:
    """Build `actions_in` and `facts_in` for the actions in `touched` and `came_action`."""
    engine.create(
        "task",
        f"SELECT * FROM came_action_in_short UNION ALL SELECT {ACTION} FROM new_action "
        "WHERE rec IN (SELECT rec FROM touched)",
    )
    _facts(engine)
    _actions(engine, clock)


def _facts(engine: DuckDB) -> None:
    engine.create("who", _WHO)
    engine.create("named_h", _EMPOWERING)
    _with_aliases(engine, "named_h")
    engine.create("empowering_h", "SELECT h FROM grant_or_session")
    _with_aliases(engine, "empowering_h")
    engine.create(
        "needed",
        " UNION ".join([*_SEEDS.values(), "SELECT h FROM named_h WHERE h IN (SELECT h FROM empowering_h)"]),
    )
    _downwards(engine)
    engine.create(
        "beside",
        f"SELECT h FROM needed UNION {_MEMBERS}",
    )
    _with_aliases(engine, "beside")
    engine.create("wanted", "SELECT rec FROM short WHERE h IN (SELECT h FROM beside)")
    engine.create("facts_in", f"SELECT * FROM new_fact WHERE rec IN ({written_out(engine, 'wanted')})")


def _downwards(engine: DuckDB) -> None:
    """From `needed`, everything that it rests on."""
    engine.create("front", "SELECT h FROM needed")
    while engine.count("front"):
        engine.create(
            "further",
            f"SELECT h FROM ({_RESTING} "
            "UNION SELECT other FROM both_ways WHERE h IN (SELECT h FROM front)) f "
            "WHERE h NOT IN (SELECT h FROM needed)",
        )
        engine.create("wider", "SELECT h FROM needed UNION SELECT h FROM further")
        engine.rename("wider", "needed")
        engine.rename("further", "front")


def _with_aliases(engine: DuckDB, name: str) -> None:
    while True:
        before = engine.count(name)
        engine.create(
            "wider", f"SELECT h FROM {name} UNION SELECT other FROM both_ways WHERE h IN (SELECT h FROM {name})"
        )
        engine.rename("wider", name)
        if engine.count(name) == before:
            return


def _actions(engine: DuckDB, clock: Clock) -> None:
    issued = engine.rows("SELECT 1 FROM facts_in WHERE issued_by IS NOT NULL LIMIT 1")
    engine.create("stand_in_culprit", _CULPRITS if issued else "SELECT id FROM task WHERE FALSE")
    engine.create("rotated", _ROTATED)
    engine.create("task_origin", _TASK_ORIGIN)
    engine.create("former", _FORMER)
    engine.create("staying", _STAYING)
    engine.create("elsewhere", _ELSEWHERE)
    first, last = engine.rows("SELECT coalesce(min(time), 0), coalesce(max(time), 0) FROM new_fact")[0]
    # the span stays as it is; the moment of these stand-ins lies after the end by more than the tolerance
    engine.create(
        "stand_in",
        f"SELECT id, {first + clock.skew_us + 1} AS time, CAST(NULL AS STRING) AS origin, '{_ENDED}' AS key "
        "FROM stand_in_culprit "
        f"UNION ALL SELECT '{NOBODY}/use/' || row_number() OVER (), time, origin, key FROM former "
        f"UNION ALL SELECT '{NOBODY}/key/' || row_number() OVER (), {last}, origin, key FROM elsewhere",
    )
    engine.create(
        "actions_in",
        f"SELECT {ACTION} FROM task UNION ALL "
        f"SELECT -row_number() OVER (), id, time, NULL, '{NOBODY}', '', [], '', '{NOBODY}', '', 'success', origin, "
        "array_one(key), [], NULL, 0 FROM stand_in",
    )
    if engine.count("stand_in_culprit"):
        engine.connection.execute(
            "INSERT INTO facts_in BY NAME SELECT -1 AS rec, '' AS digest, 'policy' AS kind, "
            f"'{_ENDED}' AS id, 'established' AS fact, {first} AS time, {first} AS valid_until, FALSE AS cites_said"
        )
