"""The one file of a zip archive, block by block; an archive of several files, or one that is a trap, is refused.

Source    PKWARE APPNOTE, 4.4 (general purpose bit 0: encrypted). DEFLATE makes at most 1,032 bytes of one; logs make 10
          to 50, so that what grows far beyond that was made to fill a disk or a memory.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_GROWTH, _HARMLESS = 200, 64 * 1024 * 1024
"""An archive that unpacks to more than so many times its size, and to more than so many bytes, is a trap."""
_MOST_NAMES = 16 * 1024 * 1024
"""Bytes of the list of names that are read; larger ones are made to be large."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError)
"""Whatever `zipfile` hands on about an archive that is not what it says."""


def zipped(file: IO[bytes], size: int) -> Iterator[bytes | str]:
    """Blocks of about `size` bytes; why the archive cannot be read, or not on, comes last, as text."""
    try:
        with zipfile.ZipFile(_Bounded(file)) as archive:
            only = _only(archive)
            if isinstance(only, str):
                yield only
                return
            with archive.open(only) as member:
                yield from _read(member, size, max(_HARMLESS, _GROWTH * only.compress_size))
    except _DAMAGE:
        yield "the zip archive is damaged"
    except OSError as error:
        yield f"it cannot be read on: {error.strerror or 'input/output error'}"


def _only(archive: zipfile.ZipFile) -> zipfile.ZipInfo | str:
    """The one file in the archive, or why there is none to read."""
    files = [one for one in archive.infolist() if not one.is_dir() and not _is_of_macos(one.filename)]
    if not files:
        return "a zip archive without files"
    if len(files) > 1:
        return f"a zip archive of {len(files):,} files: unpack it first"
    if files[0].flag_bits & 1:
        return "an encrypted zip archive: unpack it first"
    if files[0].compress_type not in _METHODS:
        return "a zip archive that is not compressed by DEFLATE: unpack it first"
    return files[0]


def _is_of_macos(name: str) -> bool:
    """What the Finder adds to archives."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] == ".DS_Store"


def _read(member: IO[bytes], size: int, most: int) -> Iterator[bytes | str]:
    read = 0
    while block := member.read(size):
        read += len(block)
        if read > most:
            yield f"the zip archive unpacks to more than {_GROWTH} times its size: unpack it first, if you trust it"
            return
        yield block


class _Bounded(io.RawIOBase):
    """A file that hands out no more at a time than a list of names may have."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size > _MOST_NAMES:
            raise ValueError("more than any list of names has")
        return self._file.read(size if size >= 0 else _MOST_NAMES)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True
