"""`quo investigate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import (
    case_option,
    filter_options,
    filters_of,
    known_at_option,
    printable,
    show,
    show_json,
    snapshot_of,
)
from quowarranto.export.words import plural


@click.command("investigate")
@case_option
@known_at_option
@filter_options
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print.")
def command(case_folder: Path, known_at: str | None, form: str, **values: Any) -> None:
    """The story of the chosen actions: who acted, under what, what broke first, why, and what would mend most.

    Choose a principal, a credential (--authority), a stretch of time, or any of the filters together.
    """
    from quowarranto.findings.investigate import investigate
    from quowarranto.findings.nearest import why_none

    if values["limit"] is not None:
        raise click.UsageError("--limit would tell half a story; choose by time instead")
    snapshot = snapshot_of(case_folder, known_at)
    found = investigate(snapshot, filters_of(values))
    if form == "json":
        show_json(found)
        return
    if not found["actions"]:
        click.echo("\n".join(map(printable, why_none(snapshot, values))))
        return
    _print(found)


def _print(found: dict[str, Any]) -> None:
    click.echo(f"{plural(found['actions'], 'action')} from {found['first']} to {found['last']}")
    click.echo("  verdicts: " + ", ".join(f"{name} {count:,}" for name, count in found["verdicts"].items()))
    click.echo("  linkage:  " + ", ".join(f"{name} {count:,}" for name, count in found["linkage"].items()))
    _section("Who acted")
    show(
        found["principals"],
        "table",
        (
            ("PRINCIPAL", lambda row: f"{row['principal_type']}:{row['principal_id']}"),
            ("ACTIONS", lambda row: f"{row['actions']:,}"),
            ("UNAUTHORISED", lambda row: f"{row['unauthorised']:,}"),
            ("UNPROVEN", lambda row: f"{row['unproven']:,}"),
            ("ORIGINS", lambda row: f"{row['origins']:,}"),
            ("VERBS", lambda row: " ".join(row["verbs"])),
        ),
        empty="",
    )
    _section("Under what")
    show(
        found["under"],
        "table",
        (
            ("KIND", lambda row: row["kind"]),
            ("ACTIONS", lambda row: f"{row['actions']:,}"),
            ("KEY", lambda row: row["key"]),
        ),
        empty="no authority is on record",
    )
    _section("What broke first")
    _first(found["broke_first"])
    _section("Why")
    show(
        found["causes"],
        "table",
        (
            ("ROOT CAUSE", lambda row: row["root_cause"] or ""),
            ("CODE", lambda row: f"{row['code']} {row['name']}"),
            ("ACTIONS", lambda row: f"{row['actions']:,}"),
            ("UNAUTHORISED", lambda row: f"{row['unauthorised']:,}"),
            ("SINCE", lambda row: row["first"]),
            ("FOR EXAMPLE", lambda row: row["sample"][0]),
            ("AT FAULT", lambda row: f"{row['kind']} {row['key']}" if row["key"] else ""),
        ),
        empty="every action is carried",
    )
    if found["more_causes"]:
        click.echo(f"… and {found['more_causes']:,} more, each of fewer actions: choose by --principal or time")
    if found["repairs"]:
        _section("What would mend most")
        for number, one in enumerate(found["repairs"], 1):
            click.echo(
                f"  {number}. {plural(one['actions'], 'action')} ({' '.join(one['codes'])}): {printable(one['repair'])}"
            )


def _section(title: str) -> None:
    click.echo(f"\n{title}")


def _first(first: dict[str, Any] | None) -> None:
    if first is None:
        click.echo("nothing: no link of a chain failed")
        return
    who = printable(f"{first['principal_type']}:{first['principal_id']}")
    fault = f", {first['kind']} {first['key']}" if first["key"] else ""
    click.echo(f"{first['time']}  {who}  {first['code']} {first['name']}{printable(fault)}")
    click.echo(f"  action {printable(first['action'])}: {first['verdict']} (`quo explain` shows its chain)")
