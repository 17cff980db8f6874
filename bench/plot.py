"""The growth of linking as a picture, from the results that `bench.link` left.

python -m bench.plot     writes docs/reference/performance.svg
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from bench.common import RESULTS
from quowarranto.export.svg import joined, tag

OUT = Path(__file__).parents[1] / "docs" / "reference" / "performance.svg"
_WIDTH, _HEIGHT = 720, 340
_TOP, _BOTTOM = 46.0, 292.0
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.t{font-weight:600;font-size:13px}.g{stroke:#ddd}"
    ".l{fill:none;stroke:#2b6cb0;stroke-width:2}.p{fill:#2b6cb0}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#444}.l{stroke:#7fb3e6}.p{fill:#7fb3e6}}"
)


class Run(NamedTuple):
    """One size: seconds of the wall and of the processor, peak memory in megabytes."""

    actions: int
    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Draw what the result files hold."""
    runs = measured()
    seconds = _panel(runs, 0, "seconds of wall clock", [1, 10, 100, 1000], lambda run: run.wall_s)
    memory = _panel(runs, _WIDTH / 2, "peak memory, MB", [100, 1000, 10_000], lambda run: run.peak_mb)
    style = Markup(f"<style>{_STYLE}</style>")
    whole = tag(
        "svg",
        style,
        seconds,
        memory,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label="Linking by number of actions: wall clock and peak memory, both axes logarithmic",
    )
    OUT.write_text(f"{whole}\n", encoding="utf-8")


def measured() -> list[Run]:
    """The newest run of each size, smallest first."""
    found: dict[int, Run] = {}
    for path in sorted(RESULTS.glob("link-*.json"), key=lambda path: path.stat().st_mtime):
        for size, run in json.loads(path.read_text(encoding="utf-8"))["sizes"].items():
            actions, link = int(size.replace(",", "")), run["link"]
            found[actions] = Run(actions, link["wall_s"], link["cpu_s"], link["peak_mb"])
    return [found[actions] for actions in sorted(found)]


def exponent(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    """k of value ~ actions^k, by least squares of the logarithms."""
    xs, ys = [math.log(run.actions) for run in runs], [math.log(of(run)) for run in runs]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def _panel(runs: Sequence[Run], left: float, title: str, ticks: Sequence[float], of: Callable[[Run], float]) -> Markup:
    begin, end = left + 52, left + _WIDTH / 2 - 30
    lowest, highest = math.log10(ticks[0]), math.log10(ticks[-1])
    first, last = math.log10(runs[0].actions), math.log10(runs[-1].actions)

    def x(actions: int) -> float:
        return begin + (math.log10(actions) - first) / ((last - first) or 1) * (end - begin)

    def y(value: float) -> float:
        return _BOTTOM - (math.log10(value) - lowest) / (highest - lowest) * (_BOTTOM - _TOP)

    said = f"{title} ~ n^{exponent(runs, of):.2f}" if len(runs) > 1 else title
    parts = [tag("text", said, x=begin, y=24, class_="t")]
    for tick in ticks:
        parts.append(tag("line", x1=begin, x2=end, y1=y(tick), y2=y(tick), class_="g"))
        parts.append(tag("text", f"{tick:,}", x=begin - 8, y=y(tick) + 4, text_anchor="end"))
    parts.append(tag("polyline", points=" ".join(f"{x(run.actions):.1f},{y(of(run)):.1f}" for run in runs), class_="l"))
    for place, run in enumerate(runs):
        anchor = "start" if place == 0 else "end" if place == len(runs) - 1 else "middle"
        parts.append(tag("circle", cx=x(run.actions), cy=y(of(run)), r=4, class_="p"))
        parts.append(tag("text", f"{of(run):,.4g}", x=x(run.actions), y=y(of(run)) - 10, text_anchor=anchor))
        parts.append(
            tag("text", f"{run.actions // 1_000_000} M", x=x(run.actions), y=_BOTTOM + 20, text_anchor="middle")
        )
    parts.append(tag("text", "actions", x=end, y=_BOTTOM + 38, text_anchor="end"))
    return tag("g", joined(*parts))


if __name__ == "__main__":
    main()
