"""One revision: the records that came are judged, and with them every action that they touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from quowarranto.case.store import Snapshot, Writer
from quowarranto.case.tables import JUDGED
from quowarranto.linkage.engines.duckdb import DuckDB
from quowarranto.linkage.run import FOREVER, NEVER, Clock, link
from quowarranto.records import Expectation
from quowarranto.results import NUMBERS, save_part, stage_query
from quowarranto.revision import closure, touched
from quowarranto.revision.arrivals import ACTION, arrivals
from quowarranto.revision.differing import differing
from quowarranto.revision.folding import fold_findings
from quowarranto.revision.index import Run, stage_index, stage_run

MOST = 0.3
"""Where more than this share of all actions is touched, judging all of them costs less."""
LONGEST = 200
"""So many revisions in a row; then all are judged again, so that reading does not grow slower for ever."""


class Ledger:
    """What the runs of the judged state say of themselves."""

    def __init__(self, writer: Writer, was: Snapshot, engine: DuckDB, clock: Clock, name: str) -> None:
        self.runs: list[Run] = []
        if was.files("runs") and all(writer.fits(table) for table in JUDGED):
            columns = ", ".join(Run.__struct_fields__)
            self.runs = [Run(*row) for row in engine.rows(f"SELECT {columns} FROM {was.scan('runs')} ORDER BY run")]
        self._asked = (clock.skew_us, clock.window_us, name)

    @property
    def usable(self) -> bool:
        """Whether results may be added to those that are there: same tolerances, settings and hashes, not too many."""
        if not 0 < len(self.runs) <= LONGEST:
            return False
        newest = self.runs[-1]
        return (newest.skew_us, newest.window_us, newest.engine) == self._asked


def revise(
    engine: DuckDB,
    writer: Writer,
    clock: Clock,
    was: Snapshot,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
    *,
    name: str | None = None,
    expectations: Sequence[Expectation] = (),
) -> bool:
    """Judge what the records read since `was` touch, and stage the results beside the earlier ones.

    Args:
        engine: a fresh one.
        writer: of the case; nothing staged.
        clock: the tolerances.
        was: the newest judged state.
        folder: for what is not finished, on the storage of the case.
        progress: told the name of each stage as it begins.
        name: of the engine and the settings that it judges by; results of another name are of no use.
        expectations: what is demanded of some actions.
    Returns: False, with nothing staged, where everything has to be judged.
    Raises:
        LinkageError: two names share a hash.
    """
    name = name or engine.name
    ledger = Ledger(writer, was, engine, clock, name)
    if not ledger.usable:
        return False
    before = ledger.runs[-1]
    now = writer.snapshot()
    progress("what is new")
    arrivals(engine, was, now)
    differing(engine, clock)
    first, last = engine.rows(f"SELECT coalesce(min(time), {FOREVER}), coalesce(max(time), {NEVER}) FROM new_fact")[0]
    progress("what it touches")
    touched.touched(
        engine, clock, {"was_first": before.first_us, "was_last": before.last_us, "now_first": first, "now_last": last}
    )
    engine.create("came_action_in_short", f"SELECT {ACTION} FROM came_action")
    total = int(engine.rows("SELECT count(*) FROM old_verdicts")[0][0])
    prepared = False
    while True:
        if engine.rows("SELECT 1 FROM touched_was WHERE contains(codes, 'QW606') LIMIT 1"):
            touched.widen(engine, touched.PARTNERS)
        if engine.count("touched") + engine.count("came_action") > MOST * (total + engine.count("came_action")):
            return False
        if not prepared:
            closure.prepare(engine)
            prepared = True
        closure.gather(engine, clock)
        link(engine, clock, progress, expectations=expectations)
        if not _turned(engine):
            break
    progress("writing")
    engine.create("mine", "SELECT rec FROM task")
    save_part(engine, writer, folder)
    _index(engine, writer, folder)
    stage_query(engine, writer, folder, "rejudged", f"SELECT rec, {writer.number} AS run FROM touched")
    fold_findings(engine, writer, folder)
    stage_run(engine, writer, folder, _run(engine, writer, clock, name, before, (first, last)))
    return True


def _index(engine: DuckDB, writer: Writer, folder: Path) -> None:
    engine.view("mine_verdict", "SELECT * FROM verdict WHERE rec IN (SELECT rec FROM mine)")
    engine.view("mine_key", "SELECT key, a FROM key_of")
    names = {"verdicts": "mine_verdict", "actions": "task", "facts": "facts_in", "keys": "mine_key"}
    base = str(writer.number * NUMBERS)
    stage_index(engine, writer, folder, names | {"named": "came_action", "base": base})


def _turned(engine: DuckDB) -> bool:
    """Whether an issuing action turned out unauthorised, or no longer so: then `touched` has grown (SPEC 5, origin)."""
    engine.create(
        "turned",
        "WITH was AS (SELECT DISTINCT t.id FROM task t JOIN touched_was v ON v.rec = t.rec "
        "WHERE v.verdict = 'unauthorised'), "
        "now AS (SELECT DISTINCT t.id FROM task t JOIN verdict v ON v.rec = t.rec WHERE v.verdict = 'unauthorised') "
        "SELECT coalesce(w.id, n.id) AS id FROM was w FULL JOIN now n ON n.id = w.id "
        "WHERE w.id IS NULL OR n.id IS NULL",
    )
    if not engine.count("turned"):
        return False
    return touched.widen(engine, touched.ISSUED)


def _run(engine: DuckDB, writer: Writer, clock: Clock, name: str, before: Run, span: tuple[int, int]) -> Run:
    count = "SELECT count(DISTINCT digest) FROM came_fact WHERE digest {} IN (SELECT digest FROM lost)"
    fresh, lost = (int(engine.rows(count.format(which))[0][0]) for which in ("NOT", ""))
    authorities = "SELECT count(*) FROM (SELECT DISTINCT id FROM {}_key EXCEPT SELECT DISTINCT id FROM {}_key) k"
    gained, gone = (int(engine.rows(authorities.format(*sides))[0][0]) for sides in (("now", "was"), ("was", "now")))
    return Run(
        writer.number,
        False,
        clock.skew_us,
        clock.window_us,
        name,
        before.facts + fresh - lost,
        before.authorities + gained - gone,
        *span,
        int(engine.rows("SELECT count(*) FROM verdict WHERE rec IN (SELECT rec FROM mine)")[0][0]),
    )
