"""A real PostgreSQL with pgaudit: a user is made, uses what its role holds, and is dropped while at work."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.running import free_port, linked, program

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
_USER = "v-token-report-1"
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
shared_preload_libraries = 'pgaudit'
pgaudit.log = 'all'
pgaudit.log_relation = on
logging_collector = on
log_directory = 'log'
log_filename = 'server'
log_destination = '{form}'
log_connections = on
log_disconnections = on
log_timezone = 'UTC'
"""


class Server:
    """A cluster of its own in a folder of its own, run by an account that is not root."""

    def __init__(self, folder: Path, form: str) -> None:
        self.folder, self.port = folder, free_port()
        self.account: str | None = None
        if os.getuid() == 0:
            try:
                self.account = pwd.getpwnam("postgres").pw_name
            except KeyError:
                pytest.skip("the server does not run as root, and there is no account `postgres`")
            shutil.chown(folder, self.account)
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres")
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write(_CONFIGURATION.format(port=self.port, form=form))

    def _run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [program(name, *_PLACES), *arguments],
            user=self.account,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=name == "initdb",
            timeout=60,
        )

    def start(self) -> None:
        if self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "start").returncode != 0:
            pytest.skip("the server does not start: pgaudit is not installed for it")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "fast", "-w", "stop")

    def session(self, user: str) -> subprocess.Popen[str]:
        address = f"host=127.0.0.1 port={self.port} dbname=postgres user={user}"
        return subprocess.Popen(
            [program("psql", *_PLACES), "-qXAt", address],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def say(self, user: str, *statements: str) -> None:
        self.session(user).communicate("\n".join(statements) + "\n", timeout=30)


@pytest.fixture(params=["csvlog", "jsonlog"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:  # a folder that other accounts may enter
        made = Server(Path(folder), request.param)
        made.start()
        try:
            yield made
        finally:
            made.stop()


def test_what_a_user_does_after_it_was_dropped_is_unauthorised(server: Server, tmp_path: Path) -> None:
    server.say(
        "postgres",
        "CREATE EXTENSION pgaudit;",
        "CREATE TABLE public.account (id int); CREATE TABLE public.ledger (id int);",
        "CREATE ROLE reporting NOLOGIN;",
        "GRANT SELECT ON public.account TO reporting;",
        f'CREATE ROLE "{_USER}" LOGIN IN ROLE reporting;',
    )
    session = server.session(_USER)
    assert session.stdin is not None
    session.stdin.write("SELECT id FROM public.account;\nSELECT id FROM public.ledger;\n")
    session.stdin.flush()
    time.sleep(1)
    server.say("postgres", f'DROP ROLE "{_USER}";')
    time.sleep(3)  # longer than the clock tolerance
    session.communicate("SELECT count(*) FROM pg_catalog.pg_class;\n", timeout=30)
    server.stop()
    logs = [path for path in (server.folder / "data" / "log").iterdir() if path.suffix in (".csv", ".json")]
    found = [one for one in linked(tmp_path, *logs) if one["principal_id"] == _USER]
    told = {(one["action"], one["resource_id"]): (one["verdict"], one["codes"]) for one in found}
    assert told["connect", "postgres"][0] == "presumed"
    assert told["select", "postgres/public.account"] == ("presumed", "QW102")
    assert told["select", "postgres/ledger"][0] == "refused"
    verdict, codes = told["select", "postgres/pg_catalog.pg_class"]
    assert verdict == "unauthorised"
    assert {"QW202", "QW406"} <= set(codes.split(","))
