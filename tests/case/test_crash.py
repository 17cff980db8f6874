"""A run may be killed at any moment: a reader sees a complete state, and the next run ends as if nothing had been."""

from __future__ import annotations

from pathlib import Path

from tests.crash import Crashes


def test_a_killed_run_leaves_a_complete_state_and_the_next_one_ends_as_ever(tmp_path: Path) -> None:
    """A few kills; `python -m tests.crash 200` does many."""
    crashes = Crashes(tmp_path, actions=400, seed=3)
    for number in range(4):
        crashes.once(number)
