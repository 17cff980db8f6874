"""Documents that no decision cites: what a language whose decisions rest on all that is in force makes of a case.

It is given what the case tells of the language's source (read by `told.py`), and is asked for the documents as they
stood at the moment of a decision.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from quowarranto.records import Instant
from quowarranto.replay.language import Policy, Request

Versions = dict[str, list[tuple[Instant, tuple[Policy, ...]]]]
"""Documents that somebody gave, by name and from when they stood so (`texts.Texts.versions`)."""


class State(Protocol):
    """The documents of one language, as they stood."""

    def asked(self, request: Request, at: Instant) -> tuple[tuple[Policy, ...], Request]:
        """The documents that may decide, and the request, which also says what is not known of them."""


class Told(msgspec.Struct, frozen=True):
    """One observation of the case: `sources.entry.Observation`, and the file that it stands in."""

    name: str
    at: Instant
    data: dict[str, Any]
    file: str


class Seen(msgspec.Struct, frozen=True):
    """All that a case tells of one source."""

    told: list[Told]
    stretches: list[tuple[Instant, Instant]]
    """The times that its log covers, in order."""
