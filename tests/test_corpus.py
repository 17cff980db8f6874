"""Real logs through the whole pipeline. They lie beside the project, and where they do not these tests are skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.query import records
from quowarranto.case.store import Case
from quowarranto.pipeline import Outcome, link_paths

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real logs is not beside the project")
pytestmark = needs_corpus


def linked(folder: Path, *parts: str) -> tuple[Outcome, list[dict[str, Any]]]:
    """Link parts of the corpus and return what was read and the records."""
    case = Case(folder / "quo.case")
    outcome = link_paths(case, [str(CORPUS / part) for part in parts], threads=1)
    return outcome, list(records(case.snapshot()))


@pytest.mark.parametrize("name", ["kubernetes_audit", "vault", "aws_cloudtrail"])
def test_every_line_of_a_set_becomes_records_is_skipped_or_quarantined(tmp_path: Path, name: str) -> None:
    """Lines in = records + skipped + quarantined, and something was read."""
    totals = linked(tmp_path, name)[0].totals
    assert totals.entries == totals.recorded + totals.skipped + totals.quarantined
    assert totals.recorded > 0


def test_an_intrusion_into_an_account_is_read_whole(tmp_path: Path) -> None:
    """2,900 calls, 38 keys issued, and 70 calls made with a key that was issued in the set."""
    found = linked(tmp_path, "aws_cloudtrail/invictus-ir/CloudTrail")[1]
    actions = [one for one in found if one["kind"] == "action"]
    issued = {one["id"] for one in found if one["kind"] == "credential" and one["fact"] == "established"}
    assert len(actions) == 2900
    assert sum(one["kind"] == "credential" and one["fact"] == "established" for one in found) == 38
    assert sum(bool(issued & set(one.get("cites", ()))) for one in actions) == 70


def test_an_exfiltration_is_read_whole(tmp_path: Path) -> None:
    """103 calls, 11 of them made with a key that was issued in the set."""
    where = "aws_cloudtrail/OTRF/datasets/atomic/aws/collection/ec2_proxy_s3_exfiltration_2020-09-14011940.json"
    outcome, found = linked(tmp_path, where)
    issued = {one["id"] for one in found if one["kind"] == "credential" and one["fact"] == "established"}
    assert (outcome.totals.entries, outcome.totals.recorded) == (103, 103)
    assert sum(one["kind"] == "action" and bool(issued & set(one.get("cites", ()))) for one in found) == 11


def test_tokens_of_a_vault_log_join_the_requests_made_with_them(tmp_path: Path) -> None:
    """231 issued, 463 later requests by accessor."""
    found = linked(tmp_path, "vault")[1]
    issued = {one["id"]: one for one in found if one["kind"] == "credential" and one["fact"] == "established"}
    joined = [one for one in found if one["kind"] == "action" and issued.keys() & set(one.get("cites", ()))]
    assert (len(issued), len(joined)) == (231, 463)
