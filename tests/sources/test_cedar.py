"""Policies of Cedar as files: named by the digest of their set, so that decisions that name it rest on them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from quowarranto.case.inputs import recognise
from quowarranto.case.query import Filters, records, verdicts
from quowarranto.case.store import Case
from quowarranto.errors import RejectedEntry
from quowarranto.pipeline import link_paths
from quowarranto.records import AuthorityFact
from quowarranto.sources import Entry, Skipped, by_name

FILES = Path(__file__).parent / "cedar" / "policies"
CEDAR = by_name("cedar")
POLICIES = [
    ("multi-4.cedar", {"policy0": "permit", "policy1": "permit", "policy2": "forbid", "policy3": "forbid"}),
    ("named.cedar", {"admins; may do all": "permit", "not at night": "forbid"}),
    ("set.json", {"all": "permit"}),
]
BROKEN = [
    ("not finished", b"permit (principal, action", "the one that begins at line 1"),
    ("the second is not", b"permit (principal, action, resource);\n\n// why\npermit", "the one that begins at line 4"),
    ("a string does not end", b'permit (principal == User::"ann, action, resource);', "line 1"),
    ("two of one name", b'@id("a") permit (principal, action, resource);' * 2, "two policies have one name"),
    ("another language", b'path "kv/*" { capabilities = ["read"] }', "line 1"),
    ("not text", b"permit (principal, action, resource); // \xff", "not UTF-8"),
    ("many quotes that never end", b"permit (" + b'"a' * 30_001, "line 1"),
]


def test_cedar_is_a_source() -> None:
    assert CEDAR is not None


@pytest.mark.parametrize("name, effects", POLICIES)
def test_each_policy_of_a_file_is_named_by_the_digest_of_the_file(name: str, effects: dict[str, str]) -> None:
    data = (FILES / name).read_bytes()
    found = _read(data.strip() if name.endswith(".json") else data, name)
    assert isinstance(found, list)
    facts = {one.id: one for one in found if isinstance(one, AuthorityFact)}
    digest = sha256(data.strip() if name.endswith(".json") else data).hexdigest()
    assert list(facts) == [f"cedar/policy/sha256:{digest}/{policy}" for policy in effects]
    assert [one.attributes["policy_effect"] for one in facts.values()] == list(effects.values())
    assert {(one.kind, one.valid_from, one.time) for one in facts.values()} == {("policy", 0, 5)}
    assert {one.attributes["policy_sha256"] for one in facts.values()} == {digest}


@pytest.mark.parametrize("name", ["schema_exts.cedarschema", "schema.json"])
def test_a_schema_is_known_and_skipped(name: str) -> None:
    assert _read((FILES / name).read_bytes(), name) == Skipped(
        "a schema: it tells what policies may speak of, and allows nothing"
    )


@pytest.mark.parametrize("about, data, reason", BROKEN, ids=[row[0] for row in BROKEN])
def test_what_is_no_policy_is_refused_with_its_line(about: str, data: bytes, reason: str) -> None:
    with pytest.raises(RejectedEntry, match=reason):
        _read(data, "x.cedar")


def test_a_file_without_policies_is_skipped() -> None:
    assert _read(b"// nothing yet\n", "x.cedar") == Skipped("a file without policies")


def test_files_are_recognised_by_their_content() -> None:
    files = sorted(FILES.iterdir())
    assert {recognise(path, None).source for path in files} == {"cedar"}


def test_a_name_alone_makes_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "notes.cedar"
    path.write_text("Cedar wood is for chests.\n", encoding="utf-8")
    assert recognise(path, None).source is None


def test_a_decision_rests_on_the_policy_of_the_file_whose_digest_it_names(tmp_path: Path) -> None:
    """The same digest bare and with its name; another set's policy stays another one, however alike its name."""
    digest = sha256((FILES / "multi-4.cedar").read_bytes()).hexdigest()
    sets = {"r-1": digest, "r-2": f"sha256:{digest}", "r-3": "sha256:" + "0" * 64}
    ann = {"type": "User", "id": "ann"}
    photo = {"type": "Photo", "id": "a.jpg"}
    lines = [
        {"time": "2026-03-02T09:00:00Z", "principal": ann, "action": 'Action::"view"', "resource": photo}
        | {"decision": "allow", "reason": ["policy1"], "policy_set": named, "request_id": request}
        for request, named in sets.items()
    ]
    acted = [
        {"kind": "action", "id": request, "time": "2026-03-02T09:00:01Z", "principal": ann, "action": "view"}
        | {"resource": photo, "cites": [f"cedar/decision/{request}"]}
        for request in sets
    ]
    logs = {"host.jsonl": lines, "app.jsonl": acted}
    for name, rows in logs.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    case = Case(tmp_path / "quo.case")
    link_paths(case, [*(str(tmp_path / name) for name in logs), str(FILES / "multi-4.cedar")], threads=1)
    found = {one["id"]: one for one in verdicts(case.snapshot(), Filters())}
    assert {one["verdict"] for one in found.values()} == {"authorised"}
    told = [one for one in records(case.snapshot()) if one["kind"] == "policy" and one["id"].endswith("/policy1")]
    assert {(one["id"].split("/")[2][:12], "policy_sha256" in one["attributes"]) for one in told} == {
        (f"sha256:{digest[:5]}", True),
        (f"sha256:{digest[:5]}", False),
        ("sha256:00000", False),
    }


def _read(data: bytes, name: str) -> object:
    assert CEDAR is not None
    return CEDAR.read(Entry(data, name, 5))
