"""HashiCorp Vault and OpenBao: who asked for which path, with which token, and which policies allowed it.

Reads     audit lines (`type: request` and `type: response`, an optional text prefix before the JSON);
          policy files, HCL or JSON, one policy a file.
Yields    an Action per line (the response line counts where both are there), the Decision that the line carries, and
          from answered requests what came of them: tokens, wrapping tokens, leases, roles and policies, begun or ended;
          observations of what was handed out and what was revoked in bulk, of which `derive` makes ends.
Time      the audit line's own, RFC 3339 on the server's clock; a policy file's start is not known (the epoch).
Not seen  requests made while no device was enabled; what expires by itself; secret values.
Source    OpenBao internal/audit/format.go, AuditRequestEntry and AuditResponseEntry; Vault audit/entry_formatter.go.
"""

from __future__ import annotations

from quowarranto.sources.entry import Source
from quowarranto.sources.vault.bulk import BULK, derive
from quowarranto.sources.vault.reading import read, recognise

__all__ = ["SOURCE"]

SOURCE = Source(
    name="vault",
    title="HashiCorp Vault and OpenBao",
    reads=("audit device lines", "policy files (.hcl, or JSON with a `path` object)"),
    recognise=recognise,
    read=read,
    derive=derive,
    derive_with=BULK,
    documents=(".hcl",),
    ceiling="proven",
    raise_it=(
        "a server recent enough to log `policy_results`, and the policies in evidence: the log from before they were "
        "written, or their files beside it"
    ),
)
