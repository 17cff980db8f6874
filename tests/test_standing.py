"""Findings about credentials and grants themselves (QW404, QW407, QW501, QW502), each where it stands and where not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.config import load_config
from quowarranto.case.store import Case
from quowarranto.errors import ConfigError
from quowarranto.findings import overview
from quowarranto.findings.standing import standing
from quowarranto.pipeline import link_paths
from tests.quo import quo

PAY = {"type": "service_account", "id": "pay"}
TOKEN: dict[str, Any] = {"kind": "credential", "id": "token/1", "time": "2026-03-01T08:00:00Z", "principal": PAY}
GRANT: dict[str, Any] = {"kind": "grant", "id": "grant/1", "time": "2026-02-01T00:00:00Z", "principal": PAY}


def use(number: int, time: str, origin: str | None = None, /, **more: Any) -> dict[str, Any]:
    resource = {"type": "secret", "id": "kv/db"}
    made = {"kind": "action", "id": f"a{number}", "time": time, "principal": PAY, "action": "kv:read"}
    said = {} if origin is None else {"origin": origin}
    return made | {"resource": resource, "cites": ["token/1"]} | said | more


def found(folder: Path, records: Sequence[dict[str, Any]], settings: str = "") -> dict[str, dict[str, Any]]:
    """What stands, by code and key."""
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    case = Case(folder / "quo.case")
    (folder / "quo.case").mkdir(exist_ok=True)
    (folder / "quo.case" / "quo.toml").write_text(settings)
    link_paths(case, [str(log)], threads=1)
    return {f"{row['code']} {row['key']}": row for row in standing(case.snapshot(), load_config(folder / "quo.case"))}


def from_origins(*minutes: int) -> list[dict[str, Any]]:
    """Uses at these minutes, each from an origin of its own."""
    return [
        TOKEN,
        *(use(n, f"2026-03-01T{9 + m // 60:02}:{m % 60:02}:00Z", f"10.0.0.{n}") for n, m in enumerate(minutes)),
    ]


@pytest.mark.parametrize(
    ("records", "settings", "count"),
    [
        pytest.param(from_origins(0, 10, 20, 30), "", 1, id="four origins within the hour"),
        pytest.param(from_origins(0, 10, 20, 60), "", 1, id="the fourth exactly an hour after the first"),
        pytest.param(from_origins(0, 10, 20, 61), "", 0, id="the fourth more than an hour after the first"),
        pytest.param(from_origins(0, 10, 20), "", 0, id="three are allowed"),
        pytest.param(from_origins(0, 10, 20), "sprawl_origins = 2", 1, id="fewer where fewer are allowed"),
        pytest.param(from_origins(0, 10, 20, 61), 'sprawl_window = "2h"', 1, id="a longer window"),
        pytest.param(from_origins(0, 1, 2, 3, 4), "", 2, id="every use that completes such a stretch counts"),
        pytest.param(
            [*from_origins(0, 10, 20), use(9, "2026-03-01T09:25:00Z", "10.0.0.9", outcome="denied")],
            "",
            0,
            id="a refused attempt is no use",
        ),
        pytest.param([*from_origins(0, 10, 20), use(9, "2026-03-01T09:25:00Z")], "", 0, id="no origin is no origin"),
        pytest.param(
            [TOKEN, *(use(n, "2026-03-01T09:00:00Z", "10.0.0.1") for n in range(9))], "", 0, id="one origin, many uses"
        ),
    ],
)
def test_a_credential_sprawls(records: list[dict[str, Any]], settings: str, count: int, tmp_path: Path) -> None:
    stands = found(tmp_path, records, settings)
    assert stands.get("QW404 token/1", {"count": 0})["count"] == count


def test_of_a_chain_only_the_credential_next_to_the_action_is_used(tmp_path: Path) -> None:
    """What others were obtained by is not what they present."""
    parent = TOKEN | {"id": "token/0"}
    children = [TOKEN | {"id": f"child/{n}", "cites": ["token/0"]} for n in range(5)]
    uses = [use(n, "2026-03-01T09:00:00Z", f"10.0.0.{n}", cites=[f"child/{n}"]) for n in range(5)]
    assert found(tmp_path, [parent, *children, *uses]) == {}


@pytest.mark.parametrize(
    ("settings", "more", "stands"),
    [
        ("", {"origin": "10.8.0.7"}, False),
        ('human_origins = ["10.8.0.0/16"]', {"origin": "10.8.0.7"}, True),
        ('human_origins = ["10.8.0.0/16"]', {"origin": "10.8.0.7:51022"}, True),
        ('human_origins = ["10.8.0.0/16"]', {"origin": "10.9.0.7"}, False),
        ('human_origins = ["10.8.0.0/16"]', {"origin": "10.8.example.org"}, False),
        ('human_origins = ["10.8.0.0/16"]', {}, False),
        ('human_origins = ["2001:db8::/32"]', {"origin": "2001:db8::7"}, True),
        ('human_origins = ["laptop-*"]', {"origin": "laptop-7"}, True),
        ('human_origins = ["laptop-*"]', {"origin": "laptop-7", "outcome": "denied"}, False),
        ('human_origins = ["laptop-*"]', {"origin": "laptop-7", "principal": {"type": "user", "id": "ada"}}, False),
        ('human_clients = ["Mozilla/*"]', {"attributes": {"user_agent": "Mozilla/5.0 (X11)"}}, True),
        ('human_clients = ["Mozilla/*"]', {"attributes": {"user_agent": "kubectl/1.34"}}, False),
        ('human_sessions = ["pam/*"]', {"cites": ["token/1", "pam/session/1"]}, True),
        ('human_sessions = ["ssh/*"]', {"cites": ["token/1", "pam/session/1"]}, False),
    ],
)
def test_a_person_uses_the_credential_of_a_workload(
    settings: str, more: dict[str, Any], stands: bool, tmp_path: Path
) -> None:
    session = {"kind": "session", "id": "pam/session/1", "time": "2026-03-01T08:30:00Z"}
    records = [TOKEN, session, use(1, "2026-03-01T09:00:00Z", **more)]
    assert ("QW407 token/1" in found(tmp_path, records, settings)) == stands


@pytest.mark.parametrize(
    ("grant", "stands"),
    [
        pytest.param({}, True, id="nobody used it"),
        pytest.param({"id": "grant/used"}, False, id="an action rests on it"),
        pytest.param({"attributes": {"break_glass": True}}, False, id="it is for emergencies"),
        pytest.param({"effect": "deny"}, False, id="it denies"),
        pytest.param({"valid_until": "2026-02-02T00:00:00Z"}, False, id="it had ended before the log begins"),
        pytest.param({"valid_from": "2026-04-01T00:00:00Z"}, False, id="it begins after the log has ended"),
    ],
)
def test_a_grant_is_never_used(grant: dict[str, Any], stands: bool, tmp_path: Path) -> None:
    token = TOKEN | {"cites": ["grant/used"]}
    records = [GRANT | {"id": "grant/used"}, GRANT | grant, token, use(1, "2026-03-01T09:00:00Z")]
    assert any(key.startswith("QW501") for key in found(tmp_path, records)) == stands


def test_what_stands_of_authorities_is_among_the_findings_and_can_fail_a_pipeline(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(record) + "\n" for record in from_origins(0, 10, 20, 30)))
    assert quo(tmp_path, "link", "log.jsonl", "--fail-on", "high").code == 10
    rows = [json.loads(line) for line in quo(tmp_path, "findings", "--format", "jsonl").out.splitlines()]
    (row,) = [row for row in rows if row["code"] == "QW404"]
    assert row["subject"] == {"key": "token/1", "kind": "credential"}
    assert (row["severity"], row["count"], row["sample"]) == ("high", 1, ["a3"])
    assert row["controls"]


@pytest.mark.parametrize(
    "settings",
    ["sprawl_origins = 0", "sprawl_origins = true", 'sprawl_origins = "3"', 'human_origins = "10.0.0.0/8"',
     "human_clients = [1]", 'human_sessions = [""]', "sprawl_window = 3600", "sprawl_origin = 3"],
)  # fmt: skip
def test_a_setting_that_cannot_be_meant_is_refused_with_its_line(settings: str, tmp_path: Path) -> None:
    (tmp_path / "quo.toml").write_text("\n" + settings)
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path)
    assert error.value.at is not None
    assert error.value.at.endswith("quo.toml:2")


def test_a_longest_life_holds_for_all_actions(tmp_path: Path) -> None:
    (tmp_path / "quo.toml").write_text('max_lifetime = "1h"')
    (expectation,) = load_config(tmp_path).expect
    assert (expectation.max_lifetime_us, expectation.resources) == (3_600_000_000, None)


def test_a_few_records_added_to_a_large_case_are_told_of_at_once_and_fail_on_still_asks_for_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "LARGE", 0)
    found(tmp_path, from_origins(0, 10, 20, 30))
    case = Case(tmp_path / "quo.case")
    whole = overview.overview(case.snapshot(), at_once=True)
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps(use(9, "2026-03-01T09:40:00Z", "10.0.0.9")) + "\n")
    link_paths(case, [str(more)], threads=1)
    soon = overview.overview(case.snapshot(), at_once=True)
    asked = overview.overview(case.snapshot())

    assert (whole["all_findings"], soon["all_findings"], asked["all_findings"]) == (True, False, True)
    assert soon["verdicts"] == asked["verdicts"]
    assert {row["code"] for row in asked["worst"]} - {row["code"] for row in soon["worst"]} == {"QW404"}


def test_decisions_that_an_agent_says_it_dropped_are_a_gap(tmp_path: Path) -> None:
    """The same line read from two files is one loss."""
    line = '{"level":"error","msg":"Decision log dropped as rate limit exceeded.","time":"2026-03-02T09:00:0%dZ"}\n'
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "opa.log").write_text(line % 1 + line % 2)
    case = Case(tmp_path / "quo.case")
    link_paths(case, [f"opa={tmp_path / 'a'}", f"opa={tmp_path / 'b'}"], threads=1)
    rows = [row for row in standing(case.snapshot(), load_config(tmp_path / "quo.case")) if row["code"] == "QW602"]
    assert [(row["key"], row["kind"], row["count"]) for row in rows] == [("opa/decision log", "log", 2)]
    assert rows[0]["first_us"] + 1_000_000 == rows[0]["last_us"]
