"""A small imaginary organisation: the logs that real systems would have written, and the truth about them."""

from quowarranto.simulator.large import simulate_cloudtrail, simulate_kubernetes, simulate_native, simulate_skewed
from quowarranto.simulator.secrets import PLANTED_SECRETS
from quowarranto.simulator.truth import Expected, Truth
from quowarranto.simulator.world import FAULTS, simulate

__all__ = [
    "FAULTS",
    "PLANTED_SECRETS",
    "Expected",
    "Truth",
    "simulate",
    "simulate_cloudtrail",
    "simulate_kubernetes",
    "simulate_native",
    "simulate_skewed",
]
