"""What an evaluator of any policy language answers."""

from __future__ import annotations

from typing import Literal

import msgspec


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy says of a request."""

    effect: Literal["permit", "deny", "indeterminate"]
    determining: tuple[str, ...] = ()
    """Names of the policies, bindings or rules that decided."""
    missing: tuple[str, ...] = ()
    """Inputs that were lacking, named; only where indeterminate."""
    errors: tuple[str, ...] = ()
    """What went wrong while evaluating; an error is never a permit."""
