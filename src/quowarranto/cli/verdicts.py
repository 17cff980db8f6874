"""`quo verdicts`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import (
    case_option,
    filter_options,
    filters_of,
    format_option,
    known_at_option,
    show,
    snapshot_of,
    who,
)


@click.command("verdicts")
@case_option
@known_at_option
@filter_options
@format_option()
def command(case_folder: Path, known_at: str | None, form: str, **values: Any) -> None:
    """One line per action: its verdict, how it is linked to its authority, its codes, and why.

    With `--format jsonl` every field is printed, the whole chain of authorities among them.
    """
    from quowarranto.case.query import verdicts
    from quowarranto.findings import present
    from quowarranto.findings.nearest import why_none

    filters = filters_of(values)
    snapshot = snapshot_of(case_folder, known_at)
    rows = (present.verdict(row) for row in verdicts(snapshot, filters))
    show(
        rows,
        form,
        (
            ("TIME", lambda row: row["time"]),
            ("ACTION", lambda row: row["action"]),
            ("VERDICT", lambda row: row["verdict"]),
            ("LINKAGE", lambda row: row["linkage"]),
            ("CODES", lambda row: " ".join(row["codes"])),
            ("WHAT", lambda row: f"{who(row['principal'])} {row['verb']} {who(row['resource'])}"),
        ),
        empty=lambda: why_none(snapshot, values),
    )
