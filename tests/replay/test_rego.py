"""Rego by another engine: what it answers, and all that it must not be believed (G1 to G4 and what else was found)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quowarranto.replay.isolated import Question, evaluate_one
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.rego import evaluate, request_of

pytest.importorskip("regopy", reason="needs the extra `rego`")

HEAD = "package shop\nimport rego.v1\n"
ASKED = Request(
    subject={"type": "user", "id": "ann"},
    action={"name": "read"},
    resource={"type": "document", "id": "d"},
    context={"ip": "10.1.1.1", "at": "2026-03-01T09:00:00Z"},
)


def said(*texts: str, asked: Request = ASKED) -> tuple[str, str]:
    """Effect, and the first thing that is lacking or went wrong."""
    answer = evaluate([Policy(f"document-{number}", text) for number, text in enumerate(texts)], asked)
    return answer.effect, "".join((*answer.missing, *answer.errors)[:1])


# the rules of a module, what comes of it, what is named; sources: open-policy-agent.org, "Policy Language" (default,
# undefined, complete rules), "Policy Reference" (built-ins), "Upgrading to v1.0"
TABLE = [
    ("a rule that is true permits", 'allow if input.subject.id == "ann"', "permit", ""),
    ("a default of false denies", 'default allow := false\nallow if input.subject.id == "bob"', "deny", ""),
    ("an undefined rule denies, as enforcement points take it", 'allow if input.subject.id == "bob"', "deny", ""),
    ("a rule worth false is a denial and not undefined", "allow := false", "deny", ""),
    ("a time ending in Z is read (G2)", "allow if time.parse_rfc3339_ns(input.context.at) > 0", "permit", ""),
    ("a built-in that is not there permits nothing (G1)",
     'allow if { not net.cidr_contains("10.0.0.0/8", input.context.ip) }', "indeterminate",
     "the built-in `net.cidr_contains`"),
    ("the negation of a failing built-in permits nothing (G1)", 'allow if { not to_number("x") }', "indeterminate",
     "the engine failed while evaluating `data.shop.allow`"),
    ("the environment is not asked for (G4)", "allow if { opa.runtime().env.HOME }", "indeterminate",
     "the built-in `opa.runtime`"),
    ("what the time says cannot be said again", "allow if { time.now_ns() > 0 }", "indeterminate",
     "the built-in `time.now_ns`"),
    ("data that no document gives is not empty", "allow if { not data.banned[input.subject.id] }", "indeterminate",
     "what is called `data.banned`"),
    ("nor is what another package of the same root might hold", "allow if { not data.shop.banned.ann }\nother := 1",
     "permit", ""),
    ("nor another package", "allow if { not data.bank.banned.ann }", "indeterminate",
     "what is called `data.bank.banned.ann`"),
    ("all of data is more than is known", 'allow if { data[input.action.name] }', "indeterminate",
     "all data (a module refers to `data` as a whole)"),
    ("two values of one rule are an error", "allow := true\nallow := false", "indeterminate",
     "the engine failed while evaluating `data.shop.allow`"),
    ("an answer that is neither is none", 'allow := "perhaps"', "indeterminate",
     "the answer says neither allow nor deny"),
    ("a comment calls nothing", "# net.cidr_contains(x)\nallow := true", "permit", ""),
    ("nor does a text", 'allow if { input.subject.id != "time.now_ns()" }', "permit", ""),
]  # fmt: skip


@pytest.mark.parametrize("rules, effect, named", [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_the_rules_say(rules: str, effect: str, named: str) -> None:
    assert said(HEAD + rules + "\n") == (effect, named)


def test_data_is_given_beside_the_modules() -> None:
    rule = HEAD + "allow if input.subject.id in data.admins\n"
    assert said(rule, '{"admins": ["ann"]}') == ("permit", "")
    assert said(rule, '{"admins": ["bob"]}') == ("deny", "")
    assert said(rule, '{"admins": []}', '{"admins": ["ann"]}')[0] == "indeterminate"


@pytest.mark.parametrize(
    "rules",
    ["allow { input.subject }", "deny[x] { x := 1 }\nallow if true", "f(x) = y { y := x }\nallow if f(1)"],
)
def test_a_module_of_v0_is_not_replayed_as_v1(rules: str) -> None:
    """OPA 1 refuses it; the engine would take it (G3)."""
    effect, named = said(f"package shop\n{rules}\n")
    assert effect == "indeterminate"
    assert "v0" in named


def test_the_rule_that_decides_must_be_one() -> None:
    two = ("package a\nimport rego.v1\nallow := true\n", "package b\nimport rego.v1\nallow := true\n")
    assert said(*two) == ("indeterminate", "which rule decides")
    assert said() == ("indeterminate", "policies")


@pytest.mark.parametrize(
    "text", ["package shop\nallow if {", "no package", "package shop\n\x00", "package 1", "{", "{]"]
)
def test_what_is_no_module_is_an_error(text: str) -> None:
    assert said(text)[0] == "indeterminate"


def event(**more: Any) -> str:
    """An event of OPA's decision log."""
    return json.dumps({"decision_id": "1", "path": "shop/authz/may", "input": {"user": "ann", "roles": ["a"]}} | more)


def test_the_whole_input_of_a_logged_decision_is_asked_of_the_rule_that_was_asked() -> None:
    module = (
        'package shop.authz\nimport rego.v1\nallowed := true if "a" in input.roles\ndeny := true if not input.user\n'
    )
    for path, effect in (("shop/authz/allowed", "permit"), ("shop/authz/elsewhere", "indeterminate")):
        asked = request_of({"subject": {}}, event(path=path))
        assert asked is not None
        assert said(module, asked=asked)[0] == effect


def test_what_masking_removed_is_lacking() -> None:
    asked = request_of(None, event(erased=["/input/password"], masked=["/input/name"]))
    assert asked is not None
    assert said(HEAD + "allow := true\n", asked=asked) == ("indeterminate", "`/input/password` (removed by masking)")


def test_it_is_evaluated_in_a_process_of_its_own() -> None:
    policies = (Policy("m", HEAD + 'allow if input.subject.id == "ann"\n'),)
    assert evaluate_one(Question("rego", policies, ASKED)).effect == "permit"
    deep = (Policy("m", HEAD + "allow if " + "(" * 20_000 + "true" + ")" * 20_000 + "\n"),)
    assert evaluate_one(Question("rego", deep, ASKED)).effect == "indeterminate"
