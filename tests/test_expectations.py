"""Expectations in `quo.toml`: what an organisation demands of some actions (SPEC 9), from the file to the verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quowarranto.case.config import load_config
from quowarranto.case.query import Filters, findings, verdicts
from quowarranto.case.store import Case
from quowarranto.errors import ConfigError
from quowarranto.pipeline import link_paths
from tests.quo import quo

JIT = '[[expect]]\nname = "just in time"\nmatch.resources = ["secret:kv/prod/*"]\nrequire = ["approval"]\n'
RECORDS = [
    {"kind": "policy", "id": "p", "time": "2026-03-01T08:00:00Z"},
    *(
        {
            "kind": "action",
            "id": f"a{number}",
            "time": f"2026-03-01T09:00:0{number}Z",
            "principal": {"type": "service_account", "id": "pay"},
            "action": "kv:read",
            "resource": {"type": "secret", "id": f"kv/{where}/db"},
            "cites": ["p"],
        }
        for number, where in enumerate(("prod", "test", "prod"))
    ),
]


def codes(case: Case) -> dict[str, str]:
    return {one["id"]: one["codes"] for one in verdicts(case.snapshot(), Filters())}


def test_an_expectation_holds_from_the_next_link_on_and_until_it_is_taken_back(tmp_path: Path) -> None:
    """For what was read before and for what trickles in; the finding is folded under the principal."""
    case = Case(tmp_path / "case")
    for number, record in enumerate(RECORDS):
        log = tmp_path / f"{number}.jsonl"
        log.write_text(json.dumps(record) + "\n")
        link_paths(case, [str(log)], threads=1)
        if number == 1:
            assert codes(case) == {"a0": ""}
            (case.folder / "quo.toml").write_text(JIT)
    assert codes(case) == {"a0": "QW303", "a1": "", "a2": "QW303"}
    found = [(one["code"], one["principal_id"], one["count"]) for one in findings(case.snapshot())]
    assert ("QW303", "pay", 2) in found
    (case.folder / "quo.toml").unlink()
    link_paths(case, [], threads=1)
    assert codes(case) == {"a0": "", "a1": "", "a2": ""}


def test_settings_that_nothing_answers_to_are_told(tmp_path: Path) -> None:
    """A misspelt expectation would pass for ever; settings beside the case are not read at all."""
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    (tmp_path / "quo.toml").write_text(JIT)
    told = quo(tmp_path, "link", "log.jsonl").err
    assert "note: `quo.toml` here is not read; settings of this case belong into `quo.case/quo.toml`" in told
    settings = tmp_path / "quo.case" / "quo.toml"
    settings.write_text(
        JIT + '[[expect]]\nname = "typo"\nmatch.resources = ["secrets:*"]\nstanding = false\n'
        '[[correlate]]\nname = "ticket"\nleft = { source = "native", field = "resource.id" }\n'
        'right = { source = "github", field = "id" }\n'
    )
    assert quo(tmp_path, "link").err.splitlines() == [
        "note: expectation `typo` is about no action of the case that was not refused",
        "note: join `ticket`: 2 values on the left, 0 on the right, none in common",
    ]
    settings.write_text(JIT)
    assert quo(tmp_path, "link").err == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[expect]]\nname = 'x'", "`x` demands nothing"),
        ("[[expect]]\nname = 'x'\nrequire = ['blessing']", "not one of the known values - at `$[0].require[0]`"),
        ("[[expect]]\nname = 'x'\nreqire = ['approval']", "unknown field `reqire`"),
        ("[[expect]]\nname = 'x'\nmatch.resource = ['a']\nstanding = false", "unknown field `resource`"),
        ('[[expect]]\nname = "x"\nmatch.resources = ["it\'s"]\nstanding = false', "a pattern that cannot be spelled"),
        ("[[expect]]\nname = 'x'\nmax_lifetime = 'long'", "`max_lifetime` is not a duration"),
        ("[expect]\nname = 'x'", "`expect` is not a list of expectations"),
    ],
)
def test_an_expectation_that_cannot_be_obeyed_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "quo.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert message in caught.value.message
    assert "quo.toml:" in str(caught.value.at)
