"""Observations of a cloud that tells of clusters too, as `Source.derive` gets them, put in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from quowarranto.sources.entry import Observation

CLUSTER = "cluster"
"""The kind of those that are Kubernetes' own."""
_encode = msgspec.json.Encoder(order="deterministic").encode


def by_kind(observations: Sequence[Observation], prefix: str) -> defaultdict[str, list[Observation]]:
    """Each observation once, by what stands before the slash in its name if that begins with `prefix`, else `CLUSTER`.

    In order of time and name, and of content beyond that, so that neither order nor repetition matters.
    """
    distinct = {_encode((one.at, one.name, one.data)): one for one in observations}
    kinds = defaultdict[str, list[Observation]](list)
    for key in sorted(distinct):
        kind = distinct[key].name.partition("/")[0]
        kinds[kind if kind.startswith(prefix) else CLUSTER].append(distinct[key])
    for ordered in kinds.values():
        ordered.sort(key=lambda one: (one.at, one.name))
    return kinds
