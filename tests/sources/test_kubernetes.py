"""The Kubernetes source: golden cases, what its records add up to, and that no input makes it stumble."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model import Judgement, judge

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Principal, Record, matches, matches_resource, to_native
from quowarranto.sources import by_name
from quowarranto.sources.entry import Entry, Observation, Sample, Skipped
from quowarranto.sources.kubernetes import SOURCE, derive
from quowarranto.sources.kubernetes.names import ground_of
from quowarranto.sources.kubernetes.scope import scope_of

HERE = Path(__file__).parent / "kubernetes"
CASES = sorted(folder.name for folder in HERE.iterdir() if folder.is_dir())
MODIFIED_AT = 1_772_442_000_000_000  # 2026-03-02T09:00:00Z


def entries(case: str) -> list[Entry]:
    """One entry a line, or a document of a YAML file, as the reader of inputs hands them over."""
    (file,) = (HERE / case).glob("input.*")
    if file.suffix == ".yaml":
        pieces = [json.dumps(document).encode() for document in yaml.safe_load_all(file.read_text())]
    else:
        pieces = file.read_bytes().splitlines()
    return [Entry(piece, file.name, MODIFIED_AT) for piece in pieces]


def found(case: str) -> list[Record | Observation]:
    """All that comes of the entries of a case that can be read."""
    out: list[Record | Observation] = []
    for entry in entries(case):
        try:
            outcome = SOURCE.read(entry)
        except RejectedEntry:
            continue
        out += [] if isinstance(outcome, Skipped) else outcome
    return out


def records(case: str) -> list[Record]:
    """As the case keeps them: derived facts included, of each action only the last stage."""
    seen = found(case)
    out: list[Record] = [fact for fact, _ in derive([o for o in seen if isinstance(o, Observation)])]
    last: dict[str, Action] = {}
    for record in seen:
        if isinstance(record, Action):
            last[record.id] = max(last.get(record.id, record), record, key=lambda action: action.stage)
        elif isinstance(record, AuthorityFact):
            out.append(record)
    return [*out, *last.values()]


def told(record: Record | Observation) -> dict[str, Any]:
    """As the golden files write it."""
    if isinstance(record, Observation):
        return {"observation": record.name, "at": record.at, "data": record.data}
    staged = {"stage": record.stage} if isinstance(record, Action) else {}
    return {**to_native(record), **staged}


def golden(case: str) -> dict[str, Any]:
    outcomes: list[Any] = []
    for entry in entries(case):
        try:
            outcome = SOURCE.read(entry)
        except RejectedEntry as error:
            outcomes.append({"rejected": str(error)})
            continue
        skipped = isinstance(outcome, Skipped)
        outcomes.append({"skipped": outcome.reason} if isinstance(outcome, Skipped) else [told(r) for r in outcome])
        assert skipped or outcome
    facts = derive([record for record in found(case) if isinstance(record, Observation)])
    whole = {"outcomes": outcomes, "derived": [told(fact) for fact, _ in facts]}
    return dict(json.loads(json.dumps(whole)))


@pytest.mark.parametrize("case", CASES)
def test_every_entry_comes_out_as_the_golden_file_says(case: str) -> None:
    assert golden(case) == json.loads((HERE / case / "outcomes.json").read_text())


@pytest.mark.parametrize("case", CASES)
def test_no_secret_and_no_body_comes_out(case: str) -> None:
    text = json.dumps(golden(case))
    assert "made-up-secret" not in text
    assert "requestObject" not in text


@pytest.mark.parametrize("case", CASES)
def test_neither_order_nor_repetition_of_observations_changes_a_fact(case: str) -> None:
    seen = [record for record in found(case) if isinstance(record, Observation)]
    shuffled = [*seen, *copy.deepcopy(seen)]
    random.Random(7).shuffle(shuffled)
    assert [fact for fact, _ in derive(shuffled)] == [fact for fact, _ in derive(seen)]


def test_it_is_registered() -> None:
    assert by_name("kubernetes") is SOURCE


# --- what the records add up to, judged by the plain model


def judged(case: str) -> dict[str, Judgement]:
    """By the last three digits of the audit id: the place in the input, from the case's own hundred."""
    return {one.action[-3:]: one for one in judge(records(case))}


def test_the_stages_of_a_request_are_one_action_and_one_decision() -> None:
    of_case = records("stages")
    assert sorted(r.stage for r in of_case if isinstance(r, Action)) == [1, 3, 4]
    decisions = [r for r in found("stages") if isinstance(r, AuthorityFact) and r.id.endswith("a" * 12)]
    assert len(decisions) == 2
    assert decisions[0] == decisions[1]


def test_a_request_of_which_only_the_receipt_was_logged_is_kept_as_such() -> None:
    (received,) = (r for r in records("stages") if isinstance(r, Action) and r.stage == 1)
    assert received.attributes["stage"] == "RequestReceived"


def test_outcomes_tell_a_refusal_from_a_failure() -> None:
    outcomes = {r.id[-3:]: r.outcome for r in records("outcomes") if isinstance(r, Action)}
    assert outcomes["102"] == "denied"  # forbidden by the authorizer
    assert outcomes["103"] == "failure"  # allowed, then refused by admission
    assert outcomes["104"] == "failure"  # not found
    assert outcomes["101"] == "denied"  # 401
    assert outcomes["106"] == "denied"  # no annotations, but the authorizer's text
    assert outcomes["107"] == "failure"  # no annotations, an admission plugin's text


def test_a_forbidden_request_that_went_through_is_a_bypass() -> None:
    assert "QW205" in judged("outcomes")["105"].codes


def test_the_authenticated_user_acts_and_the_impersonated_one_is_whom_it_acts_for() -> None:
    action = next(r for r in records("impersonation") if isinstance(r, Action) and r.id.endswith("201"))
    decision = next(r for r in records("impersonation") if r.id == "kubernetes/decision/" + action.id[11:])
    assert isinstance(decision, AuthorityFact)
    assert action.principal == Principal("user", "alice@example.org")
    assert action.on_behalf_of == (Principal("user", "bob"),)
    assert decision.principal == Principal("user", "bob")
    assert "QW207" not in judged("impersonation")["201"].codes


def test_a_token_is_followed_from_its_issue_to_its_end() -> None:
    found = judged("tokens")
    assert "QW201" not in found["304"].codes
    assert "QW201" in found["305"].codes
    assert not {"QW202", "QW604"} & set(found["307"].codes)  # it deletes its own account, and may
    assert "QW202" in found["308"].codes


@pytest.mark.parametrize(
    ("place", "verdict", "code"),
    [
        ("403", "authorised", None),
        ("404", "authorised", None),
        ("405", "unauthorised", "QW206"),  # the role does not allow to delete
        ("407", "unproven", "QW202"),  # taken out of the binding; no decision was logged
        ("408", "presumed", "QW102"),  # still in it
        ("410", "authorised", None),  # the role was widened
        ("412", "unauthorised", "QW202"),  # the role was deleted
        ("414", "authorised", None),  # and made again
        ("416", "unauthorised", "QW202"),  # the binding was deleted
        ("418", "authorised", None),  # and made again
        ("420", "unauthorised", "QW202"),  # deleted with all others of the namespace
        ("422", "unauthorised", "QW202"),  # a dry run makes nothing
    ],
)
def test_a_binding_comes_and_goes_under_one_name(place: str, verdict: str, code: str | None) -> None:
    found = judged("bindings")[place]
    assert found.verdict == verdict, found
    assert code is None or code in found.codes


def test_a_use_rests_on_the_decision_the_binding_and_the_role() -> None:
    assert [key for key, _ in judged("bindings")["403"].authorities] == [
        "kubernetes/decision/00000000-0000-4000-8000-000000000403",
        "kubernetes/role/prod/deployer",
        "kubernetes/rolebinding/prod/deployers",
    ]


@pytest.mark.parametrize(
    ("place", "linkage", "code"),
    [
        ("502", "proven", None),  # made at level Metadata: known, though not for whom
        ("503", "proven", None),  # only its deletion was seen, later
        ("505", "proven", "QW202"),
        ("506", "proven", None),  # a patch shows that it had been there before
        ("508", "proven", None),
        ("509", "partial", "QW104"),  # nothing is known of it
    ],
)
def test_changes_without_content_still_say_when_a_binding_was_there(place: str, linkage: str, code: str | None) -> None:
    found = judged("content_not_logged")[place]
    assert found.linkage == linkage, found
    assert set(found.codes) == ({code} if code else set())


def test_a_binding_made_by_an_unauthorised_action_carries_no_authority() -> None:
    """SPEC 5, origin: the creation is traced by `issued_by`, also when its content was not logged."""
    of_case = records("content_not_logged")
    creation = next(r for r in of_case if isinstance(r, Action) and r.id.endswith("501"))
    denied = AuthorityFact(
        kind="grant",
        id="kubernetes/clusterrolebinding/revoked",
        time=0,
        fact="ended",
        end="revoked",
    )
    forged = msgspec.structs.replace(creation, cites=(denied.id,))
    found = {one.action[-3:]: one for one in judge([forged if r is creation else r for r in of_case] + [denied])}
    assert found["501"].verdict == "unauthorised"
    assert "QW208" in found["502"].codes


def test_a_certificate_is_known_by_its_digest_from_the_signature_on() -> None:
    found = judged("certificates_and_admission")["603"]
    assert "QW104" not in found.codes
    assert "credential" in [kind for _, kind in found.authorities]


# --- scopes


def covered(rules: list[dict[str, Any]], namespace: str | None, action: str, resource: str) -> bool:
    kind, _, name = resource.partition(":")
    return any(
        (rule.actions is None or any(matches(p, action) for p in rule.actions))
        and (rule.resources is None or any(matches_resource(p, kind, name) for p in rule.resources))
        for rule in scope_of(rules, namespace) or ()
    )


READ_PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


@pytest.mark.parametrize(
    ("rule", "namespace", "action", "resource", "expected"),
    [
        (READ_PODS, None, "get pods", "pods:prod/web", True),
        (READ_PODS, None, "list pods", "pods:*", True),
        (READ_PODS, "prod", "list pods", "pods:prod/*", True),
        (READ_PODS, "prod", "list pods", "pods:*", False),
        (READ_PODS, "prod", "get pods", "pods:dev/web", False),
        (READ_PODS, None, "get pods/log", "pods:prod/web", False),
        (READ_PODS, None, "delete pods", "pods:prod/web", False),
        (READ_PODS | {"apiGroups": []}, None, "get pods", "pods:prod/web", False),
        (ALL, None, "create pods/exec", "pods:prod/web", True),
        (ALL, None, "get", "url:/metrics", False),
        (ALL, "prod", "create pods/exec", "pods:prod/web", True),
        (ALL, "prod", "get namespaces", "namespaces:prod", True),
        (ALL, "prod", "get namespaces", "namespaces:dev", False),
        (ALL, "prod", "get nodes", "nodes:n1", False),
        (READ_PODS | {"resources": ["*/log"]}, None, "get pods/log", "pods:prod/web", True),
        (READ_PODS | {"resources": ["*/log"]}, None, "get pods", "pods:prod/web", False),
        (READ_PODS | {"resources": ["pods/*"]}, None, "get pods/log", "pods:prod/web", False),
        (READ_PODS | {"resourceNames": ["web"]}, "prod", "get pods", "pods:prod/web", True),
        (READ_PODS | {"resourceNames": ["web"]}, None, "get pods", "pods:prod/web", True),
        (READ_PODS | {"resourceNames": ["web"]}, None, "get pods", "pods:prod/web2", False),
        (READ_PODS | {"resourceNames": ["*"]}, None, "get pods", "pods:prod/web", False),
        ({"verbs": ["get"], "nonResourceURLs": ["/api/*"]}, None, "get", "url:/api/v1", True),
        ({"verbs": ["get"], "nonResourceURLs": ["/api/*"]}, None, "get", "url:/metrics", False),
        ({"verbs": ["get"], "nonResourceURLs": ["/api/*"]}, "prod", "get", "url:/api/v1", False),
    ],
)
def test_a_scope_covers_what_the_rule_allows(
    rule: dict[str, Any], namespace: str | None, action: str, resource: str, expected: bool
) -> None:
    assert covered([rule], namespace, action, resource) is expected


def test_a_role_too_large_to_write_down_has_no_known_scope() -> None:
    many = [str(number) for number in range(200)]
    assert scope_of([{"verbs": many, "apiGroups": [""], "resources": many}], None) is None


def test_the_reason_names_the_binding_with_its_namespace_last() -> None:
    ground = ground_of('RBAC: allowed by RoleBinding "read/prod" of ClusterRole "view" to User "oidc:o\\"hara"')
    assert ground is not None
    assert (ground.binding, ground.role, ground.subject) == (
        "rolebinding/prod/read",
        "clusterrole/view",
        'User oidc:o"hara',
    )
    assert ground_of("") is None
    assert ground_of("a webhook said so") is None


# --- telling its inputs from others


@pytest.mark.parametrize(
    ("document", "mine"),
    [
        ({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "x"}, True),
        ({"auditID": "x", "verb": "get", "user": {"username": "bob"}}, True),
        ({"kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1"}, True),
        (
            {
                "kind": "List",
                "apiVersion": "v1",
                "items": [{"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1"}],
            },
            True,
        ),
        ({"category": "kube-audit", "properties": {"log": "{}"}}, True),
        ({"type": "request", "auth": {}, "request": {"id": "x"}, "time": "2026-03-02T09:00:00Z"}, False),
        (
            {"eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": "GetObject", "userIdentity": {}},
            False,
        ),
        ({"kind": "action", "time": "2026-03-02T09:00:00Z", "principal": {}, "action": "x"}, False),
        ({"kind": "grant", "id": "x", "time": "2026-03-02T09:00:00Z"}, False),
    ],
)
def test_it_knows_its_own(document: dict[str, Any], mine: bool) -> None:
    score = SOURCE.recognise(Sample("x", "", (document,)))
    assert score >= 90 if mine else score == 0


# --- hostile input

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_LINES = [json.loads(e.data) for case in CASES if case != "envelopes_and_faults" for e in entries(case)]


def _spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [spot for key, item in inner for spot in ((*path, key), *_spots(item, (*path, key)))]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_the_entry_holds_it_is_read_skipped_or_rejected(data: st.DataObject) -> None:
    line = copy.deepcopy(data.draw(st.sampled_from(_LINES)))
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(_spots(line)))
        spot = line
        try:
            for step in way:
                spot = spot[step]
            spot[last] = data.draw(_VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    entry = Entry(json.dumps(line).encode(), "x", MODIFIED_AT)
    try:
        outcome = SOURCE.read(entry)
    except RejectedEntry:
        return
    if not isinstance(outcome, Skipped):
        assert outcome
        seen = [json.loads(json.dumps(told(record))) for record in outcome]
        assert seen
        list(derive([record for record in outcome if isinstance(record, Observation)]))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | _VALUES.map(lambda value: json.dumps(value).encode()))
def test_noise_is_rejected_or_skipped(noise: bytes) -> None:
    with contextlib.suppress(RejectedEntry):
        assert isinstance(SOURCE.read(Entry(noise, "x")), Skipped)
