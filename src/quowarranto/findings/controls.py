"""Which controls a code provides evidence relevant to. It never says that anything complies with anything (SPEC 11).

Reads `controls.toml` beside this file: frameworks, and for every code of SPEC 8 what it is found on and the ids.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import msgspec


class Framework(msgspec.Struct, frozen=True):
    """A set of controls: how it is called, what stands before its ids in print, and what they look like."""

    key: str
    name: str
    edition: str
    label: str
    pattern: str
    public: str
    before: str = ""

    def short(self, control: str) -> str:
        """An id where the framework has been named: `AC-2`, `tenet 3`."""
        return f"{self.before}{control}"

    def said(self, control: str) -> str:
        """An id by itself: `NIST SP 800-53: AC-2`, `NIST SP 800-207: tenet 3`."""
        return f"{self.label}{self.short(control)}"


def _read() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "controls.toml").read_text(encoding="utf-8"))


_TABLE = _read()

FRAMEWORKS: dict[str, Framework] = {key: Framework(key, **said) for key, said in _TABLE["frameworks"].items()}
"""By key, as `quo controls --framework` takes it."""

IDS: dict[str, dict[str, tuple[str, ...]]] = {
    code: {key: tuple(said.get(key, ())) for key in FRAMEWORKS} for code, said in _TABLE["codes"].items()
}
"""Of every code of SPEC 8, found by this version or not: ids by framework."""

APPLIES_TO: dict[str, tuple[str, ...]] = {code: tuple(said["applies_to"]) for code, said in _TABLE["codes"].items()}
"""What a code is found on; the words are explained in `controls.toml`."""

CONTROLS: dict[str, tuple[str, ...]] = {
    code: tuple(FRAMEWORKS[key].said(control) for key, controls in by_framework.items() for control in controls)
    for code, by_framework in IDS.items()
}
"""Of every code, the controls as they are printed."""


def in_words(code: str) -> str:
    """The controls of a code with each framework named once: `NIST SP 800-53: AC-2, AC-5; OWASP NHI7:2025; …`."""
    return "; ".join(
        FRAMEWORKS[key].label + ", ".join(map(FRAMEWORKS[key].short, ids)) for key, ids in IDS[code].items() if ids
    )
