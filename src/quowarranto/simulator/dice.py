"""Randomness that can be repeated: everything in the simulator is drawn from dice named after what they decide."""

from __future__ import annotations

import random


def dice(name: str) -> random.Random:
    """Dice that fall alike for one name. They play a simulation; nothing secret is drawn from them."""
    return random.Random(name)  # noqa: S311
