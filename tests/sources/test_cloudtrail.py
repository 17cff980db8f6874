"""The cloudtrail source: golden cases, what its records add up to, hostile input, and the recorded logs if at hand."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model import Judgement, judge

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Record, format_instant, parse_instant, to_native
from quowarranto.sources import by_name
from quowarranto.sources.cloudtrail import SOURCE, derive
from quowarranto.sources.cloudtrail.keys import parse_expiration
from quowarranto.sources.cloudtrail.verbs import verbs_beside, verbs_of
from quowarranto.sources.entry import Entry, Observation, Sample, Skipped

HERE = Path(__file__).parent / "cloudtrail"
CASES = sorted(folder.name for folder in HERE.iterdir() if folder.is_dir())
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
SETS = CORPUS / "aws_cloudtrail"

INVICTUS = sorted((SETS / "invictus-ir").rglob("*.json"))
OTRF = sorted((SETS / "OTRF").rglob("ec2_proxy_s3_exfiltration_*.json"))
PANTHER = CORPUS / "panther" / "extracted" / "aws_cloudtrail_rules.jsonl"
FALCO = sorted((CORPUS / "kubernetes_audit" / "falco").rglob("plugins/*.json"))


def entries(case: str) -> list[Entry]:
    """One event a line, or the elements of `Records`, or one document: as the reader of inputs opens them."""
    (file,) = (HERE / case).glob("input.*")
    data = file.read_bytes()
    return [Entry(piece, file.name) for piece in (data.splitlines() if file.suffix == ".jsonl" else opened(data))]


def opened(data: bytes) -> list[bytes]:
    value = json.loads(data)
    return [json.dumps(event).encode() for event in value["Records"]] if "Records" in value else [data]


def outcome(entry: Entry) -> Any:
    """As the golden files write it: a list of what was found, or why nothing was."""
    try:
        found = SOURCE.read(entry)
    except RejectedEntry as error:
        return {"rejected": str(error)}
    if isinstance(found, Skipped):
        return {"skipped": found.reason}
    return [told(one) for one in found]


def told(one: Record | Observation) -> Any:
    if isinstance(one, Observation):
        return {"observed": one.name, "at": format_instant(one.at), "data": one.data}
    return json.loads(json.dumps(to_native(one)))


def golden(case: str) -> dict[str, Any]:
    facts = [told(fact) for fact, _ in derive(parts(entries(case))[1])]
    return {"entries": [outcome(entry) for entry in entries(case)], "derived": facts}


def parts(found: list[Entry]) -> tuple[list[Record], list[Observation]]:
    records: list[Record] = []
    observations: list[Observation] = []
    for entry in found:
        for one in read_or_nothing(entry):
            if isinstance(one, Observation):
                observations.append(one)
            else:
                records.append(one)
    return records, observations


def read_or_nothing(entry: Entry) -> Iterator[Record | Observation]:
    try:
        found = SOURCE.read(entry)
    except RejectedEntry:
        return
    if not isinstance(found, Skipped):
        yield from found


@pytest.mark.parametrize("case", CASES)
def test_every_entry_comes_out_as_the_golden_file_says(case: str) -> None:
    assert golden(case) == json.loads((HERE / case / "outcomes.json").read_text())


@pytest.mark.parametrize("case", CASES)
def test_no_session_token_of_the_fixtures_is_in_what_comes_out(case: str) -> None:
    assert "MADEUPSESSIONTOKEN" not in json.dumps(golden(case))


# --- what the records add up to, judged by the plain model


def judged(*cases: str) -> dict[str, Judgement]:
    """By the number of the event in its made-up id."""
    found = [entry for case in cases for entry in entries(case)]
    records, observations = parts(found)
    verdicts = judge([*records, *(fact for fact, _ in derive(observations))])
    return {one.action.removeprefix("aws/e-"): one for one in verdicts}


def fact_of(case: str, key: str) -> list[AuthorityFact]:
    return [r for r in parts(entries(case))[0] if isinstance(r, AuthorityFact) and r.id == f"aws/key/{key}"]


def test_a_chain_of_roles_is_a_chain_of_issuing_actions() -> None:
    (prod,) = fact_of("keys", "ASIAPROD000000000001")
    (deploy,) = fact_of("keys", "ASIADEPLOY0000000001")
    actions = {r.id: r for r in parts(entries("keys"))[0] if isinstance(r, Action)}
    assert prod.issued_by is not None
    assert actions[prod.issued_by].cites == (deploy.id,)
    assert deploy.issued_by is not None
    assert actions[deploy.issued_by].cites == ("aws/key/AKIACI00000000000001",)
    assert [who.id for who in actions["aws/e-4"].on_behalf_of] == ["alice"]


def test_a_key_that_is_switched_off_and_on_is_one_authority_with_several_terms() -> None:
    found = judged("keys")
    assert found["7"].codes == ("QW202", "QW406")
    assert found["9"].codes == ()
    assert found["11"].codes == ("QW202", "QW406")
    assert [fact.fact for fact in fact_of("keys", "AKIACI00000000000001")] == [
        "established",
        "ended",
        "established",
        "ended",
    ]


def test_a_key_may_delete_itself_and_be_used_in_the_second_of_its_issue() -> None:
    found = judged("keys")
    for number in ("2", "3", "10"):
        assert (found[number].verdict, found[number].codes) == ("presumed", ())


def test_a_key_past_its_expiration_is_expired() -> None:
    found = judged("keys")
    assert found["4"].codes == ()
    assert found["5"].codes == ("QW201",)


def test_a_key_issued_elsewhere_is_joined_by_its_session_and_stays_dangling() -> None:
    delivered = judged("keys")["18"]
    assert (delivered.method, delivered.linkage) == ("correlated", "partial")
    assert "QW104" in delivered.codes


def test_keys_are_never_used_by_another_principal_than_theirs() -> None:
    assert not [one for case in CASES for one in judged(case).values() if "QW207" in one.codes]


def test_a_refusal_is_refused_and_a_limit_is_not() -> None:
    found = judged("keys")
    assert found["19"].verdict == "refused"
    assert found["20"].verdict != "refused"


def test_a_call_is_held_against_the_policy_version_in_force() -> None:
    found = judged("iam")
    reader = ("aws/grant/arn:aws:iam::111122223333:role/svc/app/arn:aws:iam::111122223333:policy/reader", "grant")
    for number in ("5", "6"):
        assert reader in found[number].authorities
        assert (found[number].verdict, found[number].codes) == ("presumed", ("QW102",))
    assert "QW108" in found["7"].codes
    assert "QW205" in found["9"].codes


def test_revoking_older_sessions_ends_the_keys_issued_before() -> None:
    assert {"QW202", "QW406"} <= set(judged("iam")["14"].codes)


def test_giving_oneself_a_policy_is_not_covered_by_that_policy() -> None:
    escalation = judged("iam")["18"]
    assert not [key for key, _ in escalation.authorities if "AdministratorAccess" in key]


def test_a_snapshot_gives_grants_since_the_holder_and_the_policy_version_exist() -> None:
    snapshot = parts(entries("snapshot"))[1]
    facts = [fact for fact, _ in derive(snapshot)]
    through = [fact for fact in facts if fact.id.endswith("policy/power") and "user/ops" in fact.id]
    assert [format_instant(fact.time)[:10] for fact in through] == ["2023-01-05", "2024-03-01"]
    assert not [fact for fact in facts if "Quarantine" in fact.id and fact.principal is not None]
    assert {fact.effect for fact in facts if "#deny" in fact.id} == {"deny"}


def test_what_an_event_made_did_not_hold_before_it_whatever_the_snapshot_shows() -> None:
    event = {
        "eventID": "e-1",
        "eventTime": "2024-05-01T12:00:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "AttachGroupPolicy",
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "Root", "accountId": "111122223333"},
        "requestParameters": {"groupName": "operators", "policyArn": "arn:aws:iam::111122223333:policy/power"},
    }
    observations = parts([*entries("snapshot"), Entry(json.dumps(event).encode())])[1]
    times = {fact.time for fact, _ in derive(observations) if "user/ops" in fact.id and "policy/power" in fact.id}
    assert times == {parse_instant("2024-05-01T12:00:00Z")}


@pytest.mark.parametrize("case", CASES)
def test_neither_the_order_of_changes_nor_copies_of_them_change_a_fact(case: str) -> None:
    observations = parts(entries(case))[1]
    shuffled = observations * 2
    random.Random(7).shuffle(shuffled)
    assert [fact for fact, _ in derive(observations)] == [fact for fact, _ in derive(shuffled)]


def test_one_event_in_any_wrapping_is_the_same_record() -> None:
    one, other = entries("wrapped")[:2]
    assert outcome(one) == outcome(other)


# --- small parts


@pytest.mark.parametrize(
    "text, instant",
    [
        ("Jul 30, 2021 12:53:52 AM", "2021-07-30T00:53:52Z"),
        ("Jul 10, 2023, 12:09:47 PM", "2023-07-10T12:09:47Z"),
        ("Dec 1, 2024, 1:02:03\u202fPM", "2024-12-01T13:02:03Z"),
        ("2023-07-10T12:09:47Z", "2023-07-10T12:09:47Z"),
    ],
)
def test_every_spelling_of_an_expiration_is_read(text: str, instant: str) -> None:
    assert parse_expiration(text) == parse_instant(instant)


@pytest.mark.parametrize("text", ["", "soon", "Foo 10, 2023, 12:09:47 PM", "Feb 30, 2023 1:00:00 AM", "2023-07-10"])
def test_what_is_no_expiration_is_not_guessed(text: str) -> None:
    assert parse_expiration(text) is None


def test_iam_actions_cover_the_names_under_which_their_calls_are_logged() -> None:
    assert "s3:ListObjectsV2" in verbs_of("s3:ListBucket")
    assert "s3:ListBuckets" not in verbs_of("s3:ListBucket")
    assert verbs_of("S3:get*")[0] == "s3:Get*"
    assert "monitoring:*" in verbs_of("cloudwatch:*")
    assert verbs_of("lambda:GetFunction") == ("lambda:GetFunction", "lambda:GetFunction20??????*")
    beside = verbs_beside(("iam:*", "s3:DeleteBucket"))
    assert "ec2:*" in beside
    assert not {"iam:*", "s3:*"} & set(beside)


def test_the_source_knows_its_own_and_no_other() -> None:
    assert by_name("cloudtrail") is SOURCE
    for case in CASES:
        documents = tuple(json.loads(entry.data) for entry in entries(case)[:2])
        assert SOURCE.recognise(Sample("x.json", "", documents)) >= 90
    notification = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2024-05-01T10:00:00Z"}
    vault = {"type": "request", "request": {"id": "x"}, "time": "2024-05-01T10:00:00Z"}
    others: list[Any] = [{"kind": "action"}, {"kind": "Event", "auditID": "a"}, {"Policies": []}, [1], "x"]
    for other in [*others, vault, notification]:
        assert SOURCE.recognise(Sample("x.json", "", (other,))) == 0


# --- hostile input

_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_SEEDS = [json.loads(entry.data) for case in CASES for entry in entries(case)]


def mutated(value: Any, draw: st.DataObject) -> Any:
    """The value with one part of it, at any depth, replaced by anything, removed, or broken as text."""
    if isinstance(value, dict) and value and draw.draw(st.integers(0, 3)):
        key = draw.draw(st.sampled_from(sorted(value)))
        if not draw.draw(st.integers(0, 5)):
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: mutated(value[key], draw)}
    if isinstance(value, list) and value and draw.draw(st.integers(0, 3)):
        at = draw.draw(st.integers(0, len(value) - 1))
        return [*value[:at], mutated(value[at], draw), *value[at + 1 :]]
    if isinstance(value, str) and draw.draw(st.booleans()):
        return value[: draw.draw(st.integers(0, len(value)))]
    return draw.draw(_ANYTHING)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_comes_in_is_read_skipped_or_rejected(data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(_SEEDS))
    for _ in range(data.draw(st.integers(1, 3))):
        value = mutated(value, data)
    entry = Entry(json.dumps(value).encode())
    _, observations = parts([entry])
    SOURCE.recognise(Sample("x", "", (value,)))
    list(derive(observations))


@given(st.binary(max_size=64))
def test_bytes_that_are_no_event_are_rejected(data: bytes) -> None:
    assert parts([Entry(data)]) == ([], [])


# --- the recorded logs


def counted(found: list[Entry]) -> Counter[str]:
    records, _ = parts(found)
    keys = {
        r.id for r in records if isinstance(r, AuthorityFact) and r.kind == "credential" and r.fact == "established"
    }
    return Counter(
        actions=sum(isinstance(r, Action) for r in records),
        issued=len(keys),
        uses=sum(isinstance(r, Action) and not keys.isdisjoint(r.cites) for r in records),
    )


@pytest.mark.skipif(not INVICTUS, reason="the recorded logs are not beside this checkout")
def test_the_recorded_incident_has_as_many_issuances_and_uses_as_counted_by_hand() -> None:
    found = [Entry(event) for file in INVICTUS for event in opened(file.read_bytes())]
    assert counted(found) == {"actions": 2900, "issued": 38, "uses": 70}
    records, observations = parts(found)
    through = Counter(r.attributes.get("issued_through") for r in records if isinstance(r, AuthorityFact))
    assert (through["AssumeRole"], through["CreateAccessKey"]) == (36, 2)
    verdicts = judge([*records, *(fact for fact, _ in derive(observations))])
    assert not [one for one in verdicts if "QW207" in one.codes or one.linkage == "proven"]


@pytest.mark.skipif(not OTRF, reason="the recorded logs are not beside this checkout")
def test_the_recorded_theft_of_instance_credentials_joins_their_issuance() -> None:
    found = [Entry(line) for file in OTRF for line in file.read_bytes().splitlines()]
    assert counted(found) == {"actions": 103, "issued": 5, "uses": 11}


@pytest.mark.skipif(not PANTHER.exists() or not FALCO, reason="the collected samples are not beside this checkout")
def test_collected_samples_come_out_as_records_or_with_a_reason() -> None:
    samples = [json.dumps(json.loads(line)["log"]).encode() for line in PANTHER.read_bytes().splitlines()]
    samples += [event for file in FALCO for event in opened(file.read_bytes())]
    reasons = Counter("records" if isinstance(told := outcome(Entry(one)), list) else str(told) for one in samples)
    assert reasons["records"] == 318
    assert sum(reasons.values()) == 463
