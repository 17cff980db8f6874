"""Small logs of several systems, judged together by the plain model: for tests that write their lines themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.model import Judgement, judge
from tests.sources.sampled import read, together

from quowarranto.records import Record
from quowarranto.sources import Entry, Source, by_name, configured

Line = Mapping[str, Any]


def of(source: str, *lines: Line, file: str = "", modified_at: int = 0, **settings: Any) -> list[Record]:
    """What a source makes of these lines, as the settings make the source."""
    found: Source | None = by_name(source, configured({source: settings} if settings else {}))
    assert found is not None
    entries = [Entry(json.dumps(one).encode(), file, modified_at) for one in lines]
    return together(found, [item for entry in entries for item in read(found, entry)])


def judged(*records: Sequence[Record]) -> list[Judgement]:
    """All of them, in order of the actions' ids."""
    return judge([one for some in records for one in some])


def said(judgements: Sequence[Judgement], action: str) -> str:
    """Verdict, linkage and codes of the one action whose id begins, or ends, with this."""
    found = [one for one in judgements if one.action.startswith(action) or one.action.endswith(action)]
    assert len(found) == 1, [one.action for one in judgements]
    return " ".join((found[0].verdict, found[0].linkage, *found[0].codes))
