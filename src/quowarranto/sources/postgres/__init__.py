"""PostgreSQL with pgaudit: which login ran which statement on what, as which role, and who was granted what.

Reads     csvlog (PostgreSQL 9.0 and later) and jsonlog (15 and later), with the `AUDIT:` lines of pgaudit in them.
Yields    an Action per audited statement and relation, per log-in and per refusal; a session per connection;
          login roles as credentials; privileges and memberships as grants that come and go.
Time      the server's, in milliseconds, in `log_timezone`; only UTC, GMT and numeric offsets are read without the
          setting `zone`. An audit line is written before its statement has ended.
Not seen  which privilege allowed a statement; ownership and superusers; what no class of `pgaudit.log` covers.
Source    PostgreSQL documentation, "Error Reporting and Logging"; pgaudit README, "Format".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quowarranto.sources.entry import Source
from quowarranto.sources.postgres.history import derive
from quowarranto.sources.postgres.reading import configure, read, recognise

__all__ = ["SOURCE"]


def _configured(settings: Mapping[str, Any]) -> Source:
    return configure(SOURCE, settings)


SOURCE = Source(
    name="postgres",
    title="PostgreSQL with pgaudit",
    reads=("csvlog", "jsonlog"),
    recognise=recognise,
    read=read,
    derive=derive,
    csv="bare",
    configure=_configured,
    ceiling="partial",
    raise_it=(
        "`pgaudit.log = 'all'` with `pgaudit.log_relation = on`, and users issued by Vault with its audit log beside "
        "this one; which privilege allowed a statement is not logged"
    ),
)
