"""Regular expressions mean the same on every Python that is supported."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

from quowarranto.records.atomic import atomic

SOURCE = Path(__file__).parents[1] / "src"
_REPEATED_GROUP = re.compile(r"\)[*+?]\+|\)\{[\d,]+\}\+|\(\?>")
"""A group that gives nothing back, as Python 3.11 writes it: `(?:…)*+`, `(?:…){2}+`, `(?>…)`."""


def test_a_group_gives_nothing_back() -> None:
    assert re.fullmatch(atomic("a*") + "b", "aab")
    assert re.fullmatch(atomic("a*") + "ab", "aab") is None


def test_what_a_group_matched_before_it_failed_once_more_is_kept() -> None:
    """CPython issue 106052: before 3.11.5 the same, written `(?:ab?c)*+`, ends in the middle of the second round."""
    found = re.match(atomic("(?:ab?c)*"), "aca")
    assert found is not None
    assert found.group() == "ac"


def test_several_groups_stand_in_one_pattern() -> None:
    assert re.fullmatch(rf"{atomic('a+')}-{atomic('a+')}", "aa-a")


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_pattern_has_a_group_that_old_versions_match_wrongly(path: Path) -> None:
    """`records/atomic.py` says what to write instead."""
    read = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    found = [
        f"{path.name}:{token.start[0]}: {token.string[:80]}"
        for token in read
        if token.type == tokenize.STRING and not token.string.startswith('"""') and _REPEATED_GROUP.search(token.string)
    ]
    assert not found
