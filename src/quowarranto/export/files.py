"""Files that are either whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quowarranto.errors import OutputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write beside `path`, which takes its place when all went well and is removed when not.

    Raises:
        OutputError: nothing can be written there.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:60]}-", suffix=".part", dir=path.parent)
    except OSError as error:
        raise OutputError(
            f"`{path}` cannot be written",
            at=f"folder `{path.parent}`: {(error.strerror or 'no such folder').lower()}",
            need="a folder that exists and may be written to",
            hint="make the folder first, or name another file",
        ) from error
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        umask = os.umask(0)
        os.umask(umask)
        beside.chmod(0o666 & ~umask)  # the temporary file was for nobody else to read
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a page or picture, whole or not at all.

    Raises:
        OutputError: nothing can be written there.
    """
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")
