"""Entries of the sample logs of every source, for laws that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.model import Judgement, judge
from tests.sources.golden import cases

from quowarranto.case import cutting
from quowarranto.case.config import Config, load_config
from quowarranto.case.cutting_csv import cut_csv
from quowarranto.case.cutting_parquet import cut_parquet
from quowarranto.case.cutting_yaml import cut_yaml
from quowarranto.case.inputs import Input, recognise
from quowarranto.case.unpacking import blocks
from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, Record
from quowarranto.sources import Entry, Observation, Skipped, Source, by_name, configured


@cache
def source_of(case: Path) -> Source:
    """The source of a case, as its `quo.toml` makes it."""
    config = load_config(case) if (case / "quo.toml").exists() else Config()
    source = by_name(case.parent.name, configured(config.sources))
    assert source is not None, f"no source is called {case.parent.name}"
    return source


def entries(case: Path) -> list[Entry]:
    """The entries of all logs of a case that can be cut."""
    source = source_of(case)
    found: list[Entry] = []
    for path in sorted((case / "logs").rglob("*")):
        if path.is_file():
            found += entries_of(path, source)[1]
    return found


def entries_of(path: Path, source: Source) -> tuple[cutting.Shape, list[Entry]]:
    """The shape of a file, and its entries that can be cut."""
    one = recognise(path, source.name, (source,))
    return one.shape, [Entry(piece.data, one.path, one.modified_at) for piece in _pieces(one, source)]


def _pieces(one: Input, source: Source) -> Iterator[cutting.Piece]:
    if one.shape == "parquet":
        yield from cut_parquet(one.location)
        return
    data = b"".join(block for block in blocks(one.location, one.packing) if isinstance(block, bytes))
    if one.shape == "document":
        cut = iter((cutting.Piece(data, 0, 1),))
    elif one.shape == "yaml":
        cut = cut_yaml(data)
    elif one.shape == "csv":
        cut = cut_csv(data, source.csv or "bare")
    elif one.shape == "array":
        cut = cutting.cut_array(data)
    elif one.shape == "stream":
        cut = cutting.cut_stream(data)
    else:
        cut = cutting.cut_lines(*cutting.without_bom(data), 1)
    for piece in cut:
        if source.wrappers and cutting.may_wrap(piece.data, source.wrappers):
            yield from (part for part in cutting.unwrap(piece, source.wrappers) if not part.broken and not part.nothing)
        elif piece.broken is None and piece.nothing is None:
            yield piece


def read(source: Source, entry: Entry) -> list[Record | Observation]:
    """What comes of an entry; nothing of one that is skipped or rejected."""
    try:
        found = source.read(entry)
    except RejectedEntry:
        return []
    return [] if isinstance(found, Skipped) else list(found)


def together(source: Source, found: list[Record | Observation]) -> list[Record]:
    """The records, and those that the source derives from the observations among them."""
    observations = [item for item in found if isinstance(item, Observation)]
    derived = [record for record, _ in source.derive(observations)] if source.derive and observations else []
    later = {record.id for record in derived if isinstance(record, Action)}
    kept: list[Record] = [
        item
        for item in found
        if not isinstance(item, Observation) and not (isinstance(item, Action) and item.id in later)
    ]
    return kept + derived


def verdicts(source: Source, found: list[Entry]) -> list[Judgement]:
    """How the plain model judges what these entries say."""
    return judge(together(source, [item for entry in found for item in read(source, entry)]))


ALL = cases()
