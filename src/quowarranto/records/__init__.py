"""The nouns: frozen structs, patterns, instants. No input or output; imports nothing else of ours."""

from quowarranto.records.expectation import UNSPELT, Expectation
from quowarranto.records.instants import Instant, format_instant, instants, parse_instant
from quowarranto.records.model import (
    ANCHORS,
    KINDS,
    LINKAGES,
    VERDICTS,
    Action,
    AuthorityFact,
    EndReason,
    Kind,
    Linkage,
    Origin,
    Outcome,
    Principal,
    Record,
    Resource,
    Rule,
    Verdict,
)
from quowarranto.records.native import content_digest, to_native
from quowarranto.records.patterns import (
    is_typed,
    like_of,
    literal_prefix_length,
    matches,
    matches_resource,
)

__all__ = [
    "ANCHORS",
    "KINDS",
    "LINKAGES",
    "UNSPELT",
    "VERDICTS",
    "Action",
    "AuthorityFact",
    "EndReason",
    "Expectation",
    "Instant",
    "Kind",
    "Linkage",
    "Origin",
    "Outcome",
    "Principal",
    "Record",
    "Resource",
    "Rule",
    "Verdict",
    "content_digest",
    "format_instant",
    "instants",
    "is_typed",
    "like_of",
    "literal_prefix_length",
    "matches",
    "matches_resource",
    "parse_instant",
    "to_native",
]
