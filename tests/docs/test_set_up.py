"""What the README promises of the set-up is what continuous integration runs and what is shipped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from tests.docs.project import README, REFERENCE, ROOT, text

from quowarranto.records.codes import CODES


def test_continuous_integration_runs_the_two_commands_of_the_readme() -> None:
    first_screen = text(README).partition("## ")[0]
    commands = [
        line.partition("#")[0].strip() for line in re.findall(r"^python3 do\.py .*", first_screen, re.MULTILINE)
    ]
    assert commands == ["python3 do.py demo", "python3 do.py test"]
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert set(commands) <= set(text(script).splitlines())
    assert text(script).rstrip().endswith("\npython3 do.py test")


def test_the_set_up_says_what_it_can_do_without_setting_up(tmp_path: Path) -> None:
    copy = tmp_path / "do.py"
    copy.write_bytes((ROOT / "do.py").read_bytes())
    done = subprocess.run([sys.executable, str(copy)], capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {task} " in done.stdout for task in ("demo", "test", "lint", "types", "lock"))
    assert list(tmp_path.iterdir()) == [copy]


def test_the_wheel_carries_the_pages_of_the_codes(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        for code in CODES:
            shipped = packed.read(f"quowarranto/findings/code_pages/{code}.md")
            assert shipped == (REFERENCE / "codes" / f"{code}.md").read_bytes()
        assert any(name.endswith("/steps/10_actions.sql") for name in packed.namelist())


def test_every_locked_runtime_dependency_is_explained() -> None:
    project = tomllib.loads(text(ROOT / "pyproject.toml"))
    wanted = [re.split(r"[<>=]", name)[0] for name in project["project"]["dependencies"]]
    page = text(REFERENCE / "dependencies.md")
    assert [name for name in wanted if f"| {name} |" not in page] == []


def test_the_lock_names_every_dependency_with_hashes() -> None:
    project = tomllib.loads(text(ROOT / "pyproject.toml"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    locked = re.split(r"\n(?=[a-z])", text(ROOT / "requirements.lock").strip())
    names = {entry.split("==")[0] for entry in locked}
    assert {re.split(r"[<>=]", name)[0].lower() for name in wanted} <= names
    assert [entry for entry in locked if "--hash=sha256:" not in entry] == []
