"""The case files of `tests/cases`: a sentence, the expected answers, and the few records that they follow from.

The first line is `{"about": …, "expect": {ACTION: {"verdict": …, "linkage": …, "codes": […], …}}}`, with `skew_s` and
`window_s` where they differ from the defaults of SPEC 4, and `expectations` where something is demanded (SPEC 9); every
other line is one record in the native format of SPEC 2. `borderline` marks a case that lies on the edge of its code.
`findings` are what is expected to stand of authorities themselves, `{CODE: [KEY, …]}` and nothing else, under the
`settings` of `quo.toml`; they are found in a case, not by the model (tests/test_every_code.py).
`basis`, `method`, `root_cause` and `authorities` are compared where the case names them.

Of an action id that several records bear, what is expected holds for each of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from quowarranto.records import Expectation, Record
from quowarranto.sources import native
from quowarranto.sources.entry import Entry, Skipped

FOLDER = Path(__file__).parent / "cases"
MICROSECONDS = 1_000_000
_HEAD = {"about", "expect", "skew_s", "window_s", "expectations", "borderline", "findings", "settings"}


@dataclass(frozen=True)
class Case:
    """One case file; `name` is its path below `tests/cases` without the suffix."""

    name: str
    about: str
    records: tuple[Record, ...]
    expect: Mapping[str, Mapping[str, Any]]
    skew_us: int = 2 * MICROSECONDS
    window_us: int = 30 * MICROSECONDS
    expectations: tuple[Expectation, ...] = ()
    borderline: bool = False
    findings: Mapping[str, list[str]] | None = None
    settings: str = ""

    def __str__(self) -> str:
        return self.name


class Judged(Protocol):
    """What a judgement must have to be compared: the model's and the engine's both do."""

    @property
    def action(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def linkage(self) -> str: ...
    @property
    def basis(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def codes(self) -> tuple[str, ...]: ...
    @property
    def root_cause(self) -> str | None: ...
    @property
    def authorities(self) -> tuple[tuple[str, str], ...]: ...


def load_cases(folder: Path = FOLDER) -> list[Case]:
    """All case files below the folder, by name."""
    return [_load(path, folder) for path in sorted(folder.rglob("*.jsonl"))]


def _load(path: Path, folder: Path) -> Case:
    first, *rest = path.read_bytes().splitlines()
    head = json.loads(first)
    unknown = head.keys() - _HEAD
    if unknown:
        raise ValueError(f"{path}: unknown keys {sorted(unknown)} on the first line")
    return Case(
        name=path.relative_to(folder).with_suffix("").as_posix(),
        about=head["about"],
        records=tuple(record for line in rest if line.strip() for record in _records(line)),
        expect=head["expect"],
        skew_us=round(head.get("skew_s", 2) * MICROSECONDS),
        window_us=round(head.get("window_s", 30) * MICROSECONDS),
        expectations=msgspec.convert(head.get("expectations", []), tuple[Expectation, ...]),
        borderline=head.get("borderline", False),
        findings=head.get("findings"),
        settings=head.get("settings", ""),
    )


def _records(line: bytes) -> list[Record]:
    outcome = native.read(Entry(line))
    if isinstance(outcome, Skipped):
        raise ValueError(outcome.reason)
    return [record for record in outcome if isinstance(record, Record)]


def disagreements(case: Case, judgements: Iterable[Judged]) -> list[str]:
    """A sentence for every judgement that is not what the case expects, and for every action that has none."""
    by_action: dict[str, list[Judged]] = {action: [] for action in case.expect}
    for one in judgements:
        if one.action in by_action:
            by_action[one.action].append(one)
    out = [f"`{action}` was not judged" for action, found in by_action.items() if not found]
    for action, found in by_action.items():
        for one in found:
            said = {name: _plain(getattr(one, name)) for name in case.expect[action]}
            out += [
                f"`{action}`: `{name}` is {said[name]}, expected {wanted}"
                for name, wanted in case.expect[action].items()
                if said[name] != wanted
            ]
    return out


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
