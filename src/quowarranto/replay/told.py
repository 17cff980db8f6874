"""What a case tells of one source: its observations, and the times of which its log would have told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from quowarranto.case.query import connect, fetched
from quowarranto.case.store import Snapshot
from quowarranto.records import Instant
from quowarranto.replay.state import Seen, Told

SILENCE_US = 3_600_000_000
"""A log that says nothing for longer is not taken to have covered that time: a file of it may be missing."""
_MINUTE_US = 60_000_000


def seen(snapshot: Snapshot, source: str) -> Seen:
    """What a case tells of a source: its observations by time, and the stretches without a longer silence."""
    connection = connect(snapshot, "observations", "actions", "inputs")
    observed = fetched(
        connection, "SELECT DISTINCT name, at_us, data, file FROM observations WHERE type = ? ORDER BY ALL", [source]
    )
    told = [Told(row["name"], row["at_us"], msgspec.json.decode(row["data"]), row["file"]) for row in observed]
    moments = fetched(
        connection,
        f"""SELECT min(a.time) AS first, max(a.time) AS last FROM actions a
            JOIN (SELECT DISTINCT file FROM inputs WHERE type = ?) n ON n.file = a.file
            GROUP BY a.time // {_MINUTE_US} ORDER BY first""",
        [source],
    )
    return Seen(told, list(_stretches((row["first"], row["last"]) for row in moments)))


def _stretches(minutes: Iterable[tuple[Instant, Instant]]) -> Iterator[tuple[Instant, Instant]]:
    held: tuple[Instant, Instant] | None = None
    for first, last in minutes:
        if held is not None and first - held[1] <= SILENCE_US:
            held = (held[0], last)
            continue
        if held is not None:
            yield held
        held = (first, last)
    if held is not None:
        yield held
