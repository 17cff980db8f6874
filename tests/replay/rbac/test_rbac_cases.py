"""The table of documented cases: what RBAC answers, and which binding decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from quowarranto.replay.language import Policy, Request
from quowarranto.replay.rbac import evaluate

SCENES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
CASES = [(scene, case) for scene in SCENES for case in scene["cases"]]


def policies_of(scene: dict[str, Any]) -> list[Policy]:
    """Manifests as JSON, bare texts as they stand; named `p0`, `p1`, …"""
    given = scene["policies"]
    return [Policy(f"p{number}", one["text"] if "text" in one else json.dumps(one)) for number, one in enumerate(given)]


def request_of(ask: dict[str, Any]) -> Request:
    """The `ask` of a case as a request."""
    properties = {key: ask[key] for key in ("groups_complete",) if key in ask}
    groups = ask.get("groups", ["system:authenticated"])
    context: dict[str, Any] = {
        key: ask[key] for key in ("allowed_by_another", "denied_by_another", "not_known") if key in ask
    }
    beside = ("user", "groups", "groups_complete", "verb", *context)
    resource = {key: value for key, value in ask.items() if key not in beside}
    if "url" in resource:
        resource = {"nonResourceURL": resource["url"]}
    return Request(
        subject={"type": "user", "id": ask.get("user"), "properties": properties | {"groups": groups}},
        action={"name": ask.get("verb")},
        resource={"type": "any", "id": "any", "properties": resource},
        context=context,
    )


@pytest.mark.parametrize(("scene", "case"), CASES, ids=[f"{s['scene']}: {c['about']}" for s, c in CASES])
def test_rbac_answers_as_its_documentation_says(scene: dict[str, Any], case: dict[str, Any]) -> None:
    found = evaluate(policies_of(scene), request_of(case["ask"]))
    assert (found.effect, list(found.missing)) == (case["expect"], case.get("missing", []))
    assert len(found.errors) == case.get("errors", 0)
    if "determining" in case:
        assert list(found.determining) == case["determining"]
    assert bool(found.determining) == (found.effect == "permit")


def test_every_case_says_which_page_or_file_states_its_rule() -> None:
    assert [case["about"] for scene, case in CASES if not (case.get("source") or scene.get("source"))] == []
    assert len({(scene["scene"], case["about"]) for scene, case in CASES}) == len(CASES) >= 150
