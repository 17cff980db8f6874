"""`quo reconcile`."""

from __future__ import annotations

from pathlib import Path

import click

from quowarranto.cli.common import case_option, format_option, known_at_option, show, snapshot_of


@click.command("reconcile")
@case_option
@known_at_option
@format_option()
def command(case_folder: Path, known_at: str | None, form: str) -> None:
    """What enforcement records tell of and no action shows: unused approvals, idle sessions, missing numbers.

    MAY NOT BE LOGGED counts those of which an action may have happened without a record: no action log shows the
    principal at all, or the one that does was silent at that moment, or numbers of the log never came.
    """
    from quowarranto.findings.reconcile import reconcile

    show(
        reconcile(snapshot_of(case_folder, known_at)),
        form,
        (
            ("WHAT", lambda row: row["what"]),
            ("SOURCE", lambda row: row["source"]),
            ("COUNT", lambda row: f"{row['count']:,}"),
            ("MAY NOT BE LOGGED", lambda row: f"{row['may_not_be_logged']:,}"),
            ("FIRST", lambda row: row["first"]),
            ("LAST", lambda row: row["last"]),
            ("FOR EXAMPLE", lambda row: row["sample"][0]),
        ),
        empty="every enforcement record has its action",
    )
