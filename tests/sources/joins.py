"""Logs of several systems, judged together: what decided in one of them, and what was done in another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.model import judge
from tests.sources.sampled import entries, source_of

from quowarranto.errors import RejectedEntry
from quowarranto.records import Record
from quowarranto.sources import Entry, Observation, Skipped, by_name

HERE = Path(__file__).parent


def judged(*actions: dict[str, Any], beside: tuple[str, ...]) -> dict[str, str]:
    """The verdict, linkage and codes of each action in the native format, and of those in the logs beside it.

    Args:
        actions: of some application; id, time, principal and so on. Type and id of the parts are joined by a colon.
        beside: cases of sources, such as `opa/console`.
    """
    records: list[Record] = [record for case in beside for record in _records(HERE / case)]
    native = by_name("native")
    assert native is not None
    for action in actions:
        parts = {name: dict(zip(("type", "id"), action[name].split(":", 1), strict=True)) for name in _PARTS}
        found = native.read(Entry(json.dumps({"kind": "action", **action, **parts}).encode()))
        assert not isinstance(found, Skipped)
        records += [one for one in found if not isinstance(one, Observation)]
    return {one.action: " ".join((one.verdict, one.linkage, *one.codes)) for one in judge(records)}


_PARTS = ("principal", "resource")


def _records(case: Path) -> list[Record]:
    source = source_of(case)
    out: list[Record] = []
    seen: list[Observation] = []
    for entry in entries(case):
        try:
            found = source.read(entry)
        except RejectedEntry:
            continue
        for one in () if isinstance(found, Skipped) else found:
            if isinstance(one, Observation):
                seen.append(one)
            else:
                out.append(one)
    return out + [record for record, _ in (source.derive(seen) if source.derive else ())]
