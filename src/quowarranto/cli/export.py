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

_FORMATS = ("sarif",)
_STANDARD = Path("-")


@click.command("export")
@case_option
@known_at_option
@click.option("--format", "form", type=click.Choice(_FORMATS), required=True, help="What to write.")
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
    case_folder: Path, known_at: str | None, form: str, out: Path, severity: tuple[str, ...], **values: Any
) -> None:
    """Findings for other systems to read.

    A filter of actions keeps the findings that are about at least one action that matches. `--code` is repeatable:
    any of them.
    """
    from quowarranto.export.formats import sarif
    from quowarranto.export.formats.wanted import Wanted

    known("--severity", severity, SEVERITIES)
    wanted = Wanted(filters_of(values), severity)
    snapshot = snapshot_of(case_folder, known_at)
    _written(out, lambda file: sarif.write(snapshot, wanted, file))


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
