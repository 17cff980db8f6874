"""What was known when, and what changed since: `--known-at` and `quo diff`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.quo import quo, rows

from quowarranto.case.store import Case
from quowarranto.records import format_instant

AT = "2026-03-01T09:00:00Z"
PAY = {"type": "service_account", "id": "pay"}


def act(name: str, **says: Any) -> dict[str, Any]:
    thing = {"type": "secret", "id": "kv/db"}
    return {"kind": "action", "id": name, "time": AT, "principal": PAY, "action": "kv:read", "resource": thing, **says}


def fact(kind: str, name: str, time: str = "2026-03-01T08:00:00Z", **says: Any) -> dict[str, Any]:
    return {"kind": kind, "id": name, "time": time, **says}


def linked(folder: Path, name: str, *records: dict[str, Any]) -> str:
    """Link these records as one file; the moment at which they had been judged."""
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    ran = quo(folder, "link", f"{name}.jsonl")
    assert ran.code == 0, ran.err
    return format_instant(Case(folder / "quo.case").snapshot().commit.at)


def test_what_was_known_then_is_answered_by_every_command(tmp_path: Path) -> None:
    early = linked(tmp_path, "early", act("a1", cites=["c"]), fact("credential", "c", cites=["late"]))
    linked(tmp_path, "late", fact("approval", "late", justification="x"), act("after", cites=["c"]))
    assert [row["verdict"] for row in rows(tmp_path, "verdicts")] == ["authorised", "authorised"]
    assert [row["linkage"] for row in rows(tmp_path, "verdicts", "--known-at", early)] == ["partial"]
    assert {row["code"] for row in rows(tmp_path, "findings", "--known-at", early)} == {"QW104", "QW105"}
    assert rows(tmp_path, "findings") == []
    assert len(rows(tmp_path, "records", "--known-at", early)) == 2
    assert [row["source"] for row in rows(tmp_path, "coverage", "--known-at", early)] == ["early"]
    assert rows(tmp_path, "quarantine", "--known-at", early) == []
    explained = quo(tmp_path, "explain", "a1", "--known-at", early, "--format", "json")
    assert json.loads(explained.out)["dangling"] == ["late"]
    assert quo(tmp_path, "report", "--known-at", early, "--html", "then.html").code == 0
    assert ">after<" not in (tmp_path / "then.html").read_text()


def test_before_the_first_judgement_nothing_was_known(tmp_path: Path) -> None:
    first = linked(tmp_path, "one", act("a1"))
    ran = quo(tmp_path, "verdicts", "--known-at", "2020-01-01T00:00:00Z")
    assert (ran.code, ran.out) == (1, "")
    assert f"need: a time not before {first}" in ran.err
    assert quo(tmp_path, "diff", "--from", "yesterday").code == 2


CAUSES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], set[str]]] = {
    "a fact of an authority in the chain": (
        [act("a", cites=["c"]), fact("credential", "c", cites=["p"]), fact("policy", "p")],
        [fact("credential", "c", "2026-03-01T08:30:00Z", fact="ended", end="revoked"), fact("policy", "other")],
        {"c"},
    ),
    "a key that nothing was known of": ([act("a", cites=["c"])], [fact("credential", "c")], {"c"}),
    "a member of its series": (
        [act("a", cites=["v1"]), fact("policy", "v1", series="s")],
        [fact("policy", "v2", "2026-03-01T08:30:00Z", series="s"), fact("policy", "v3")],
        {"v2"},
    ),
    "a session that was found by inference": (
        [act("a"), fact("policy", "p")],
        [fact("session", "s", principal=PAY), fact("session", "t", principal={"type": "user", "id": "ada"})],
        {"s"},
    ),
    "a grant that does not cover it": (
        [act("a"), fact("policy", "p")],
        [fact("grant", "g", principal=PAY, scope={"actions": ["kv:write"]}), fact("policy", "q")],
        {"g"},
    ),
    "records that widen the span": ([act("a")], [fact("policy", "p"), fact("policy", "q", AT)], {"p", "q"}),
    "another record of its id": ([act("a")], [act("a", time="2026-03-01T10:00:00Z")], {"a"}),
    "an origin that used the key before": (
        [
            *(act("a", cites=["c"], origin="here"), fact("policy", "p"), fact("credential", "c", cites=["p"])),
            fact("credential", "c", "2026-03-01T08:30:00Z", fact="ended", end="rotated"),
        ],
        [act("b", cites=["c"], origin="here", time="2026-03-01T08:10:00Z"), act("d", cites=["c"], origin="there")],
        {"b"},
    ),
    "what made its issuing action unauthorised": (
        [
            *(act("a", cites=["s"]), fact("session", "s", cites=["p"], issued_by="login"), fact("policy", "p")),
            *(act("login", cites=["k"]), fact("credential", "k", cites=["p"])),
        ],
        [fact("credential", "k", "2026-03-01T08:30:00Z", fact="ended", end="revoked")],
        {"k"},
    ),
    "nothing, where a setting changed": ([act("a", cites=["k"]), fact("credential", "k", AT)], [], set()),
}


@pytest.mark.parametrize("what", CAUSES)
def test_a_change_names_the_record_that_made_it(tmp_path: Path, what: str) -> None:
    before, after, causes = CAUSES[what]
    early = linked(tmp_path, "early", *before)
    if after:
        linked(tmp_path, "late", *after)
    else:
        (tmp_path / "quo.case" / "quo.toml").write_text('[clock]\nskew = "0s"\n')
        (tmp_path / "early.jsonl").write_text(json.dumps(act("b", cites=["k"], time="2026-03-01T08:59:59Z")) + "\n")
        early = linked(tmp_path, "more", act("b", cites=["k"], time="2026-03-01T08:59:59Z"))
        (tmp_path / "quo.case" / "quo.toml").write_text('[clock]\nskew = "2s"\n')
        assert quo(tmp_path, "link").code == 0
    (changed,) = [row for row in _diff(tmp_path, early) if row["action"] == ("a" if after else "b")]
    assert changed["from"] != changed["to"]
    assert {record["id"] for record in changed["changed_by"]} == causes
    assert changed["changed_by_count"] == len(causes)
    assert all(record["origin"]["file"] == "late.jsonl" for record in changed["changed_by"])


def _diff(folder: Path, early: str, *more: str) -> list[dict[str, Any]]:
    return rows(folder, "diff", "--from", early, "--judged-before", *more)


def test_new_actions_are_changes_too_and_can_be_left_out(tmp_path: Path) -> None:
    early = linked(tmp_path, "early", act("a1"))
    between = linked(tmp_path, "late", act("a2"))
    linked(tmp_path, "later", act("a3"))
    (new,) = rows(tmp_path, "diff", "--from", early, "--to", between)
    assert (new["action"], new["from"], new["to"]["verdict"]) == ("a2", None, "unproven")
    assert [(record["id"], record["origin"]["file"]) for record in new["changed_by"]] == [("a2", "late.jsonl")]
    assert _diff(tmp_path, early) == []
    assert quo(tmp_path, "diff", "--from", early, "--judged-before").out == "nothing changed\n"


def test_the_later_state_takes_the_later_time_even_if_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    linked(tmp_path, "one", act("a1"))
    now: Callable[[], float] = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 3600)
    with Case(tmp_path / "quo.case").writing() as writer:
        writer.commit("judged")
    times = [commit.at for commit in Case(tmp_path / "quo.case").commits()]
    assert times == sorted(set(times))
