"""Joins declared in `quo.toml`: an attribute of one record equals an attribute of another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.config import load_config
from quowarranto.case.query import Filters, verdicts
from quowarranto.case.store import Case
from quowarranto.errors import ConfigError
from quowarranto.pipeline import link_paths
from tests.quo import quo

WHO = {"type": "workload", "id": "ci"}
RECORDS: tuple[dict[str, Any], ...] = (
    {"kind": "policy", "id": "p", "time": "2026-03-01T08:00:00Z", "effect": "allow"},
    {
        "kind": "approval", "id": "change/1", "time": "2026-03-01T08:30:00Z", "cites": ["p"], "principal": WHO,
        "ticket": "CHG-812", "attributes": {"run": "run-991", "build": {"number": "4711"}},
    },
    {
        "kind": "action", "id": "a1", "time": "2026-03-01T09:00:00Z", "principal": WHO, "action": "deploy",
        "resource": {"type": "service", "id": "shop"}, "attributes": {"session": "GitHubActions-991", "n": 4711},
    },
    {
        "kind": "action", "id": "a2", "time": "2026-03-01T09:00:00Z", "principal": WHO, "action": "deploy",
        "resource": {"type": "service", "id": "shop"}, "attributes": {"session": "GitHubActions-98"},
    },
)  # fmt: skip


def join(left: str, right: str) -> str:
    """A declared join of two fields, each perhaps with a pattern behind a space."""
    sides = []
    for side in (left, right):
        field, _, pattern = side.partition(" ")
        sides.append(
            f"{{ source = 'native', field = '{field}'" + (f", pattern = '{pattern}'" if pattern else "") + " }"
        )
    return f"[[correlate]]\nname = 'run'\nleft = {sides[0]}\nright = {sides[1]}\n"


def judged(case: Case) -> dict[str, tuple[str, str, str]]:
    return {one["id"]: (one["verdict"], one["linkage"], one["method"]) for one in verdicts(case.snapshot(), Filters())}


MISSING = ("unproven", "missing", "none")
JOINED = ("authorised", "proven", "correlated")


@pytest.mark.parametrize(
    ("left", "right", "first"),
    [
        (r"attributes.session GitHubActions-(\d+)", r"attributes.run run-(\d+)", JOINED),
        ("attributes.n", "attributes.build.number", JOINED),
        (r"attributes.session \d\d", r"attributes.run \d\d", MISSING),  # "99" is too short to mean anything
        ("attributes.session", "attributes.run", MISSING),
        ("attributes.nothing", "attributes.run", MISSING),
        (r"id \d{3}", r"ticket \d{3}", MISSING),
    ],
)
def test_a_declared_join_links_what_has_one_value(
    tmp_path: Path, left: str, right: str, first: tuple[str, str, str]
) -> None:
    """And nothing else: the other action stays where it was."""
    case = Case(tmp_path / "case")
    case.folder.mkdir()
    (case.folder / "quo.toml").write_text(join(left, right))
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    link_paths(case, [str(log)], threads=1)
    assert judged(case) == {"a1": first, "a2": MISSING}


def test_a_join_may_be_declared_after_the_logs_were_read_and_taken_back(tmp_path: Path) -> None:
    """The next `quo link` judges by what the settings say then, records that trickle in included."""
    case = Case(tmp_path / "case")
    settings = case.folder / "quo.toml"
    for number, record in enumerate(RECORDS[1:]):
        log = tmp_path / f"{number}.jsonl"
        log.write_text(json.dumps(record) + "\n" + (json.dumps(RECORDS[0]) + "\n") * (not number))
        link_paths(case, [str(log)], threads=1)
        if number == 1:
            assert judged(case) == {"a1": MISSING}
            settings.write_text(join("attributes.n", "attributes.build.number"))
    assert judged(case) == {"a1": JOINED, "a2": MISSING}
    settings.unlink()
    link_paths(case, [], threads=1)
    assert judged(case) == {"a1": MISSING, "a2": MISSING}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[correlate]\nname = 'x'", "`correlate` is not a list of joins"),
        ("[[correlate]]\nname = 'x'", "missing required field `left`"),
        (join("attributes.x", "nonsense"), "`nonsense` is not a field"),
        (join("attributes.x (", "id"), "`(` is not a regular expression"),
        (join("id", "id").replace("native", "oracle", 1), "no source is called `oracle`"),
        (join("id", "id").replace("'run'", "'a/b'"), "`a/b` is not a name"),
        (join("id", "id") + "pattern = 'x'", "unknown field `pattern`"),
        (
            join("attributes.session_name", "id").replace("native", "cloudtrail", 1),
            "`attributes.session_name` of cloudtrail is what the caller calls itself: it proves nothing",
        ),
        (
            join("id", "attributes.user_agent").replace("native", "kubernetes"),
            "`attributes.user_agent` of kubernetes is what the caller calls itself: it proves nothing",
        ),
    ],
)
def test_a_join_that_cannot_be_obeyed_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "quo.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert message in caught.value.message
    assert str(caught.value.at).endswith("quo.toml:1")


def request(number: int) -> dict[str, Any]:
    """A request about the release of a change; its client also names one, which proves nothing."""
    stamp = f"2026-03-01T09:00:{number:02d}.000000Z"
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
        "auditID": f"00000000-0000-0000-0000-0000000000{number:02d}", "requestURI": "/api", "verb": "get",
        "user": {"username": "ci"}, "userAgent": "deployer/1 (change CHG-100)",
        "objectRef": {"resource": "releases", "namespace": "shop", "name": f"CHG-{number % 7 + 100}-{number}"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": stamp, "stageTimestamp": stamp,
    }  # fmt: skip


def test_coverage_proposes_the_join_that_links_and_it_does(tmp_path: Path) -> None:
    """18 of 20 requests name one of six approved changes; the proposal is taken as it is printed."""
    approvals = [
        {"kind": "approval", "id": f"change/{number}", "time": "2026-03-01T08:00:00Z", "ticket": f"CHG-{number + 100}"}
        for number in range(6)
    ]
    for name, records in (("audit.log", map(request, range(20))), ("approvals.jsonl", approvals)):
        (tmp_path / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    linked = quo(tmp_path, "link", "audit.log", "approvals.jsonl")
    assert linked.code == 0, linked.err
    printed = quo(tmp_path, "coverage").out
    assert "# kubernetes: 18 actions, 90% of its weakly linked ones; 6 different values" in printed
    settings = printed[printed.index("[[correlate]]") :]
    assert settings.count("[[correlate]]") == 1
    (tmp_path / "quo.case" / "quo.toml").write_text(settings)
    assert quo(tmp_path, "link").code == 0
    after = quo(tmp_path, "verdicts", "--format", "jsonl").out.splitlines()
    assert sum(json.loads(line)["method"] == "correlated" for line in after) == 18
    assert "[[correlate]]" not in quo(tmp_path, "coverage").out


def test_coverage_of_three_systems_ranks_joins_by_what_they_link_and_names_the_switch_of_each(tmp_path: Path) -> None:
    """Forty requests and twenty reads name changes of a register; a fourth source has all that it can give."""
    reads = [
        {
            "time": f"2026-03-01T09:00:{number:02d}Z",
            "type": "response",
            "auth": {"entity_id": "e-1", "accessor": "hmac-sha256:a1"},
            "request": {
                "id": f"r-{number}",
                "operation": "read",
                "path": f"kv/CHG-{number % 6 + 100}",
                "mount_type": "kv",
            },
            "response": {},
        }
        for number in range(20)
    ]
    approvals = [
        {"id": str(number), "status": "approved", "decided_at": "2026-03-01T08:00:00Z", "decided_by": "bob"}
        | {"ticket": f"CHG-{number + 100}"}
        for number in range(6)
    ]
    for name, records in (
        ("vault.log", reads),
        ("audit.log", [request(number) for number in range(40)]),
        ("approvals.jsonl", approvals),
        ("native.jsonl", [RECORDS[0], RECORDS[2] | {"cites": ["p"]}]),
    ):
        (tmp_path / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    linked = quo(tmp_path, "link", "vault.log", "audit.log", "approvals=approvals.jsonl", "native=native.jsonl")
    assert linked.code == 0, linked.err
    printed = quo(tmp_path, "coverage").out
    heads = [line for line in printed.splitlines() if line.startswith("# ")]
    assert heads == [
        "# kubernetes: 35 actions, 88% of its weakly linked ones; 6 different values",
        "# vault: 20 actions, 100% of its weakly linked ones; 6 different values",
    ]
    raised = [line.split(" (")[0].strip() for line in printed.splitlines() if line.startswith("  ")]
    assert raised[:3] == ["kubernetes", "vault", "approvals"]
    assert "kubernetes (proven; 40 of 40 actions have less)" in printed
    assert "approvals (proven; no actions of its own)" in printed
    assert "native (" not in printed
