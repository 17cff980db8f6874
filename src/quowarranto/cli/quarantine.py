"""`quo quarantine`."""

from __future__ import annotations

from pathlib import Path

import click

from quowarranto.cli.common import case_option, format_option, known_at_option, show, snapshot_of


@click.command("quarantine")
@case_option
@known_at_option
@format_option()
def command(case_folder: Path, known_at: str | None, form: str) -> None:
    """Every line that could not be read, with the reason; never its content."""
    from quowarranto.case.query import quarantine

    show(
        quarantine(snapshot_of(case_folder, known_at)),
        form,
        (
            ("FILE", lambda row: row["file"]),
            ("LINE", lambda row: str(row["line"])),
            ("OFFSET", lambda row: str(row["offset"])),
            ("REASON", lambda row: row["reason"]),
        ),
        empty="nothing is in quarantine: every line was read or skipped with a reason",
    )
