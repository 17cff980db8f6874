"""What holds of every answer: order is nothing, a deny never permits, the unknown decides nothing, nothing raises."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.iam import evaluate
from quowarranto.replay.iam.documents import declared_none, kind_of, parts_of
from quowarranto.replay.iam.globs import Wild, fits, pattern
from quowarranto.replay.language import Policy, Request

_ACCOUNT = "111122223333"
_USER = f"arn:aws:iam::{_ACCOUNT}:user/ann"
_SESSION = f"arn:aws:sts::{_ACCOUNT}:assumed-role/ops/s"
_ROLE = f"arn:aws:iam::{_ACCOUNT}:role/ops"
_PRINCIPALS = [_USER, _SESSION, _ROLE, f"arn:aws:iam::{_ACCOUNT}:root", f"arn:aws:iam::{_ACCOUNT}:user/bob"]
_ACTIONS = ["s3:GetObject", "s3:PutObject", "kms:Decrypt", "sts:AssumeRole"]
_PATTERNS = ["*", "s3:*", "S3:get*", "kms:Decrypt", "sts:*"]
_RESOURCES = ["arn:aws:s3:::b/ann", "arn:aws:kms:r:111122223333:key/k", _ROLE]
_KEYS = {"aws:SourceIp": ["10.1.1.1", "8.8.8.8"], "aws:MultiFactorAuthPresent": ["true", "false"], "x:n": ["1", "7"]}
_CONDITIONS = st.dictionaries(
    st.sampled_from(["", "IfExists"]).flatmap(
        lambda end: st.sampled_from([f"StringEquals{end}", f"StringNotEquals{end}", "ForAllValues:StringLike", "Null"])
    ),
    st.dictionaries(st.sampled_from(list(_KEYS)), st.sampled_from(["true", "false"]), min_size=1, max_size=1),
    max_size=2,
)
_KINDS = ["identity", "boundary", "session", "scp", "rcp", "resource"]


@st.composite
def _statements(draw: st.DrawFn, kind: str, effects: tuple[str, ...] = ("Allow", "Allow", "Deny")) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": draw(st.sampled_from(effects)), "Condition": draw(_CONDITIONS)}
    found[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(st.sampled_from(_PATTERNS))
    about = [*_RESOURCES, "*", "arn:aws:s3:::b/${aws:username}", "arn:aws:s3:::*"]
    found[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(st.sampled_from(about))
    if kind in ("resource", "rcp"):
        who = st.sampled_from([*_PRINCIPALS, _ACCOUNT, "AIDAX", "*"])
        found[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = {"AWS": [draw(who), draw(who)]}
    return found


@st.composite
def _policies(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Allow", "Deny")) -> Policy:
    kind = draw(st.sampled_from(_KINDS))
    statements = draw(st.lists(_statements(kind, effects), max_size=2))
    name = f"{kind}:{draw(st.sampled_from(['a', 'b', 'x/c']))}"
    return Policy(name, json.dumps({"Version": "2012-10-17", "Statement": statements}))


_SETS = st.lists(_policies(), max_size=6, unique_by=lambda policy: policy.name)


@st.composite
def _requests(draw: st.DrawFn) -> Request:
    who = draw(st.sampled_from(_PRINCIPALS))
    context = {key: draw(st.sampled_from(values)) for key, values in _KEYS.items() if draw(st.booleans())}
    resource = draw(st.sampled_from(_RESOURCES))
    owner = _ACCOUNT if _ACCOUNT in resource else draw(st.sampled_from([_ACCOUNT, "9"]))
    return Request(
        subject={"id": who, "properties": {"role": _ROLE if who == _SESSION else "", "uniqueId": "AIDAY"}},
        action={"name": draw(st.sampled_from(_ACTIONS))},
        resource={"id": resource, "properties": {"account": owner}},
        context={"complete": True, **context},
    )


@given(_SETS, _requests(), st.randoms(use_true_random=False))
def test_the_order_of_the_policies_does_not_matter(policies: list[Policy], request: Request, random: Any) -> None:
    expected = evaluate(policies, request)
    random.shuffle(policies)
    assert evaluate(policies, request) == expected
    assert evaluate(policies + policies, request) == expected


@given(_SETS, _requests(), st.sampled_from(_KINDS).flatmap(lambda kind: st.tuples(st.just(kind), _statements(kind))))
def test_adding_a_statement_that_denies_never_permits(
    policies: list[Policy], request: Request, added: tuple[str, dict[str, Any]]
) -> None:
    """To a policy that there is already: where there was no boundary at all, a first one also limits."""
    kind, statement = added
    before = Policy(f"{kind}:z", '{"Statement": []}')
    after = Policy(f"{kind}:z", json.dumps({"Version": "2012-10-17", "Statement": [statement | {"Effect": "Deny"}]}))
    rank = {"deny": 0, "indeterminate": 1, "permit": 2}
    old, new = evaluate([*policies, before], request), evaluate([*policies, after], request)
    assert rank[new.effect] <= rank[old.effect]


@given(_SETS, _requests())
def test_without_a_statement_that_allows_only_the_root_user_may_do_anything(
    policies: list[Policy], request: Request
) -> None:
    found = evaluate([policy for policy in policies if '"Allow"' not in policy.text], request)
    if not str(request.subject["id"]).endswith(":root"):
        assert found.effect == "deny"


@given(_SETS, _requests(), st.sets(st.sampled_from(["action", "resource", "account", "role", "uniqueId", *_KEYS])))
def test_what_is_not_known_never_turns_an_answer_round(
    policies: list[Policy], request: Request, hidden: set[str]
) -> None:
    known, unsure = evaluate(policies, request), evaluate(policies, _without(request, hidden))
    assert unsure.effect in (known.effect, "indeterminate")
    assert bool(unsure.missing) == (unsure.effect == "indeterminate")


def _without(request: Request, hidden: set[str]) -> Request:
    subject = {**request.subject["properties"], **dict.fromkeys(hidden & {"role", "uniqueId"})}
    account = None if hidden & {"account", "resource"} else request.resource["properties"]["account"]
    return Request(
        subject={**request.subject, "properties": subject},
        action={} if "action" in hidden else request.action,
        resource={"id": None if "resource" in hidden else request.resource["id"], "properties": {"account": account}},
        context={**request.context, **dict.fromkeys(hidden & _KEYS.keys())},
    )


@given(_SETS, _requests(), st.sampled_from(_KINDS))
def test_a_kind_that_nobody_told_of_never_turns_an_answer_round(
    policies: list[Policy], request: Request, hidden: str
) -> None:
    """Whatever policies of that kind there are in truth."""
    told = [policy for policy in policies if not policy.name.startswith(f"{hidden}:")]
    kinds = [kind for kind in _KINDS if kind != hidden]
    unsure = evaluate(told, msgspec.structs.replace(request, context={**request.context, "policies": kinds}))
    assert unsure.effect in (evaluate(policies, request).effect, "indeterminate")


_NAMES = ["Version", "Statement", "Effect", "Action", "NotAction", "Resource", "Principal", "NotPrincipal", "AWS"]
_NAMES += ["Condition", "Null", "Sid"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_NAMES) | st.text(max_size=4),
            inner | st.sampled_from(["Allow", "Deny", "*", "2012-10-17", "${", "${a}"]),
            max_size=5,
        )
    ),
    max_leaves=14,
)
_TEXTS = st.one_of(
    st.text(max_size=60), _JSON.map(json.dumps), _statements("identity").map(lambda one: json.dumps(one)[:-2])
)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from([*_KINDS, "none", "odd"]), _TEXTS), max_size=3), _requests())
def test_no_text_of_a_policy_raises_or_permits_by_itself(texts: list[tuple[str, str]], request: Request) -> None:
    root = str(request.subject["id"]).endswith(":root")
    found = evaluate([Policy(f"{kind}:{number}", text) for number, (kind, text) in enumerate(texts)], request)
    assert isinstance(found, Evaluation)
    assert found.effect != "permit" or root


_MAPPINGS = st.dictionaries(
    st.sampled_from(["id", "name", "type", "properties", "policies", "complete", "absent", "aws:x"]), _JSON, max_size=4
)


@settings(max_examples=300)
@given(_SETS, _MAPPINGS, _MAPPINGS, _MAPPINGS, _MAPPINGS)
def test_no_request_raises(policies: list[Policy], subject: Any, action: Any, resource: Any, context: Any) -> None:
    found = evaluate(policies, Request(subject=subject, action=action, resource=resource, context=context))
    assert msgspec.json.encode(found)


def test_depth_and_odd_characters_are_refused_like_any_other_text() -> None:
    request = Request(subject={"id": _USER}, action={"name": "a:b"}, resource={"id": "*"})
    for text in ("[" * 50_000, '{"Statement":' * 50_000, "\x00", "\ud800", '{"Statement": "\ud800"}', "%zz", "null"):
        assert evaluate([Policy("identity:p", text)], request).missing == ("policy identity:p",)


@given(_SETS, _requests())
def test_names_may_be_places_in_a_folder(policies: list[Policy], request: Request) -> None:
    renamed = [Policy(policy.name.replace(":", "/", 1), policy.text) for policy in policies]
    by_name, by_place = evaluate(policies, request), evaluate(renamed, request)
    assert (by_place.effect, len(by_place.determining)) == (by_name.effect, len(by_name.determining))


def test_a_name_says_its_kind_or_is_an_identity_policys() -> None:
    names = {
        "arn:aws:iam::aws:policy/ReadOnlyAccess": "identity",
        "plain": "identity",
        "scp/root/full.json": "scp",
        "scp:root/full": "scp",
        "boundary": "boundary",
        "ops/scp:x": "identity",
        "": "identity",
    }
    assert {name: kind_of(name) for name in names} == names
    assert [declared_none(name) for name in ("none:scp", "none/scp.json", "none", "scp:none")] == [
        "scp",
        "scp",
        "",
        None,
    ]
    assert parts_of("scp/root/ou:1/full.json") == ("scp", "root/ou:1/full.json")


def _plainly(parts: tuple[Any, ...], text: str) -> bool:
    """All ways of matching, one after the other."""
    if not parts:
        return not text
    if parts[0] is Wild.ANY:
        return any(_plainly(parts[1:], text[cut:]) for cut in range(len(text) + 1))
    if parts[0] is Wild.ONE:
        return bool(text) and _plainly(parts[1:], text[1:])
    return text.startswith(parts[0]) and _plainly(parts[1:], text[len(parts[0]) :])


@settings(max_examples=500)
@given(st.text("ab:*?", max_size=8), st.text("ab:", max_size=8))
def test_a_pattern_matches_as_by_trying_everything(wanted: str, text: str) -> None:
    parts = pattern(wanted, variables=False, wildcards=True)
    assert fits(parts, text) == _plainly(parts, text)  # type: ignore[arg-type]


def test_no_pattern_is_slow() -> None:
    parts = pattern("*a" * 2_000 + "b", variables=False, wildcards=True)
    assert not fits(parts, "a" * 4_000)  # type: ignore[arg-type]
