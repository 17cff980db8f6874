"""CAEP: what an issuer tells about sessions, tokens and credentials after it has given them out.

Reads     Security Event Tokens, one a line: signed, as compact JWTs, or their claims as JSON; either may lie in an
          envelope that says when it came in. Signed ones are verified with the keys in `[source.caep]`; what does not
          verify is quarantined.
Yields    Sessions from session-established to session-revoked, ends of tokens, Credentials as they change, an Action
          per session-presented; a Decision for each change of assurance, compliance, risk or claims, which the session
          that it names shows too.
Time      `event_timestamp` of the event, else `toe`, else `iat`: when it took effect, by the issuer's clock. When it
          was issued, and received where the envelope tells, is kept beside it.
Not seen  whether a receiver obeyed; sessions of a user whose end is told without naming them, unless they were told
          of before.
Source    RFC 8417; RFC 9493; OpenID CAEP 1.0 and Shared Signals Framework 1.0; RFC 8725 for what is demanded of a JWT.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from quowarranto.sources.caep.history import derive
from quowarranto.sources.caep.reading import read, recognise
from quowarranto.sources.caep.trust import NOBODY, trust_of
from quowarranto.sources.entry import Source

__all__ = ["SOURCE"]


def _configure(values: Mapping[str, Any]) -> Source:
    return msgspec.structs.replace(SOURCE, read=partial(read, trust=trust_of(values)))


SOURCE = Source(
    name="caep",
    title="Security events (CAEP)",
    reads=("Security Event Tokens, signed or as their claims, one a line",),
    recognise=recognise,
    read=partial(read, trust=NOBODY),
    derive=derive,
    configure=_configure,
    ceiling="partial",
    raise_it="subjects that name the session or the token's `jti`, and the same `sid` or `jti` in the log of its uses",
)
