"""The tables of documented cases: what AWS answers, and which statement decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from quowarranto.replay.iam import evaluate
from quowarranto.replay.language import Policy, Request

HERE = Path(__file__).parent
SCENES: list[dict[str, Any]] = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
CASES = [(scene, case) for scene in SCENES for case in scene["cases"]]
TABLES: list[dict[str, Any]] = yaml.safe_load((HERE / "conditions.yaml").read_text(encoding="utf-8"))
ROWS = [(table, row) for table in TABLES for row in table["cases"]]
ANN = "arn:aws:iam::111122223333:user/ann"


def policies_of(documents: dict[str, Any]) -> list[Policy]:
    """Texts as they stand, the rest as JSON. Names that differ in a final blank are one name."""
    found = []
    for name, one in documents.items():
        if one is None:
            continue
        document = {"Version": "2012-10-17", "Statement": one} if isinstance(one, list) else one
        text = one["text"] if isinstance(one, dict) and "text" in one else json.dumps(document)
        found.append(Policy(name.strip(), text))
    return found


def request_of(ask: dict[str, Any], known: bool = True) -> Request:
    """The `ask` of a case as a request, complete unless said otherwise."""
    who = ask.get("principal", ANN)
    names = ("role", "uniqueId", "provider", "canonicalUser")
    properties = {name: ask[name] for name in names if name in ask}
    return Request(
        subject={"type": ask.get("type", "user") if who is not None else "", "id": who, "properties": properties},
        action={"name": ask.get("action")},
        resource={"type": "arn", "id": ask.get("resource"), "properties": {"account": ask.get("owner")}},
        context={"complete": known, **ask.get("context", {})},
    )


@pytest.mark.parametrize(("scene", "case"), CASES, ids=[f"{s['scene']}: {c['about']}" for s, c in CASES])
def test_iam_answers_as_its_documentation_says(scene: dict[str, Any], case: dict[str, Any]) -> None:
    told = scene | case
    policies = policies_of(scene["policies"] | case.get("policies", {}))
    found = evaluate(policies, request_of(scene["ask"] | case.get("ask", {}), told.get("known", True)))
    assert (found.effect, list(found.missing)) == (told["expect"], told.get("missing", []))
    assert len(found.errors) == told.get("errors", 0)
    if "determining" in case:
        assert list(found.determining) == case["determining"]


@pytest.mark.parametrize(("table", "row"), ROWS, ids=[f"{r['op']}: {r['about']}" for t, r in ROWS])
def test_a_condition_holds_as_the_documentation_says(table: dict[str, Any], row: dict[str, Any]) -> None:
    """Where it allows and where it denies; keys of conditions tell no case."""
    statement = {"Action": "s3:*", "Resource": "*", "Condition": {row["op"]: {table["key"]: row["want"]}}}
    context = {table["key"].upper(): row["is"]} if "is" in row else {}
    request = request_of({"action": "s3:X", "resource": "*", "context": context})
    allowing = evaluate(policies_of({"identity:p": [{"Effect": "Allow", **statement}]}), request)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    denying = evaluate(policies_of({"identity:p": [everything, {"Effect": "Deny", **statement}]}), request)
    if "missing" in row:
        assert (allowing.effect, list(allowing.missing)) == ("indeterminate", row["missing"])
        assert (denying.effect, list(denying.missing)) == ("indeterminate", row["missing"])
    else:
        assert (allowing.effect, denying.effect) == (("permit", "deny") if row["holds"] else ("deny", "permit"))


def test_every_case_says_which_page_states_its_rule() -> None:
    assert [case["about"] for scene, case in CASES if not (case.get("source") or scene.get("source"))] == []
    assert [row["about"] for table, row in ROWS if not (row.get("source") or table.get("source"))] == []
    assert len({(scene["scene"], case["about"]) for scene, case in CASES}) == len(CASES) >= 150
    assert len({(row["op"], row["about"]) for _, row in ROWS}) == len(ROWS) >= 100
