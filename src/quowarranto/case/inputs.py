"""From the paths a user names to files with a type: expansion, decompression, recognition by content."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.case.cutting import BOM, Shape
from quowarranto.case.envelopes import BEHIND_A_TEXT, PATHS, behind_a_text, inside
from quowarranto.case.no_logs import what_else
from quowarranto.case.sampling import nested_documents, sample_documents, shape_of
from quowarranto.case.store import CONFIG
from quowarranto.case.tables import TABLES
from quowarranto.case.unpacking import Packing, blocks, packing_of
from quowarranto.errors import ConfigError, SourceError, nearest
from quowarranto.sources import SOURCES, Entry, Sample, Source, by_name

_HEAD = 256 * 1024
_SURE = 50
"""A score from which on a source takes a file without a look at what may stand within its entries."""
_OF_A_CASE = frozenset((*TABLES, "commits", CONFIG))
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


STANDARD_INPUT = "stdin"
"""What the standard input is shown as; as an argument it is `-`."""


class Input(msgspec.Struct, frozen=True):
    """One file to be read: its path as shown to the user, its source (None: not recognised) and its shape.

    `kept_at` is where its bytes lie, if not at the path (those of the standard input); `listed` how the list of entries
    is reached in what a shipper wrote; `envelope` the field of each entry in which the entry itself stands; `no_log`:
    it is known for something else (`why_not` says what), so that nothing in it can be lost.
    """

    path: str
    size: int
    modified_at: int
    source: str | None
    shape: Shape
    packing: Packing
    why_not: str | None = None
    kept_at: str | None = None
    envelope: str | None = None
    listed: str | None = None
    no_log: bool = False

    @property
    def location(self) -> Path:
        """Where its bytes lie."""
        return Path(self.kept_at or self.path)

    @property
    def stem(self) -> str:
        """The name its records are shown under: the file's name without its ending (and that of its packing)."""
        path = Path(self.path)
        if path.suffix in (".gz", ".zst", ".zip"):
            path = path.with_suffix("")
        return path.stem


def piped_and_named(arguments: Sequence[str]) -> tuple[list[str | None], list[str]]:
    """Splits off the standard input, `-` or `TYPE=-`: its type, at most once; and the arguments that name files.

    Raises:
        SourceError: it is named twice. ConfigError: a type is unknown.
    """
    split = {argument: _split_type(argument) for argument in arguments}
    piped = [kind for kind, path in map(split.__getitem__, arguments) if path == "-"]
    if len(piped) > 1:
        raise SourceError("the standard input can be read only once", need="one `-` at most")
    return piped, [argument for argument in arguments if split[argument][1] != "-"]


def expand(arguments: Sequence[str], *, leave_out: Path | None = None) -> list[tuple[str | None, Path]]:
    """The files behind `[TYPE=]PATH` arguments: files, folders (recursively), globs; sorted, each once.

    Args:
        leave_out: the case folder, which may lie within a folder that is read. Other cases are left out as well.

    Raises:
        SourceError: nothing is at a path, or the case would lie in the way. ConfigError: a type is unknown.
    """
    found: dict[Path, str | None] = {}
    for argument in arguments:
        kind, path = _split_type(argument)
        matches = _matches(path)
        if not matches:
            raise SourceError(
                f"nothing is at `{path}`",
                need="a file, a folder or a glob that matches",
                hint="check the spelling; quote globs so that the shell does not expand them",
            )
        for match in matches:
            for file in _files(match, leave_out):
                if found.get(file) is None:
                    found[file] = kind
    return sorted(((kind, path) for path, kind in found.items()), key=lambda item: str(item[1]))


def _split_type(argument: str) -> tuple[str | None, str]:
    head, equals, tail = argument.partition("=")
    if not equals or os.path.lexists(argument):
        return None, argument
    if by_name(head) is None:
        if "/" in head or not head.isidentifier():
            return None, argument
        raise ConfigError(
            f"no source is called `{head}`",
            need="one of " + ", ".join(source.name for source in SOURCES),
            hint=f"{nearest(head, [source.name for source in SOURCES])} Or leave the type out: the content tells it",
        )
    return head, str(Path(tail).expanduser())


def _matches(path: str) -> list[Path]:
    if not path:
        return []
    if os.path.lexists(path):
        return [Path(path)]
    return [Path(name) for name in sorted(glob.glob(path, recursive=True))]  # noqa: PTH207 - absolute patterns too


def _files(path: Path, leave_out: Path | None) -> Iterator[Path]:
    """All files of a folder, links followed, each folder once; names that begin with a dot and cases are left out."""
    if not path.is_dir():
        yield path
        return
    if leave_out is not None and path.resolve() == leave_out.resolve():
        if all(one.name in _OF_A_CASE or one.name.startswith(".") for one in path.iterdir()):
            return
        raise SourceError(
            f"the case folder `{leave_out}` is the folder to be read",
            need="a case folder of its own",
            hint="name another one with `--case`",
        )
    entered: set[Path] = set()
    unreadable: list[Path] = []
    for folder, names, files in os.walk(path, followlinks=True, onerror=lambda error: unreadable.append(_at(error))):
        here = Path(folder)
        real = here.resolve()
        if real in entered or _is_case(here):
            names.clear()
            continue
        entered.add(real)
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".") and not (leave_out and (here / name).resolve() == leave_out.resolve())
        )
        for name in sorted(files):
            if not name.startswith("."):
                yield here / name
    yield from unreadable


def _at(error: OSError) -> Path:
    return Path(os.fsdecode(error.filename or "."))


def _is_case(folder: Path) -> bool:
    try:
        return (folder / "commits" / "_delta_log").is_dir()
    except OSError:
        return False


def recognise(path: Path, forced: str | None, sources: Sequence[Source] = SOURCES) -> Input:
    """Tell what a file is from its first kilobytes; nothing here raises for bad content.

    Args:
        path: of the file.
        forced: the type that the user says it is.
        sources: as the configuration makes them.
    """
    shown = os.fsencode(path).decode("utf-8", "replace")

    def unread(why: str) -> Input:
        return Input(shown, 0, 0, None, "lines", "plain", why)

    if shown != str(path):
        return unread("its name is not UTF-8: rename it")
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return unread("a folder that cannot be read")
        if not stat.S_ISREG(status.st_mode):
            return unread("not a regular file: save its content to one first")
        with path.open("rb") as file:
            packing = packing_of(file.read(4))
        head, damage = _read_head(path, packing)
    except OSError as error:
        return unread(f"it cannot be read: {error.strerror or 'input/output error'}")
    shape = shape_of(path.name, head)
    documents, wrapper = sample_documents(path, head, shape) if head.strip() else ([], None)
    modified_at = status.st_mtime_ns // 1000

    def found(
        source: Source | None, why_not: str | None = None, envelope: str | None = None, listed: str | None = None
    ) -> Input:
        cut = _shape_for(source, path, shape, head)
        name = source.name if source else None
        if source is not None and envelope is None and cut == "lines":
            envelope = _behind_a_text(source, shown, modified_at, head)
        if source is not None and listed is None and wrapper is not None and wrapper not in source.wrappers:
            listed = f"{wrapper}.*"  # a list as another source has it, with entries of this one
        return Input(shown, status.st_size, modified_at, name, cut, packing, why_not, envelope=envelope, listed=listed)

    if not head.strip():
        return found(None, damage or "it is empty")
    if forced:
        of_type = by_name(forced, sources)
        known = of_type is not None and of_type.recognise(Sample(str(path), "", tuple(documents), wrapper)) > 0
        if known or of_type is None:
            return found(of_type)
        return found(of_type, None, *_within(path, head, shape, documents, [of_type])[1:])
    sample = Sample(str(path), head[:16384].decode("utf-8", "replace"), tuple(documents), wrapper)
    score, best = _likeliest(sample, sources)
    if score >= _SURE:
        return found(best)
    within, envelope, listed = _within(path, head, shape, documents, sources)
    if within is not None:
        return found(within, envelope=envelope, listed=listed)
    if score > 0:
        return found(best)
    if not damage and (instead := what_else(path.name, sample.text, documents)):
        return msgspec.structs.replace(found(None, f"not a log: {instead}"), no_log=True)
    return found(None, damage or _why_not(head, bool(documents)))


def _within(
    path: Path, head: bytes, shape: Shape, documents: Sequence[Any], sources: Sequence[Source]
) -> tuple[Source | None, str | None, str | None]:
    """The source of what stands within the entries, the field of each, and the list that they stand in."""
    best, envelope = _enveloped(path, documents, sources)
    if best is not None:
        return best, envelope, None
    if shape in ("lines", "stream"):
        for listed, inner in nested_documents(head, shape).items():
            objects = tuple(one for one in inner if isinstance(one, dict))
            sample = Sample(str(path), "", objects)
            score, best = _likeliest(sample, sources)
            if objects and score >= _SURE:
                return best, None, listed
            best, envelope = _enveloped(path, inner, sources)
            if best is not None:
                return best, envelope, listed
    return None, None, None


def _behind_a_text(source: Source, shown: str, modified_at: int, head: bytes) -> str | None:
    """Whether entries stand behind a text that the source does not read itself: it reads them only without it."""
    lines = [line for line in head[:65536].split(b"\n")[:20] if line.strip() and line[:1] not in b"{\xef"]
    for line in lines[:5]:
        bare = behind_a_text(line.rstrip(b"\r"))
        if bare is not line and not _reads(source, shown, modified_at, line):
            return BEHIND_A_TEXT if _reads(source, shown, modified_at, bare) else None
    return None


def _reads(source: Source, shown: str, modified_at: int, data: bytes) -> bool:
    try:
        source.read(Entry(data, shown, modified_at))
    except Exception:  # a reader that fails has not read it
        return False
    return True


def _enveloped(path: Path, documents: Sequence[Any], sources: Sequence[Source]) -> tuple[Source | None, str | None]:
    """The source that surely recognises what stands in the entries, and in which field of them it stands."""
    for key in PATHS:
        within = [value for value in (inside(document, key) for document in documents) if value is not None]
        if not within:
            continue
        sample = Sample(str(path), "", tuple(within))
        score, best = _likeliest(sample, sources)
        if score >= _SURE:
            return best, key
    return None, None


def _likeliest(sample: Sample, sources: Sequence[Source]) -> tuple[int, Source]:
    """The source that recognises a sample best, and how surely; the first of several."""
    return max(((source.recognise(sample), source) for source in sources), key=lambda pair: pair[0])


def _why_not(head: bytes, documents: bool) -> str:
    if head.startswith(_UTF16):
        return "it is UTF-16: convert it to UTF-8"
    if not documents and b"\0" in head[:4096]:
        return "binary or unknown content"
    return "no source recognises its content"


def _shape_for(source: Source | None, path: Path, shape: Shape, head: bytes) -> Shape:
    """Only a source that reads whole documents, or rows of CSV, gets them; for all others such a file is lines."""
    if shape == "lines" and source is not None and source.csv:
        first = head.lstrip(BOM + b" \t\r\n").partition(b"\n")[0]
        if not first.startswith(b"{") and not any(mark in first for mark in source.no_row):
            return "csv"
    if shape == "document" and source is not None and path.suffix not in source.documents:
        return "lines"
    if shape == "yaml" and source is not None and not {".yaml", ".yml"} & set(source.documents):
        return "lines"
    return shape


def _read_head(path: Path, packing: Packing) -> tuple[bytes, str | None]:
    parts: list[bytes] = []
    size = 0
    for block in blocks(path, packing, _HEAD):
        if isinstance(block, str):
            return b"".join(parts), block  # what could be read tells enough; reading it in full quarantines the rest
        parts.append(block)
        size += len(block)
        if size >= _HEAD:
            break
    return b"".join(parts), None
