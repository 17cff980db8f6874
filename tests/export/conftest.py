"""Cases that the tests of the outputs share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quowarranto.case.store import Case, Snapshot
from quowarranto.pipeline import link_paths
from quowarranto.simulator import simulate

HOSTILE = '=HYPERLINK("http://x")[a](http://evil.example/{0})\u202e</script>'
"""A text that a spreadsheet, a viewer of SARIF and a browser would each take for something else."""


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The case of the small organisation in which things go wrong."""
    folder = tmp_path_factory.mktemp("demo")
    simulate(folder, actions=300)
    case = Case(folder / "quo.case")
    link_paths(case, [str(folder / "logs")], threads=1)
    return case.snapshot()


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A case whose every name is out to be taken for something else."""
    folder = tmp_path_factory.mktemp("hostile")
    grant = {"kind": "grant", "id": HOSTILE, "time": "2026-01-01T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z"}
    action = {
        "kind": "action",
        "id": f"{HOSTILE}1",
        "time": "2026-03-01T09:00:00Z",
        "principal": {"type": HOSTILE, "id": HOSTILE},
        "action": HOSTILE,
        "resource": {"type": HOSTILE, "id": HOSTILE},
        "cites": [HOSTILE],
    }
    lines = [json.dumps(grant), json.dumps(action), "broken {"]
    (folder / "[log] {0}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    case = Case(folder / "quo.case")
    link_paths(case, [str(folder / "[log] {0}.jsonl")], threads=1)
    return case.snapshot()


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Schemas of the standards; they lie beside the project, and where they do not the test is skipped."""
    folder = Path(__file__).parents[3] / "shared" / "vectors"
    if not folder.is_dir():
        pytest.skip("the schemas of the standards are not beside the project")
    return folder
