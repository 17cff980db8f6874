"""The nouns of SPEC 2 as frozen structs: actions, authority facts and what they are made of.

All instants are whole microseconds since the epoch, UTC (`records.instants`).
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from quowarranto.records.instants import Instant

Kind = Literal["policy", "grant", "approval", "exception", "session", "credential", "decision", "delegation"]
KINDS: tuple[str, ...] = get_args(Kind)
Linkage = Literal["attested", "proven", "partial", "inferred", "missing"]
LINKAGES: tuple[str, ...] = get_args(Linkage)
"""The best first (SPEC 6)."""
Verdict = Literal["authorised", "presumed", "unproven", "unauthorised", "disputed", "refused"]
VERDICTS: tuple[str, ...] = get_args(Verdict)
ANCHORS: tuple[str, ...] = ("policy", "grant", "approval", "exception")

Outcome = Literal["success", "failure", "denied"]
EndReason = Literal["revoked", "expired", "rotated", "superseded", "closed"]


class Principal(msgspec.Struct, frozen=True):
    """Who acts or is empowered. In an authority, `id` may be a pattern."""

    type: str
    id: str


class Resource(msgspec.Struct, frozen=True):
    """What was acted on."""

    type: str
    id: str


class Rule(msgspec.Struct, frozen=True):
    """One rule of a scope; a missing list (`None`) is unlimited, an empty one covers nothing."""

    actions: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None


class Origin(msgspec.Struct, frozen=True):
    """Where a record was read: byte offset and line (from 1) in the decompressed file, SHA-256 of the raw bytes."""

    file: str
    line: int
    offset: int
    sha256: str


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something recorded as done or attempted.

    `stage` is not part of the native format: of several records with one id, only those of the highest stage count
    (the stages of one request; SPEC 10 "folded"). Sources that write one record per action leave it 0.
    """

    id: str
    time: Instant
    principal: Principal
    action: str
    resource: Resource
    source: str | None = None
    on_behalf_of: tuple[Principal, ...] = ()
    outcome: Outcome = "success"
    origin: str | None = None
    cites: tuple[str, ...] = ()
    correlates: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}
    stage: int = 0


class AuthorityFact(msgspec.Struct, frozen=True, kw_only=True):
    """One observation about an authority: that it was established, or that it ended. `None` means: not said."""

    kind: Kind
    id: str
    time: Instant
    fact: Literal["established", "ended"] = "established"
    aliases: tuple[str, ...] = ()
    source: str | None = None
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    end: EndReason | None = None
    grace_until: Instant | None = None
    successor: str | None = None
    series: str | None = None
    principal: Principal | None = None
    by: Principal | None = None
    effect: Literal["allow", "deny"] | None = None
    scope: tuple[Rule, ...] | None = None
    cites: tuple[str, ...] | None = None
    issued_by: str | None = None
    correlates: tuple[str, ...] = ()
    standing: bool | None = None
    requested_by: Principal | None = None
    decided_by: tuple[Principal, ...] | None = None
    justification: str | None = None
    ticket: str | None = None
    owner: Principal | str | None = None
    request: dict[str, Any] | None = None
    attributes: dict[str, Any] = {}


Record = Action | AuthorityFact
