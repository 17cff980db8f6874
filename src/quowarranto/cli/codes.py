"""`quo codes`."""

from __future__ import annotations

import click

from quowarranto.cli.common import format_option, show
from quowarranto.records.codes import CODES


@click.command("codes")
@click.argument("codes", nargs=-1, metavar="[QW…]")
@format_option()
def command(codes: tuple[str, ...], form: str) -> None:
    """What the codes mean; with one named, its whole page."""
    from quowarranto.findings.controls import CONTROLS
    from quowarranto.findings.pages import page_of

    wanted = [code.upper() for code in codes]
    for code in wanted:
        if code not in CODES:
            raise click.BadParameter(f"`{code}` is not a code; `quo codes` lists them", param_hint="CODE")
    if wanted and form == "table":
        click.echo("\n\n".join(page_of(code) for code in wanted))
        return
    rows = [
        {
            "code": entry.code,
            "severity": entry.severity,
            "name": entry.name,
            "clause": entry.clause,
            "controls": list(CONTROLS[entry.code]),
        }
        for entry in CODES.values()
        if not wanted or entry.code in wanted
    ]
    show(
        rows,
        form,
        (
            ("CODE", lambda row: row["code"]),
            ("SEVERITY", lambda row: row["severity"]),
            ("NAME", lambda row: row["name"]),
            ("AN ACTION HAS IT BECAUSE", lambda row: row["clause"]),
        ),
        empty="no code",
    )
