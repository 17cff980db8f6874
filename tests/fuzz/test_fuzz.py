"""No parser fails on hostile input: what was once found is tried again, and each is searched for a moment."""

from __future__ import annotations

import pytest

from tests.fuzz.search import FOUND, attempt, kept, search
from tests.fuzz.targets import Target, targets

EVERY = targets()
_NOBODY: dict[str, str] = {}
every_target = pytest.mark.parametrize("target", EVERY, ids=lambda target: target.name)


@every_target
def test_what_once_made_a_parser_fail_does_so_no_longer(target: Target) -> None:
    for path in kept(target.name):
        assert attempt(target, path.read_bytes())[1] is None, path.name


def test_whatever_was_found_belongs_to_a_parser() -> None:
    """A parser that is renamed takes its inputs along."""
    names = {target.name.replace("/", "-") for target in EVERY}
    assert {path.name for path in FOUND.iterdir()} <= names


@every_target
def test_hostile_input_meets_no_exception_but_the_projects_own(target: Target) -> None:
    """For a second; `python -m tests.fuzz` searches longer."""
    tried, failures = search(target, 1, seed=7, most=1)
    assert tried > 0
    assert [(one.what, one.data) for one in failures] == []


def test_a_parser_that_fails_is_found_and_what_it_fails_on_made_small() -> None:
    """The search can fail, and leaves what matters of an input."""

    def fails(data: bytes) -> str:
        return _NOBODY["deny"] if b'"deny"' in data else ""

    tried, failures = search(Target("x", lambda: [b'{"a": [1, {"effect": "deny", "b": 2}]}'], fails), 0.5, seed=1)
    assert tried > 0
    assert [one.data for one in failures] == [b'"deny"']
    assert failures[0].what.startswith("KeyError")
