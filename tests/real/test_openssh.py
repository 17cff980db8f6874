"""A real OpenSSH server with a certificate authority of its own: one certificate is let in, an expired one is not."""

from __future__ import annotations

import getpass
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.real.running import free_port, linked, program

_SERIAL = 14357236821337994922
_CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
TrustedUserCAKeys {folder}/authority.pub
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
LogLevel VERBOSE
"""


def test_a_log_in_rests_on_the_certificate_that_vault_signed(tmp_path: Path) -> None:
    server, client = program("sshd"), program("ssh")
    account = getpass.getuser()
    for name in ("host", "authority", "good", "expired"):
        keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / name))
    sign(tmp_path, "good", account, str(_SERIAL), "-5m:+5m")
    sign(tmp_path, "expired", account, "43", "-10m:-5m")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it puts its unprivileged half
    port = free_port()
    (tmp_path / "configuration").write_text(_CONFIGURATION.format(port=port, folder=tmp_path))
    running = subprocess.Popen(
        [server, "-D", "-f", str(tmp_path / "configuration"), "-E", str(tmp_path / "plain")], stdin=subprocess.DEVNULL
    )
    try:
        log_in(client, tmp_path, "good", account, port)
        log_in(client, tmp_path, "expired", account, port)
        time.sleep(1)
    finally:
        running.terminate()
        running.wait(timeout=10)
    log = tmp_path / "auth.log"
    stamp_lines(tmp_path / "plain", log)
    told = {(one["principal_id"], one["action"]): one for one in linked(tmp_path, log, vault(tmp_path))}
    assert told["good (serial 9)", "ssh:login"]["verdict"] == "presumed"
    assert told["good (serial 9)", "ssh:login"]["linkage"] == "partial"
    assert told["good (serial 9)", "ssh:command"]["linkage"] == "partial"
    assert told["expired (serial 9)", "ssh:login"]["verdict"] == "refused"


def keygen(*arguments: str) -> None:
    subprocess.run([program("ssh-keygen"), "-q", *arguments], check=True, stdin=subprocess.DEVNULL, timeout=30)


def sign(folder: Path, name: str, account: str, serial: str, period: str) -> None:
    identity = f"{name} (serial 9)"
    authority, key = str(folder / "authority"), str(folder / f"{name}.pub")
    keygen("-s", authority, "-I", identity, "-n", account, "-z", serial, "-V", period, key)


def log_in(client: str, folder: Path, name: str, account: str, port: int) -> None:
    options = ("BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null")
    command = [client, "-F", "none", "-i", str(folder / name), "-p", str(port), "-o", "ConnectionAttempts=5"]
    for option in options:
        command += ["-o", option]
    subprocess.run(
        [*command, f"{account}@127.0.0.1", "true"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=30,
    )


def stamp_lines(plain: Path, log: Path) -> None:
    """Without a syslog the server writes messages alone; the stamp, host and name are what syslog would put there."""
    now = datetime.now(UTC).isoformat()
    log.write_text("".join(f"{now} web1 sshd[1]: {line}\n" for line in plain.read_text().splitlines()))


def vault(folder: Path) -> Path:
    """The line of Vault's audit log that tells of the signing, the serial in hexadecimal."""
    log = folder / "vault.jsonl"
    at = datetime.fromtimestamp(time.time() - 60, UTC).isoformat()
    log.write_text(
        f'{{"time":"{at}","type":"response","auth":{{"accessor":"hmac-sha256:a","display_name":"ci"}},'
        '"request":{"id":"b0000001-0000-4000-8000-000000000001","mount_type":"ssh","operation":"update",'
        '"path":"ssh/sign/deploy"},'
        f'"response":{{"data":{{"serial_number":"{_SERIAL:x}","signed_key":"hmac-sha256:k"}}}}}}\n'
    )
    return log
