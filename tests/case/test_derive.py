"""Actions that only several entries together tell of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import quowarranto.sources as registry
from quowarranto.case.query import Filters, verdicts
from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths
from quowarranto.records import Action, Principal, Record, Resource
from quowarranto.sources import Entry, Observation, Sample, Source


def read(entry: Entry) -> list[Observation]:
    value = json.loads(entry.data)
    return [Observation(value["session"], value["at"], value)]


def derive(observations: Sequence[Observation]) -> Iterable[tuple[Record, Observation]]:
    """A statement is run by whom its session had become."""
    became = {"s": Principal("user", "login")}
    for item in sorted(observations, key=lambda one: one.at):
        if "role" in item.data:
            became[item.name] = Principal("role", item.data["role"])
        else:
            who = became.get(item.name, Principal("user", "login"))
            yield Action(id=item.data["id"], time=item.at, principal=who, action="x", resource=Resource("t", "t")), item


def recognise(sample: Sample) -> int:
    return 100


FAKE = Source(
    name="fake", title="", reads=(), recognise=recognise, read=read, derive=derive, ceiling="partial", raise_it=""
)
LINES: tuple[dict[str, Any], ...] = (
    {"session": "s", "at": 10, "id": "a1"},
    {"session": "s", "at": 20, "role": "admin"},
    {"session": "s", "at": 30, "id": "a2"},
    {"session": "s", "at": 15, "role": "reader"},
    {"session": "s", "at": 25, "role": "writer"},
)


@pytest.mark.parametrize(
    "batches", [((0, 1, 2, 3, 4),), ((2,), (0, 1), (3,), (4,)), ((0, 2), (4, 3, 1)), ((3, 0), (2,), (1,), (4,), (0,))]
)
def test_an_action_is_what_all_entries_together_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: tuple[tuple[int, ...], ...]
) -> None:
    """In whatever order and files they arrive: it stands once, as the latest reading of it."""
    monkeypatch.setattr(registry, "SOURCES", (FAKE,))
    case = Case(tmp_path / "case")
    for number, batch in enumerate(batches):
        log = tmp_path / f"{number}.jsonl"
        log.write_text("".join(json.dumps(LINES[place]) + "\n" for place in batch))
        link_paths(case, [str(log)], threads=1)
    found = [(one["id"], one["principal_id"], one["verdict"]) for one in verdicts(case.snapshot(), Filters())]
    assert found == [("a1", "login", "unproven"), ("a2", "writer", "unproven")]
