"""The vault source: golden cases, laws about what its records add up to, and the recorded log where it is at hand."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model import Judgement, judge

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Record, to_native
from quowarranto.sources import by_name
from quowarranto.sources.entry import Entry, Observation, Sample, Skipped
from quowarranto.sources.vault import SOURCE

HERE = Path(__file__).parent / "vault"
CASES = sorted(folder.name for folder in HERE.iterdir() if (folder / "outcomes.json").exists())
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "vault"
MODIFIED_AT = 1_772_442_000_000_000  # 2026-03-02T09:00:00Z
SECRETS = ("MADEUPTOKEN", "MADEUPBYHAND", "MADE-UP-PASSWORD", "made-up-pin")


def entries(case: str) -> list[Entry]:
    """One entry a line; a policy file is one entry as a whole."""
    (file,) = (HERE / case).glob("input.*")
    data = file.read_bytes()
    pieces = data.splitlines() if file.suffix == ".jsonl" else [data]
    return [Entry(piece, file.name, MODIFIED_AT) for piece in pieces]


def outcome(entry: Entry) -> Any:
    """As the golden files write it: a list of native records, or why there are none."""
    try:
        found = SOURCE.read(entry)
    except RejectedEntry as error:
        return {"rejected": str(error)}
    if isinstance(found, Skipped):
        return {"skipped": found.reason}
    return [told(record) for record in found if not isinstance(record, Observation)]


def told(record: Record) -> dict[str, Any]:
    staged = {"stage": record.stage} if isinstance(record, Action) else {}
    return {**json.loads(json.dumps(to_native(record))), **staged}


def records(case: str) -> list[Record]:
    out: list[Record] = []
    for entry in entries(case):
        found = SOURCE.read(entry)
        assert not isinstance(found, Skipped)
        out += [record for record in found if not isinstance(record, Observation)]
    return out


@pytest.mark.parametrize("case", CASES)
def test_every_entry_comes_out_as_the_golden_file_says(case: str) -> None:
    expected = json.loads((HERE / case / "outcomes.json").read_text())
    assert [outcome(entry) for entry in entries(case)] == expected


@pytest.mark.parametrize("case", CASES)
def test_no_secret_of_the_fixtures_is_in_what_comes_out(case: str) -> None:
    text = json.dumps([outcome(entry) for entry in entries(case)])
    assert not [secret for secret in SECRETS if secret in text]


# --- what the records add up to, judged by the plain model


def verdicts(case: str, *more: Record) -> dict[int, Judgement]:
    """By the place of the request in the input, from 1."""
    of_case = records(case)
    order = dict.fromkeys(record.id for record in of_case if isinstance(record, Action))
    found = {one.action: one for one in judge([*of_case, *more])}
    return {place: found[action] for place, action in enumerate(order, start=1)}


def test_a_read_rests_on_the_policy_that_granted_it_and_on_the_token() -> None:
    read = verdicts("granted")[4]
    assert (read.verdict, read.linkage, read.basis, read.codes) == ("authorised", "proven", "policy", ())
    assert [kind for _, kind in read.authorities] == ["credential", "decision", "policy"]


def test_a_login_rests_on_the_role_that_let_it_in() -> None:
    login = verdicts("granted")[3]
    assert (login.verdict, login.linkage, login.basis) == ("authorised", "proven", "rbac")


def test_a_refusal_is_refused_and_a_fault_is_not() -> None:
    found = verdicts("granted")
    assert found[5].verdict == "refused"
    assert found[6].verdict == "authorised"


def test_renewing_or_revoking_ones_own_token_is_not_using_a_token_that_has_ended() -> None:
    found = verdicts("tokens")
    for number in (8, 11):
        assert not {"QW201", "QW202", "QW204", "QW604"} & set(found[number].codes)


def test_a_refused_request_with_a_dead_token_is_explained_by_its_revocation() -> None:
    dead = verdicts("tokens")[12]
    assert dead.verdict == "refused"
    assert "QW202" in dead.codes


def test_a_child_token_ends_with_its_parent_unless_it_is_an_orphan() -> None:
    of_case = records("tokens")
    cites = {
        record.attributes["display_name"]: record.cites
        for record in of_case
        if isinstance(record, AuthorityFact) and record.kind == "credential" and record.fact == "established"
    }
    parent = next(r.id for r in of_case if isinstance(r, AuthorityFact) and r.kind == "credential")
    (delegation,) = (r for r in of_case if isinstance(r, AuthorityFact) and r.kind == "delegation")
    assert cites["token-deploy"] == (delegation.id,)
    assert delegation.cites == (parent,)
    assert cites["token-same"] == (parent,)
    assert cites["token"] is None
    assert cites["token-nightly"] is None  # the role decides, and the log does not say what it decided


def test_a_renewal_does_not_wash_the_origin_of_a_token_clean() -> None:
    """The login was unauthorised: its role was gone. A renewal of the token by itself does not change that."""
    role = "vault/role/root/auth/approle/role/ci"
    gone = AuthorityFact(kind="grant", id=role, time=MODIFIED_AT, fact="ended", end="revoked")
    found = verdicts("tokens", gone)
    login, renewal, revocation = found[1], found[8], found[11]
    assert login.verdict == "unauthorised"
    assert "QW208" in renewal.codes
    assert "QW208" in revocation.codes


def test_a_policy_that_lets_itself_be_rewritten_is_judged_as_it_stood_before() -> None:
    line = json.loads(entries("granted")[1].data)
    line["auth"]["policy_results"]["granting_policies"] = [{"name": "payments", "namespace_id": "root", "type": "acl"}]
    found = SOURCE.read(Entry(json.dumps(line).encode()))
    assert not isinstance(found, Skipped)
    times = {type(record).__name__ + getattr(record, "kind", ""): getattr(record, "time", 0) for record in found}
    assert times["AuthorityFactpolicy"] == times["Action"] + 1 == times["AuthorityFactdecision"] + 1


def test_a_login_with_a_token_in_hand_is_the_act_of_its_bearer() -> None:
    of_case = [r for r in records("recorded") if isinstance(r, Action) and r.action == "auth/approle:update"]
    counting = max(of_case, key=lambda action: action.stage)
    assert counting.principal.id == "token-lab-admins"
    assert len(counting.cites) == 1
    assert not [one for one in judge(records("recorded")) if "QW207" in one.codes]


@pytest.mark.parametrize("case", ["granted", "tokens", "leases", "recorded"])
def test_the_order_of_the_lines_changes_no_verdict(case: str) -> None:
    of_case = records(case)
    assert judge(of_case) == judge(of_case[::-1])


# --- telling the type, and hostile input


def test_the_source_knows_its_own_and_no_other() -> None:
    line = json.loads(entries("granted")[0].data)
    policy = json.loads(entries("policy_json")[0].data)
    hcl = entries("policy_hcl")[0].data.decode()
    prefixed = entries("plain")[5].data.decode()
    assert SOURCE.recognise(Sample("audit.log", "", (line,))) >= 90
    assert SOURCE.recognise(Sample("reader.json", "", (policy,))) >= 80
    assert SOURCE.recognise(Sample("reader.hcl", hcl)) >= 80
    assert SOURCE.recognise(Sample("audit.log", prefixed)) >= 50
    for other in ({"kind": "action"}, {"kind": "Event", "auditID": "a"}, {"eventName": "GetObject"}, [1], "x", None):
        assert SOURCE.recognise(Sample("x.json", "", (other,))) == 0
    assert SOURCE.recognise(Sample("main.hcl", 'resource "a" {}')) == 0


def test_the_registry_has_it() -> None:
    assert by_name("vault") is SOURCE


def test_an_hcl_file_without_rules_is_skipped_and_a_broken_one_rejected() -> None:
    assert isinstance(SOURCE.read(Entry(b'listener "tcp" {}\n', "server.hcl")), Skipped)
    for broken in (b'path "a" {', b"\xff\xfe", b'path "a" { capabilities = ["' + b"[" * 3000):
        with pytest.raises(RejectedEntry):
            SOURCE.read(Entry(broken, "broken.hcl"))


LINES = [json.loads(entry.data) for case in ("granted", "tokens", "leases") for entry in entries(case)]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A line of the fixtures in which some value is another one, or some key is gone."""
    line = json.loads(json.dumps(draw(st.sampled_from(LINES))))
    for _ in range(draw(st.integers(1, 4))):
        at: Any = line
        key = draw(st.sampled_from(sorted(at)))
        while isinstance(at[key], dict) and at[key] and draw(st.booleans()):
            at = at[key]
            key = draw(st.sampled_from(sorted(at)))
        if draw(st.booleans()):
            at[key] = draw(VALUES)
        elif len(at) > 1:
            del at[key]
    return json.dumps(line).encode(errors="surrogatepass")


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_whatever_a_line_holds_it_is_read_skipped_or_rejected(data: bytes) -> None:
    try:
        found = SOURCE.read(Entry(data, "audit.log"))
    except RejectedEntry:
        return
    if not isinstance(found, Skipped):
        for record in (one for one in found if not isinstance(one, Observation)):
            json.dumps(to_native(record)).encode()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_that_are_no_line_at_all_are_rejected(data: bytes) -> None:
    with pytest.raises(RejectedEntry):
        SOURCE.read(Entry(data, "audit.log"))


# --- the whole recorded log, where it is at hand


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the recorded log is kept beside the checkout, not in it")
def test_the_recorded_log_gives_231_issuances_and_463_later_requests_and_loses_no_line() -> None:
    """A later request is one whose `client_token_accessor` was issued in the log; a login may be one too."""
    lines = [line for file in CORPUS.glob("*.log") for line in file.read_bytes().splitlines() if line]
    per_line = [SOURCE.read(Entry(line, "audit.log")) for line in lines]
    assert len(per_line) == 1397
    assert all(found and not isinstance(found, Skipped) for found in per_line)
    of_log = [record for found in per_line if not isinstance(found, Skipped) for record in found]
    actions: dict[str, Action] = {}
    issued: dict[str, AuthorityFact] = {}
    for record in of_log:
        if isinstance(record, Action) and (record.id not in actions or record.stage > actions[record.id].stage):
            actions[record.id] = record
        elif isinstance(record, AuthorityFact) and record.kind == "credential" and record.fact == "established":
            issued[record.id] = record
    assert len(actions) == 699
    assert len(issued) == 231
    assert all(fact.issued_by in actions for fact in issued.values())
    later = [action for action in actions.values() if issued.keys() & set(action.cites)]
    assert len(later) == 463
    assert all(issued[key].principal == action.principal for action in later for key in action.cites if key in issued)
    assert Counter(action.outcome for action in actions.values()) == {"success": 692, "denied": 6, "failure": 1}
