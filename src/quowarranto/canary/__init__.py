"""How long a revoked credential is still accepted, measured on purpose: issue, use, revoke, and go on using."""
