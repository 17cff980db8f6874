"""Raw lines read again, many of one file after another: checked against their digest, secrets and all.

What is read here stays in memory. It is for asking a policy the question that was really asked, never for showing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from quowarranto.case.raw import entry_at
from quowarranto.case.unpacking import packing_of
from quowarranto.records import Origin

_LONGEST = 16 * 1024 * 1024


class Rereader:
    """Reads entries where they stand; the file read last stays open."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._file: BinaryIO | None = None

    def __call__(self, origin: Origin) -> str | None:
        """The entry, or None where its file is gone or no longer holds it."""
        try:
            file = self._opened(origin.file)
            if file is not None:
                file.seek(origin.offset)
                line = file.readline(_LONGEST).rstrip(b"\n").removesuffix(b"\r")
                if hashlib.sha256(line).hexdigest() == origin.sha256:
                    return line.decode("utf-8", "replace")
            found = entry_at(origin)
        except OSError:
            return None
        return None if found is None else found.decode("utf-8", "replace")

    def _opened(self, path: str) -> BinaryIO | None:
        """The file, where it is not packed."""
        if path != self._path:
            self.close()
            self._path = path
            file = Path(path).open("rb")  # noqa: SIM115 - the lines of one file come one after another
            if packing_of(file.read(4)) == "plain":
                self._file = file
            else:
                file.close()
        return self._file

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._path = None, None
