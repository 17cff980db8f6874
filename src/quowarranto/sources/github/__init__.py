"""GitHub: who did what in an organisation, with which token, and who let a deployment go on.

Reads     audit log entries, as streamed (flat) and as the API and the export give them (some fields under `data`), and
          the claims of tokens of GitHub Actions (OpenID Connect), each JSON, one a line or in an array.
Yields    an Action per entry; fine-grained tokens, members, apps, rulesets and overrides; observations of
          runs, of which `derive` makes approvals (reviews of deployments) and exceptions (their bypass).
Time      `@timestamp` or `created_at`, milliseconds since the epoch; claims have whole seconds.
Not seen  teams, base permissions and what a role allows; tokens other than fine-grained ones, beyond their hash; calls
          of the API unless the enterprise logs them; whether an environment asks for a review.
Source    docs.github.com, "Audit log events for your enterprise" and "OpenID Connect reference".
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import Record
from quowarranto.sources import keys as shared
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.github.actions import action_of, claims_of, facts_of
from quowarranto.sources.github.reviews import derive, observations_of
from quowarranto.sources.github.wire import Claims, time_of, understood
from quowarranto.sources.strict import read_as, strict_object

__all__ = ["SOURCE", "derive", "read", "recognise"]

_ACTION = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")


def read(entry: Entry) -> Outcome:
    """The records of one entry, or the credential that a token's claims tell of."""
    value = strict_object(entry.data)
    if _are_claims(value):
        return (claims_of(_claims(value)),)
    if _is_delivery(value):
        return Skipped("a webhook delivery: what was done is in the audit log")
    event = understood(value)
    document = event.document_id or "sha256:" + hashlib.sha256(entry.data).hexdigest()
    action = action_of(event, time_of(event), document)
    found: list[Record | Observation] = [action]
    found += facts_of(event, action, document)
    found += observations_of(event, action)
    return found


def _claims(value: dict[str, Any]) -> Claims:
    claims = read_as(value, Claims)
    if not 0 < claims.iat <= claims.exp < 4_102_444_800:
        raise RejectedEntry("`iat` and `exp` are no times of a token")
    return claims


def _are_claims(value: dict[str, Any]) -> bool:
    issuer = value.get("iss")
    return isinstance(issuer, str) and "://" in issuer and shared.is_github_issuer(issuer) and "sub" in value


def _is_delivery(value: dict[str, Any]) -> bool:
    """Webhooks describe repositories and people as objects, the audit log names them."""
    return any(isinstance(value.get(name), dict) for name in ("repository", "sender", "pusher", "workflow_job"))


def recognise(sample: Sample) -> int:
    """An action's name with the entry's id, or with who and where; or claims by their issuer."""
    return max((_likeness(document) for document in sample.documents if isinstance(document, dict)), default=0)


def _likeness(document: dict[str, Any]) -> int:
    if _are_claims(document):
        return 90
    action = document.get("action")
    if not isinstance(action, str) or not _ACTION.fullmatch(action) or _is_delivery(document):
        return 0
    has_time = "@timestamp" in document or "created_at" in document
    if "_document_id" in document and has_time:
        return 92
    has_place = any(name in document for name in ("org", "repo", "business"))
    return 85 if "actor" in document and has_place and has_time else 0


SOURCE = Source(
    name="github",
    title="GitHub audit log and Actions",
    reads=("audit log entries (streamed, from the API, exported)", "claims of tokens of GitHub Actions"),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="proven",
    raise_it=(
        "let fine-grained tokens be approved by the organisation and deployments be reviewed, and keep the audit log "
        "from before the tokens in it were approved"
    ),
)
