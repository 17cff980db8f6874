"""Open Policy Agent: what was asked of a policy, what it answered, and which bundle answered.

Reads     decision log events: the arrays that an agent uploads, and the lines `msg: Decision Log` of its console.
Yields    a Decision per event that says allow or deny, and a Policy per bundle revision.
Time      `timestamp`, RFC 3339, on the agent's clock; cut to microseconds. `time` of a console line is that of writing.
Not seen  what was done after the answer; events that a drop rule, `max_decisions_per_second` or a full buffer lost;
          what masking removed; the text of the policies.
Source    Open Policy Agent, docs/content/management-decision-logs.md; v1/plugins/logs/plugin.go, EventV1.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from quowarranto.errors import ConfigError
from quowarranto.sources.entry import Source
from quowarranto.sources.opa.bundles import derive
from quowarranto.sources.opa.ordinary import ordinary
from quowarranto.sources.opa.reading import PLAIN, Settings, read, recognise

__all__ = ["SOURCE"]

_NEED = "allow, subject, subject_type, action, resource, resource_type"


def _configure(values: Mapping[str, Any]) -> Source:
    """The source with `[source.opa]`: which rules mean allow, and where the input keeps who, what and on what."""
    for name in values:
        if name not in Settings.__struct_fields__:
            raise ConfigError(f"`{name}` is not a setting of `source.opa`", need=f"one of {_NEED}")
    try:
        settings = msgspec.convert(dict(values), Settings)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].partition("[")[0].rstrip("`")
        raise ConfigError(f"`{name}` is not what it should be", need="a text; for `allow` a list of texts") from None
    return msgspec.structs.replace(SOURCE, read=partial(read, settings=settings), ordinary=(ordinary(settings),))


SOURCE = Source(
    name="opa",
    title="Open Policy Agent",
    reads=("decision logs: uploaded arrays, and console lines (`msg: Decision Log`)",),
    recognise=recognise,
    read=partial(read, settings=PLAIN),
    ordinary=(ordinary(PLAIN),),
    derive=derive,
    configure=_configure,
    ceiling="proven",
    raise_it="policies served as bundles that carry a `revision`, and `decision_id` in the log of whatever asked",
)
