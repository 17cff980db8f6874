"""What holds of every answer: order is nothing, a deny never permits, the unknown decides nothing, nothing raises."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.vault_acl import evaluate
from quowarranto.replay.vault_acl.hcl import Malformed, parse
from quowarranto.replay.vault_acl.matching import best

_SEGMENTS = st.sampled_from(["a", "ab", "b", "+"])
_PATTERNS = st.builds(
    lambda segments, end: "/".join(segments) + end,
    st.lists(_SEGMENTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "*", "/*", "/"]),
).filter(lambda pattern: "+*" not in pattern)
_PATHS = st.builds(
    lambda segments, end: "/".join(segments) + end,
    st.lists(st.sampled_from(["a", "ab", "b", "c"]), min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)
_TEMPLATED = st.sampled_from(["{{identity.entity.name}}", "a/{{identity.entity.name}}", "{{identity.entity.name}}/*"])
_VALUES = st.lists(st.sampled_from(["x", "y*", "*"]), max_size=2)
_PARAMETERS = st.dictionaries(st.sampled_from(["p", "Q", "*"]), _VALUES, max_size=2)
_CAPABILITIES = st.lists(
    st.sampled_from(["create", "read", "update", "list", "sudo", "patch"]), max_size=4, unique=True
)
_RULES = st.fixed_dictionaries(
    {"capabilities": _CAPABILITIES},
    optional={
        "allowed_parameters": _PARAMETERS,
        "denied_parameters": _PARAMETERS,
        "required_parameters": st.lists(st.sampled_from(["p", "q"]), max_size=2),
        "min_wrapping_ttl": st.sampled_from([0, 10, "1m"]),
        "mfa_methods": st.just(["totp"]),
    },
)
_TEXTS = st.dictionaries(st.one_of(_PATTERNS, _PATTERNS, _TEMPLATED), _RULES, min_size=1, max_size=4).map(
    lambda rules: json.dumps({"path": rules})
)
_POLICIES = st.lists(_TEXTS, max_size=4).map(
    lambda texts: [Policy(f"p{number}", text) for number, text in enumerate(texts)]
)
_REQUESTS = st.builds(
    lambda operation, path, name, sent, wrap, mfa: Request(
        subject={"type": "t", "id": "i", "properties": {"identity": {"entity": {"name": name}}}},
        action={"name": operation, "properties": {"parameters": sent}},
        resource={"type": "t", "id": path, "properties": {"root_protected": False, "exists": True}},
        context={"wrap_ttl": wrap, "mfa_satisfied": mfa},
    ),
    st.sampled_from(["create", "read", "update", "list", "write", "patch"]),
    _PATHS,
    st.sampled_from(["a", "b", None]),
    st.dictionaries(st.sampled_from(["p", "q"]), st.sampled_from(["x", "yy", "z"]), max_size=2),
    st.sampled_from([0, 30]),
    st.booleans(),
)


@given(_POLICIES, _REQUESTS, st.randoms(use_true_random=False))
def test_the_order_of_the_policies_does_not_matter(policies: list[Policy], request: Request, random: Any) -> None:
    expected = evaluate(policies, request)
    random.shuffle(policies)
    assert evaluate(policies, request) == expected
    assert evaluate(policies + policies, request) == expected


@given(_POLICIES, _REQUESTS, _PATTERNS)
def test_adding_a_deny_to_a_pattern_never_permits(policies: list[Policy], request: Request, pattern: str) -> None:
    """A deny for a pattern of its own takes the place of what came before, and then nothing is allowed."""
    before = evaluate(policies, request)
    deny = Policy("deny", json.dumps({"path": {pattern: {"capabilities": ["deny"]}}}))
    after = evaluate([*policies, deny], request)
    assert after.effect != "permit" or before.effect == "permit"


@given(_POLICIES, _REQUESTS)
def test_what_the_path_itself_is_denied_nothing_gives(policies: list[Policy], request: Request) -> None:
    deny = Policy("deny", json.dumps({"path": {request.resource["id"]: {"capabilities": ["deny"]}}}))
    found = evaluate([*policies, deny, Policy("bad", "{")], request)
    assert (found.effect, found.determining) == ("deny", ("deny",))


@given(_POLICIES, _REQUESTS)
def test_taking_away_whole_capabilities_never_permits(policies: list[Policy], request: Request) -> None:
    """Rules stay where they are, so that priorities do; what they allowed they allow no more."""
    texts = [json.loads(policy.text) for policy in policies]
    for text in texts:
        for rule in text["path"].values():
            rule["capabilities"] = []
    assert evaluate([Policy(f"p{n}", json.dumps(text)) for n, text in enumerate(texts)], request).effect == "deny"


_HIDDEN = ("identity", "parameters", "wrap_ttl", "mfa_satisfied", "exists", "root_protected")


@settings(max_examples=300)
@given(_POLICIES, _REQUESTS, st.sets(st.sampled_from(_HIDDEN)))
def test_what_is_not_known_never_turns_an_answer_round(
    policies: list[Policy], request: Request, hidden: set[str]
) -> None:
    known, unsure = evaluate(policies, request), evaluate(policies, _without(request, hidden))
    assert unsure.effect in (known.effect, "indeterminate")
    assert bool(unsure.missing) == (unsure.effect == "indeterminate")


def _without(request: Request, hidden: set[str]) -> Request:
    def left(found: Any) -> dict[str, Any]:
        return {key: value for key, value in found.items() if key not in hidden}

    return Request(
        subject={**request.subject, "properties": left(request.subject["properties"])},
        action={**request.action, "properties": left(request.action["properties"])},
        resource={**request.resource, "properties": left(request.resource["properties"])},
        context=left(request.context),
    )


@given(_POLICIES, _REQUESTS)
def test_a_policy_that_is_not_given_leaves_no_permit(policies: list[Policy], request: Request) -> None:
    names = [policy.name for policy in policies]
    subject = {**request.subject, "properties": {**request.subject["properties"], "policies": [*names, "lost"]}}
    found = evaluate(
        policies, Request(subject=subject, action=request.action, resource=request.resource, context=request.context)
    )
    assert found.effect == "indeterminate"
    assert "policy lost" in found.missing


def _fits(pattern: str, path: str) -> bool:
    """The patterns in plain words of regular expressions."""
    parts = ["[^/]*" if part == "+" else re.escape(part) for part in pattern.removesuffix("*").split("/")]
    return re.fullmatch("/".join(parts) + (".*" if pattern.endswith("*") else ""), path) is not None


def _lower(one: str, other: str) -> int:
    """The five rules of the documentation, one after the other; an asterisk is at its place in the pattern."""
    for first, second in (
        (_first_wildcard(one), _first_wildcard(other)),
        (not one.endswith("*"), not other.endswith("*")),
        (-one.split("/").count("+"), -other.split("/").count("+")),
        (len(one), len(other)),
        (one, other),
    ):
        if first != second:
            return -1 if first < second else 1  # type: ignore[operator]
    return 0


def _first_wildcard(pattern: str) -> int:
    return min((pattern.index(sign) for sign in "+*" if sign in pattern), default=len(pattern))


@settings(max_examples=500)
@given(st.sets(_PATTERNS, max_size=6), _PATHS)
def test_the_best_pattern_is_what_the_documentation_says(patterns: set[str], path: str) -> None:
    open_ones = [pattern for pattern in patterns if ("+" in pattern or "*" in pattern) and _fits(pattern, path)]
    expected = path if path in patterns else max(open_ones, key=functools.cmp_to_key(_lower), default=None)
    assert best(patterns, path, "read") == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["path", "name", "capabilities", "allowed_parameters", "control_group", "factor", "identity", "entity"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_WORDS = st.lists(
    st.sampled_from(
        ['path "a" {', "}", "{", "capabilities", "=", '["read"]', "[", "]", ",", "#", "/*", "<<E\n", '"', "1e9"]
    ),
    max_size=10,
).map(" ".join)


@settings(max_examples=300)
@given(st.lists(st.one_of(st.text(max_size=40), _JSON.map(json.dumps), _WORDS), max_size=3), _REQUESTS)
def test_no_text_of_a_policy_raises(texts: list[str], request: Request) -> None:
    found = evaluate([Policy(f"p{number}", text) for number, text in enumerate(texts)], request)
    assert isinstance(found, Evaluation)
    assert not (found.errors and found.effect == "permit")


_MAPPINGS = st.dictionaries(st.sampled_from(["id", "name", "properties"]), _JSON, max_size=3)
_CONTEXTS = st.dictionaries(
    st.sampled_from(["namespace", "namespaces", "wrap_ttl", "time", "mfa_satisfied", "default_policy"]),
    _JSON,
    max_size=3,
)


@settings(max_examples=300)
@given(_POLICIES, _MAPPINGS, _MAPPINGS, _MAPPINGS, _CONTEXTS)
def test_no_request_raises(policies: list[Policy], subject: Any, action: Any, resource: Any, context: Any) -> None:
    request = Request(subject=subject, action=action, resource=resource, context=context)
    assert isinstance(evaluate(policies, request), Evaluation)


@given(_POLICIES, _PATHS, st.dictionaries(st.sampled_from(["p", "q", "*"]), _JSON, max_size=3))
def test_nothing_that_is_sent_raises(policies: list[Policy], path: str, sent: Any) -> None:
    request = Request(
        subject={"id": "i"},
        action={"name": "update", "properties": {"parameters": sent}},
        resource={"id": path},
    )
    assert isinstance(evaluate(policies, request), Evaluation)


@given(st.text(max_size=30))
def test_a_text_in_quotes_is_read_as_it_was_written(text: str) -> None:
    """JSON's way to quote is one that the language has too."""
    assume("\x00" not in text)
    assert parse(f"a = {json.dumps(text, ensure_ascii=False)}").items[0].value == text


def test_depth_and_odd_characters_are_refused_like_any_other_text() -> None:
    request = Request(subject={"id": "u"}, action={"name": "read"}, resource={"id": "x"})
    texts = [
        *("[" * 50_000, '{"a":' * 50_000, "a = " + "[" * 100, "a {" * 100, "\x00", "\ud800", "{\ud800}", "a = 09x"),
        *('path "x" { allowed_parameters = { "a" = [' + "[" * 40 + "]" * 40 + "] } }", "a = <<E\nE", 'a = "\\q"', "/*"),
        *('{"path": {"x": {"allowed_parameters": {"a": ' + "[" * 500 + "]" * 500 + "}}}}", 'a = "\\UFFFFFFFF"'),
    ]
    for text in texts:
        found = evaluate([Policy("p", text)], request)
        assert (found.effect, found.missing) == ("indeterminate", ("policy p",)), text[:20]


@pytest.mark.parametrize("text", ["a = 1 1", "a", "= 1", "a b = 1", 'a = "x', "a = <<E\n", "a = [1 2]", "a = 1 }"])
def test_a_text_is_refused_with_the_line_and_without_the_content(text: str) -> None:
    with pytest.raises(Malformed, match=r"^not HCL in line \d$"):
        parse(text)


def test_a_long_path_against_many_unknown_values_is_answered_at_once() -> None:
    path = "a/" * 20_000
    template = "{{identity.entity.name}}{{identity.entity.id}}b/{{identity.entity.metadata.x}}"
    text = f'path "{template}" {{ capabilities = ["read"] }}'
    found = evaluate([Policy("p", text)], Request(subject={"id": "u"}, action={"name": "read"}, resource={"id": path}))
    assert msgspec.json.encode(found)
    assert found.effect == "indeterminate"
