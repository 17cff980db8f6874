"""Which cluster something is of, where a log says so or the settings do: objects of one name in two are two.

An event of the API server does not name its cluster; what wraps it may (GKE, AKS). What belongs to a named cluster is
then `kubernetes/in/<cluster>/…` instead of `kubernetes/…`. Exports of `kubectl` name none either: where the logs name
one cluster only, they are taken to be of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from quowarranto.records import Action, AuthorityFact, Record
from quowarranto.sources.entry import Observation
from quowarranto.sources.kubernetes.issuance import ADMISSION_KINDS
from quowarranto.sources.kubernetes.names import PREFIX

SEEN = "cluster/"
"""How the name of the observation begins that a cluster was named; other sources share it with this one."""
_OF_A_CLUSTER = tuple(
    f"{PREFIX}{kind}/"
    for kind in (
        *("role", "clusterrole", "rolebinding", "clusterrolebinding", "certificatesigningrequest"),
        *ADMISSION_KINDS.values(),
    )
)
"""Beginnings of keys of objects that have a name; credentials and requests have ids that are nobody else's."""


def key_within(key: str, cluster: str) -> str:
    """The key of an object, as one of that cluster."""
    return f"{PREFIX}in/{cluster}/{key.removeprefix(PREFIX)}" if cluster and key.startswith(_OF_A_CLUSTER) else key


def within(found: Iterable[Record | Observation], cluster: str) -> list[Record | Observation]:
    """Records and observations of an entry, as those of that cluster; an empty name changes nothing."""
    out = [_placed(one, cluster) for one in found]
    if cluster and out:
        out.append(Observation(SEEN + cluster, 0, {"cluster": cluster}))
    return out


def _placed(one: Record | Observation, cluster: str) -> Record | Observation:
    if not cluster or isinstance(one, Action):
        return one
    if isinstance(one, Observation):
        return msgspec.structs.replace(one, data=one.data | {"cluster": cluster})
    return fact_within(one, cluster)


def fact_within(fact: AuthorityFact, cluster: str) -> AuthorityFact:
    """A fact, with its own key and those that it cites as of that cluster."""
    cites = None if fact.cites is None else tuple(key_within(key, cluster) for key in fact.cites)
    return msgspec.structs.replace(fact, id=key_within(fact.id, cluster), cites=cites)


def also_within(fact: AuthorityFact, cluster: str) -> AuthorityFact:
    """A fact of an unnamed cluster that can be no other than this one: it answers to both keys."""
    key = key_within(fact.id, cluster)
    if key == fact.id or fact.fact == "ended":
        return fact
    return msgspec.structs.replace(fact, aliases=(*fact.aliases, key))


def by_cluster(observations: Sequence[Observation]) -> Iterator[tuple[str, str, list[Observation]]]:
    """Observations of each cluster, "" for those of none that is named, and the cluster that these must be of."""
    groups: dict[str, list[Observation]] = {}
    named: set[str] = set()
    for one in observations:
        cluster = str(one.data.get("cluster", ""))
        if cluster:
            named.add(cluster)
        if not one.name.startswith(SEEN):
            groups.setdefault(cluster, []).append(one)
    only = next(iter(named)) if len(named) == 1 else ""
    for cluster, group in sorted(groups.items()):
        yield cluster, "" if cluster else only, group
