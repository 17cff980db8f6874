"""The folders are the pipeline: imports go to an earlier stage, never to a later one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "quowarranto"
STAGES = (
    "compiled",
    "records",
    "sources",
    "case",
    "linkage",
    "backend",
    "results",
    "revision",
    "pipeline",
    "replay",
    "findings",
    "export",
    "simulator",
    "canary",
    "cli",
)
"""In the order in which data flows. Everything may import `errors` and the package itself (its version)."""
EVERYWHERE = frozenset(("errors", ""))


def _stage(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def _imports(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [str(node.module)]
            if node.module == "quowarranto":
                names = [f"quowarranto.{alias.name}" for alias in node.names if alias.name != "__version__"]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] == "quowarranto")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_imports_only_earlier_ones(stage: str) -> None:
    files = [PACKAGE / f"{stage}.py"] if stage in ("results", "pipeline") else sorted((PACKAGE / stage).rglob("*.py"))
    assert files
    allowed = EVERYWHERE | set(STAGES[: STAGES.index(stage) + 1])
    late = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in files
        for name in _imports(path)
        if _stage(name) not in allowed
    ]
    assert late == []


def test_every_folder_is_a_stage() -> None:
    here = {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.rglob("*.py"))}
    assert here <= set(STAGES)
    assert {path.stem for path in PACKAGE.glob("*.py")} <= {"__init__", "__main__", "errors", "results", "pipeline"}


def _roots(path: Path) -> set[str]:
    """Top-level packages that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize(
    ("stage", "forbidden"),
    [
        ("records", {"os", "pathlib", "io", "socket", "subprocess", "tempfile", "duckdb", "deltalake"}),
        ("linkage", {"os", "time", "datetime", "random", "socket", "subprocess"}),
    ],
)
def test_the_pure_stages_reach_for_nothing_outside(stage: str, forbidden: set[str]) -> None:
    """Records do no input or output; the linkage reads no clock, network or environment."""
    reaching = {path.name: hit for path in (PACKAGE / stage).rglob("*.py") if (hit := _roots(path) & forbidden)}
    assert reaching == {}
