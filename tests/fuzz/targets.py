"""What is tried: every source, and every parser that a user's file meets before or beside them.

A target takes bytes and either answers or raises one of the project's own errors. What it answers is told in a word or
two (a reason, the kinds of records): an input with a new answer is kept as a seed, so that the search goes on where
something new happened.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.case import cutting
from quowarranto.case.columns import Located, action_table, fact_table, json_text
from quowarranto.case.config import load_config
from quowarranto.case.cutting_csv import cut_csv
from quowarranto.case.cutting_nested import SHIPPED, nested
from quowarranto.case.cutting_parquet import cut_parquet
from quowarranto.case.cutting_yaml import cut_yaml
from quowarranto.case.envelopes import BEHIND_A_TEXT, PATHS, inside, opened
from quowarranto.case.inputs import recognise
from quowarranto.case.redaction import redact, redact_json
from quowarranto.case.sampling import sample_documents, shape_of
from quowarranto.case.unpacking import blocks, packing_of
from quowarranto.errors import QuoWarrantoError, RejectedEntry
from quowarranto.records import Action, AuthorityFact, Origin
from quowarranto.sources import SOURCES, Entry, Observation, Sample, Skipped, Source
from quowarranto.sources.strict import strict_json
from tests.fuzz.policies import policies
from tests.sources import golden
from tests.sources.sampled import ALL, entries, source_of

_REMEMBERED = 12
"""Observations of earlier entries that `derive` gets with those of the one at hand."""
_MOST = 4_000
"""Pieces that are looked at of one input."""


class Target(msgspec.Struct, frozen=True):
    """A parser by name: what it is tried with at first, and what it makes of bytes, in a word."""

    name: str
    seeds: Callable[[], list[bytes]]
    run: Callable[[bytes], str]


def targets() -> list[Target]:
    """All of them, sources first."""
    found = [Target(source.name, partial(_of_source, source.name), partial(_read, source)) for source in SOURCES]
    return found + [Target(name, seeds, run) for name, (seeds, run) in (_BESIDE | policies()).items()]


# ---- sources ---------------------------------------------------------------------------------------------------------


def _of_source(name: str) -> list[bytes]:
    found = [entry.data for case in ALL if case.parent.name == name for entry in entries(case)]
    endings = tuple(ending for source in SOURCES if source.name == name for ending in source.documents)
    files = (path for path in sorted((golden.HERE / name).rglob("*")) if path.suffix in endings)
    return found + [path.read_bytes() for path in files]


@cache
def _as_configured(name: str) -> tuple[Source, ...]:
    """The source as each of its cases configures it: settings lead to other code."""
    return tuple(
        {id(found): found for case in ALL if case.parent.name == name for found in (source_of(case),)}.values()
    )


_seen: dict[str, deque[Observation]] = {}


def _read(source: Source, data: bytes) -> str:
    """Recognise, read, derive, and make the columns of the case: what ends any of these ends a run."""
    for document in _documents(data):
        _scored(source, Sample("x.json", "", (document,)))
    for ending in (".log", *source.documents):
        _scored(source, Sample("x" + ending, data[:16384].decode("utf-8", "replace")))
    names = ("x.json", *(f"x{ending}" for ending in source.documents[:1]))
    return " | ".join(_entered(one, data, name) for one in (source, *_as_configured(source.name)) for name in names)


def _scored(source: Source, sample: Sample) -> None:
    assert 0 <= source.recognise(sample) <= 100


def _entered(source: Source, data: bytes, file: str) -> str:
    try:
        outcome = source.read(Entry(data, file))
    except RejectedEntry as error:
        return "no: " + str(error)[:60]
    if isinstance(outcome, Skipped):
        assert outcome.reason, "a skip without a reason"
        return "skipped: " + outcome.reason[:60]
    assert outcome, "neither records nor a reason"
    _stored(outcome)
    if source.derive is not None:
        seen = _seen.setdefault(source.name, deque(maxlen=_REMEMBERED))
        seen.extend(item for item in outcome if isinstance(item, Observation))
        _stored([record for record, _ in source.derive(list(seen))])
    return " ".join(sorted({_kind(item) for item in outcome}))


def _stored(outcome: Iterable[Any]) -> None:
    """As `case/reading.py` and `case/derive.py` keep them."""
    located: dict[type, list[Located]] = {Action: [], AuthorityFact: []}
    for item in outcome:
        if isinstance(item, Observation):
            redact_json(item.name)
            made = msgspec.json.decode(json_text(redact_json(item.data)))
            assert isinstance(made, dict)
            assert -(2**63) <= item.at < 2**63
        else:
            located[type(item)].append(Located(redact(item), Origin("x", 1, 0, "0" * 64), "x", 1))
    if located[Action]:
        action_table(located[Action], 0)
    if located[AuthorityFact]:
        fact_table(located[AuthorityFact], 0)


def _kind(item: Any) -> str:
    if isinstance(item, Action):
        return f"{item.outcome}{len(item.cites)}{'o' if item.on_behalf_of else ''}"
    if isinstance(item, Observation):
        return "seen:" + item.name.partition("/")[0][:12]
    return f"{item.kind}:{item.fact}:{item.effect}:{item.valid_until is not None}"


def _documents(data: bytes) -> Iterator[Any]:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    yield value


# ---- before the sources ----------------------------------------------------------------------------------------------


def _files(*endings: str) -> list[bytes]:
    """Sample files as they are, those of some endings, or all."""
    logs = sorted(path for case in golden.cases() for path in (case / "logs").rglob("*") if path.is_file())
    return [path.read_bytes() for path in logs if not endings or path.name.endswith(endings)]


def _pieces(pieces: Iterable[cutting.Piece]) -> str:
    """Broken, nothing, or data: and none of them without a place."""
    kinds = set()
    for piece in islice(pieces, _MOST):
        assert piece.offset >= 0
        assert piece.line >= 1
        kinds.add(piece.broken or piece.nothing or "entry")
    return " ".join(sorted(kinds))


def _cut(data: bytes) -> str:
    """All ways of cutting, wrappers opened; nothing of the input may be lost by the one that keeps everything."""
    told = []
    for cut in (cutting.cut_array, cutting.cut_stream):
        parts = list(islice(cut(data), 200))
        told.append(_pieces(parts))
        told += [_pieces(cutting.unwrap(piece, cutting.WRAPPERS)) for piece in parts[:20]]
    lines = list(cutting.cut_lines(data, 0, 1))
    assert b"".join(piece.data.strip() for piece in lines) == b"".join(one.strip() for one in data.split(b"\n"))
    return " / ".join(told)


def _sampled(data: bytes) -> str:
    shape = shape_of("x.json", data)
    found, wrapper = ([], None) if shape == "parquet" else sample_documents(Path("x.json"), data, shape)
    return f"{shape} {len(found)} {wrapper}"


def _opened(data: bytes) -> str:
    for path in (*PATHS, BEHIND_A_TEXT):
        opened(data, path)
    for path in PATHS:
        inside(strict_json(data), path)
    for path in SHIPPED.values():
        for piece in nested(cutting.Piece(data, 0, 1), path):
            assert data[piece.offset : piece.offset + len(piece.data)] == piece.data
    return "opened"


def _recognised(data: bytes) -> str:
    found = recognise(_kept(data, "x.log"), None)
    return f"{found.source} {found.shape} {found.why_not}"


def _unpacked(data: bytes) -> str:
    packed = _kept(data, "x")
    size = 0
    for block in islice(blocks(packed, packing_of(data[:4])), 200):
        if isinstance(block, str):
            return block
        size += len(block)
    return "whole" if size else "empty"


def _configured(data: bytes) -> str:
    load_config(_kept(data, "quo.toml").parent)
    return "settings"


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="quo-fuzz-")


def _kept(data: bytes, name: str) -> Path:
    path = Path(_folder().name) / name
    path.write_bytes(data)
    return path


def _packed() -> list[bytes]:
    import gzip
    import io
    import zipfile

    import zstandard

    plain = _files(".jsonl")[:6]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.jsonl", plain[0])
    return [gzip.compress(one) for one in plain] + [zstandard.compress(one) for one in plain] + [archive.getvalue()] * 6


def _parquet() -> list[bytes]:
    import duckdb

    path = Path(_folder().name) / "seed.parquet"
    duckdb.execute(f"COPY (SELECT 1 AS a, 'x' AS b, {{'c': [1, 2]}} AS d FROM range(9)) TO '{path}' (FORMAT parquet)")
    return [path.read_bytes()]


def _settings() -> list[bytes]:
    page = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
    parts = page.read_text(encoding="utf-8").split("```toml\n")[1:]
    own = [path.read_bytes() for path in golden.HERE.rglob("quo.toml")]
    return own + [part.partition("```")[0].encode() for part in parts]


_BESIDE: dict[str, tuple[Callable[[], list[bytes]], Callable[[bytes], str]]] = {
    "case/cutting": (_files, _cut),
    "case/cutting_csv": (
        partial(_files, ".csv", ".log"),
        lambda data: _pieces(cut_csv(data, "header")) + _pieces(cut_csv(data, "bare")),
    ),
    "case/cutting_yaml": (partial(_files, ".yaml", ".yml"), lambda data: _pieces(cut_yaml(data))),
    "case/cutting_parquet": (_parquet, lambda data: _pieces(cut_parquet(_kept(data, "x.parquet")))),
    "case/sampling": (_files, _sampled),
    "case/envelopes": (partial(_files, ".jsonl"), _opened),
    "case/inputs": (_files, _recognised),
    "case/unpacking": (_packed, _unpacked),
    "quo.toml": (_settings, _configured),
}
OWN = (QuoWarrantoError, RejectedEntry)
"""What a parser may raise."""
