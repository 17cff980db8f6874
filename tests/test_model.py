"""The plain model gives the answers that the case files expect, whatever the order of the records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quowarranto.records import AuthorityFact, Record
from tests.cases_io import Case, disagreements, load_cases
from tests.model import judge
from tests.worlds import shrink, shuffled, split, world, write_case


@pytest.mark.parametrize("case", load_cases(), ids=str)
def test_the_model_gives_the_answer_in_the_case_file(case: Case) -> None:
    judgements = judge(case.records, skew_us=case.skew_us, window_us=case.window_us, expectations=case.expectations)
    assert disagreements(case, judgements) == [], case.about


@pytest.mark.parametrize("case", load_cases(), ids=str)
def test_a_case_says_in_a_sentence_of_its_own_what_it_shows(case: Case) -> None:
    assert len(case.about) > 20
    assert len(case.records) <= 20
    assert case.expect


def test_no_two_cases_say_the_same_sentence() -> None:
    abouts = [case.about for case in load_cases()]
    assert len(abouts) == len(set(abouts))


@pytest.mark.parametrize("seed", range(40))
def test_the_order_and_the_batches_of_the_records_do_not_change_a_judgement(seed: int) -> None:
    records = world(seed, 30)
    batches = split(records, seed)
    assert judge(shuffled(records, seed)) == judge(records)
    assert judge(record for batch in batches for record in batch) == judge(records)


@pytest.mark.parametrize("seed", range(20))
def test_a_record_seen_twice_counts_once(seed: int) -> None:
    records = world(seed, 30)
    assert judge([*records, *records]) == judge(records)


def test_one_seed_gives_one_world() -> None:
    assert world(7) == world(7)
    assert world(7) != world(8)


def test_shrinking_keeps_only_what_the_disagreement_needs() -> None:
    def refers_to_a_ghost(records: list[Record]) -> bool:
        return any("QW104" in one.codes and one.linkage == "proven" for one in judge(records))

    seed = next(seed for seed in range(100) if refers_to_a_ghost(world(seed)))
    small = shrink(world(seed), refers_to_a_ghost)
    assert refers_to_a_ghost(small)
    assert len(small) == 2


def test_a_written_case_is_read_back_as_it_was(tmp_path: Path) -> None:
    records = [record for record in world(3, 20) if isinstance(record, AuthorityFact) or record.stage == 0]
    expect = {one.action: {"verdict": one.verdict, "codes": list(one.codes)} for one in judge(records)}
    write_case(tmp_path / "QW101" / "found.jsonl", "a sentence", records, expect, skew_s=1)
    (case,) = load_cases(tmp_path)
    assert (case.name, case.about, case.expect, case.skew_us) == ("QW101/found", "a sentence", expect, 1_000_000)
    assert judge(case.records) == judge(records)
    assert json.loads((tmp_path / "QW101" / "found.jsonl").read_text().splitlines()[0])["expect"] == expect
