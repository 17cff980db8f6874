"""What an organisation demands of some actions (SPEC 9)."""

from __future__ import annotations

import msgspec

from quowarranto.records.model import Kind

UNSPELT = "'\\$"
"""Characters that the dialects of engines write in different ways: no pattern of an expectation has them."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """Demands on the actions that match; what is not met is QW303, QW503 or QW405. Refused actions meet all of them.

    Args:
        name: what it is called.
        resources, principals, actions: patterns (SPEC 2) of which one must match; None: whatever it is. Those of
            resources and principals speak of `type:id` where they have a `:` before any `/`, else of `id`.
        require: kinds of authority that must be in the chain.
        standing: whether a standing grant may be in it (SPEC 2: what a grant says, else one without `valid_until`).
        max_lifetime_us: how long the tested terms of credentials in the chain may be; one without an end is too long.
    """

    name: str
    resources: tuple[str, ...] | None = None
    principals: tuple[str, ...] | None = None
    actions: tuple[str, ...] | None = None
    require: tuple[Kind, ...] = ()
    standing: bool = True
    max_lifetime_us: int | None = None
