"""The registry: a new source is a module, a case folder, a docs page and a line here."""

from __future__ import annotations

from quowarranto.sources import cloudtrail, kubernetes, native, vault
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source

__all__ = ["SOURCES", "Entry", "Observation", "Outcome", "Sample", "Skipped", "Source", "by_name"]

SOURCES: tuple[Source, ...] = (native.SOURCE, cloudtrail.SOURCE, vault.SOURCE, kubernetes.SOURCE)


def by_name(name: str) -> Source | None:
    """The source of that name, if there is one."""
    return next((source for source in SOURCES if source.name == name), None)
