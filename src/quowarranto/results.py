"""Verdicts, chains and findings from the engine into the tables of the case."""

from __future__ import annotations

from string import Template

import msgspec

from quowarranto.case.store import Writer
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import FOREVER, NEVER, Clock
from quowarranto.records.codes import CODES, names

NUMBERS = 1 << 40
"""Uses, authorities and findings are numbered within a run; a run that adds to others lifts its numbers by its own."""

_ACTIONS = {
    "verdicts": """
        SELECT j.rec, j.time, j.verdict, j.linkage, j.basis, j.method, c.codes, j.root_cause, $run AS run
        FROM verdict j JOIN code_text c ON c.bits = j.bits $mine""",
    "steps": "SELECT j.rec, j.use + $base AS use, CAST(j.how AS BIGINT) AS how, $run AS run FROM action_use j $mine",
    "faults": """
        SELECT j.rec, j.code, j.a + $base AS a, x.time, coalesce(n.about, p.about) AS about, $run AS run
        FROM fault j JOIN action x ON x.rec = j.rec
        LEFT JOIN about_authority n ON n.a = j.a LEFT JOIN about_principal p ON p.p = x.p $mine""",
    # what a later run asks to find out which actions new records touch (docs/decisions/0005)
    "seeking": """
        SELECT j.rec, j.time, CAST(x.s >> 1 AS BIGINT) AS subject,
               CAST(hash64(x.p, x.v, x.r) >> 1 AS BIGINT) AS question, $run AS run
        FROM judged j JOIN action x ON x.rec = j.rec $mine_and j.linkage < 4""",
    "sharing": """
        SELECT rec, CAST(hash64(value) >> 1 AS BIGINT) AS value_hash, $run AS run FROM (
          SELECT j.rec, explode(i.correlates) AS value
          FROM judged j JOIN actions_in i ON i.rec = j.rec $mine_and cardinality(i.correlates) > 0 AND j.how <> 1) s""",
    "dangling": """
        SELECT DISTINCT j.rec, j.key, i.origin, $run AS run
        FROM dangling_key j JOIN actions_in i ON i.rec = j.rec $mine""",
}
_AUTHORITIES = {
    "chains": """
        SELECT v.use + $base AS use, v.node + $base AS node, v.kind, v.term, v.at_us, CAST(v.depth AS BIGINT) AS depth,
               c.codes, v.lent
        FROM use_visit v JOIN code_text c ON c.bits = v.bits $used""",
    "parents": """
        SELECT v.use + $base AS use, v.node + $base AS node, v.parent + $base AS parent FROM use_parent v $used""",
    "authorities": "SELECT v.a + $base AS a, v.id, v.kind FROM authority v $visited",
    "keys": "SELECT v.key, v.a + $base AS a FROM key_of v $visited",
    "terms": """
        SELECT v.a + $base AS a, v.term, v.start_us, v.end_us, t.ended_by, t.grace_us, v.decided_us,
               v.kind = 'decision' AS point, v.principal_type, v.principal_id, v.by_type, v.by_id, v.effect, v.scope,
               v.issued_by, v.requested_by, v.justification, v.ticket, v.owner
        FROM says v LEFT JOIN term t ON t.term = v.term $visited""",
    "loose": """
        SELECT DISTINCT v.a + $base AS a, v.term, c.key
        FROM says v JOIN cited_key c ON c.rec = v.cites_rec AND c.child IS NULL $visited""",
    "subjects": """
        SELECT DISTINCT CAST(m.s >> 1 AS BIGINT) AS subject, n.type, n.id
        FROM subject m JOIN principal n ON n.p = m.p $acting""",
}
_FINDINGS = {
    "findings": """
        SELECT f.finding + $base AS finding, f.code, s.severity, n.id AS key, n.kind, p.type AS principal_type,
               p.id AS principal_id, f.actions AS count, f.first_us, f.last_us, coalesce(x.about, y.about) AS about
        FROM finding f JOIN severity_of s ON s.code = f.code
        LEFT JOIN authority n ON n.a = f.a LEFT JOIN principal p ON p.p = f.p
        LEFT JOIN about_authority x ON x.a = f.a LEFT JOIN about_principal y ON y.p = f.p""",
    "samples": """
        SELECT s.finding + $base AS finding, s.rec, s.nth, i.id AS action
        FROM sample s JOIN actions_in i ON i.rec = s.rec""",
}
NAMED = """
    SELECT rec, time, CAST(hash64(id) >> 1 AS BIGINT) AS id_hash,
           CASE WHEN origin IS NOT NULL THEN CAST(hash64(origin) >> 1 AS BIGINT) END AS origin_hash FROM """
_SPAN = f"SELECT coalesce(min(time), {FOREVER}), coalesce(max(time), {NEVER}) FROM facts_in"


class Run(msgspec.Struct, frozen=True):
    """One judgement of the case, as the table `runs` keeps it.

    `whole`: of all actions, else of those that new records touched. `facts`, `authorities`: how many there are in the
    case; `first_us`, `last_us`: the span of their times (SPEC 5, QW105). `judged`: how many verdicts it gave.
    """

    run: int
    whole: bool
    skew_us: int
    window_us: int
    engine: str
    facts: int
    authorities: int
    first_us: int
    last_us: int
    judged: int


def save_whole(engine: DuckDB, writer: Writer, clock: Clock) -> None:
    """Write the engine's relations as files and stage them in place of those of all runs before."""
    name_codes(engine)
    values = {"run": str(writer.number), "base": "0"} | dict.fromkeys(("mine", "used", "visited", "acting"), "")
    for table, sql in (_ACTIONS | _AUTHORITIES | _FINDINGS | {"named": NAMED + "actions_in"}).items():
        write(engine, writer, table, Template(sql).substitute(values, mine_and="WHERE"), replace=True)
    for table in ("rejudged", "withdrawn"):
        writer.stage(table, [], replace=True)
    ((first, last),) = engine.rows(_SPAN)
    save_run(
        engine,
        writer,
        Run(
            writer.number,
            True,
            clock.skew_us,
            clock.window_us,
            engine.name,
            engine.count("fact"),
            engine.count("authority"),
            first,
            last,
            engine.count("judged"),
        ),
    )


def save_part(engine: DuckDB, writer: Writer) -> None:
    """Write what the engine concludes of the actions in its table `mine`, beside the results of the runs before.

    Findings are another matter: they are folded over all runs (revision/folding.py).
    """
    name_codes(engine)
    engine.create("mine_use", "SELECT DISTINCT use FROM action_use WHERE rec IN (SELECT rec FROM mine)")
    engine.create("mine_node", "SELECT DISTINCT node AS a FROM use_visit WHERE use IN (SELECT use FROM mine_use)")
    values = {
        "run": str(writer.number),
        "base": str(writer.number * NUMBERS),
        "mine": "WHERE j.rec IN (SELECT rec FROM mine)",
        "mine_and": "WHERE j.rec IN (SELECT rec FROM mine) AND",
        "used": "WHERE v.use IN (SELECT use FROM mine_use)",
        "visited": "WHERE v.a IN (SELECT a FROM mine_node)",
        "acting": "WHERE m.s IN (SELECT s FROM action WHERE rec IN (SELECT rec FROM mine))",
    }
    for table, sql in (_ACTIONS | _AUTHORITIES).items():
        write(engine, writer, table, Template(sql).substitute(values))


def save_run(engine: DuckDB, writer: Writer, run: Run) -> None:
    """Stage the row of this judgement."""
    values = (
        f"'{value}' AS {name}" if isinstance(value, str) else f"{value} AS {name}"
        for name, value in msgspec.structs.asdict(run).items()
    )
    write(engine, writer, "runs", f"SELECT {', '.join(values)}", replace=run.whole)


def write(engine: DuckDB, writer: Writer, table: str, sql: str, *, replace: bool = False) -> None:
    """Write a query's rows as one file of a table and stage it."""
    path = writer.new_file(table)
    rows = engine.write_parquet(sql, path)
    writer.stage(table, [(str(path), rows)] if rows else [], replace=replace)


def name_codes(engine: DuckDB) -> None:
    """Tables that turn bits into texts (few sets of codes are different) and subjects of findings into numbers."""
    seen = [
        row[0] for row in engine.rows("SELECT DISTINCT bits FROM verdict UNION SELECT DISTINCT bits FROM use_visit")
    ]
    engine.create(
        "code_text",
        " UNION ALL ".join(f"SELECT {bits} AS bits, '{','.join(names(bits))}' AS codes" for bits in [*seen, -1]),
    )
    engine.create(
        "severity_of",
        " UNION ALL ".join(f"SELECT '{c.code}' AS code, '{c.severity}' AS severity" for c in CODES.values()),
    )
    engine.view(
        "about_authority",
        "SELECT a, CAST(hash64(id) >> 1 AS BIGINT) AS about FROM authority WHERE kind <> 'decision'",
    )
    engine.view("about_principal", "SELECT p, CAST(hash64(type, id) >> 1 AS BIGINT) AS about FROM principal")
