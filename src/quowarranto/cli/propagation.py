"""`quo propagation`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from quowarranto.cli.common import case_option, format_option, known_at_option, show, snapshot_of


@click.command("propagation")
@case_option
@known_at_option
@click.option(
    "--by",
    type=click.Choice(["source", "type"]),
    default="source",
    help="What a system is: the name of its records, or the type of its log.  [default: source]",
)
@format_option()
def command(case_folder: Path, known_at: str | None, by: Literal["source", "type"], form: str) -> None:
    """Per system: how long revoked credentials and sessions were still accepted (QW406).

    REVOKED counts what was revoked among the credentials and sessions that the system was ever shown, ACCEPTED those of
    them that it let through afterwards. P50, P95 and LONGEST are over these: from the revocation to the last accepted
    use, which is the least that it took to arrive.
    """
    from quowarranto.findings.propagation import propagation

    show(
        propagation(snapshot_of(case_folder, known_at), by),
        form,
        (
            ("SYSTEM", lambda row: row["system"]),
            ("REVOKED", lambda row: f"{row['revocations']:,}"),
            ("ACCEPTED", lambda row: f"{row['accepted_after']:,}"),
            ("REFUSED", lambda row: f"{row['refused_after']:,}"),
            ("USES", lambda row: f"{row['uses_after']:,}"),
            ("P50", lambda row: _length(row["p50_s"])),
            ("P95", lambda row: _length(row["p95_s"])),
            ("LONGEST", lambda row: _length(row["max_s"])),
            ("SLOWEST", lambda row: row["slowest"] or ""),
        ),
        empty="no credential or session of the case was revoked and used",
    )


def _length(seconds: float | None) -> str:
    from quowarranto.findings.present import length

    return "" if seconds is None else length(round(seconds * 1_000_000))
