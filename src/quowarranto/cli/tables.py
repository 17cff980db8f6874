"""Tables for people: a row is one line where the terminal is wide enough, else as many lines as its columns need.

Nothing is cut off, for ids, keys and times are what the next command is given. Columns that have no room on a line go
to the next one, further in, and shorter ones after them fill the room; the headings lie in the same places. Where the
output is no terminal, a row is one line.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click

_GAP = 2
_FOLD = 30
"""A column of words is folded beside the others where at least so many cells are left, else put on the next line."""

STYLES = {
    "authorised": "green",
    "presumed": "cyan",
    "unproven": "yellow",
    "unauthorised": "bold red",
    "disputed": "bold magenta",
    "refused": "dim",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
"""How verdicts and severities look on a terminal."""


class _Place(NamedTuple):
    """Where a column stands: the line of the row, from which cell, and how wide it may be."""

    line: int
    left: int
    width: int


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of printable text on standard output, as wide as the terminal is."""
    terminal = sys.stdout.isatty()
    coloured = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size().columns if terminal else None
    places = _places(headings, rows, width)
    for line in _lines(headings, places):
        click.echo(click.style(line, bold=True) if coloured else line)
    for row in rows:
        for line in _lines(row, places, coloured=coloured):
            click.echo(line, color=coloured)


def laid_out(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """The lines of a table for a terminal of `width` cells; `None`: as wide as it needs to be."""
    places = _places(headings, rows, width)
    return [line for row in (headings, *rows) for line in _lines(row, places)]


def cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _places(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[_Place]:
    """Each column on the first line that has room for it; words of the last one are folded where there is some."""
    places: list[_Place] = []
    used = [0]  # of each line: where the next column would begin
    for number, heading in enumerate(headings):
        column = [heading, *(row[number] for row in rows)]
        natural = max(map(cells, column))
        least = natural
        if number == len(headings) - 1:
            least = min(natural, max(_FOLD, *(cells(word) for text in column for word in (text.split() or [""]))))
        fits = (line for line, left in enumerate(used) if width is None or width - left >= least or left == 0)
        line = next(fits, len(used))
        if line == len(used):
            used.append(_GAP * line)
        left = used[line]
        room = natural if width is None else max(1, width - left)
        places.append(_Place(line, left, max(1, min(natural, room))))
        used[line] += places[-1].width + _GAP
    return places


def _lines(row: Sequence[str], places: Sequence[_Place], *, coloured: bool = False) -> Iterator[str]:
    """The lines of one row; those that would be empty are left out, but for the first."""
    for line in range(1 + max((place.line for place in places), default=-1)):
        here = [(place, _folded(text, place.width)) for text, place in zip(row, places, strict=True)
                if place.line == line]  # fmt: skip
        for number in range(max(len(parts) for _, parts in here)):
            out, at_cell = "", 0
            for place, parts in here:
                part = parts[number] if number < len(parts) else ""
                if part:
                    out += " " * (place.left - at_cell) + (_styled(part) if coloured else part)
                    at_cell = place.left + cells(part)
            if out or line == 0:
                yield out


def _styled(text: str) -> str:
    words = STYLES.get(text, "").split()
    colour = next((word for word in words if word not in ("bold", "dim")), None)
    return click.style(text, fg=colour, bold="bold" in words or None, dim="dim" in words or None)


def _folded(text: str, width: int) -> list[str]:
    """A text in pieces of at most `width` cells: between words, and within those that are longer than a line."""
    if cells(text) <= width:
        return [text]
    pieces, piece = [], ""
    for word in text.split():
        joined = f"{piece} {word}" if piece else word
        if cells(joined) <= width:
            piece = joined
            continue
        if piece:
            pieces.append(piece)
        *full, piece = _cut(word, width)
        pieces += full
    return [*pieces, piece]


def _cut(word: str, width: int) -> Iterator[str]:
    """A word in pieces of at most `width` cells, or of one character."""
    piece = ""
    for character in word:
        if piece and cells(piece + character) > width:
            yield piece
            piece = ""
        piece += character
    yield piece
