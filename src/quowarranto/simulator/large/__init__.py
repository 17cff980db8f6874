"""Worlds of any size for measuring: no scenarios and no truth, but chains that link and the usual blemishes."""

from quowarranto.simulator.large.cloudtrail import simulate_cloudtrail
from quowarranto.simulator.large.kubernetes import simulate_kubernetes
from quowarranto.simulator.large.native import simulate_native
from quowarranto.simulator.large.skewed import simulate_skewed

__all__ = ["simulate_cloudtrail", "simulate_kubernetes", "simulate_native", "simulate_skewed"]
