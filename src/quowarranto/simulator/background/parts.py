"""What the routines have in common: ids by counting, moments in order, and lines from templates."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from quowarranto.records import Instant

_ODD = 0x9E3779B97F4B


def uuids(rng: Random) -> Iterator[str]:
    """UUIDs without end that look random and never repeat: the last 48 bits go once round all numbers."""
    while True:
        front = (
            f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}-8{rng.getrandbits(12):03x}"
        )
        first = rng.getrandbits(48)
        for number in range(1 << 20):
            yield f"{front}-{(first + number * _ODD) & 0xFFFFFFFFFFFF:012x}"


def moments(rng: Random, count: int, start: Instant, end: Instant) -> list[Instant]:
    """So many moments between two, in order."""
    span, draw = end - start, rng.random
    return sorted(start + int(draw() * span) for _ in range(count))


def template(text: str) -> str:
    """Text with marks `@name@` as a format for `%` with a dictionary."""
    pieces = text.replace("%", "%%").split("@")
    # Every second piece is a name, as the texts hold no other `@`.
    return "".join(f"%({piece})s" if number % 2 else piece for number, piece in enumerate(pieces))


def truth_line(action: str, verdict: str, linkage: str, *codes: str) -> str:
    """A format for `%` with the action's id, for a line of the truth about routine work."""
    listed = f'"codes":[{",".join(f"{chr(34)}{code}{chr(34)}" for code in codes)}],' if codes else ""
    return (
        f'{{"action":"{action}%s","scenario":"routine","verdict":"{verdict}","linkage":"{linkage}",'
        f'{listed}"exact":true}}\n'
    )


Piece = tuple[Instant, str]
"""Lines that belong together, and when they do."""


def in_order(pieces: list[Piece]) -> str:
    """The lines in order of time."""
    pieces.sort()
    return "".join(text for _, text in pieces)
