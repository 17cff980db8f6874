"""The measures of an authority timeline: where the columns are, how high a row is, what fits where."""

from __future__ import annotations

from dataclasses import dataclass, field

from quowarranto.export.axis import Window
from quowarranto.records import Instant

KEY_CELL = 7.25  # pixels of one character of a key, 12 px fixed-width
NARROW = 640


@dataclass(frozen=True, slots=True)
class Canvas:
    """Measures in pixels. A narrow picture has its labels above the bars instead of beside them."""

    width: int
    window: Window
    acted_at: Instant
    top: float = 0.0

    @property
    def narrow(self) -> bool:
        """Whether labels stand above the bars."""
        return self.width < NARROW

    @property
    def left(self) -> float:
        """Left edge of the plot."""
        return 10.0 if self.narrow else min(330.0, self.width * 0.34)

    @property
    def right(self) -> float:
        """Right edge of the plot."""
        return self.width - (10.0 if self.narrow else 16.0)

    @property
    def label_right(self) -> float:
        """Where labels end."""
        return self.right if self.narrow else self.left - 12

    @property
    def row(self) -> float:
        """Height of a row."""
        return 76.0 if self.narrow else 46.0

    @property
    def bar(self) -> float:
        """Middle of the bar within a row."""
        return 51.0 if self.narrow else 17.0

    @property
    def note(self) -> float:
        """Baseline of the words below the bar within a row."""
        return 70.0 if self.narrow else 37.0

    def x(self, at: Instant) -> float:
        """The x of an instant, kept inside the plot."""
        return self.window.place(at, self.left, self.right)

    def inside(self, at: Instant) -> bool:
        """Whether the window shows this instant."""
        return self.window.start <= at <= self.window.end


@dataclass(slots=True)
class Shelf:
    """One line of words: each takes its room, and one that would run into another is not put down."""

    left: float
    right: float
    taken: list[tuple[float, float]] = field(default_factory=list)

    def room(self, x: float, width: float, anchor: str) -> float | None:
        """The left edge for words of this width at x, moved inside the edges; `None` when there is no room."""
        start = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
        start = max(min(start, self.right - width), self.left)
        if any(start < right + 6 and left < start + width + 6 for left, right in self.taken):
            return None
        self.taken.append((start, start + width))
        return start
