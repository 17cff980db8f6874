"""`quo export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quowarranto.cli.common import case_option, filter_options, filters_of, known, known_at_option, snapshot_of
from quowarranto.records.codes import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from quowarranto.case.store import Snapshot
    from quowarranto.export.formats.wanted import Wanted

_FORMATS = ("sarif", "ocsf", "oscal", "csv", "parquet")
_TABLES = ("findings", "verdicts")
_TABULAR = ("csv", "parquet")
_STANDARD = Path("-")


@click.command("export")
@case_option
@known_at_option
@click.option("--format", "form", type=click.Choice(_FORMATS), required=True, help="What to write.")
@click.option(
    "--table", type=click.Choice(_TABLES), default=_TABLES[0], show_default=True, help="Of CSV and Parquet: which rows."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default=_STANDARD,
    show_default=True,
    help="The file to write; `-` is the standard output.",
)
@click.option("--severity", multiple=True, help="Only findings of this severity; repeatable.")
@filter_options
def command(
    case_folder: Path,
    known_at: str | None,
    form: str,
    table: str,
    out: Path,
    severity: tuple[str, ...],
    **values: Any,
) -> None:
    """Findings and verdicts for other systems to read.

    Of findings, a filter of actions keeps those that are about at least one action that matches, and `--code` is
    repeatable: any of them.
    """
    from quowarranto.export.formats.wanted import Wanted

    known("--severity", severity, SEVERITIES)
    _check(form, table, out, severity)
    if form == "oscal":
        _check_populations(severity, values)
    wanted = Wanted(filters_of(values), severity)
    snapshot = snapshot_of(case_folder, known_at)
    if form == "parquet":
        _parquet(snapshot, wanted, table, out)
    else:
        _written(out, _writer(form, table, snapshot, wanted))


def _check(form: str, table: str, out: Path, severity: tuple[str, ...]) -> None:
    if table == "verdicts" and form not in _TABULAR:
        raise click.BadParameter(f"`{form}` holds findings; verdicts go into csv or parquet", param_hint="--table")
    if table == "verdicts" and severity:
        raise click.BadParameter("verdicts have no severity; use `--verdict` or `--code`", param_hint="--severity")
    if form == "parquet" and out == _STANDARD:
        raise click.BadParameter("parquet is written to a file; name it", param_hint="--out")


def _check_populations(severity: tuple[str, ...], values: dict[str, Any]) -> None:
    given = {"severity": severity, **values}
    for name in ("severity", "verdict", "linkage", "code", "authority", "action", "limit"):
        if given[name] not in ((), None):
            raise click.BadParameter(
                "oscal holds whole populations; narrow them by time, source, principal or resource",
                param_hint=f"--{name}",
            )


def _writer(form: str, table: str, snapshot: Snapshot, wanted: Wanted) -> Callable[[BinaryIO], None]:
    from quowarranto.export.formats import csv, ocsf, oscal, sarif

    if form == "csv":
        return lambda file: csv.write(snapshot, wanted, table, file)
    write = {"ocsf": ocsf.write, "oscal": oscal.write, "sarif": sarif.write}[form]
    return lambda file: write(snapshot, wanted, file)


def _parquet(snapshot: Snapshot, wanted: Wanted, table: str, out: Path) -> None:
    from quowarranto.export.files import replacing
    from quowarranto.export.formats import parquet

    with replacing(out) as path:
        parquet.write(snapshot, wanted, table, path)
    click.echo(f"written: {out}", err=True)


def _written(out: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write to the standard output, or to a file that appears when it is whole."""
    from quowarranto.export.files import replacing

    if out == _STANDARD:
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with replacing(out) as path, path.open("wb") as file:
        write(file)
    click.echo(f"written: {out}", err=True)
