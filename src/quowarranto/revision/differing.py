"""Which authorities say something else than before, and of which moments.

The engine itself is asked, twice: it folds the facts of then and the facts of now, of the few authorities that new
facts can be about, into terms (SPEC 3, 5), and the two are laid side by side. Left behind:

    nearby        keys: what new facts name, what is an alias of it, and the other members of its series
    differs       (id, from_us, until_us): between these moments the authority looks different when it is tested
    rekeyed       keys that name another authority than before, or none before or now
    resaid        terms and decisions that only one of the two states has
    revalued      values shared with actions (SPEC 4.2) of authorities that say something else
"""

from __future__ import annotations

from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import FOREVER, NEVER, Clock, fold_terms
from quowarranto.records.codes import CODES
from quowarranto.revision.arrivals import written_out
from quowarranto.revision.index import HASH

_ALIASES = """
    SELECT id AS key, alias AS other FROM (
      SELECT id, explode(aliases) AS alias FROM {facts} WHERE cardinality(aliases) > 0) a WHERE alias <> id"""

_SAID = (
    *(
        "kind",
        "start_us",
        "end_us",
        "decided_us",
        "principal_type",
        "principal_id",
        "principal_like",
        "by_type",
        "by_id",
    ),
    *("effect", "scope", "issued_by", "traits", "flags", "requested_by", "justification", "ticket", "owner"),
)
_ASKED = "request_subject_type, request_subject_id, request_action, request_resource_type, request_resource_id"
_KEPT = {
    "key": "SELECT k.key, n.id FROM key_of k JOIN authority n ON n.a = k.a",
    "said": f"""
        SELECT n.id, s.term, {", ".join(f"s.{name}" for name in _SAID)}, list_sort(c.cites) AS keys,
               s.term IN (SELECT term FROM standing_term) AS standing,
               CASE WHEN s.kind = 'decision' THEN {HASH.format(_ASKED)} END AS question
        FROM says s JOIN authority n ON n.a = s.a JOIN facts_in f ON f.rec = s.term
        LEFT JOIN (SELECT rec, cites FROM facts_in) c ON c.rec = s.cites_rec""",
    # what a test sees of an authority from a moment on; when the term ends matters as far as it does end, and after
    # a rotation (SPEC 5, QW402, QW403)
    "look": f"""
        SELECT n.id, p.from_us, row(p.bits, CASE WHEN (p.bits & {CODES["QW402"].bit}) <> 0 THEN s.end_us END,
                      {", ".join(f"s.{name}" for name in _SAID if name != "end_us")}, s.keys, s.standing) AS look
        FROM phase p JOIN authority n ON n.a = p.node JOIN $_said s ON s.term = p.term""",
    "value": "SELECT n.id, c.value FROM correlate c JOIN authority n ON n.a = c.a",
}
# two actions between which all of time lies
_ALL_TIMES = f"""
    SELECT * FROM came_action WHERE FALSE
    UNION ALL BY NAME
    SELECT at_us AS rec, CAST(at_us AS VARCHAR) AS id, at_us AS time, '' AS principal_type, '' AS principal_id,
           [] AS on_behalf_of, '' AS action, '' AS resource_type, '' AS resource_id, 'success' AS outcome, [] AS cites,
           [] AS correlates, 0 AS stage
    FROM (VALUES ({NEVER // 2}), ({FOREVER // 2})) t(at_us)"""

_MEMBERS = """
    SELECT id AS key FROM member WHERE series IN (SELECT series FROM member WHERE id IN (SELECT key FROM nearby))"""
# who was found under a key that now names another authority is looked for again
_RENAMED = f"SELECT DISTINCT was_id, {NEVER} - 1, {FOREVER} + 1 FROM rekeyed WHERE was_id IS NOT NULL"

# a decision is a point in time and has no phases of its own
_DECIDED = f"SELECT DISTINCT id, {NEVER} - 1, {FOREVER} + 1 FROM resaid WHERE kind = 'decision'"


def differing(engine: DuckDB, clock: Clock) -> None:
    """Build the relations of this module from `came_fact`, `old_fact` and `new_fact`."""
    _nearby(engine)
    engine.create("actions_in", _ALL_TIMES)
    engine.create("near_rec", "SELECT rec FROM new_fact WHERE id IN (SELECT key FROM nearby)")
    engine.create(
        "near_fact",
        f"SELECT * FROM new_fact WHERE rec IN ({written_out(engine, 'near_rec')}) "
        "UNION ALL SELECT * FROM came_fact WHERE digest IN (SELECT digest FROM lost)",
    )
    for side, one_sided in (("was", "came_fact"), ("now", "lost")):
        ours = "digest IN (SELECT digest FROM lost) OR" if side == "was" else ""
        engine.create(
            "facts_in", f"SELECT * FROM near_fact WHERE {ours} digest NOT IN (SELECT digest FROM {one_sided})"
        )
        fold_terms(engine, clock)
        for name, sql in _KEPT.items():
            engine.create(f"{side}_{name}", sql.replace("$", side))
    _compare(engine)


def _nearby(engine: DuckDB) -> None:
    # facts are only ever added, but for derived ones that are lost; those are among `came_fact`
    engine.create("alias_pair", " UNION ".join(_ALIASES.format(facts=facts) for facts in ("came_fact", "new_fact")))
    engine.create(
        "nearby",
        "SELECT id AS key FROM came_fact UNION SELECT alias FROM (SELECT explode(aliases) AS alias FROM came_fact) a",
    )
    _with_aliases(engine)
    members = "SELECT id, series FROM came_fact WHERE series IS NOT NULL UNION SELECT id, series FROM new_fact"
    engine.create("member", f"SELECT * FROM ({members}) m WHERE series IS NOT NULL")
    engine.create("more", _MEMBERS)
    engine.create("wider", "SELECT key FROM nearby UNION SELECT key FROM more")
    engine.rename("wider", "nearby")
    _with_aliases(engine)


def _with_aliases(engine: DuckDB) -> None:
    """Follow aliases both ways until there is nothing new."""
    while True:
        before = engine.count("nearby")
        engine.create(
            "wider",
            "SELECT key FROM nearby "
            "UNION SELECT p.other FROM alias_pair p JOIN nearby n ON n.key = p.key "
            "UNION SELECT p.key FROM alias_pair p JOIN nearby n ON n.key = p.other",
        )
        engine.rename("wider", "nearby")
        if engine.count("nearby") == before:
            return


def _compare(engine: DuckDB) -> None:
    engine.create(
        "rekeyed",
        "SELECT coalesce(w.key, n.key) AS key, w.id AS was_id, n.id AS now_id "
        "FROM was_key w FULL JOIN now_key n ON n.key = w.key WHERE w.id IS DISTINCT FROM n.id",
    )
    told = f"id, {', '.join(_SAID)}, keys, standing, question"
    engine.create(
        "resaid",
        f"SELECT * FROM (SELECT {told} FROM was_said EXCEPT SELECT {told} FROM now_said) w "
        f"UNION ALL SELECT * FROM (SELECT {told} FROM now_said EXCEPT SELECT {told} FROM was_said) n",
    )
    engine.create(
        "differs",
        f"""
        SELECT id, min(at_us) AS from_us, max(until_us) AS until_us FROM (
          SELECT p.id, p.at_us, lead(p.at_us, 1, {FOREVER} + 1) OVER (PARTITION BY p.id ORDER BY p.at_us) AS until_us,
                 w.look IS DISTINCT FROM n.look AS differs
          FROM (SELECT id, from_us AS at_us FROM was_look UNION SELECT id, from_us FROM now_look) p
          ASOF LEFT JOIN was_look w ON w.id = p.id AND w.from_us <= p.at_us
          ASOF LEFT JOIN now_look n ON n.id = p.id AND n.from_us <= p.at_us
        ) spans WHERE differs GROUP BY id
        UNION ALL
        {_RENAMED}
        UNION ALL
        {_DECIDED}""",
    )
    engine.create("every_value", "SELECT id, value FROM was_value UNION SELECT id, value FROM now_value")
    engine.create(
        "revalued",
        "SELECT DISTINCT value FROM every_value WHERE id IN (SELECT id FROM resaid) "
        "UNION (SELECT value FROM (SELECT id, value FROM was_value EXCEPT SELECT id, value FROM now_value) w) "
        "UNION (SELECT value FROM (SELECT id, value FROM now_value EXCEPT SELECT id, value FROM was_value) n)",
    )
