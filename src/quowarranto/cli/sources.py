"""`quo sources`."""

from __future__ import annotations

import click

from quowarranto.cli.common import format_option, show


@click.command("sources")
@format_option()
def command(form: str) -> None:
    """The systems whose logs can be read, the best linkage they can give, and the setting that raises it."""
    from quowarranto.sources import SOURCES

    show(
        [
            {
                "type": source.name,
                "title": source.title,
                "reads": list(source.reads),
                "ceiling": source.ceiling,
                "raise_it": source.raise_it,
            }
            for source in SOURCES
        ],
        form,
        (
            ("TYPE", lambda row: row["type"]),
            ("SYSTEM", lambda row: row["title"]),
            ("BEST LINKAGE", lambda row: row["ceiling"]),
            ("READS", lambda row: "; ".join(row["reads"])),
        ),
        empty="no source",
    )
