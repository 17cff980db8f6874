"""`quo findings`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import case_option, format_option, known, known_at_option, show, snapshot_of, who
from quowarranto.records.codes import CODES, SEVERITIES


@click.command("findings")
@case_option
@known_at_option
@click.option("--code", multiple=True, metavar="QW…", help="Only this code; repeatable.")
@click.option("--severity", multiple=True, help=f"Only this severity ({', '.join(SEVERITIES)}); repeatable.")
@format_option()
def command(
    case_folder: Path, known_at: str | None, code: tuple[str, ...], severity: tuple[str, ...], form: str
) -> None:
    """What does not hold, the gravest first, folded per authority, or per principal where no authority is at fault."""
    from quowarranto.findings import present
    from quowarranto.findings.whole import all_findings

    wanted = {name.upper() for name in code}
    known("--code", sorted(wanted), tuple(CODES))
    known("--severity", severity, SEVERITIES)
    snapshot = snapshot_of(case_folder, known_at)
    rows = (
        present.finding(row)
        for row in all_findings(snapshot)
        if (not wanted or row["code"] in wanted) and (not severity or row["severity"] in severity)
    )
    show(
        rows,
        form,
        (
            ("SEVERITY", lambda row: row["severity"]),
            ("CODE", lambda row: row["code"]),
            ("COUNT", lambda row: str(row["count"])),
            ("FIRST", lambda row: row["first"]),
            ("LAST", lambda row: row["last"]),
            ("WHAT", lambda row: CODES[row["code"]].name),
            ("SUBJECT", _subject),
        ),
        empty="no finding",
    )


def _subject(row: dict[str, Any]) -> str:
    subject = row["subject"]
    return subject["key"] if "key" in subject else who(subject["principal"])
