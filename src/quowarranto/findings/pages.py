"""The reference page of a code: shipped in the package, and read from the documentation in a checkout."""

from __future__ import annotations

from pathlib import Path

from quowarranto.records.codes import CODES

_HERE = Path(__file__).resolve()
_FOLDERS = (_HERE.parent / "code_pages", _HERE.parents[3] / "docs" / "reference" / "codes")
"""In an installed package, and in a checkout."""


def page_of(code: str) -> str:
    """The page of a code as Markdown; where the pages are missing, what the package itself knows of it.

    Raises:
        KeyError: no such code.
    """
    entry = CODES[code]
    for folder in _FOLDERS:
        page = folder / f"{code}.md"
        if page.is_file():
            return page.read_text(encoding="utf-8").rstrip()
    return f"# {code}: {entry.name}\n\nSeverity **{entry.severity}**: {entry.clause}."
