"""Modules of Rego read without an engine: which version they are written for, and that no text makes reading slow."""

from __future__ import annotations

import time

import pytest

from quowarranto.replay.rego_reading import module_of

# rule, whether it is of version 0; source: open-policy-agent.org, "Upgrading to v1.0" (`if` before every rule body)
RULES = [
    ("allow if { input.x }", False),
    ("allow { input.x }", True),
    ("allow{ input.x }", True),
    ("f(x) = y { y := x }", True),
    ("f(x) := y if { y := x }", False),
    ("else = true { true }", True),
    ("else := true if { true }", False),
    ("users := {x | x := data.y[_]}", False),
    ("names := [{1, 2}, {3}]", False),
    ('limits := {"a": {"b": 1}}', False),
    ("import future.keywords.if { x", False),
    ("s contains x if { some x in input.y }", False),
    ("allow if input.x == {1}", False),
]
LONG = [
    *("x" * 60_000, "a." * 30_000, '"' * 60_001, '"a\\' * 20_000, "`a" * 30_001, " \n" * 30_000, "package " * 8_000),
    *("default " * 8_000, "import " * 9_000, "{\n" * 30_000, "data." * 12_000, "a{" * 30_000, "a { " * 15_000),
]


@pytest.mark.parametrize(("rule", "old"), RULES)
def test_a_module_is_of_version_0_where_a_body_has_no_if(rule: str, old: bool) -> None:
    found = module_of("x", f"package a\n{rule}\n")
    assert found is not None
    assert found.old is old


@pytest.mark.parametrize("text", LONG, ids=lambda text: repr(text[:10]))
def test_a_long_text_is_read_in_time(text: str) -> None:
    begun = time.process_time()
    module_of("x", f"package a\n{text}")
    assert time.process_time() - begun < 2
