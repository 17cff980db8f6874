"""`quo coverage`."""

from __future__ import annotations

from pathlib import Path

import click

from quowarranto.cli.common import case_option, format_option, known_at_option, show, snapshot_of


@click.command("coverage")
@case_option
@known_at_option
@format_option()
def command(case_folder: Path, known_at: str | None, form: str) -> None:
    """Per source: records, span and gaps, share of actions by linkage, the best it can give and what would raise it."""
    from quowarranto.findings.coverage import coverage

    show(
        coverage(snapshot_of(case_folder, known_at)),
        form,
        (
            ("SOURCE", lambda row: row["source"]),
            ("TYPE", lambda row: row["type"] or "?"),
            ("ENTRIES", lambda row: f"{row['entries']:,}"),
            ("QUARANTINED", lambda row: f"{row['quarantined']:,}"),
            ("ACTIONS", lambda row: f"{row['records'].get('action', 0):,}"),
            ("LINKED", lambda row: " ".join(f"{name} {share:.0%}" for name, share in row["linkage"].items())),
            ("BEST", lambda row: row["ceiling"] or ""),
            ("LONGEST GAP", lambda row: row["gaps"][0]["length"] if row["gaps"] else ""),
            ("WOULD RAISE IT", lambda row: row["raise_it"] or ""),
        ),
        empty="nothing was read yet",
    )
