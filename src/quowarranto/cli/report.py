"""`quo report`."""

from __future__ import annotations

from pathlib import Path

import click

from quowarranto.cli.common import case_option, known_at_option, snapshot_of


@click.command("report")
@case_option
@known_at_option
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("quo-report.html"),
    show_default=True,
    help="The file to write.",
)
@click.option("--title", default="Quo Warranto report", show_default=True, help="The heading of the page.")
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def command(case_folder: Path, known_at: str | None, html: Path, title: str, open_it: bool) -> None:
    """One self-contained page: verdicts over time, linkage by source, findings, and the timeline of sample actions."""
    write_report(case_folder, html, title, known_at)
    click.echo(f"written: {html}")
    if open_it:
        click.launch(str(html))


def write_report(case_folder: Path, html: Path, title: str, known_at: str | None = None) -> None:
    """Write the report of a case, as it is or as it was known at an RFC 3339 time."""
    snapshot = snapshot_of(case_folder, known_at)
    from quowarranto.export.files import write_whole
    from quowarranto.export.report import report_html
    from quowarranto.findings.reporting import report_data

    write_whole(html, report_html(report_data(snapshot, title)))
