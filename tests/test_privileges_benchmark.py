"""What was published about proposed scopes keeps the bars, and the page says what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench.privileges import _idle

ROOT = Path(__file__).parents[1]
_ONE = [{"actions": ["get"], "resources": ["t:a"]}]
_ALL = [{"actions": ["get"], "resources": ["t:*"]}]
_DONE = {("get", "t", name) for name in "abc"}


@pytest.mark.parametrize(
    ("granted", "proposed", "own", "unused_and_removed"),
    [
        (_ALL, _ONE, {"a"}, (2, 2)),
        (_ALL, _ALL, {"a"}, (2, 0)),
        (None, _ONE, {"a"}, (2, 2)),  # no scope covers everything
        (_ONE, _ONE, {"a"}, (0, 0)),
        (_ALL, _ONE, {"a", "b"}, (1, 1)),  # what it carried is used, whether or not the proposal keeps it
    ],
)
def test_what_is_unused_is_what_a_grant_covers_and_never_carried(
    granted: Any, proposed: Any, own: set[str], unused_and_removed: tuple[int, int]
) -> None:
    row = {"grant": "g", "granted": granted, "proposed": proposed}
    carried = {"": _DONE, "g": {("get", "t", name) for name in own}}
    assert _idle(row, carried) == unused_and_removed


def _published() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "bench" / "results" / "privileges.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("which", ["used", "used_at_least_10_times"])
def test_proposals_refuse_next_to_nothing_and_take_most_of_what_is_unused(which: str) -> None:
    """Under 0.1 % of legitimate uses that were not seen, those of grants without a proposal counted as refused too."""
    published = _published()
    one, late = published[which], published["first_used_afterwards"]["uses"]
    assert one["unseen_uses"] > 10_000
    assert (one["unseen_refused"] + late) / (one["unseen_uses"] + late) < 0.001
    assert one["unused_removed"] >= 0.8


def test_the_page_says_what_was_measured() -> None:
    page = (ROOT / "docs" / "reference" / "formats" / "privileges.md").read_text(encoding="utf-8")
    for one in (_published()["used"], _published()["used_at_least_10_times"]):
        figures = f"{one['learned_uses']:,} | {one['unseen_uses']:,} | {one['unseen_refused']:,} | "
        assert figures + f"{one['unused_removed']:.1%}".replace("%", " %") in page
