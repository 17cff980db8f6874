"""The decisions of a case that can be asked again, and the policies that they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from quowarranto.case.query import Row, connect, fetched
from quowarranto.case.store import Snapshot
from quowarranto.records import Instant, Origin, parse_instant


class Decision(msgspec.Struct, frozen=True):
    """One decision as it was recorded."""

    key: str
    time: Instant
    source: str
    kind_of_source: str | None
    """The source that read it, e.g. `cedar`."""
    permitted: bool
    principal: tuple[str | None, str | None]
    cites: tuple[str, ...]
    request: str | None
    """As recorded, JSON."""
    attributes: str | None
    origin: Origin


class Version(msgspec.Struct, frozen=True):
    """One fact of a policy whose text changes under the same key."""

    origin: Origin
    since: Instant | None
    """When the text came into force; `None` where nothing says so."""
    text: str | None = None
    digest: str | None = None
    hidden_as: str | None = None
    """What an audit device made of the text: the same for the same text."""
    ended: bool = False
    """There was no such policy from then on."""


class PolicyFact(msgspec.Struct, frozen=True):
    """What a case knows of one policy version, or of one policy whose texts follow each other."""

    key: str
    names: tuple[str, ...]
    """By which its text may be called: key, aliases, name, revision."""
    digest: str | None
    text: str | None
    language: str | None
    origins: tuple[Origin, ...]
    """The records that tell of it: one of them may hold its text."""
    kind_of_source: str | None
    label: str = ""
    """What its system calls it."""
    versions: tuple[Version, ...] = ()
    """Its facts one by one, by time."""

    @property
    def established(self) -> bool:
        """Whether anything says that it was there; else all that is known is its end."""
        return bool(self.origins)


_DECISIONS = """
    SELECT f.id, f.time, f.source, n.type AS kind_of_source, coalesce(f.effect, 'allow') <> 'deny' AS permitted,
           f.principal_type, f.principal_id, f.cites, f.request, f.attributes, f.file, f.line, f.byte_offset, f.sha256
    FROM (
      SELECT *, row_number() OVER (PARTITION BY id ORDER BY time, digest, rec) AS nth
      FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived)
      WHERE kind = 'decision' AND fact = 'established'
    ) f LEFT JOIN (SELECT file, any_value(type) AS type FROM inputs GROUP BY file) n ON n.file = f.file
    WHERE f.nth = 1 {where} ORDER BY f.time, f.id
"""
"""Of several facts of one decision the earliest counts (SPEC 3)."""

_POLICIES = """
    SELECT f.id, f.aliases, f.time, f.valid_from, f.attributes, f.file, f.line, f.byte_offset, f.sha256,
           f.fact = 'ended' AS ended, n.type AS kind_of_source
    FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived) f
    LEFT JOIN (SELECT file, any_value(type) AS type FROM inputs GROUP BY file) n ON n.file = f.file
    WHERE f.kind = 'policy' ORDER BY f.time, f.id, f.digest
"""


def decisions(snapshot: Snapshot, since: Instant | None = None, until: Instant | None = None) -> Iterator[Decision]:
    """Decisions by time and key; `until` is exclusive."""
    bounds = [("f.time >= ?", since), ("f.time < ?", until)]
    where = " ".join(f"AND {test}" for test, bound in bounds if bound is not None)
    values = [bound for _, bound in bounds if bound is not None]
    connection = connect(snapshot, "facts", "derived", "inputs")
    for row in fetched(connection, _DECISIONS.format(where=where), values):
        yield _decision(row)


def _decision(row: Row) -> Decision:
    return Decision(
        key=row["id"],
        time=row["time"],
        source=row["source"],
        kind_of_source=row["kind_of_source"],
        permitted=row["permitted"],
        principal=(row["principal_type"], row["principal_id"]),
        cites=tuple(row["cites"] or ()),
        request=row["request"],
        attributes=row["attributes"],
        origin=Origin(row["file"], row["line"], row["byte_offset"], row["sha256"]),
    )


def last_decision(snapshot: Snapshot) -> Instant | None:
    """When the last decision was made, if there is one."""
    sql = "SELECT max(time) AS at FROM (SELECT * FROM facts UNION ALL SELECT * FROM derived) WHERE kind = 'decision'"
    return next(fetched(connect(snapshot, "facts", "derived"), sql))["at"]  # type: ignore[no-any-return]


def policies(snapshot: Snapshot) -> dict[str, PolicyFact]:
    """Policy versions by key and alias; what the first fact does not say, a later one may."""
    out: dict[str, PolicyFact] = {}
    for row in fetched(connect(snapshot, "facts", "derived", "inputs"), _POLICIES):
        fact = _policy(row)
        known = out.get(fact.key)
        if known is not None:
            fact = msgspec.structs.replace(
                known,
                names=tuple(dict.fromkeys(known.names + fact.names)),
                digest=known.digest or fact.digest,
                text=known.text or fact.text,
                language=known.language or fact.language,
                origins=known.origins + fact.origins,
                kind_of_source=known.kind_of_source or fact.kind_of_source,
                label=known.label or fact.label,
                versions=known.versions + fact.versions,
            )
        for name in (fact.key, *row["aliases"], *_set_of(fact.digest)):
            out[name] = fact
    return out


def _set_of(digest: str | None) -> tuple[str, ...]:
    """What a decision calls the set of policies that has this digest."""
    plain = (digest or "").removeprefix("sha256:")
    return (plain, f"sha256:{plain}") if plain else ()


def _policy(row: Row) -> PolicyFact:
    said = attributes_of(row["attributes"])
    origin = Origin(row["file"], row["line"], row["byte_offset"], row["sha256"])
    digest = next((text for key in ("sha256", "digest", "policy_sha256") if (text := _text(said.get(key)))), None)
    version = Version(
        origin, _text_from(row, said), _text(said.get("text")), digest, _text(said.get("policy_hmac")), row["ended"]
    )
    if row["ended"]:
        return PolicyFact(row["id"], (), None, None, None, (), None, versions=(version,))
    own = [row["id"], *row["aliases"]]
    if "policy" in said and _text(said.get("revision")):
        own = []  # one policy of a set: what decides is the set
    names = own + [name for key in ("name", "revision", "version") if (name := _text(said.get(key)))]
    return PolicyFact(
        key=row["id"],
        names=tuple(names),
        digest=digest,
        text=_text(said.get("text")),
        language=_text(said.get("language")),
        origins=(origin,),
        kind_of_source=row["kind_of_source"],
        label=_text(said.get("name")) or row["id"].rpartition("/")[2],
        versions=(version,),
    )


def _text_from(row: Row, said: dict[str, Any]) -> Instant | None:
    """From when the text of one fact was in force."""
    if isinstance(said.get("text_from"), str):
        return parse_instant(said["text_from"])
    if str(said.get("start", "")).startswith("unknown"):
        return None
    begun: Instant = row["time"] if row["valid_from"] is None else row["valid_from"]
    return begun


def attributes_of(text: str | None) -> dict[str, Any]:
    """A record's attributes; none where there are none."""
    found = msgspec.json.decode(text) if text and text != "{}" else {}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
