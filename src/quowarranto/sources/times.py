"""Times of entries: RFC 3339 with a zone, or the entry is rejected."""

from __future__ import annotations

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant, parse_instant


def instant(field: str, text: str) -> Instant:
    """Read the time of a field.

    Raises:
        RejectedEntry: not RFC 3339, or without a zone.
    """
    try:
        return parse_instant(text)
    except ValueError as error:
        raise RejectedEntry(f"`{field}`: {error}") from None
