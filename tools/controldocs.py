"""Write the `Controls` section of every page of a code from `controls.toml`: `python -m tools.controldocs`.

`--check` only compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

from quowarranto.findings.controls import FRAMEWORKS, IDS

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference" / "codes"
_HEADING = "\n## Controls\n"


def main(arguments: list[str]) -> int:
    """Write the sections, or with `--check` name the pages that are not up to date."""
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("QW*.md"))}
    stale = [path for path, text in pages.items() if with_controls(text, path.stem) != text]
    if "--check" in arguments:
        for path in stale:
            print(f"not up to date: {path.name} (run `python -m tools.controldocs`)")
        return 1 if stale else 0
    for path in stale:
        path.write_text(with_controls(pages[path], path.stem), encoding="utf-8")
        print(f"written: {path.name}")
    return 0


def with_controls(page: str, code: str) -> str:
    """A page with its last section, `Controls`, as the table says."""
    return page.partition(_HEADING)[0].rstrip("\n") + "\n" + _HEADING + section(code)


def section(code: str) -> str:
    """What stands below the heading: a table, a row a framework."""
    rows = [
        f"| {FRAMEWORKS[key].name}, {FRAMEWORKS[key].edition} | {', '.join(map(FRAMEWORKS[key].short, ids))} |"
        for key, ids in IDS[code].items()
        if ids
    ]
    return "\n".join(["\nProvides evidence relevant to:\n", "| framework | controls |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
