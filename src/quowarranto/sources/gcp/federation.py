"""Tokens of other issuers, exchanged at Google's Security Token Service: whose they were, and for which run.

The entry names the provider of a workload identity pool, and the subject of the token shown as that provider's issuer
signed it. Which issuer a provider stands for is not in the entry: `[source.gcp]` says which are GitHub's.

Source  Google Cloud, "Example logs for workload identity federation": `authenticationInfo.principalSubject` (the
        token's subject), `metadata.mapped_principal` (as whom it acts from then on), `resourceName` (the provider).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from quowarranto.records import Principal
from quowarranto.sources import keys as shared
from quowarranto.sources.gcp.wire import LogEntry, part, text_of

_PROVIDER = re.compile(r"(?:projects|organizations)/[^/]+/locations/[^/]+/workloadIdentityPools/[^/]+/providers/[^/]+$")


def is_provider(name: str) -> bool:
    """Whether this is the resource name of a provider."""
    return _PROVIDER.fullmatch(name) is not None


def is_exchange(entry: LogEntry) -> bool:
    return entry.call.methodName.endswith("SecurityTokenService.ExchangeToken")


def exchanged_by(entry: LogEntry, principal: Principal, github: Collection[str]) -> tuple[str, ...]:
    """The reviewed deployment that a job's token was made for, where a provider of GitHub's checked the token.

    Args:
        principal: who the entry says has called.
        github: resource names of the providers whose issuer is GitHub Actions.
    """
    said = entry.call.authenticationInfo
    found = _PROVIDER.search(entry.call.resourceName or text_of(part(entry.call.request), "audience"))
    if not is_exchange(entry) or said is None or found is None or found[0] not in github:
        return ()
    subject = said.principalSubject or ""
    if subject.startswith("principal://"):
        subject = subject.rpartition("/subject/")[2]
    return (shared.maybe(shared.github_deployments, subject) or ()) if principal.type != "anonymous" else ()
