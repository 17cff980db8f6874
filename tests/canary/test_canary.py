"""A canary measures what there is to measure, leaves nothing behind and tells no secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.quo import quo, rows

from quowarranto.canary.measure import Answer, CanaryError, Measured, measure, records
from quowarranto.records import Action, Resource

OWN, SECRET = "s.own-token-0123456789", "s.canary-token-abcdefghij"


class Clock:
    """Time that passes only in sleep, and by ten milliseconds at every use."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


class Scripted:
    """Accepts for so long after it is revoked; not at once after it is issued."""

    verb, resource = "use", Resource("t", "t")

    def __init__(self, clock: Clock, *, late_s: float, lag_s: float, unclear: int = 0) -> None:
        self.clock, self.late_s, self.lag_s, self.unclear = clock, late_s, lag_s, unclear
        self.issued = self.revoked = -1
        self.revocations = 0

    def issue(self) -> str:
        self.issued = self.clock.ns
        return "key/1"

    def use(self) -> Answer:
        self.clock.ns += 10_000_000
        if self.revoked >= 0 and self.unclear:
            self.unclear -= 1
            return "unclear"
        if self.revoked < 0:
            return "accepted" if self.clock.ns - self.issued >= self.late_s * 1e9 else "refused"
        return "accepted" if self.clock.ns - self.revoked < self.lag_s * 1e9 else "refused"

    def revoke(self) -> None:
        self.revoked, self.revocations = self.clock.ns, self.revocations + 1


def measured(target: Scripted, timeout_s: float = 30) -> Measured:
    clock = target.clock
    return measure(target, interval_s=0.1, timeout_s=timeout_s, clock=clock, now=clock, sleep=clock.sleep)


@pytest.mark.parametrize(
    ("lag_s", "accepted", "last_us"),
    [(0, 0, 0), (0.005, 0, 0), (0.05, 1, 0), (1, 10, 900_000), (2.005, 20, 1_900_000)],
)
def test_the_time_of_the_last_accepted_use_is_measured(lag_s: float, accepted: int, last_us: int) -> None:
    found = measured(Scripted(Clock(), late_s=0, lag_s=lag_s))
    assert [use.answer for use in found.uses].count("accepted") == accepted
    assert (found.last_accepted_us, found.ended) == (last_us, True)
    assert found.resolution_us == (100_000 if accepted else 0)


def test_a_credential_that_takes_time_to_work_is_waited_for() -> None:
    found = measured(Scripted(Clock(), late_s=3, lag_s=0))
    assert 3_000_000 <= found.usable_after_us <= 3_100_000


def test_an_unclear_answer_is_neither_and_becomes_no_record() -> None:
    found = measured(Scripted(Clock(), late_s=0, lag_s=1, unclear=4))
    assert found.last_accepted_us == 900_000
    actions = [one for one in records(found) if isinstance(one, Action)]
    assert len(actions) == len(found.uses) + len(found.before) - 4


def test_what_is_accepted_for_ever_is_said_to_be() -> None:
    found = measured(Scripted(Clock(), late_s=0, lag_s=9_999), timeout_s=5)
    assert not found.ended
    assert found.last_accepted_us >= 4_900_000


def test_what_never_works_is_revoked_all_the_same() -> None:
    target = Scripted(Clock(), late_s=9_999, lag_s=0)
    with pytest.raises(CanaryError):
        measured(target, timeout_s=2)
    assert target.revocations == 1


class _Tokens(BaseHTTPRequestHandler):
    """The three calls of the token auth method; a revoked token works for so many uses more (`server.lag`)."""

    server: Any

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Vault-Token"] != OWN:
            self._answer(403, {"errors": ["permission denied"]})
        elif self.path == "/v1/auth/token/create":
            self.server.created.append(body)
            self._answer(200, {"auth": {"client_token": SECRET, "accessor": "acc1"}})
        else:
            self.server.revoked = body["accessor"] == "acc1"
            self._answer(204, None)

    def do_GET(self) -> None:
        if self.server.revoked:
            self.server.lag -= 1
        known = self.headers["X-Vault-Token"] == SECRET and self.server.lag >= 0
        self._answer(200 if known else 403, {"data": {}} if known else {"errors": ["permission denied"]})

    def _answer(self, status: int, body: Any) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def vault() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Tokens)
    server.created, server.revoked, server.lag = [], False, 3
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    server.server_close()


def test_a_token_of_vault_is_measured_and_its_records_link(vault: Any, tmp_path: Path) -> None:
    """The records say what was measured: uses of a revoked token that were accepted."""
    options = ("--interval", "1.2", "--record", "canary.jsonl", "--format", "json")
    ran = quo(tmp_path, "canary", "vault", *options, env={"VAULT_ADDR": vault.address, "VAULT_TOKEN": OWN})
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert (said["credential"], said["accepted_after_revocation"], said["polls"]) == ("vault/accessor/acc1", 3, 6)
    assert said["last_accepted_after_s"] >= 2.3
    assert said["resolution_s"] >= 1.1
    assert vault.created[0]["policies"] == ["default"]
    assert vault.revoked
    written = (tmp_path / "canary.jsonl").read_text()
    for secret in (OWN, SECRET):
        assert secret not in ran.out + ran.err + written
    assert quo(tmp_path, "link", "canary.jsonl").code == 0
    codes = [row["codes"] for row in rows(tmp_path, "verdicts") if row["outcome"] == "success"]
    assert "QW406" in {code for one in codes for code in one}, "beyond the tolerance of the clocks"
    assert [row["verdict"] for row in rows(tmp_path, "verdicts") if row["outcome"] == "denied"] == ["refused"] * 3


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({"VAULT_TOKEN": "s.wrong-token-000"}, 1, "no token was created (status 403)"),
        ({"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": OWN}, 1, "the server cannot be asked"),
        ({"VAULT_ADDR": "file:" + "///etc/passwd", "VAULT_TOKEN": OWN}, 1, "the address is none of a server"),
        ({}, 2, "VAULT_TOKEN"),
    ],
)
def test_what_cannot_be_measured_is_an_error_without_a_secret(
    environment: dict[str, str], code: int, says: str, vault: Any, tmp_path: Path
) -> None:
    ran = quo(tmp_path, "canary", "vault", env={"VAULT_ADDR": vault.address, "VAULT_TOKEN": "", **environment})
    assert (ran.code, says in ran.err) == (code, True), ran.err
    assert "s." + "wrong" not in ran.err


def test_a_file_that_exists_is_not_written_over(vault: Any, tmp_path: Path) -> None:
    (tmp_path / "there.jsonl").write_text("mine")
    ran = quo(
        tmp_path, "canary", "vault", "--record", "there.jsonl", env={"VAULT_ADDR": vault.address, "VAULT_TOKEN": OWN}
    )
    assert (ran.code, vault.created, (tmp_path / "there.jsonl").read_text()) == (2, [], "mine")
