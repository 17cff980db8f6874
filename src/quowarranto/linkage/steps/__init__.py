"""The relations of the engine: one `.sql` file per clause of the specification, in the order of their building."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_HEADER = re.compile(r"^-- relation: (\S+)\n", re.MULTILINE)


@cache
def relations() -> dict[str, str]:
    """Every relation's text by its name; names may hold `$n`, `$k`, `$x` (which run, level or use of it)."""
    found: dict[str, str] = {}
    for path in sorted(files(__package__).iterdir(), key=lambda path: path.name):
        if path.name.endswith(".sql"):
            parts = _HEADER.split(path.read_text(encoding="utf-8"))
            for name, text in zip(parts[1::2], parts[2::2], strict=True):
                if name in found:
                    raise ValueError(f"relation `{name}` is defined twice")
                found[name] = text.strip()
    return found
