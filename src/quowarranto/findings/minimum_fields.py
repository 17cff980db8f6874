"""How much of what an auditable agent action must tell does a source tell?

Seven fields without which an action of a non-human identity cannot be accounted for. Each is the share of the source's
actions that have it; a revocation and its cause are no field of an action, so there it is the share of the authorities
that ended of which the cause is said (None where none ended).
"""

from __future__ import annotations

from typing import Any

from quowarranto.case.query import rows

FIELDS = {
    "authenticated identity": "who acted, as the system knew them",
    "delegated subject": "on whose behalf",
    "resource or tool": "what was acted on",
    "action and decision": "what was done, and the decision that allowed it",
    "time and transaction": "when, and an id under which other logs know it",
    "attestation or risk": "from where, or in what state, it was done",
    "revocation and cause": "when the authority behind it ended, and why",
}
"""Name and meaning, in the order in which they are shown."""
_UNKNOWN = "('', 'unknown', 'anonymous', 'system:anonymous')"
_TRANSACTION = "len(correlates) > 0 OR len(cites) > 0 OR regexp_matches(id, '[0-9a-fA-F-]{16,}|[0-9]{6,}')"
_DECIDED = "SELECT DISTINCT s.rec FROM steps s JOIN chains c ON c.use = s.use WHERE c.kind = 'decision'"
_DELEGATED = "SELECT DISTINCT s.rec FROM steps s JOIN chains c ON c.use = s.use WHERE c.kind = 'delegation'"


def minimum_fields(connection: Any) -> dict[tuple[str, str | None], dict[str, float | None]]:
    """Shares from 0 to 1 by the names of `FIELDS`, by source and type.

    Args:
        connection: sees `steps`, `chains`, and the records with `source` and `type` as `acted` and `said`.
    """
    found = rows(
        connection,
        f"""
        SELECT source, type, avg((lower(principal_id) NOT IN {_UNKNOWN})::INT) AS identity,
               avg((len(on_behalf_of) > 0 OR rec IN ({_DELEGATED}))::INT) AS delegated,
               avg((resource_id <> '')::INT) AS resource,
               avg((rec IN ({_DECIDED}))::INT) AS decision,
               avg(({_TRANSACTION})::INT) AS transaction,
               avg((origin IS NOT NULL)::INT) AS state
        FROM acted GROUP BY source, type""",
    )
    ended = rows(
        connection,
        "SELECT source, type, avg((end_reason IS NOT NULL)::INT) AS cause FROM said WHERE fact = 'ended' GROUP BY ALL",
    )
    causes = {(row["source"], row["type"]): row["cause"] for row in ended}
    out: dict[tuple[str, str | None], dict[str, float | None]] = {}
    for row in found:
        source = (row.pop("source"), row.pop("type"))
        out[source] = dict(zip(FIELDS, (*row.values(), causes.get(source)), strict=True))
    return out
