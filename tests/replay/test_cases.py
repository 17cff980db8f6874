"""Records with the answer of a replay, the verdicts and the findings that a reviewer expects of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.query import verdicts
from quowarranto.case.store import Case
from quowarranto.findings.explain import Explainer
from quowarranto.findings.whole import all_findings
from quowarranto.pipeline import link_paths
from quowarranto.records.codes import REPLAYED
from quowarranto.replay.compare import Comparison, Tally
from quowarranto.replay.run import Asked, replay_case

CASES = sorted((Path(__file__).parent / "cases").rglob("*.jsonl"))


def linked(folder: Path, records: str) -> Case:
    """A case of these native records."""
    (folder / "log.jsonl").write_text(records, encoding="utf-8")
    case = Case(folder / "quo.case")
    link_paths(case, [f"native={folder / 'log.jsonl'}"], threads=1)
    return case


def replayed(case: Case, asked: Asked | None = None, tally: Tally | None = None) -> list[Comparison]:
    """The answers, by decision."""
    found = replay_case(case, asked or Asked(workers=1), tally or Tally())
    return sorted(found, key=lambda one: one.decision)


def all_verdicts(case: Case) -> list[dict[str, Any]]:
    """Rows of `case.query.verdicts`."""
    return list(verdicts(case.snapshot()))


def shown_findings(case: Case) -> set[str]:
    """Of the codes of replays: code, subject, how many decisions, which actions."""
    out = set()
    for row in all_findings(case.snapshot()):
        if row["code"] in REPLAYED:
            subject = row["key"] or f"{row['principal_type']}:{row['principal_id']}"
            out.add(" ".join([row["code"], subject, str(row["count"]), *row["sample"]]))
    return out


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_replay_gives_the_answer_in_the_case_file(path: Path, tmp_path: Path) -> None:
    head, _, records = path.read_text(encoding="utf-8").partition("\n")
    wanted: dict[str, Any] = json.loads(head)["expect"]
    case = linked(tmp_path, records)
    answers = {one.decision: [one.replayed, one.code, list(one.missing)] for one in replayed(case)}
    assert answers == wanted["decisions"]
    judged = {row["id"]: [row["verdict"], list(filter(None, row["codes"].split(",")))] for row in all_verdicts(case)}
    assert judged == wanted["actions"]
    assert shown_findings(case) == set(wanted["findings"])
    explainer = Explainer(case.snapshot(), list(judged))
    for action in judged:
        (explained,) = explainer.explain(action)
        for link in explained["chain"]:
            if link["key"] in answers:
                assert link["replay"]["replayed"] == answers[link["key"]][0]
                assert link["replay"]["code"] == answers[link["key"]][1]


def test_every_code_has_cases_where_it_stands_where_not_and_on_the_edge() -> None:
    for code in REPLAYED:
        heads = [json.loads(path.read_text("utf-8").partition("\n")[0]) for path in CASES if path.parent.name == code]
        answers = [{answer[1] for answer in head["expect"]["decisions"].values()} for head in heads]
        assert any(code in one for one in answers)
        assert any(code not in one for one in answers)
        assert any(head.get("borderline") for head in heads)
