"""What a case itself tells of roles and bindings: decisions of the API server, replayed as they stood at their time."""

from __future__ import annotations

import itertools
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths
from quowarranto.replay.decisions import decisions, policies
from quowarranto.replay.planning import Planner
from quowarranto.replay.rbac import evaluate
from quowarranto.replay.texts import Texts
from quowarranto.replay.told import seen

(TABLE,) = yaml.safe_load((Path(__file__).parent / "standing.yaml").read_text(encoding="utf-8"))
SCENES: list[dict[str, Any]] = TABLE["scenes"]
OBJECTS: dict[str, Any] = TABLE["objects"]
_GROUP = "rbac.authorization.k8s.io"
_PLURAL = {kind: f"{kind.lower()}s" for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")}
WHOLE = [
    {"kind": "ClusterRoleBinding", "metadata": {"name": "system:basic-user"}},
    {"kind": "RoleBinding", "metadata": {"namespace": "kube-system", "name": "system::leader"}},
    {"kind": "RoleBinding", "metadata": {"namespace": "kube-public", "name": "system:controller:bootstrap-signer"}},
]


def _time(at: str) -> str:
    return f"2026-03-01T{at}Z"


def _event(number: int, at: str, verb: str, reference: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": f"{number:04}",
        "stage": "ResponseComplete",
        "verb": verb,
        "requestReceivedTimestamp": _time(at),
        "user": {"username": "root", "groups": ["system:masters"]},
        "objectRef": reference,
        "responseStatus": {"code": 200},
    } | more


def _change(number: int, at: str, how: str, what: str) -> dict[str, Any]:
    verb, _, code = how.partition(" ")
    if what in OBJECTS:
        body = OBJECTS[what] | {"apiVersion": f"{_GROUP}/v1"}
        kind, namespace, name = body["kind"], body["metadata"].get("namespace"), body["metadata"]["name"]
        more: dict[str, Any] = {"responseObject": body}
    else:
        place, _, query = what.partition("?")
        kind, namespace, name = place.split("/")
        more = {"requestURI": f"/x?{query}"} if query else {}
        name = "" if name == "*" else name
    reference = {"resource": _PLURAL[kind], "apiGroup": _GROUP, "namespace": namespace, "name": name}
    if code == "panic":
        return _event(number, at, verb, reference, stage="Panic", responseStatus={"code": 500})
    created = 201 if verb == "create" else 200
    return _event(number, at, verb, reference, responseStatus={"code": int(code or created)}, **more)


def _question(number: int, at: str, who: str, verb: str, what: str, namespace: str | None) -> dict[str, Any]:
    user, _, group = who.partition("/")
    more: dict[str, Any] = {
        "user": {"username": user, "groups": [group or "system:authenticated"]},
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: allowed by x"},
    }
    if namespace is None:
        return _event(number, at, verb, {}, requestURI=what, **more)
    resource, _, name = what.partition("/")
    return _event(number, at, verb, {"resource": resource, "namespace": namespace, "name": name or "web"}, **more)


def _exported(names: list[str], managed: str | None) -> str:
    found = []
    for one in itertools.chain.from_iterable(WHOLE if name == "whole" else [OBJECTS[name]] for name in names):
        metadata = one["metadata"] | {"uid": "1"} | ({"managedFields": [{"time": _time(managed)}]} if managed else {})
        role = {"roleRef": {"kind": "Role", "name": "x"}} if one["kind"].endswith("Binding") else {}
        found.append(role | one | {"apiVersion": f"{_GROUP}/v1", "metadata": metadata})
    return json.dumps({"kind": "List", "apiVersion": "v1", "items": found})


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["about"])
def test_a_decision_is_put_to_roles_and_bindings_as_they_stood(scene: dict[str, Any], tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    events = [_change(number, *change) for number, change in enumerate(scene["log"])]
    asked = {f"kubernetes/decision/{number:04}": one for number, one in enumerate(scene["ask"], 1000)}
    events += [_question(number, *one[:5]) for number, one in enumerate(scene["ask"], 1000)]
    (logs / "audit.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    for at, names in scene.get("exports", {}).items():
        (logs / f"rbac@{_time(at)}.json").write_text(_exported(names, scene.get("managed")))
    if "plain" in scene:
        (logs / "rbac.json").write_text(_exported(scene["plain"], None))
    case = Case(tmp_path / "case")
    link_paths(case, [str(logs)], judge=False, threads=1)
    snapshot = case.snapshot()
    planner = Planner(policies(snapshot), Texts(None), seen=partial(seen, snapshot))
    answers = {one.key: planner.plan(one) for one in decisions(snapshot)}
    for key, one in asked.items():
        plan, wanted = answers[key], one[6] if len(one) > 6 else []
        assert plan is not None
        assert plan.question is not None
        found = evaluate(plan.question.policies, plan.question.request)
        assert (found.effect, len(found.missing)) == (one[5], len(wanted)), (one, found.missing, found.errors)
        assert all(any(name.startswith(begin) for name in found.missing) for begin in wanted), (one, found.missing)


def test_every_scene_says_where_its_rule_is_stated() -> None:
    assert [scene["about"] for scene in SCENES if not scene.get("source")] == []
    assert len({scene["about"] for scene in SCENES}) == len(SCENES) >= 30
