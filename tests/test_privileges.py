"""Granted against used: what is proposed covers what was used and what is to be expected, and little else."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from quowarranto.case.store import Case
from quowarranto.export.scopes import LANGUAGES, scopes
from quowarranto.findings.generalise import Use, patterns, proposed
from quowarranto.findings.privileges import covered, privileges
from quowarranto.pipeline import link_paths
from quowarranto.records import format_instant, matches, parse_instant
from tests.quo import quo


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"shop/app": 5}, ("shop/app",)),
        ({"shop/app": 900, "shop/db": 800}, ("shop/app", "shop/db")),
        ({f"shop/part-{n:04}.parquet": 1 for n in range(50)}, ("shop/part-00*.parquet",)),
        ({f"{ns}/build-{n}": 1 for ns in ("a", "b") for n in range(300)}, ("a/build-*", "b/build-*")),
        ({f"u{n}/profile": 1 for n in range(30)}, ("*/profile",)),
        ({f"x{n}": 1000 for n in range(40)}, ("x*",)),
        ({"2026/10/07/a": 1, "2026/10/08/a": 1, "2026/11/01/a": 1}, ("2026/*/*/a",)),
        ({"a": 3, "a/b": 4000}, ("a", "a/b")),
    ],
)
def test_a_part_that_goes_on_taking_new_values_is_left_open(names: dict[str, int], found: tuple[str, ...]) -> None:
    assert patterns(names) == found


@given(st.dictionaries(st.text(alphabet="ab/-0*?", max_size=8), st.integers(1, 5), min_size=1, max_size=20))
def test_patterns_cover_every_name_they_were_made_from(names: dict[str, int]) -> None:
    found = patterns(names)
    assert all(any(matches(pattern, name) for pattern in found) for name in names)


@given(
    st.lists(
        st.builds(
            Use,
            verb=st.sampled_from(("get", "put")),
            resource_type=st.sampled_from(("t", "u")),
            resource_id=st.text(alphabet="ab/:", max_size=6),
            count=st.integers(1, 3),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_rules_cover_every_use_and_no_verb_that_was_not_used(uses: list[Use]) -> None:
    rules = proposed(uses)
    assert all(covered(rules, (use.verb, use.resource_type, use.resource_id)) for use in uses)
    assert {verb for rule in rules for verb in rule.actions or ()} == {use.verb for use in uses}


DAY = 86_400_000_000
FROM = parse_instant("2026-03-01T00:00:00Z")
FIT = FROM + 21 * DAY
GRANTS: list[dict[str, Any]] = [
    {"kind": "grant", "id": "kubernetes/rolebinding/shop/reader", "time": "2026-01-01T00:00:00Z",
     "principal": {"type": "service_account", "id": "reader"}},
    {"kind": "grant", "id": "aws/grant/etl", "time": "2026-01-01T00:00:00Z", "principal": {"type": "role", "id": "etl"},
     "scope": [{"actions": ["s3:*"], "resources": ["arn:aws:s3:::*"]}]},
    {"kind": "grant", "id": "idle", "time": "2026-01-01T00:00:00Z", "principal": {"type": "role", "id": "idle"}},
    {"kind": "grant", "id": "glass", "time": "2026-01-01T00:00:00Z", "principal": {"type": "role", "id": "glass"},
     "attributes": {"break_glass": True}},
]  # fmt: skip


def month() -> list[dict[str, Any]]:
    """Four weeks: one principal reads the same few things, one writes a new object every time, others do all else."""
    dice = Random(7)
    out: list[dict[str, Any]] = []

    def act(at: int, who: tuple[str, str], verb: str, kind: str, name: str, cites: list[str]) -> None:
        out.append(
            {
                "kind": "action",
                "id": f"a{len(out)}",
                "time": format_instant(at),
                "principal": {"type": who[0], "id": who[1]},
                "action": verb,
                "resource": {"type": kind, "id": name},
                "cites": cites,
            }
        )

    for number in range(2_000):
        at = FROM + number * 28 * DAY // 2_000
        name = f"shop/{dice.choice(('app', 'db', 'cache'))}"
        act(at, ("service_account", "reader"), "get configmaps", "configmaps", name, [GRANTS[0]["id"]])
        act(at, ("role", "etl"), "s3:PutObject", "arn", f"aws:s3:::lake/2026/part-{number:06}", ["aws/grant/etl"])
        if number % 20 == 0:
            act(at, ("user", "ops"), "s3:GetObject", "arn", f"aws:s3:::vault-{number}/secret", [])
            act(at, ("user", "ops"), "get secrets", "secrets", f"shop/s{number}", [])
    return out


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("privileges")
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in (*GRANTS, *month())))
    made = Case(folder / "quo.case")
    link_paths(made, [str(folder / "log.jsonl")], threads=1)
    return made


def test_a_scope_fitted_on_three_weeks_holds_in_the_fourth_and_takes_most_away(case: Case) -> None:
    """Less than a thousandth of the unseen uses refused, more than four fifths of the unused privilege removed."""
    found = {row["grant"]: row for row in privileges(case.snapshot(), fit_until=FIT)}
    for name in (GRANTS[0]["id"], "aws/grant/etl"):
        row = found[name]
        assert row["unseen_uses"] == 500
        assert row["unseen_refused"] == 0
        assert row["unused_removed"] > 0.8
        assert row["codes"] == ["QW502"]
    assert found["aws/grant/etl"]["proposed"] == [
        {"actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::lake/2026/part-00*"]}
    ]
    assert found[GRANTS[0]["id"]]["proposed"][0]["resources"] == [
        "configmaps:shop/app", "configmaps:shop/cache", "configmaps:shop/db",
    ]  # fmt: skip


def test_a_grant_never_used_is_told_unless_it_is_for_an_emergency(case: Case) -> None:
    found = {row["grant"]: row for row in privileges(case.snapshot())}
    assert (found["idle"]["codes"], found["idle"]["last_use"], found["idle"]["proposed"]) == (["QW501"], None, [])
    assert found["glass"]["codes"] == []


def test_a_principal_is_chosen_by_a_pattern(case: Case) -> None:
    for pattern, grants in (("role:%", 3), ("etl", 1), ("nobody", 0)):
        assert len(privileges(case.snapshot(), pattern)) == grants


def test_every_language_says_what_the_proposal_says(case: Case) -> None:
    rows = privileges(case.snapshot())
    role = yaml.safe_load("".join(scopes(rows, "kubernetes")))
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "shop")
    assert sorted(rule["resourceNames"][0] for rule in role["rules"]) == ["app", "cache", "db"]
    (policy,) = (json.loads(text) for text in scopes(rows, "iam"))
    assert policy["Statement"] == [
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::lake/2026/part-00*"]}
    ]
    cedar = "".join(scopes(rows, "cedar"))
    assert 'resource.name like "shop/app"' in cedar
    assert 'principal == role::"etl"' in cedar
    assert 'resource "aws_iam_policy" "aws_grant_etl"' in "".join(scopes(rows, "terraform"))


HOSTILE = '"; }\n${file("/etc/passwd")} %{if} # x'


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_from_logs_are_never_syntax(language: str) -> None:
    row = {
        "grant": f"{ {'iam': 'aws'}.get(language, language) }/{HOSTILE}",
        "principal": {"type": "role", "id": HOSTILE},
        "proposed": [{"actions": [f"kv:read{HOSTILE}", "kv:read"], "resources": [f"secret:a/{HOSTILE}"]}],
        "uses": 1,
        "watched_days": 1.0,
        "would_have_refused": 0,
    }
    (text,) = scopes([row], language)
    assert "\n${file" not in text
    assert language != "terraform" or "$${file" in text or "${file" not in text
    if language == "kubernetes":
        assert yaml.safe_load(text)["kind"] == "Role"
    if language == "iam":
        assert len(json.loads(text)["Statement"]) == 1


def test_the_command_prints_a_table_and_policy_text(case: Case) -> None:
    folder = case.folder.parent
    ran = quo(folder, "privileges", "role:*", "--fit-until", "2026-03-22T00:00:00Z")
    assert ran.code == 0, ran.err
    assert "0 + 0 of 500 unseen" in ran.out
    written = quo(folder, "privileges", "--as", "iam")
    assert '"Resource"' in written.out
    assert "1 of the proposals speak of grants of other systems than iam" in written.err
    assert "replayed over the history, " in written.err
    tried = quo(folder, "privileges", "role:*", "--fit-until", "2026-03-22T00:00:00Z", "--as", "cedar")
    assert " uses that they were made from, and 0 of 500 others; watched for " in tried.err
