"""Log files as the systems leave them: nearly in time order, now and then broken."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from heapq import heappop, heappush
from pathlib import Path

from quowarranto.records import Instant, format_instant
from quowarranto.simulator.dice import dice


class LineLog:
    """A log of JSON lines.

    The scenarios add their lines first; they wait here until the background, which is streamed, has come to their time.
    So a file is in time order by and large and not in detail, as real ones are.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.broken = 0
        self.written = 0
        self._waiting: list[tuple[Instant, int, str]] = []
        self._added = 0
        self._file = path.open("wb", buffering=1 << 20)

    def add(self, at: Instant, line: str) -> None:
        """A line that belongs at this time."""
        self._added += 1
        heappush(self._waiting, (at, self._added, line))

    def stream(self, text: str) -> None:
        """Whole lines, written as they come; `written` counts their bytes."""
        self.written += self._file.write(text.encode())

    def release(self, until: Instant) -> None:
        """Write the waiting lines from before this time."""
        while self._waiting and self._waiting[0][0] < until:
            _, _, line = heappop(self._waiting)
            self.stream(line + "\n")

    def add_broken(self, at: Instant, line: str) -> None:
        """A line whose writer died in the middle of it."""
        self.add(at, line[: len(line) // 2])
        self.broken += 1

    def close(self) -> None:
        """Write what still waits, and the blank line that such files tend to end with."""
        self.release(_FOREVER)
        self._file.write(b"\n")
        self._file.close()


class TrailLog:
    """CloudTrail's delivery of one region: files of `{"Records": […]}`, a few thousand records each at most.

    They are gzip files, unless they are to be as somebody has unpacked them.
    """

    def __init__(self, folder: Path, account: str, region: str, records_per_file: int, *, packed: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.broken: dict[Path, int] = {}
        self._stem = f"{account}_CloudTrail_{region}"
        self._folder = folder
        self._limit = records_per_file
        self._waiting: list[tuple[Instant, int, str, bool]] = []
        self._added = 0
        self._records: list[str] = []
        self._broken_here = 0
        self._names = dice(self._stem)
        self._packed = packed
        self.written = 0

    def add(self, at: Instant, record: str, *, broken: bool = False) -> None:
        """A record that belongs at this time; `broken` when it cannot be read as one."""
        self._added += 1
        heappush(self._waiting, (at, self._added, record, broken))

    def stream(self, records: Iterable[str], until: Instant) -> None:
        """Records, written as they come."""
        self._records.extend(records)
        if len(self._records) >= self._limit:
            self._deliver(until)

    def release(self, until: Instant) -> None:
        """Take over the waiting records from before this time."""
        while self._waiting and self._waiting[0][0] < until:
            _, _, record, broken = heappop(self._waiting)
            self._records.append(record)
            self._broken_here += broken

    def close(self, at: Instant) -> None:
        """Deliver what is left."""
        self.release(_FOREVER)
        if self._records:
            self._deliver(at)

    def _deliver(self, at: Instant) -> None:
        moment = format_instant(at)[:16].replace("-", "").replace(":", "")
        suffix = "".join(self._names.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789", k=16))
        path = self._folder / f"{self._stem}_{moment}Z_{suffix}.json{'.gz' if self._packed else ''}"
        data = ('{"Records":[' + ",".join(self._records) + "]}").encode()
        self.written += path.write_bytes(gzip.compress(data, compresslevel=1, mtime=0) if self._packed else data)
        if self._broken_here:
            self.broken[path] = self._broken_here
        self._records = []
        self._broken_here = 0


_FOREVER: Instant = 1 << 62
