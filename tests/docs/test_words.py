"""Links lead somewhere, and no file says what it may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.project import README, ROOT, pages, text, tracked


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", text(path), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        found = (path.parent / place).resolve() if place else path
        assert found.exists(), f"{path.name} -> {target}"
        if anchor:
            assert anchor in _anchors(found), f"{path.name} -> {target}"


def test_every_page_is_reached_from_the_index() -> None:
    seen: set[Path] = set()
    waiting = [README]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        for target in re.findall(r"\]\(([^)#\s]+)", text(path)):
            found = (path.parent / target).resolve()
            if "://" not in target and found.is_file():
                waiting.append(found)
    assert [path.name for path in pages() if "docs" in path.relative_to(ROOT).parts[:1] and path not in seen] == []


def test_the_index_of_the_documentation_names_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    named = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)", text(index))}
    alone = [path for path in pages() if path.is_relative_to(ROOT / "docs") and path not in named]
    assert [path.name for path in alone if path != index and path.parent.name not in ("cli", "codes")] == []


_HOSTS = (
    "pypi" + ".org",
    "python" + "hosted",
    "npmjs" + ".",
    "crates" + ".io",
    "proxy.golang" + ".org",
    "file:" + "///",
)
_ELSEWHERE = ("/wo" + "rk/",)
_CLAIMS = re.compile("immu" + "table|(?<!otherwise )compl" + "ies with", re.IGNORECASE)
_DENIED = re.compile(r"\b(never|not|no)\b")


def _readable() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path, content in _readable()
        for word in (*_HOSTS, *_ELSEWHERE)
        if word in content
    ]
    assert found == []


def test_nothing_is_claimed_that_the_records_do_not_say() -> None:
    """Said of anything, these words stand only in a line that denies them; recorded logs may say what they like."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, content in _readable()
        if path.relative_to(ROOT).parts[:2] != ("tests", "sources")
        for number, line in enumerate(content.splitlines(), 1)
        if _CLAIMS.search(line) and not _DENIED.search(line)
    ]
    assert found == []
