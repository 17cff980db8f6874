"""`quo records`."""

from __future__ import annotations

from pathlib import Path

import click

from quowarranto.cli.common import case_option, format_option, known_at_option, show, snapshot_of, who


@click.command("records")
@case_option
@known_at_option
@click.option(
    "--kind",
    type=click.Choice(
        ["action", "policy", "grant", "approval", "exception", "session", "credential", "decision", "delegation"]
    ),
    help="Only this kind.",
)
@format_option()
def command(case_folder: Path, known_at: str | None, kind: str | None, form: str) -> None:
    """The records of the case, each once, in the native format with the place where it was read (`origin`)."""
    from quowarranto.case.query import records

    show(
        records(snapshot_of(case_folder, known_at), kind),
        form,
        (
            ("TIME", lambda row: row["time"]),
            ("KIND", lambda row: row["kind"]),
            ("FACT", lambda row: row.get("fact", "")),
            ("ID", lambda row: row["id"]),
            ("PRINCIPAL", lambda row: who(row["principal"]) if "principal" in row else ""),
            ("READ AT", lambda row: f"{row['origin']['file']}:{row['origin']['line']}"),
        ),
        empty="no record",
    )
