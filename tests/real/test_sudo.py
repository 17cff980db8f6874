"""A real sudo with a sudoers and a mount namespace of its own: one command is let through, one is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.real.running import linked, program

_RULES = """
Defaults:nobody log_format=json, logfile={log}, !syslog, log_exit_status, !authenticate
nobody ALL=(daemon) {true}, {false}
"""
_ACTS = """
mount --bind "$1" /etc/sudoers || exit 77
for command in "$2" "$3" "$4"; do runuser -u nobody -- sudo -n -u daemon "$command"; done
exit 0
"""


def test_a_command_is_let_through_another_is_refused(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("a sudoers of one's own needs root")
    program("sudo"), program("runuser")
    commands = [program(name) for name in ("true", "false", "id")]
    rules, log = tmp_path / "sudoers", tmp_path / "sudo.json"
    rules.write_text(_RULES.format(log=log, true=commands[0], false=commands[1]))
    rules.chmod(0o440)
    done = subprocess.run(
        [program("unshare"), "--mount", "sh", "-c", _ACTS, "acts", str(rules), *commands],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode in (1, 77) or not log.exists():
        pytest.skip("no mount namespace to be had, or this sudo does not write JSON")
    told = {Path(one["resource_id"]).name: one for one in linked(tmp_path, log)}
    assert {name: (one["outcome"], one["verdict"]) for name, one in told.items()} == {
        "true": ("success", "presumed"),
        "false": ("failure", "presumed"),
        "id": ("denied", "refused"),
    }
