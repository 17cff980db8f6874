"""`quo diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from quowarranto.cli.common import case_option, format_option, instant, show


@click.command("diff")
@case_option
@click.option("--from", "from_", metavar="TIME", required=True, help="What was known at this RFC 3339 time …")
@click.option("--to", metavar="TIME", help="… against what was known at this one.  [default: all that is known]")
@click.option("--judged-before", is_flag=True, help="Leave out actions that only one of the two states has.")
@format_option()
def command(case_folder: Path, from_: str, to: str | None, judged_before: bool, form: str) -> None:
    """What changed between two moments of the case, action by action, and which record changed it.

    The moments are those at which something was known, not those at which it happened.
    """
    from quowarranto.case.store import Case
    from quowarranto.findings.changes import changes

    case = Case(case_folder)
    before = case.snapshot(instant("--from", from_))
    after = case.snapshot(instant("--to", to) if to is not None else case.snapshot().commit.at)
    rows = changes(before, after)
    if judged_before:
        rows = (row for row in rows if row["from"] and row["to"])
    show(
        rows,
        form,
        (
            ("TIME", lambda row: row["time"]),
            ("ACTION", lambda row: row["action"]),
            ("FROM", lambda row: _verdict(row["from"])),
            ("TO", lambda row: _verdict(row["to"])),
            ("CODES", _codes),
            ("CHANGED BY", _causes),
        ),
        empty="nothing changed",
    )


def _verdict(side: dict[str, Any] | None) -> str:
    return "-" if side is None else f"{side['verdict']} ({side['linkage']})"


def _codes(row: dict[str, Any]) -> str:
    was, now = (set(side["codes"]) if side else set() for side in (row["from"], row["to"]))
    return " ".join([*(f"-{code}" for code in sorted(was - now)), *(f"+{code}" for code in sorted(now - was))])


def _causes(row: dict[str, Any]) -> str:
    if not row["changed_by"]:
        return "not attributed"
    first, more = row["changed_by"][0], row["changed_by_count"] - 1
    where = f"{first['origin']['file']}:{first['origin']['line']}"
    return f"{first['kind']} {first['id']} ({where})" + (f" and {more} more" if more else "")
