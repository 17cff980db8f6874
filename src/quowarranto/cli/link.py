"""`quo link`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import case_option, printable, show
from quowarranto.cli.engine_options import engine_of, engine_options, lake_of
from quowarranto.export.words import plural
from quowarranto.records.codes import SEVERITIES

_FEW = 10
"""So many files are named one by one, and so many lines are worth a row each."""


@click.command("link")
@click.argument("paths", nargs=-1, metavar="[TYPE=]PATH…")
@case_option
@click.option(
    "--memory",
    metavar="SIZE",
    help="Memory of the engine, e.g. 4GB; beyond it works on disk.  [default: half of the machine's]",
)
@click.option("--threads", type=click.IntRange(1, 512), help="Threads and reading processes.  [default: one per core]")
@click.option("--fail-on", type=click.Choice(list(SEVERITIES)), help="Exit with 10 if a finding this grave stands.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print the summary."
)
@engine_options
def command(
    paths: tuple[str, ...],
    case_folder: Path,
    memory: str | None,
    threads: int | None,
    fail_on: str | None,
    form: str,
    **options: Any,
) -> int:
    """Read logs (files, folders, globs; .gz, .zst, .zip) into a case and judge every action in it.

    What a file is, is told from its content; write TYPE=PATH to say it yourself (types: `quo sources`); `-` is the
    standard input. More logs may be added to the same case later: then only the actions that they touch are judged
    again. Without a PATH, an interrupted run is taken up, or else all that the case holds is judged again.
    """
    from quowarranto.case.config import load_config
    from quowarranto.case.store import Case
    from quowarranto.cli.progress import Bars
    from quowarranto.pipeline import link_lake, link_paths

    case = Case(case_folder)
    config = load_config(case_folder)
    engine = engine_of(config.engine, options)
    lake = lake_of(options)
    if lake is not None:
        if paths:
            raise click.UsageError("logs are read into a case, and --spark-actions is instead of one")
        with Bars() as bars:
            counts = link_lake(lake, config, memory=_memory(memory), threads=threads, engine=engine, progress=bars)
        return _report_lake(counts, lake.results.name, fail_on, form)
    if not paths and not case.exists():
        raise click.UsageError("nothing to read: name files, folders or globs (or try `quo demo`)")
    with Bars() as bars:
        outcome = link_paths(case, paths, memory=_memory(memory), threads=threads, engine=engine, progress=bars)
    return report_run(case, outcome, fail_on, form, paths)


def _report_lake(counts: dict[str, dict[str, int]], place: str, fail_on: str | None, form: str) -> int:
    if form == "json":
        import msgspec

        click.echo(msgspec.json.encode(counts))
    else:
        _verdicts(counts["verdicts"])
        click.echo(f"results: {place}")
    return _passed(counts["severities"], fail_on)


def _verdicts(counts: dict[str, int]) -> None:
    from quowarranto.findings.overview import MEANING

    total = sum(counts.values())
    show(
        [{"verdict": name, "means": means} for name, means in MEANING.items() if name in counts],
        "table",
        (
            ("VERDICT", lambda row: row["verdict"]),
            ("ACTIONS", lambda row: f"{counts[row['verdict']]:,}"),
            ("SHARE", lambda row: f"{counts[row['verdict']] / total:.1%}"),
            ("WHICH MEANS", lambda row: row["means"]),
        ),
        empty="no action was found",
    )


def _passed(severities: dict[str, int], fail_on: str | None) -> int:
    grave = _grave(severities, fail_on)
    if grave:
        click.echo(f"fail: {plural(grave, 'finding')} at or above `{fail_on}`; `quo findings` lists them", err=True)
        return 10
    return 0


def _memory(text: str | None) -> str | None:
    import re

    if text is not None and not re.fullmatch(r"\d+(\.\d+)?\s*([KMGT]i?B|%)", text, re.IGNORECASE):
        raise click.BadParameter("not a size; write it like 4GB", param_hint="--memory")
    return text


def report_run(case: Any, outcome: Any, fail_on: str | None, form: str, paths: Sequence[str] = ()) -> int:
    """Print what a run read and concluded, and return its exit code."""
    from quowarranto.findings.overview import overview

    totals = outcome.totals
    if (outcome.inputs or not outcome.commit) and totals.recorded == 0:
        _nothing_read(outcome, paths)
        return 3
    seen = overview(case.snapshot(), at_once=fail_on is None)
    _notes(case, seen["actions"])
    if form == "json":
        import sys

        import msgspec

        read = {name: getattr(totals, name) for name in totals.__struct_fields__}
        sys.stdout.buffer.write(msgspec.json.encode({"read": read, **seen}) + b"\n")
    else:
        _print(case.folder, outcome, seen)
    return _passed(seen["severities"], fail_on)


def _notes(case: Any, actions: int) -> None:
    """Settings that are not where they are read, or that nothing answers to; not looked for in a large case."""
    from quowarranto.case.config import load_config
    from quowarranto.findings.idle import idle_settings
    from quowarranto.findings.overview import LARGE

    settings = case.folder / "quo.toml"
    if Path("quo.toml").is_file() and not settings.exists():
        click.echo(f"note: `quo.toml` here is not read; settings of this case belong into `{settings}`", err=True)
    if actions <= LARGE:
        for sentence in idle_settings(case.snapshot(), load_config(case.folder)):
            click.echo(f"note: {printable(sentence)}", err=True)


def _grave(severities: dict[str, int], fail_on: str | None) -> int:
    if fail_on is None:
        return 0
    least = SEVERITIES.index(fail_on)
    return sum(count for severity, count in severities.items() if SEVERITIES.index(severity) >= least)


def _nothing_read(outcome: Any, paths: Sequence[str]) -> None:
    totals = outcome.totals
    click.echo("error: nothing was read", err=True)
    unread = [one for one in outcome.inputs if one.source is None]
    for one in unread[:_FEW]:
        click.echo(f"   at: {printable(one.path)}: {one.why_not}", err=True)
    if len(unread) > _FEW:
        click.echo(f"   at: {plural(len(unread) - _FEW, 'more file')}; `quo quarantine` lists them", err=True)
    if totals.quarantined:
        lines = plural(totals.quarantined, "line is", "lines are")
        click.echo(f"   at: {lines} in quarantine; `quo quarantine --by-reason` says why", err=True)
    if not outcome.inputs:
        click.echo(
            f"   at: no file is in {printable(', '.join(paths))} (names that begin with a dot are left out)", err=True
        )
    click.echo(" need: at least one entry that a source can read", err=True)
    click.echo("  try: `quo sources` lists what can be read; TYPE=PATH overrides a wrong guess", err=True)


def _left(inputs: Sequence[Any]) -> None:
    """What was left out on purpose, each with what it is, and what no source recognised."""
    left = [one for one in inputs if one.no_log]
    unread = [one for one in inputs if one.source is None and not one.no_log]
    for word, ones in (("left out", left), ("not recognised", unread)):
        for one in ones[:_FEW]:
            click.echo(f"  {word}: {printable(one.path)}: {one.why_not}")
        if len(ones) > _FEW:
            click.echo(f"  {word}: {plural(len(ones) - _FEW, 'more file', 'more files')}")


def _print(folder: Path, outcome: Any, seen: dict[str, Any]) -> None:
    totals = outcome.totals
    if outcome.inputs:
        click.echo(
            f"{plural(totals.entries, 'entry', 'entries')} in {plural(totals.files, 'file')}: "
            f"{totals.recorded:,} became records, {totals.skipped:,} skipped, {totals.quarantined:,} quarantined"
            + (f"; {plural(totals.unread, 'file')} not recognised" if totals.unread else "")
        )
        if totals.quarantined or totals.unread:
            click.echo(f"  (why: `quo quarantine{' --by-reason' if totals.quarantined > _FEW else ''}`)")
        _left(outcome.inputs)
    click.echo(
        f"{plural(seen['actions'], 'action')} judged by {plural(seen['facts'], 'fact')} "
        f"about {plural(seen['authorities'], 'authority', 'authorities')}"
    )
    _verdicts({name: row["count"] for name, row in seen["verdicts"].items()})
    if seen["worst"]:
        click.echo("\nWorst findings")
        show(
            seen["worst"],
            "table",
            (
                ("SEVERITY", lambda row: row["severity"]),
                ("CODE", lambda row: row["code"]),
                ("WHAT", lambda row: row["summary"]),
                ("FOR EXAMPLE", lambda row: row["sample"][0] if row["sample"] else ""),
            ),
            empty="",
        )
    if not seen["all_findings"]:
        click.echo("(without those about credentials and grants themselves: `quo findings` looks for them)")
    click.echo()
    click.echo(f"next: quo findings · quo explain ACTION · quo report --html report.html   (case: {folder})")
