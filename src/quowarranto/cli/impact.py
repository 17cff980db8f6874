"""`quo impact`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import case_option, instant, known_at_option, printable, show, show_json, snapshot_of
from quowarranto.export.words import plural

_ROWS = 20


@click.command("impact")
@click.argument("key")
@case_option
@known_at_option
@click.option("--since", metavar="TIME", help="Look at actions not before this RFC 3339 time.")
@click.option(
    "--until",
    metavar="TIME",
    help="Look at actions before this RFC 3339 time.  [default: the revocation, where the case shows it]",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Also draw the days to a file.")
def command(
    key: str,
    case_folder: Path,
    known_at: str | None,
    since: str | None,
    until: str | None,
    form: str,
    svg: Path | None,
) -> None:
    """What falls if the authority KEY is revoked: what rests on it, and the actions that nothing else would carry.

    The authority and all that rests on it are taken out, and the actions that it carried are judged again by what is
    left. Where the case shows the revocation, the prediction is made from what came before and scored by what came
    after.
    """
    from quowarranto.case.config import load_config
    from quowarranto.findings.impact import Window, impact
    from quowarranto.linkage.run import Clock

    config = load_config(case_folder)
    window = Window(instant("--since", since), instant("--until", until))
    clock = Clock(config.skew_us, config.window_us)
    found = impact(snapshot_of(case_folder, known_at), key, clock, window, config.correlate)
    if svg is not None:
        from quowarranto.export.files import write_whole
        from quowarranto.export.impact import impact_svg

        write_whole(svg, impact_svg(found))
        click.echo(f"drawn: {svg}", err=True)
    if form == "json":
        show_json(found)
        return
    _print(found)


def _print(found: dict[str, Any]) -> None:
    said = printable(f"{found['authority']['kind']} {found['authority']['key']}")
    click.echo(f"If {said} is revoked:")
    if not found["actions"]:
        click.echo("  no action of that time was carried by it")
    else:
        total, falling = found["actions"], found["falling"]
        click.echo(f"  {falling:,} of {plural(total, 'action')} that it carried would fall ({falling / total:.0%});")
        click.echo(f"  another live authority: {found['carried']:,}; seen from {found['first']} to {found['last']}")
    _below(found["below"])
    if found["principals"]:
        click.echo()
        show(
            found["principals"][:_ROWS],
            "table",
            (
                ("PRINCIPAL", lambda row: f"{row['principal_type']}:{row['principal_id']}"),
                ("ACTIONS", lambda row: f"{row['actions']:,}"),
                ("WOULD FALL", lambda row: f"{row['falling']:,}"),
                ("VERBS", lambda row: f"{row['verbs']:,}"),
                ("RESOURCES", lambda row: f"{row['resources']:,}"),
            ),
            empty="",
        )
        if len(found["principals"]) > _ROWS:
            click.echo(f"… and {len(found['principals']) - _ROWS:,} more (--format json shows them)")
    if found["revoked"]:
        _score(found["revoked"])


def _below(below: list[dict[str, Any]]) -> None:
    if not below:
        click.echo("  nothing else rests on it")
        return
    click.echo(f"\nResting on it: {len(below):,}, {sum(row['live'] for row in below):,} of them live")
    show(
        below[:_ROWS],
        "table",
        (
            ("KIND", lambda row: row["kind"]),
            ("KEY", lambda row: row["key"]),
            ("DEPTH", lambda row: str(row["depth"])),
            ("LIVE", lambda row: "yes" if row["live"] else "no"),
            ("PRINCIPAL", lambda row: f"{row['principal_type']}:{row['principal_id']}" if row["principal_id"] else ""),
        ),
        empty="",
    )
    if len(below) > _ROWS:
        click.echo(f"… and {len(below) - _ROWS:,} more (--format json shows them)")


def _score(score: dict[str, Any]) -> None:
    fall, fell, accepted = (score[name] for name in ("predicted_to_fall", "fell", "accepted_all_the_same"))
    go_on, went_on, unseen = (score[name] for name in ("predicted_to_go_on", "went_on", "not_seen_again"))
    click.echo(f"\nIt was revoked at {score['at']}. What was foreseen of each principal, verb and resource:")
    click.echo(f"  to fall   {fall:,}: {fell:,} not authorised again; {accepted:,} accepted all the same, unauthorised")
    click.echo(f"  to go on  {go_on:,}: {went_on:,} did; {unseen:,} not seen again")
