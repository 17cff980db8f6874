"""What every policy language offers: policies and a request in, an `Evaluation` out.

An evaluator is a pure function: it reads no clock, file, network or environment, raises nothing for any input, and says
`indeterminate` with the missing input named where it cannot know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from quowarranto.replay.evaluation import Evaluation


class Policy(msgspec.Struct, frozen=True):
    """One policy document as it was in force."""

    name: str
    """What `Evaluation.determining` calls it."""
    text: str
    """As its system writes it; JSON, YAML, HCL, Cedar or Rego, by language."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, in AuthZEN's shape (SPEC 2, `request`)."""

    subject: Mapping[str, Any]
    """`type`, `id`, `properties`."""
    action: Mapping[str, Any]
    """`name`, `properties`."""
    resource: Mapping[str, Any]
    """`type`, `id`, `properties`."""
    context: Mapping[str, Any] = msgspec.field(default_factory=dict)


def in_shape(recorded: Mapping[str, Any] | None) -> Request | None:
    """A recorded request in AuthZEN's shape as it stands; None where a part of it is missing or of another shape."""
    try:
        return msgspec.convert(recorded, Request)
    except msgspec.ValidationError:
        return None


Evaluate = Callable[[Sequence[Policy], Request], Evaluation]
"""An evaluator of one language. The order of the policies does not matter."""
