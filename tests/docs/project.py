"""The files of the project, for the tests that hold the documentation to the code."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
README = ROOT / "README.md"


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project; without git, what lies in its folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [path for folder in ("src", "tests", "docs", "tools") for path in (ROOT / folder).rglob("*")]
        paths += list(ROOT.glob("*.*"))
    return tuple(path for path in paths if path.is_file())


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def pages() -> list[Path]:
    """The pages of the project; fixtures are not ours to hold to these rules."""
    return [path for path in tracked() if path.suffix == ".md" and "sources" not in path.parent.parts[-3:-1]]


def columns(section: str) -> set[str]:
    """Names in the first column of a table of Markdown."""
    rows = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def blocks(path: Path, language: str) -> list[str]:
    """The fenced examples of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(path), re.DOTALL | re.MULTILINE)
