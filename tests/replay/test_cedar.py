"""Cedar's own tests give Cedar's own answers; what was not recorded is never taken for absent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quowarranto.replay.cedar import evaluate, request_of
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request

HERE = Path(__file__).parent / "cedar" / "corpus"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "cedar"
EFFECTS = {"allow": "permit", "deny": "deny"}


def documents(root: Path, test: dict[str, Any]) -> list[Policy]:
    """The policies, entities and schema that a test names."""
    return [
        Policy(Path(test[part]).name, (root / test[part]).read_text(encoding="utf-8"))
        for part in ("policies", "entities", "schema")
    ]


def asked(request: dict[str, Any]) -> Request:
    """A request of a test in AuthZEN's shape."""
    action = request["action"]
    return Request(
        subject=request["principal"],
        action={"name": action["id"], "properties": {"type": action["type"]}},
        resource=request["resource"],
        context=request["context"],
    )


def vendor_cases(root: Path) -> Iterator[Any]:
    """(policies, request, decision, determining) of every request of every test under a folder."""
    for file in sorted((root / "tests").rglob("*.json")) if root.is_dir() else ():
        test = json.loads(file.read_text(encoding="utf-8"))
        for number, request in enumerate(test["requests"]):
            yield pytest.param(root, test, request, id=f"{file.parent.name}-{file.stem}-{number}")


def agrees(root: Path, test: dict[str, Any], request: dict[str, Any]) -> None:
    assert request["errors"] == []
    said = evaluate(documents(root, test), asked(request))
    wanted = Evaluation(effect=EFFECTS[request["decision"]], determining=tuple(sorted(request["reason"])))  # type: ignore[arg-type]
    assert said == wanted, request["description"]


@pytest.mark.parametrize("root, test, request_", list(vendor_cases(HERE)))
def test_a_slice_of_the_integration_tests_gives_the_same_decision_and_policies(
    root: Path, test: dict[str, Any], request_: dict[str, Any]
) -> None:
    agrees(root, test, request_)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real logs is not beside the project")
def test_every_case_of_the_corpus_gives_the_same_decision_and_policies() -> None:
    cases = list(vendor_cases(CORPUS))
    assert len(cases) == 74
    for case in cases:
        agrees(*case.values)


ALL = Policy("all.cedar", '@id("all") permit(principal, action, resource);')
SECRET = Policy("secret.cedar", '@id("secret") forbid(principal, action, resource) when { resource.secret };')
HAS = Policy("has.cedar", '@id("has") forbid(principal, action, resource) when { resource has secret };')
ADMINS = Policy("admins.cedar", '@id("admins") permit(principal in Group::"admins", action, resource);')
BANNED = Policy("banned.cedar", '@id("banned") forbid(principal in Group::"banned", action, resource);')
FORBIDDEN = Policy("none.cedar", '@id("none") forbid(principal == User::"ann", action, resource);')
NOBODY = Policy("entities.json", "[]")
PEOPLE = Policy(
    "entities.json",
    '[{"uid": {"type": "User", "id": "ann"}, "attrs": {}, "parents": [{"type": "Group", "id": "admins"}]},'
    ' {"uid": {"type": "Group", "id": "admins"}, "attrs": {}, "parents": []},'
    ' {"uid": {"type": "Document", "id": "d"}, "attrs": {"secret": true}, "parents": []}]',
)
SUBJECT: dict[str, Any] = {"type": "User", "id": "ann"}
RESOURCE: dict[str, Any] = {"type": "Document", "id": "d"}


def question(
    action: str = "read",
    *,
    subject: dict[str, Any] | None = None,
    resource: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
) -> Request:
    """May ann read d? `subject` and `resource` are their properties."""
    return Request(
        subject=SUBJECT | ({"properties": subject} if subject is not None else {}),
        action={"name": action},
        resource=RESOURCE | ({"properties": resource} if resource is not None else {}),
        context=context or {},
    )


# what is asked of which policies, and the answer; sources: docs.cedarpolicy.com, "Authorization" (how policies combine,
# errors skip a policy), "Operators" (`in` and `has` of an entity that is absent are false), "Annotations" (`@id`)
TABLE: list[tuple[str, list[Policy], Request, str, tuple[str, ...], tuple[str, ...]]] = [
    ("a permit permits, by the name in @id", [ALL], question(), "permit", ("all",), ()),
    ("no policy that applies denies", [Policy("p", "permit(principal == User::\"bob\", action, resource);")],
     question(), "deny", (), ()),
    ("a forbid wins over a permit", [ALL, FORBIDDEN], question(), "deny", ("none",), ()),
    ("a policy without @id is named by its place", [Policy("p", "permit(principal, action, resource);")],
     question(), "permit", ("policy0",), ()),
    ("of several documents, by document and place", [FORBIDDEN, Policy("p", "forbid(principal, action, resource);")],
     question(), "deny", ("none", "p#policy0"), ()),
    ("a forbid on an attribute told by the request forbids", [ALL, SECRET], question(resource={"secret": True}),
     "deny", ("secret",), ()),
    ("and does not where the attribute says so", [ALL, SECRET], question(resource={"secret": False}),
     "permit", ("all",), ()),
    ("a forbid that asks `has` of a resource nobody recorded decides nothing", [ALL, HAS], question(),
     "indeterminate", (), ("attributes of the resource",)),
    ("nor where a document of entities leaves it out", [ALL, HAS, NOBODY], question(),
     "indeterminate", (), ("attributes of the resource",)),
    ("with the entity on record it forbids", [ALL, HAS, PEOPLE], question(), "deny", ("has",), ()),
    ("membership nobody recorded is not absence", [ADMINS], question(), "indeterminate", (),
     ("parents of the principal",)),
    ("nor for a forbid", [ALL, BANNED], question(), "indeterminate", (), ("parents of the principal",)),
    ("an entity document tells membership", [ADMINS, PEOPLE], question(), "permit", ("admins",), ()),
    ("and so does the request", [ADMINS], question(subject={"parents": ['Group::"admins"']}),
     "permit", ("admins",), ()),
    ("a request's parents count before the document's", [ADMINS, PEOPLE], question(subject={"parents": []}),
     "deny", (), ()),
    ("what cannot be known does not matter where a known forbid applies", [ALL, FORBIDDEN, BANNED], question(),
     "deny", ("none",), ()),
    ("nor, among permits, where a known one applies", [ALL, ADMINS], question(), "permit", ("all",), ()),
    ("nor, among forbids, where nothing permits", [BANNED], question(), "deny", (), ()),
    ("a policy whose scope names somebody else needs nothing",
     [ALL, Policy("p", 'forbid(principal == User::"bob", action, resource) when { resource has secret };')], question(),
     "permit", ("all",), ()),
    ("a context that was not recorded is not an empty one",
     [ALL, Policy("p", "forbid(principal, action, resource) when { context has emergency };")], question(),
     "indeterminate", (), ("context",)),
    ("a recorded one is used", [ALL, Policy("p", '@id("e") forbid(principal, action, resource) when '
     "{ context has emergency && context.emergency };")], question(context={"emergency": True}), "deny", ("e",), ()),
    ("a list of actions names them", [Policy("p", '@id("l") permit(principal, action in [Action::"read", '
     'Action::"list"], resource);')], question("list"), "permit", ("l",), ()),
    ("and takes no other", [Policy("p", 'permit(principal, action in [Action::"read", Action::"list"], resource);')],
     question("write"), "deny", (), ()),
    ("a list of one is not told apart from a group", [Policy("p", 'permit(principal, action in [Action::"read"], '
     "resource);")], question("write"), "indeterminate", (), ("parents of the action",)),
    ("a group of actions is not known without a schema", [Policy("p", 'permit(principal, action in Action::"all", '
     "resource);")], question(), "indeterminate", (), ("parents of the action",)),
    ("a template without its links is half a policy set", [ALL, Policy("t", "forbid(principal == ?principal, action, "
     "resource);")], question(), "indeterminate", (), ("links of the templates",)),
    ("no policy at all is a missing input, not a denial", [PEOPLE], question(), "indeterminate", (), ("policies",)),
    ("an attribute of an attribute's entity needs the entities", [ALL, Policy("p", "forbid(principal, action, resource)"
     " when { principal.manager has banned };")],
     question(subject={"manager": {"__entity": {"type": "User", "id": "b"}}}), "indeterminate", (), ("entities",)),
]  # fmt: skip


@pytest.mark.parametrize(
    "policies, request_, effect, determining, missing", [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_the_policies_say(
    policies: list[Policy], request_: Request, effect: str, determining: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    said = evaluate(policies, request_)
    assert (said.effect, said.determining, said.missing, said.errors) == (effect, determining, missing, ())
    assert evaluate(policies[::-1], request_) == said


def test_an_error_in_a_forbid_is_no_permit_and_is_named() -> None:
    """Cedar itself would answer Allow: it skips a policy that fails."""
    said = evaluate([ALL, SECRET], question())
    assert said.effect == "indeterminate"
    assert said.determining == ()
    assert "`secret`" in said.errors[0]
    assert "does not exist" in said.errors[0]


def test_a_policy_set_in_the_json_form_keeps_its_names() -> None:
    text = json.dumps(
        {
            "templates": {},
            "templateLinks": [],
            "staticPolicies": {
                name: {
                    "effect": effect,
                    "principal": {"op": "All"},
                    "action": {"op": "All"},
                    "resource": {"op": "All"},
                    "conditions": [],
                }
                for name, effect in (("zebra", "permit"), ("ant", "forbid"))
            },
        }
    )
    said = evaluate([Policy("set.json", text)], question())
    assert (said.effect, said.determining) == ("deny", ("ant",))


# what is not Cedar's, and what the error has to name
UGLY: list[tuple[list[Policy], Request, str]] = [
    ([Policy("bad.cedar", "permit(principal, action")], question(), "`bad.cedar`"),
    ([Policy("bad.cedar", "\x00\ud800"[:1])], question(), "`bad.cedar`"),
    ([ALL, Policy("bad.json", "[{]")], question(), "`bad.json`"),
    ([ALL, Policy("bad.json", '[{"uid": 1}]')], question(), "`bad.json`"),
    ([ALL, Policy("bad.json", '[{"uid": {"type": "User"}}]')], question(), "`bad.json`"),
    ([ALL, Policy("s.cedarschema", "enti")], question(), "`s.cedarschema`"),
    ([ALL, Policy("s.json", '{"a": 1}')], question(), "`s.json`"),
    ([ALL, Policy("a.cedarschema", ""), Policy("b.cedarschema", " ")], question(), "several schemas"),
    ([Policy("p.json", '{"staticPolicies": [1]}')], question(), "`p.json`"),
    ([ALL], question(context={"share": 0.5}), "request"),
    ([ALL], question(context={"none": None}), "request"),
    ([ALL], question(subject={"parents": [7]}), "not one of Cedar's"),
    ([ALL], Request(subject={}, action={"name": "read"}, resource=RESOURCE), "no type or id"),
    ([ALL], Request(subject=SUBJECT, action={}, resource=RESOURCE), "no name"),
    ([ALL], Request(subject={"type": "a b", "id": "x"}, action={"name": "read"}, resource=RESOURCE), "request"),
]


@pytest.mark.parametrize("policies, request_, named", UGLY)
def test_what_is_not_cedars_is_an_error_and_never_an_exception(
    policies: list[Policy], request_: Request, named: str
) -> None:
    said = evaluate(policies, request_)
    assert said.effect == "indeterminate"
    assert said.determining == ()
    assert any(named in error for error in said.errors), said.errors


def test_the_question_is_what_the_hosts_line_names_in_full() -> None:
    """Types of actions and the context are in the line and not in the record (`sources.cedar`)."""
    line = {
        "principal": 'App::User::"ann"',
        "action": 'App::Action::"read"',
        "resource": {"type": "Document", "id": "d"},
        "context": {"emergency": True},
        "decision": "Allow",
    }
    recorded = {"subject": SUBJECT, "action": {"name": "read"}, "resource": RESOURCE}
    asked_ = request_of(recorded, json.dumps(line))
    assert asked_ == Request(
        subject={"type": "App::User", "id": "ann"},
        action={"name": "read", "properties": {"type": "App::Action"}},
        resource=RESOURCE,
        context={"emergency": True},
    )
    assert request_of(recorded, "no line of Cedar's") == Request(
        subject=SUBJECT, action={"name": "read"}, resource=RESOURCE
    )
    assert request_of({"subject": SUBJECT}, json.dumps(line | {"action": "read"})) is None
