"""From the paths a user names to files with a type: expansion, decompression, recognition by content."""

from __future__ import annotations

import glob
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard
from isal import igzip

from quowarranto.case.cutting import Shape, sample_documents, shape_of
from quowarranto.errors import SourceError
from quowarranto.sources import SOURCES, Sample, Source, by_name

_HEAD = 256 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


class Input(msgspec.Struct, frozen=True):
    """One file to be read: its path as shown to the user, its source (None: not recognised) and its shape."""

    path: str
    size: int
    modified_at: int
    source: str | None
    shape: Shape
    packing: str
    why_not: str | None = None

    @property
    def stem(self) -> str:
        """The name its records are shown under: the file's name up to its first dot."""
        name = Path(self.path).name
        return name.split(".")[0] or name


def expand(arguments: Sequence[str], *, leave_out: Path | None = None) -> list[tuple[str | None, Path]]:
    """The files behind `[TYPE=]PATH` arguments: files, folders (recursively), globs; sorted, each once.

    Raises:
        SourceError: a path does not exist, or a type is unknown.
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
                found.setdefault(file, kind)
    return sorted(((kind, path) for path, kind in found.items()), key=lambda item: str(item[1]))


def _split_type(argument: str) -> tuple[str | None, str]:
    head, equals, tail = argument.partition("=")
    if not equals or Path(argument).exists():
        return None, argument
    if by_name(head) is None:
        if "/" in head or not head.isidentifier():
            return None, argument
        raise SourceError(
            f"no source is called `{head}`",
            need="one of " + ", ".join(source.name for source in SOURCES),
            hint="leave the type out and let the content tell it, or run `quo sources`",
        )
    return head, tail


def _matches(path: str) -> list[Path]:
    if Path(path).exists():
        return [Path(path)]
    return [Path(name) for name in sorted(glob.glob(path, recursive=True))]  # noqa: PTH207 - absolute patterns too


def _files(path: Path, leave_out: Path | None) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".")
            and not (leave_out and (Path(folder) / name).resolve() == leave_out.resolve())
            and not (Path(folder) / name / "commits" / "_delta_log").is_dir()
        )
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(folder) / name


def open_input(path: str, packing: str) -> IO[bytes]:
    """The decompressed bytes of a file."""
    if packing == "gzip":
        return igzip.open(path, "rb")  # type: ignore[no-untyped-call, no-any-return, unused-ignore]
    if packing == "zstd":
        raw = Path(path).open("rb")  # noqa: SIM115 - closed by the reader around it
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))
    return Path(path).open("rb")


def packing_of(path: Path) -> str:
    """`gzip`, `zstd` or `plain`, by the first bytes rather than the name."""
    with path.open("rb") as file:
        first = file.read(4)
    return "gzip" if first.startswith(_GZIP) else "zstd" if first.startswith(_ZSTD) else "plain"


def recognise(path: Path, forced: str | None) -> Input:
    """Tell what a file is from its first kilobytes; nothing here raises for bad content."""
    try:
        status = path.stat()
        packing = packing_of(path)
        head = _read_head(path, packing)
    except OSError as error:
        return Input(
            str(path), 0, 0, None, "lines", "plain", f"cannot be read: {error.strerror or 'input/output error'}"
        )
    shape, documents, wrapper = _look(path, head)
    base = {
        "path": str(path),
        "size": status.st_size,
        "modified_at": int(status.st_mtime * 1_000_000),
        "packing": packing,
    }
    if forced:
        return Input(**base, source=forced, shape=_shape_for(by_name(forced), path, shape))  # type: ignore[arg-type]
    if not head.strip():
        return Input(**base, source=None, shape="lines", why_not="the file is empty")  # type: ignore[arg-type]
    sample = Sample(str(path), head[:16384].decode("utf-8", "replace"), tuple(documents), wrapper)
    score, best = max(((source.recognise(sample), source) for source in SOURCES), key=lambda pair: pair[0])
    if score <= 0:
        why = "no source recognises its content" if documents or _is_text(head) else "binary or unknown content"
        return Input(**base, source=None, shape=shape, why_not=why)  # type: ignore[arg-type]
    return Input(**base, source=best.name, shape=_shape_for(best, path, shape))  # type: ignore[arg-type]


def _look(path: Path, head: bytes) -> tuple[Shape, list[Any], str | None]:
    shape = shape_of(str(path), head)
    documents, wrapper = sample_documents(head, shape, len(head) >= _HEAD)
    return shape, documents, wrapper


def _shape_for(source: Source | None, path: Path, shape: Shape) -> Shape:
    """Only a source that reads whole documents gets one; for all others such a file is lines."""
    if shape in ("yaml", "document") and source is not None and path.suffix not in source.documents:
        return "lines"
    return shape


def _is_text(head: bytes) -> bool:
    return b"\0" not in head[:4096]


def _read_head(path: Path, packing: str) -> bytes:
    with open_input(str(path), packing) as file:
        parts = []
        size = 0
        while size < _HEAD:
            try:
                part = file.read(_HEAD - size)
            except (EOFError, OSError, zstandard.ZstdError):
                break  # what could be read tells enough; reading it in full will say what is wrong
            if not part:
                break
            parts.append(part)
            size += len(part)
        return b"".join(parts)
