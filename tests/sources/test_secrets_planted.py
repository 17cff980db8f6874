"""No secret that stands anywhere in the logs of any source is in what comes of them, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sources.planting import Planted, chosen, leaked, write
from tests.sources.shown import all_that_is_shown

from quowarranto.sources import SOURCES

MOST = 40
"""Secrets planted per source; `python -m tests.sources.planting` plants all of them."""


@pytest.fixture(scope="module")
def everywhere() -> list[Planted]:
    """Entries of all sources with secrets in them."""
    return [one for source in SOURCES for one in chosen(source, MOST)]


def test_every_source_has_secrets_planted(everywhere: list[Planted]) -> None:
    count = {source.name: 0 for source in SOURCES}
    for one in everywhere:
        count[one.where.partition("/")[0]] += 1
    assert [name for name, planted in count.items() if planted < 10] == []


def test_a_planted_secret_is_in_the_logs(everywhere: list[Planted], tmp_path: Path) -> None:
    """Else nothing that follows would prove anything."""
    for source in SOURCES:
        write(tmp_path, source, [one for one in everywhere if one.where.startswith(f"{source.name}/")])
    text = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir())).decode("utf-8", "replace")
    assert len(leaked({"the logs": text}, everywhere)) == len(everywhere)


def test_no_planted_secret_is_in_what_is_written_or_printed(everywhere: list[Planted], tmp_path: Path) -> None:
    """The case with all its files, every command, the report, the exports, the explanation of every action."""
    arguments = []
    for source in SOURCES:
        wanted = [one for one in everywhere if one.where.startswith(f"{source.name}/")]
        arguments += write(tmp_path, source, wanted)
    shown = all_that_is_shown(tmp_path, arguments, {source.name for source in SOURCES})
    assert "[removed: " in shown["every explanation"]
    assert leaked(shown, everywhere) == []
