"""ACL policies of HashiCorp Vault and OpenBao against a request, as the server decides.

Policies  HCL or JSON, one policy a text, named as the token names them.
Decides   the one rule that matches the path best, merged over all policies that have it, and what it demands besides.
Not seen  what the mount itself refuses; Sentinel; quotas; paths that ask for no policy (logins, `sys/health`).
Source    OpenBao and Vault vault/acl.go, vault/policy.go, sdk/helper/identitytpl; documentation page "Policies".
"""

from __future__ import annotations

from quowarranto.replay.vault_acl.decide import evaluate
from quowarranto.replay.vault_acl.recorded import documents_of, named_by, request_of

__all__ = ["documents_of", "evaluate", "named_by", "request_of"]
