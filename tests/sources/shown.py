"""All that quo writes and prints of some logs, as texts: every command, and every file of the case."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
from click.testing import CliRunner
from tests.sources.golden import HERE

from quowarranto.case.query import verdicts
from quowarranto.case.store import Case
from quowarranto.cli import command_of
from quowarranto.findings.explain import Explainer

SETTINGS = ("postgres/zone", "casbin/go", "cloudevents/mapped", "cyberark/table", "openssh/traditional")
"""Cases whose `quo.toml` these sources cannot read their samples without."""
COMMANDS = (
    *(("verdicts", "--format", form) for form in ("table", "jsonl", "csv")),
    *(("findings", "--format", form) for form in ("table", "jsonl")),
    *(("records", "--format", "jsonl"), ("quarantine", "--format", "jsonl"), ("reconcile", "--format", "jsonl")),
    *(
        ("privileges", "--format", "jsonl"),
        ("coverage",),
        ("controls", "--format", "json"),
        ("link", "--format", "json"),
    ),
    *(("export", "--format", form) for form in ("sarif", "ocsf", "oscal", "csv")),
    ("export", "--format", "csv", "--table", "verdicts"),
)
_EXPLAINED = 25
"""Actions explained by the command; the engine behind it explains all of them."""


def all_that_is_shown(folder: Path, arguments: Sequence[str], sources: set[str]) -> dict[str, str]:
    """Link the logs into a case in the folder, run what shows it, and read every file that came of it.

    Returns: texts by the name of the command or file; what could not be run fails here.
    """
    made = folder / "quo.case"
    made.mkdir()
    settings = [HERE / case / "quo.toml" for case in SETTINGS if case.partition("/")[0] in sources]
    (made / "quo.toml").write_text("\n".join(path.read_text(encoding="utf-8") for path in settings), encoding="utf-8")
    texts = {"link": _ran(made, "link", "--threads", "1", *arguments)}
    for command in COMMANDS:
        texts[" ".join(command)] = _ran(made, *command)
    page = folder / "page.html"
    texts["report"] = _ran(made, "report", "--html", str(page)) + page.read_text(encoding="utf-8")
    snapshot = Case(made).snapshot()
    actions = sorted({row["id"] for row in verdicts(snapshot)})
    explainer = Explainer(snapshot, actions)
    texts["every explanation"] = "\n".join(json.dumps(explainer.explain(one), ensure_ascii=False) for one in actions)
    for action in actions[:: max(1, len(actions) // _EXPLAINED)]:
        texts[f"explain {len(texts)}"] = _ran(made, "explain", "--", action)
    return texts | _files(made)


def _ran(case: Path, name: str, *arguments: str) -> str:
    done = CliRunner().invoke(command_of(name), ["--case", str(case), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, f"{name} {arguments}: {done.output}"
    return done.output


def _files(case: Path) -> dict[str, str]:
    """Every file of the case as text; tables as their rows."""
    texts = {}
    for path in sorted(case.rglob("*")):
        if path.suffix == ".parquet":
            texts[f"{path.relative_to(case)}"] = repr(duckdb.read_parquet(str(path)).fetchall())
        elif path.is_file():
            texts[f"{path.relative_to(case)}"] = path.read_bytes().decode("utf-8", "replace")
    return texts
