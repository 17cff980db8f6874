"""`quo coverage`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import case_option, format_option, known_at_option, show, snapshot_of
from quowarranto.export.words import plural
from quowarranto.records import LINKAGES

_MOST = 0.9
"""A field counts where so large a share of the actions has it."""


_ROWS = 40
"""More sources than these are shown by type."""


@click.command("coverage")
@case_option
@known_at_option
@format_option()
def command(case_folder: Path, known_at: str | None, form: str) -> None:
    """Per source: records, span and gaps, share of actions by linkage, the best it can give and what would raise it.

    FIELDS counts the seven fields of an auditable action that nine tenths of the actions have: authenticated identity,
    delegated subject, resource or tool, action and decision, time and transaction, attestation or risk, revocation and
    its cause (each by its share with `--format json`). Joins that would link more are proposed below the table.
    """
    from quowarranto.findings.coverage import coverage

    found = coverage(snapshot_of(case_folder, known_at))
    show(
        found if form != "table" or len(found) <= _ROWS else _by_type(found),
        form,
        (
            ("SOURCE", lambda row: row["source"]),
            ("TYPE", lambda row: row["type"] or "not recognised"),
            ("ENTRIES", lambda row: f"{row['entries']:,}"),
            ("QUARANTINED", lambda row: f"{row['quarantined']:,}"),
            ("ACTIONS", lambda row: f"{row['records'].get('action', 0):,}"),
            ("LINKED", lambda row: " ".join(f"{name} {share:.0%}" for name, share in row["linkage"].items())),
            ("FIELDS", lambda row: _complete(row["minimum_fields"])),
            ("BEST", lambda row: row["ceiling"] or ""),
            ("LONGEST GAP", lambda row: row["gaps"][0]["length"] if row["gaps"] else ""),
        ),
        empty="nothing was read yet",
    )
    if form == "table":
        _raise(found)
        _propose(list({str(join): join for row in found for join in row["proposals"]}.values()))


def _by_type(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per type where there are too many sources to look at; shares are weighed by actions."""
    out = []
    for name in sorted({row["type"] for row in found}, key=str):
        mine = [row for row in found if row["type"] == name]
        counts = [row["records"].get("action", 0) for row in mine]
        total = sum(counts)
        shares = {link: 0.0 for row in mine for link in row["linkage"]}
        fields = dict.fromkeys((field for row in mine for field in row["minimum_fields"]), 0.0)
        for row, count in zip(mine, counts, strict=True):
            for link, share in row["linkage"].items():
                shares[link] += share * count / total
            for field, part in row["minimum_fields"].items():
                fields[field] += (part or 0.0) * count / total
        summed = {field: sum(row[field] for row in mine) for field in ("entries", "quarantined")}
        out.append(
            {
                **mine[0],
                **summed,
                "source": f"({plural(len(mine), 'source')})",
                "records": {"action": total},
                "gaps": [],
            }
            | {"linkage": shares, "minimum_fields": fields}
        )
    return out


def _complete(fields: dict[str, float | None]) -> str:
    """How many of the seven fields most actions of a source have."""
    count = sum(share is not None and share >= _MOST for share in fields.values())
    return f"{count}/{len(fields)}" if fields else ""


def _raise(found: list[dict[str, Any]]) -> None:
    """Per type, once, the most to be gained first: what would raise the linkage.

    Nothing is said of a type whose actions all have the best that its logs can give.
    """
    told = {row["type"]: (row["ceiling"], row["raise_it"]) for row in found if row["raise_it"]}
    weak, all_of = _weak(found), Counter[str]()
    for row in found:
        all_of[row["type"]] += row["records"].get("action", 0)
    asked = [name for name in sorted(told) if weak[name] or not all_of[name]]
    if asked:
        click.echo("\nThe best that the logs can give, and the one setting that raises what they give:")
    for name in sorted(asked, key=lambda name: -weak[name]):
        ceiling, setting = told[name]
        less = f"{weak[name]:,} of {all_of[name]:,} actions have less" if all_of[name] else "no actions of its own"
        click.echo(f"  {name} ({ceiling}; {less}): {setting}")


def _weak(found: list[dict[str, Any]]) -> Counter[str]:
    """Per type, how many actions are linked less well than its logs can give."""
    weak = Counter[str]()
    for row in found:
        if row["ceiling"] in LINKAGES:
            less = LINKAGES[LINKAGES.index(row["ceiling"]) + 1 :]
            share = sum(part for name, part in row["linkage"].items() if name in less)
            weak[row["type"]] += round(share * row["records"].get("action", 0))
    return weak


def _propose(joins: list[dict[str, Any]]) -> None:
    """Joins that can be copied into `quo.toml`, those that link most first."""
    if not joins:
        return
    click.echo("\nValues that both sides have; a declared join would link more (docs/reference/configuration.md):")
    for number, join in enumerate(sorted(joins, key=lambda join: -join["count"]), 1):
        share = f"{join['count']:,} actions, {join['actions']:.0%} of its weakly linked ones"
        click.echo(f"\n# {join['left']['source']}: {share}; {join['values']:,} different values")
        click.echo(f'[[correlate]]\nname = "join {number}"')
        for side in ("left", "right"):
            told = ", ".join(f"{name} = '{value}'" for name, value in join[side].items())
            click.echo(f"{side} = {{ {told} }}")
