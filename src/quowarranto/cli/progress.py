"""Progress of long work on standard error; silent when that is not a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from quowarranto.cli.common import console


class Bars:
    """A bar for reading (in bytes) and a line for every other stage. Implements `pipeline.Progress`."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Bars:
        if self._console.is_terminal:
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                SpinnerColumn,
                Task,
                TextColumn,
                TimeRemainingColumn,
            )
            from rich.text import Text

            class Bytes(DownloadColumn):
                """Only the stage that reads counts bytes."""

                def render(self, task: Task) -> Text:
                    return super().render(task) if task.total else Text()

            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                Bytes(binary_units=False),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def stage(self, title: str, total: int | None = None) -> None:
        """A stage begins."""
        if self._progress is None:
            return
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(title, total=total)

    def advance(self, amount: int) -> None:
        """So many bytes more."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, amount)
