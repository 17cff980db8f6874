"""What `quo` prints: whole, safe for a terminal, without secrets, and quiet when nobody reads it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.quo import ENVIRONMENT, command, quo, rows

from quowarranto.simulator import PLANTED_SECRETS, simulate

EVIL = "\x1b[31mred\x1b]0;title\x07\u202etxt.exe\x9b\r\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the logs of the small organisation and their case."""
    folder = tmp_path_factory.mktemp("world")
    simulate(folder, actions=300)
    assert quo(folder, "link", "logs").code == 0
    return folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case in which every text is out to take over the terminal."""
    folder = tmp_path_factory.mktemp("hostile")
    one = {
        "kind": "action",
        "id": f"a{EVIL}",
        "time": "2026-03-01T09:00:00Z",
        "principal": {"type": f"t{EVIL}", "id": f"p{EVIL}"},
        "action": f"v{EVIL}",
        "resource": {"type": f"r{EVIL}", "id": f"=cmd{EVIL}"},
        "source": f"s{EVIL}",
        "cites": [f"k{EVIL}", f"g{EVIL}"],
    }
    grant = {"kind": "grant", "id": f"g{EVIL}", "time": "2026-01-01T00:00:00Z", "justification": EVIL, "end": None}
    (folder / f"log{EVIL.strip()}.jsonl".replace("/", "")).write_text(
        json.dumps(one) + "\n" + json.dumps(grant) + "\nbroken" + EVIL + "\n"
    )
    assert quo(folder, "link", ".").code == 0
    return folder


@pytest.mark.parametrize(
    "arguments",
    [["verdicts"], ["records"], ["findings"], ["quarantine"], ["coverage"], ["explain", f"a{EVIL}"], ["link"]],
    ids=lambda arguments: arguments[0],
)
def test_no_control_character_of_a_log_reaches_the_terminal(hostile: Path, arguments: list[str]) -> None:
    """Escapes, bells, C1 and directions are shown, not obeyed."""
    ran = quo(hostile, *arguments)
    assert ran.code == 0, ran.err
    for text in (ran.out, ran.err):
        assert not [c for c in text if not c.isprintable() and c != "\n"]


def test_an_unknown_action_is_named_safely_with_the_nearest(hostile: Path) -> None:
    """Exit code 1."""
    ran = quo(hostile, "explain", "a\x1b[31m")
    assert ran.code == 1
    assert "nearest" in ran.err
    assert "\x1b" not in ran.err


def test_a_spreadsheet_takes_nothing_for_a_formula(hostile: Path) -> None:
    """Such texts are marked as text."""
    text = quo(hostile, "verdicts", "--format", "csv").out
    assert ",=cmd" not in text
    assert ',"=cmd' not in text


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "table"])
@pytest.mark.parametrize("name", ["verdicts", "records", "findings", "quarantine"])
def test_a_reader_that_goes_away_is_no_failure(world: Path, name: str, form: str) -> None:
    """`quo … | head`: exit code 0, nothing on standard error."""
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -c 10 > /dev/null', "-", *command(name, "--format", form)],
        cwd=world, env=ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert b"rror" not in done.stderr


@pytest.mark.parametrize("form", ["csv", "ocsf", "sarif"])
def test_a_reader_of_an_export_may_go_away_too(world: Path, form: str) -> None:
    """However much was still to be written."""
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -c 10 > /dev/null', "-", *command("export", "--format", form)],
        cwd=world, env=ENVIRONMENT, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "--html"],
        ["controls", "--html"],
        ["export", "--format", "sarif", "--out"],
        ["impact", "pam/1", "--svg"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_file_that_cannot_be_written_is_named_with_what_to_do(world: Path, arguments: list[str]) -> None:
    """Its own name, not that of the file beside it that takes its place when it is whole."""
    if arguments[0] == "impact":
        arguments = ["impact", rows(world, "verdicts", "--linkage", "proven")[0]["authorities"][0]["key"], "--svg"]
    ran = quo(world, *arguments, "no-such-folder/out")
    assert ran.code == 1
    assert "`no-such-folder/out` cannot be written" in ran.err
    assert "make the folder first" in ran.err
    assert ".part" not in ran.err


def test_a_limit_gives_the_first(world: Path) -> None:
    """And none gives none."""
    everything = rows(world, "verdicts")
    assert rows(world, "verdicts", "--limit", "3") == everything[:3]
    assert rows(world, "verdicts", "--limit", "0") == []
    assert json.loads(quo(world, "verdicts", "--limit", "3", "--format", "json").out) == everything[:3]
    assert json.loads(quo(world, "verdicts", "--limit", "0", "--format", "json").out) == []


def test_filters_choose_what_they_say(world: Path) -> None:
    """Each against the whole list."""
    everything = rows(world, "verdicts")

    def chosen(*arguments: str) -> list[dict[str, Any]]:
        return rows(world, "verdicts", *arguments)

    assert chosen("--verdict", "unauthorised") == [row for row in everything if row["verdict"] == "unauthorised"]
    assert chosen("--linkage", "missing", "--linkage", "partial") == [
        row for row in everything if row["linkage"] in ("missing", "partial")
    ]
    assert chosen("--code", "qw202") == [row for row in everything if "QW202" in row["codes"]]
    one = everything[len(everything) // 2]
    assert chosen("--action", one["action"]) == [row for row in everything if row["action"] == one["action"]]
    assert chosen("--since", one["time"]) == [row for row in everything if row["time"] >= one["time"]]
    assert chosen("--source", one["source"]) == [row for row in everything if row["source"] == one["source"]]
    assert one in chosen("--principal", f"{one['principal']['type']}:*")
    key = next(row for row in everything if row["authorities"])["authorities"][0]["key"]
    assert chosen("--authority", key) == [row for row in everything if key in [a["key"] for a in row["authorities"]]]


def test_an_ascii_terminal_gets_escapes_rather_than_a_failure(world: Path) -> None:
    """Whatever the locale."""
    env = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    for arguments in (["link"], ["explain", rows(world, "verdicts")[0]["action"]], ["--help"], ["link", "--help"]):
        assert quo(world, *arguments, env=env).code == 0


def test_a_finding_at_or_above_the_level_fails_the_run(world: Path) -> None:
    """Exit code 10, and 0 where none is that grave."""
    ran = quo(world, "link", "--fail-on", "critical")
    assert ran.code == 10
    assert "critical" in ran.err


def test_no_planted_secret_is_in_anything_that_is_printed(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records, verdicts, findings, quarantine, and the explanation of every action with its raw lines."""
    from quowarranto.case.query import verdicts
    from quowarranto.case.store import Case
    from quowarranto.findings.explain import Explainer

    printed = [quo(world, name, "--format", "jsonl").out for name in ("records", "verdicts", "findings", "quarantine")]
    snapshot = Case(world / "quo.case").snapshot()
    actions = sorted({row["id"] for row in verdicts(snapshot)})
    monkeypatch.chdir(world)
    explainer = Explainer(snapshot, actions)
    explained = [json.dumps(explainer.explain(action)) for action in actions]
    assert quo(world, "report", "--html", "page.html").code == 0
    printed.append((world / "page.html").read_text())
    assert any("[removed: " in text for text in explained)
    for secret in PLANTED_SECRETS:
        assert not [text for text in printed + explained if secret in text]


def test_a_message_never_quotes_what_a_broken_line_held(tmp_path: Path) -> None:
    """Not even where the secret is in the place of a value that is checked."""
    secret = PLANTED_SECRETS[5]
    base = {"kind": "action", "time": "2026-03-01T09:00:00Z", "principal": {"type": "a", "id": "b"}, "action": "x",
            "resource": {"type": "c", "id": "d"}}  # fmt: skip
    bad: list[dict[str, Any]] = [{name: secret} for name in base] + [{"outcome": secret}, {"cites": {secret: 1}}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(base | one) + "\n" for one in [{}, *bad]))
    ran = quo(tmp_path, "link", "native=log.jsonl")
    assert ran.code == 0
    found = quo(tmp_path, "quarantine", "--format", "jsonl").out
    assert found.count("\n") == len(bad) - 1  # any verb is one
    assert secret not in ran.out + ran.err + found


@pytest.mark.parametrize("after", [0, 0.2, 0.6])
def test_an_interrupted_run_says_so_and_leaves_the_case_complete(world: Path, tmp_path: Path, after: float) -> None:
    """Exit code 1, no traceback."""
    running = subprocess.Popen(
        command("link", world / "logs"),
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    while not (tmp_path / "quo.case").exists() and running.poll() is None:
        time.sleep(0.01)
    time.sleep(after)
    running.send_signal(signal.SIGINT)
    said = (running.communicate()[1] or b"").decode()
    assert "Traceback" not in said
    assert running.returncode == 0 or "interrupted" in said
    assert quo(tmp_path, "link", world / "logs").code == 0
    assert len(rows(tmp_path, "verdicts")) == len(rows(world, "verdicts"))
