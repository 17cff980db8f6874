"""The registry: a new source is a module, a case folder, a docs page and a line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quowarranto.errors import ConfigError, nearest
from quowarranto.sources import (
    authzen,
    azure,
    boundary,
    caep,
    casbin,
    cedar,
    cerbos,
    cloudevents,
    cloudtrail,
    cyberark,
    envoy,
    gcp,
    github,
    keycloak,
    kubernetes,
    mcp,
    native,
    ocsf,
    okta,
    opa,
    openfga,
    openssh,
    otlp,
    pomerium,
    postgres,
    spire,
    sudo,
    teleport,
    vault,
)
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.registers import approvals, exceptions

__all__ = [
    "SOURCES",
    "Entry",
    "Observation",
    "Outcome",
    "Sample",
    "Settings",
    "Skipped",
    "Source",
    "by_name",
    "configured",
]

SOURCES: tuple[Source, ...] = (
    native.SOURCE,
    cloudtrail.SOURCE,
    vault.SOURCE,
    kubernetes.SOURCE,
    postgres.SOURCE,
    openssh.SOURCE,
    sudo.SOURCE,
    opa.SOURCE,
    authzen.SOURCE,
    teleport.SOURCE,
    mcp.SOURCE,
    spire.SOURCE,
    cerbos.SOURCE,
    approvals.SOURCE,
    exceptions.SOURCE,
    github.SOURCE,
    cedar.SOURCE,
    ocsf.SOURCE,
    caep.SOURCE,
    otlp.SOURCE,
    cloudevents.SOURCE,
    envoy.SOURCE,
    openfga.SOURCE,
    pomerium.SOURCE,
    casbin.SOURCE,
    cyberark.SOURCE,
    keycloak.SOURCE,
    boundary.SOURCE,
    gcp.SOURCE,
    azure.SOURCE,
    okta.SOURCE,
)
Settings = Mapping[str, Mapping[str, Any]]
"""What `quo.toml` says under `[source.NAME]`, by name."""


def by_name(name: str, sources: Sequence[Source] = SOURCES) -> Source | None:
    """The source of that name, if there is one."""
    return next((source for source in sources if source.name == name), None)


def configured(settings: Settings) -> tuple[Source, ...]:
    """All sources, those that take settings as the settings make them.

    Raises:
        ConfigError: settings for no such source, for one that takes none, or such as it does not take.
    """
    takers = [source.name for source in SOURCES if source.configure is not None]
    for name in settings:
        if name not in takers:
            need = "one of " + (", ".join(takers) or "none")
            raise ConfigError(f"`{name}` is not a source with settings", need=need, hint=nearest(name, takers))
    return tuple(
        source.configure(settings[source.name]) if source.configure and source.name in settings else source
        for source in SOURCES
    )
