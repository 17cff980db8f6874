"""`quo privileges`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import case_option, format_option, instant, known_at_option, show, snapshot_of, who
from quowarranto.export.words import plural
from quowarranto.records import like_of

_LANGUAGES = ("kubernetes", "vault", "iam", "cedar", "terraform")


@click.command("privileges")
@click.argument("principal", required=False)
@case_option
@known_at_option
@click.option(
    "--fit-until",
    metavar="TIME",
    help="Propose from the uses before this RFC 3339 time, and try the proposal on those after it.",
)
@click.option("--as", "language", type=click.Choice(_LANGUAGES), help="Print the proposals in this language instead.")
@format_option()
def command(
    principal: str | None,
    case_folder: Path,
    known_at: str | None,
    fit_until: str | None,
    language: str | None,
    form: str,
) -> None:
    """Granted against used, per grant: last use, the narrower scope that would have sufficed, and whether it is safe.

    PRINCIPAL is a pattern of `id` or `type:id`; without it all grants are told. WOULD REFUSE is how many of the actions
    of the history the proposed scope would have refused.
    """
    from quowarranto.findings.privileges import privileges

    like = None if principal is None else like_of(principal)
    found = privileges(snapshot_of(case_folder, known_at), like, instant("--fit-until", fit_until))
    if language is not None:
        from quowarranto.export.scopes import sayable, scopes

        for text in scopes(found, language):
            click.echo(text)
        _replayed([row for row in found if sayable(row, language)])
        left = sum(bool(row["proposed"]) and not sayable(row, language) for row in found)
        if left:
            click.echo(f"note: {left:,} of the proposals speak of grants of other systems than {language}", err=True)
        return
    show(
        found,
        form,
        (
            ("GRANT", lambda row: row["grant"]),
            ("PRINCIPAL", lambda row: who(row["principal"]) if row["principal"]["id"] else ""),
            ("CODES", lambda row: " ".join(row["codes"])),
            ("USES", lambda row: f"{row['uses']:,}"),
            ("LAST USE", lambda row: row["last_use"] or "never"),
            ("WATCHED", lambda row: f"{row['watched_days']:g} d"),
            ("UNUSED REMOVED", lambda row: f"{row['unused_removed']:.0%}" if row["proposed"] else ""),
            ("WOULD REFUSE", _refused),
            ("PROPOSED", lambda row: "; ".join(map(_rule, row["proposed"]))),
        ),
        empty="no grant of such a principal is in the case",
    )


def _replayed(told: list[dict[str, Any]]) -> None:
    """What the history says of the proposals just printed, where it does not stand in the way of who pipes them on."""
    if not told:
        return
    uses, refused, unseen, unseen_refused = (
        sum(row[name] for row in told) for name in ("uses", "would_have_refused", "unseen_uses", "unseen_refused")
    )
    days = [row["watched_days"] for row in told]
    proposals = plural(len(told), "proposal")
    said = f"replayed over the history, {proposals} would have refused {refused:,} of {uses - unseen:,}"
    said += " uses" + (f" that they were made from, and {unseen_refused:,} of {unseen:,} others" if unseen else "")
    watched = f"{max(days):g}" if min(days) == max(days) else f"{min(days):g} to {max(days):g}"
    click.echo(f"note: {said}; watched for {watched} days", err=True)


def _refused(row: dict[str, Any]) -> str:
    if not row["proposed"]:
        return ""
    unseen = f" + {row['unseen_refused']:,} of {row['unseen_uses']:,} unseen" if row["unseen_uses"] else ""
    return f"{row['would_have_refused']:,}{unseen}"


def _rule(rule: dict[str, Any]) -> str:
    return f"{' '.join(rule['actions'])} on {' '.join(rule['resources'])}"
