"""`quo quarantine`."""

from __future__ import annotations

from pathlib import Path

import click

from quowarranto.cli.common import case_option, format_option, known_at_option, show, snapshot_of

_EMPTY = "nothing is in quarantine: every line was read or skipped with a reason"


@click.command("quarantine")
@case_option
@known_at_option
@click.option("--by-reason", is_flag=True, help="One row per file and reason, with the number of lines; most first.")
@format_option()
def command(case_folder: Path, known_at: str | None, by_reason: bool, form: str) -> None:
    """Every line that could not be read, with the reason; never its content."""
    from quowarranto.case.query import quarantine, quarantine_by_reason

    snapshot = snapshot_of(case_folder, known_at)
    if by_reason:
        show(
            quarantine_by_reason(snapshot),
            form,
            (
                ("LINES", lambda row: f"{row['lines']:,}"),
                ("FIRST", lambda row: str(row["first"])),
                ("FILE", lambda row: row["file"]),
                ("REASON", lambda row: row["reason"]),
            ),
            empty=_EMPTY,
        )
        return
    show(
        quarantine(snapshot),
        form,
        (
            ("FILE", lambda row: row["file"]),
            ("LINE", lambda row: str(row["line"])),
            ("OFFSET", lambda row: str(row["offset"])),
            ("REASON", lambda row: row["reason"]),
        ),
        empty=_EMPTY,
    )
