"""Everything a checkout needs, in one file of the standard library: `python3 do.py` lists the tasks.

The tools live in `.venv` beside this file, exactly as `requirements.lock` names them (versions and hashes). Nothing
outside the checkout is written. A second run finds that the lock has not changed and starts at once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
MADE_FROM = (ROOT / "pyproject.toml", ROOT / "src" / "quowarranto" / "compiled" / "cutter.c")
"""What an installation of the checkout is made from; all else is used where it stands."""
STAMP = VENV / "set-up"
"""What `.venv` was set up from: digests of the lock (with the place, which scripts have inside) and of the project."""

TASKS = {
    "demo": "judge the logs of a small simulated organisation; the report is left in quo-demo/ (options of `quo demo`)",
    "test": "the tests (options of pytest)",
    "lint": "ruff: rules and layout (`lint --fix` mends what it can)",
    "types": "mypy, strict",
    "lock": "write requirements.lock anew from pyproject.toml (needs `uv`)",
}

_ELSEWHERE = ("PYTHONHOME", "PYTHONPATH", "PIP_PREFIX", "PIP_REQUIRE_HASHES", "PIP_ROOT", "PIP_TARGET", "PIP_USER")
"""Settings by which an installation would end up somewhere else than in `.venv`, or not at all."""

_NO_ENSUREPIP = """\
error: this Python cannot make a virtual environment: its `ensurepip` module is missing
 need: Python 3.11 or later with `ensurepip`
  try: on Debian or Ubuntu, `apt install python3-venv` (or `python3.11-venv`), then the same command again
       or run do.py with another Python, e.g. `python3.12 do.py test`
       or make `.venv` with a tool that you have (`virtualenv .venv`, `uv venv --seed .venv`), then again"""


def main(arguments: list[str]) -> int:
    """Run one task and return its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python should get a sentence, not a syntax error
        print("error: Python 3.11 or later is needed, this is " + sys.version.split()[0], file=sys.stderr)
        print("  try: python3.11 do.py " + " ".join(arguments or ["test"]), file=sys.stderr)
        return 2
    if os.name == "nt":
        print("error: Quo Warranto runs on Linux and macOS (on Windows: inside WSL)", file=sys.stderr)
        return 2
    task, *rest = arguments or ["help"]
    if task in ("help", "-h", "--help"):
        print(_help())
        return 0
    if task not in TASKS:
        print(f"error: `{task}` is not a task\n\n{_help()}", file=sys.stderr)
        return 2
    if task == "lock":
        return _lock(rest)
    _set_up()
    return {"demo": _demo, "test": _test, "lint": _lint, "types": _types}[task](rest)


def _help() -> str:
    tasks = "\n".join(f"  {name:<6} {what}" for name, what in TASKS.items())
    more = "The first run sets up .venv; `. .venv/bin/activate` then gives you `quo`."
    return f"python3 do.py TASK [OPTIONS…]\n\n{tasks}\n\n{more}"


# ---- tasks -----------------------------------------------------------------------------------------------------------


def _demo(rest: list[str]) -> int:
    code = _run(str(VENV / "bin" / "quo"), "demo", "quo-demo", "--no-open", *rest)
    report = ROOT / "quo-demo" / "report.html"
    if code == 0 and report.exists():
        print(f"\nopen in a browser: {report}")
    return code


def _test(rest: list[str]) -> int:
    return _run(str(PYTHON), "-m", "pytest", "-rs", "-n", "auto", "--maxprocesses", "4", *rest)


def _lint(rest: list[str]) -> int:
    ruff = str(VENV / "bin" / "ruff")
    layout = [] if "--fix" in rest else ["--check"]
    return _run(ruff, "check", *rest) or _run(ruff, "format", *layout)


def _types(rest: list[str]) -> int:
    return _run(str(PYTHON), "-m", "mypy", *rest)


def _lock(rest: list[str]) -> int:
    uv = shutil.which("uv")
    if uv is None:
        print("error: `uv` is not on the path\n  try: install it, then run this again", file=sys.stderr)
        return 1
    how = ("--universal", "--python-version", "3.11", "--generate-hashes", "--group", "dev")
    quiet = ("--no-header", "--no-annotate", "--no-emit-index-url", "--quiet")
    return _run(uv, "pip", "compile", *how, *quiet, "-o", LOCK.name, *rest, "pyproject.toml")


# ---- set-up ----------------------------------------------------------------------------------------------------------


def _set_up() -> None:
    """Make `.venv` what the lock says, unless it is already."""
    lock, project = _digest(LOCK.read_bytes(), str(ROOT).encode()), _digest(*(path.read_bytes() for path in MADE_FROM))
    done = STAMP.read_text().split() if STAMP.exists() and _works() else []
    if done == [lock, project]:
        return
    if done[:1] != [lock]:
        print("setting up .venv (once; a minute or so) …", file=sys.stderr, flush=True)
        if STAMP.exists() or not _works("-m", "pip", "--version"):
            _make_venv()
        _pip("--require-hashes", "-r", str(LOCK))
    _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(f"{lock} {project}")


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _works(*arguments: str) -> bool:
    """Whether the Python of `.venv` is there and runs (its base may have been removed or moved)."""
    if not PYTHON.exists():
        return False
    command = [str(PYTHON), *(arguments or ("-c", "import sys; sys.exit(sys.version_info < (3, 11))"))]
    return subprocess.run(command, env=_environment(), capture_output=True, check=False).returncode == 0


def _make_venv() -> None:
    from importlib.util import find_spec

    if find_spec("ensurepip") is None or find_spec("venv") is None:
        sys.exit(_NO_ENSUREPIP)
    if _run(sys.executable, "-m", "venv", "--clear", str(VENV)) != 0:
        sys.exit(_NO_ENSUREPIP)


def _pip(*arguments: str) -> None:
    how = ("--quiet", "--no-input", "--disable-pip-version-check")
    if _run(str(PYTHON), "-m", "pip", "install", *how, *arguments) != 0:
        sys.exit(
            "error: pip could not install what requirements.lock names (its reason stands above)\n"
            "  try: check the network, or pip's own settings for a mirror or a certificate, then the same command again"
        )


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return kept | {"PYTHONNOUSERSITE": "1"}


def _run(*command: str) -> int:
    try:
        return subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
