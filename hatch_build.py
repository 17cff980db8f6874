"""Makes the compiled part when the project is built or installed, if this machine can; see `compiled/build.py`."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER = Path(__file__).parent / "src" / "quowarranto" / "compiled"


class CompiledHook(BuildHookInterface[Any]):
    """Compiles before a wheel or an editable installation; a wheel that holds what was made is for this platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See `BuildHookInterface.initialize`; `version` is `standard` or `editable`."""
        sys.path.insert(0, str(_FOLDER))
        try:
            from build import build  # type: ignore[import-not-found]
        finally:
            sys.path.pop(0)
        library = build()
        if library is not None and version != "editable":
            build_data["artifacts"].append(str(library.relative_to(self.root)))
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"
