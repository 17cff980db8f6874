"""What happens in the organisation: the stories go as they should, each fault goes wrong in one way."""

from __future__ import annotations

from quowarranto.simulator.scenarios import (
    agents,
    api_keys,
    approvals,
    aws,
    chains,
    ci,
    exceptions,
    kubernetes,
    pam,
    services,
    vault,
)
from quowarranto.simulator.scene import Scenario

_MODULES = (api_keys, approvals, exceptions, pam, agents, services, kubernetes, vault, aws, ci, chains)

STORIES: tuple[Scenario, ...] = tuple(story for module in _MODULES for story in module.STORIES)
FAULTS: tuple[Scenario, ...] = tuple(fault for module in _MODULES for fault in module.FAULTS)

__all__ = ["FAULTS", "STORIES"]
