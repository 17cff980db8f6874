"""What holds of every answer: order is nothing, bindings only add, the unknown decides nothing, nothing is raised."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.rbac import evaluate

_NAMESPACES = ["dev", "prod"]
_NAMES = ["a", "b"]
_USERS = ["jane", "system:serviceaccount:dev:a", "system:node:n"]
_GROUPS = ["devs", "system:authenticated", "system:nodes"]


def _some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=2)


_RULES = st.lists(
    st.fixed_dictionaries(
        {"verbs": _some("get", "list", "create", "*")},
        optional={
            "apiGroups": _some("", "apps", "*"),
            "resources": _some("pods", "pods/log", "*/log", "*", "nodes"),
            "resourceNames": _some("x", "y"),
            "nonResourceURLs": _some("/healthz", "/h*", "*"),
        },
    ),
    max_size=2,
)
_LABELS = st.dictionaries(st.sampled_from(["l", "m"]), st.sampled_from(["1", "2"]), max_size=2)
_SELECTORS = st.lists(st.fixed_dictionaries({"matchLabels": _LABELS}), max_size=2)
_SUBJECTS = st.lists(
    st.one_of(
        st.builds(lambda name: {"kind": "User", "name": name}, st.sampled_from(_USERS)),
        st.builds(lambda name: {"kind": "Group", "name": name}, st.sampled_from(_GROUPS)),
        st.builds(lambda name: {"kind": "ServiceAccount", "name": name}, st.sampled_from(_NAMES)),
    ),
    max_size=2,
)


@st.composite
def _objects(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]))
    metadata: dict[str, Any] = {"name": draw(st.sampled_from(_NAMES))}
    if kind in ("Role", "RoleBinding"):
        metadata["namespace"] = draw(st.sampled_from(_NAMESPACES))
    if kind.endswith("Binding"):
        role = {"kind": draw(st.sampled_from(["Role", "ClusterRole"])), "name": draw(st.sampled_from(_NAMES))}
        return {"kind": kind, "metadata": metadata, "roleRef": role, "subjects": draw(_SUBJECTS)}
    found = {"kind": kind, "metadata": metadata, "rules": draw(_RULES)}
    if kind == "ClusterRole":
        metadata["labels"] = draw(_LABELS)
        if draw(st.booleans()):
            found["aggregationRule"] = {"clusterRoleSelectors": draw(_SELECTORS)}
        if draw(st.booleans()):
            metadata["uid"] = "1"
    return found


_POLICIES = st.lists(_objects().map(json.dumps), max_size=8).map(
    lambda texts: [Policy(f"p{number}", text) for number, text in enumerate(texts)]
)
_RESOURCE = st.one_of(
    st.fixed_dictionaries({"nonResourceURL": st.sampled_from(["/healthz", "/x"])}),
    st.fixed_dictionaries(
        {
            "apiGroup": st.sampled_from(["", "apps"]),
            "resource": st.sampled_from(["pods", "nodes"]),
            "subresource": st.sampled_from(["", "log"]),
            "namespace": st.sampled_from(["", *_NAMESPACES]),
            "name": st.sampled_from(["", "x", "z"]),
        }
    ),
)
_REQUESTS = st.builds(
    lambda user, groups, verb, resource: Request(
        subject={"type": "user", "id": user, "properties": {"groups": groups}},
        action={"name": verb},
        resource={"type": "t", "id": "i", "properties": resource},
    ),
    st.sampled_from(_USERS),
    st.lists(st.sampled_from(_GROUPS), unique=True, max_size=2),
    st.sampled_from(["get", "list", "create"]),
    _RESOURCE,
)
_RANK = {"deny": 0, "indeterminate": 1, "permit": 2}


@given(_POLICIES, _REQUESTS, st.randoms(use_true_random=False))
def test_the_order_of_the_policies_does_not_matter(policies: list[Policy], request: Request, random: Any) -> None:
    expected = evaluate(policies, request)
    random.shuffle(policies)
    assert evaluate(policies, request) == expected


@given(_POLICIES, _REQUESTS)
def test_a_policy_given_twice_counts_once(policies: list[Policy], request: Request) -> None:
    assert evaluate(policies + policies, request) == evaluate(policies, request)


@given(_POLICIES, _REQUESTS, st.integers(0, 7))
def test_taking_a_binding_away_never_adds_a_right(policies: list[Policy], request: Request, gone: int) -> None:
    """But for bindings in several versions, of which the one in force is not known."""
    once = {json.loads(p.text)["kind"] + str(json.loads(p.text)["metadata"]): p for p in policies}
    kept = list(once.values())
    fewer = [p for n, p in enumerate(kept) if n != gone or "Binding" not in json.loads(p.text)["kind"]]
    assert _RANK[evaluate(fewer, request).effect] <= _RANK[evaluate(kept, request).effect]


@given(_POLICIES, _REQUESTS, st.sets(st.sampled_from(["apiGroup", "subresource", "namespace", "name", "groups"])))
def test_what_is_not_known_never_turns_an_answer_round(
    policies: list[Policy], request: Request, hidden: set[str]
) -> None:
    known, unsure = evaluate(policies, request), evaluate(policies, _without(request, hidden))
    assert unsure.effect in (known.effect, "indeterminate")
    assert bool(unsure.missing) == (unsure.effect == "indeterminate")


def _without(request: Request, hidden: set[str]) -> Request:
    properties = request.resource["properties"]
    unknown = dict.fromkeys(hidden & properties.keys())
    subject = request.subject
    if "groups" in hidden:
        subject = {**subject, "properties": {}}
    return Request(
        subject=subject,
        action=request.action,
        resource={**request.resource, "properties": properties | unknown},
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "metadata", "name", "rules", "items", "subjects", "roleRef", "apiVersion", "id"])
            | st.text(max_size=4),
            inner | st.sampled_from(["Role", "ClusterRole", "RoleBinding", "List", "RoleList"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)
_TEXTS = st.one_of(st.text(max_size=60), _JSON.map(json.dumps), _objects().map(lambda o: json.dumps(o)[:-3]))


@settings(max_examples=300)
@given(st.lists(_TEXTS, max_size=3), _REQUESTS)
def test_no_text_of_a_policy_raises_or_permits_by_itself(texts: list[str], request: Request) -> None:
    found = evaluate([Policy(f"p{number}", text) for number, text in enumerate(texts)], request)
    assert isinstance(found, Evaluation)
    assert found.effect != "permit"


_MAPPINGS = st.dictionaries(st.sampled_from(["id", "name", "properties"]), _JSON, max_size=3)


@settings(max_examples=300)
@given(_POLICIES, _MAPPINGS, _MAPPINGS, _MAPPINGS)
def test_no_request_raises(policies: list[Policy], subject: Any, action: Any, resource: Any) -> None:
    found = evaluate(policies, Request(subject=subject, action=action, resource=resource))
    assert msgspec.json.encode(found)


def test_depth_and_odd_characters_are_refused_like_any_other_text() -> None:
    request = Request(
        subject={"id": "u", "properties": {"groups": []}},
        action={"name": "get"},
        resource={"properties": {"resource": "pods"}},
    )
    for text in (
        "[" * 50_000,
        '{"kind":' * 50_000,
        "\x00",
        "\ud800",
        "{\ud800}",
        "a: &a [*a]",
        "? [a]: b",
        "<<: 7",
        "é: *x",
    ):
        found = evaluate([Policy("p", text)], request)
        assert (found.effect, found.missing) == ("indeterminate", ("policy p",))
