"""The table of documented cases: what the policies of a token say, and which of them decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from quowarranto.replay.language import Policy, Request
from quowarranto.replay.vault_acl import evaluate

SCENES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
CASES = [(scene, case) for scene in SCENES for case in scene["cases"]]
_SUBJECT = ("policies", "identity")
_ACTION = ("parameters", "event_type")
_RESOURCE = ("exists", "root_protected")


def policies_of(scene: dict[str, Any]) -> list[Policy]:
    """Texts as they stand; an object is JSON. A list under one name is several versions."""
    return [
        Policy(name, text if isinstance(text, str) else json.dumps(text))
        for name, texts in scene["policies"].items()
        for text in (texts if isinstance(texts, list) else [texts])
    ]


def request_of(ask: dict[str, Any]) -> Request:
    """The `ask` of a case as a request: `do` is `read PATH`, the properties stand beside it."""
    operation, _, path = ask["do"].partition(" ")

    def some(keys: tuple[str, ...]) -> dict[str, Any]:
        return {key: ask[key] for key in keys if key in ask}

    context = {key: ask[key] for key in ask if key not in ("do", *_SUBJECT, *_ACTION, *_RESOURCE)}
    return Request(
        subject={"type": "vault_token", "id": "t", "properties": some(_SUBJECT)},
        action={"name": operation, "properties": some(_ACTION)},
        resource={"type": "secret", "id": path, "properties": some(_RESOURCE)},
        context=context,
    )


@pytest.mark.parametrize(("scene", "case"), CASES, ids=[f"{s['scene']}: {c['about']}" for s, c in CASES])
def test_the_policies_answer_as_their_documentation_says(scene: dict[str, Any], case: dict[str, Any]) -> None:
    found = evaluate(policies_of(scene), request_of(case["ask"]))
    assert (found.effect, list(found.missing)) == (case["expect"], case.get("missing", []))
    assert len(found.errors) == case.get("errors", 0)
    if "determining" in case:
        assert list(found.determining) == case["determining"]


def test_every_case_says_which_page_or_file_states_its_rule() -> None:
    assert [case["about"] for scene, case in CASES if not (case.get("source") or scene.get("source"))] == []
    assert len({(scene["scene"], case["about"]) for scene, case in CASES}) == len(CASES) >= 150
