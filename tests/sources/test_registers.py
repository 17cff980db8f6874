"""Registers of approvals and exceptions beside the log of those who act."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.query import Filters, verdicts
from quowarranto.case.store import Case
from quowarranto.errors import ConfigError
from quowarranto.pipeline import link_paths
from quowarranto.sources import configured

HEADER = "id,status,owner,decided_at,decided_by,principal,resources,valid_from,valid_until,ticket,aliases\n"


def judged(folder: Path, row: str, *, register: str = "approvals", **action: Any) -> str:
    """The verdict on one action beside a register of one row."""
    (folder / "register.csv").write_text(HEADER + row + "\n")
    base = {"kind": "action", "id": "a", "time": "2026-03-02T09:30:00Z", "action": "kv:read"}
    who = {"principal": {"type": "agent", "id": "x"}, "resource": {"type": "secret", "id": "kv/prod/db"}}
    (folder / "log.jsonl").write_text(json.dumps(base | who | action) + "\n")
    case = Case(folder / "case")
    link_paths(case, [str(folder / "log.jsonl"), f"{register}={folder / 'register.csv'}"], threads=1)
    (one,) = verdicts(case.snapshot(), Filters())
    return " ".join([one["verdict"], one["linkage"], one["codes"]]).strip()


MADE_AT_NINE = "1,approved,,2026-03-02T09:00:00Z,bob"
BY_ID = {"cites": ["approvals/1"]}


@pytest.mark.parametrize(
    "row, action, verdict",
    [
        (f"{MADE_AT_NINE},agent:x,secret:kv/*,,2026-03-02T10:00:00Z,T-1,", BY_ID, "authorised proven"),
        (f"{MADE_AT_NINE},agent:x,secret:kv/*,,,T-1,my/1", {"cites": ["my/1"]}, "authorised proven"),
        (f"{MADE_AT_NINE},agent:x,secret:kv/*,,,T-1,", {"correlates": ["ticket/T-1"]}, "authorised proven"),
        (f"{MADE_AT_NINE},agent:x,secret:kv/*,,2026-03-02T09:20:00Z,T-1,", BY_ID, "unauthorised proven QW201"),
        (f"{MADE_AT_NINE},agent:y,secret:kv/*,,,T-1,", BY_ID, "unauthorised proven QW207"),
        (f"{MADE_AT_NINE},agent:x,secret:other/*,,,T-1,", BY_ID, "unauthorised proven QW206"),
        ("1,denied,,2026-03-02T09:00:00Z,bob,agent:x,secret:kv/*,,,T-1,", BY_ID, "unauthorised proven QW205"),
        (
            "1,approved,,2026-03-02T09:40:00Z,bob,agent:x,secret:kv/*,2026-03-02T09:00:00Z,,T-1,",
            BY_ID,
            "unauthorised proven QW302",
        ),
        ("1,pending,,,,agent:x,secret:kv/*,,,T-1,", BY_ID, "unproven missing QW101 QW104 QW105"),
    ],
)
def test_an_action_that_names_an_approval_is_judged_by_it(
    tmp_path: Path, row: str, action: dict[str, Any], verdict: str
) -> None:
    assert judged(tmp_path, row, **action).replace(",", " ").replace(" QW306", "") == verdict


def test_an_exception_past_its_end_covers_nothing(tmp_path: Path) -> None:
    row = "1,granted,ann,,,agent:x,secret:kv/*,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z,,"
    assert judged(tmp_path, row, register="exceptions", cites=["exceptions/1"]) == "unauthorised proven QW304"


@pytest.mark.parametrize(
    "settings, word",
    [
        ({"column": {}}, "`column`"),
        ({"columns": {"identity": "x"}}, "`identity`"),
        ({"statuses": {"yes": ["y"]}}, "`yes`"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"last_day": "maybe"}, "last_day"),
        ({"separator": ""}, "separator"),
        ({"status": "yes"}, "`yes`"),
        ({"time_format": 5}, "time_format"),
    ],
)
def test_a_setting_that_cannot_be_obeyed_is_named(settings: dict[str, Any], word: str) -> None:
    for name in ("approvals", "exceptions"):
        with pytest.raises(ConfigError, match=word):
            configured({name: settings})
