"""What a log says of its own gaps, as observations of which `case/losses.py` makes gaps (QW602).

    lost/STREAM      records that were dropped, by the word of whoever dropped them: `count`
    switched/STREAM  writing to the log was switched off, or on again: `on`
    listed/STREAM    a file of records that another one lists: `file`, its name alone; `until`, the time of its last
                     record; `follows`: it counts only where an earlier list of the stream was read

A source's own `derive` leaves them alone (`tells_of_loss`).
"""

from __future__ import annotations

from quowarranto.records import Instant
from quowarranto.sources.entry import Observation

LOST, SWITCHED, LISTED = "lost/", "switched/", "listed/"


def lost(stream: str, at: Instant, count: int = 1) -> Observation:
    """Records that were dropped until then."""
    return Observation(f"{LOST}{stream}", at, {"count": count})


def switched(stream: str, at: Instant, *, on: bool) -> Observation:
    """Writing was switched off at that time, or on."""
    return Observation(f"{SWITCHED}{stream}", at, {"on": on})


def listed(stream: str, file: str, first: Instant, last: Instant, *, follows: bool = False) -> Observation:
    """A file that there should be, and from when to when its records are."""
    name = file.rpartition("/")[2]
    return Observation(f"{LISTED}{stream}", first, {"file": name, "until": last, "follows": follows})


def tells_of_loss(observation: Observation) -> bool:
    """Whether it is one of these."""
    return observation.name.startswith((LOST, SWITCHED, LISTED))
