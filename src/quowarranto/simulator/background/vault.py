"""Routine reads from Vault: a pod logs in, reads what its policy allows, and lets the token run out."""

from __future__ import annotations

from typing import NamedTuple

from quowarranto.records import Instant
from quowarranto.simulator.background.parts import Piece, in_order, moments, template, truth_line, uuids
from quowarranto.simulator.dice import dice
from quowarranto.simulator.scene import HOUR, MINUTE, SECOND, Logs
from quowarranto.simulator.stamps import nano_stamp, second_stamp
from quowarranto.simulator.systems import vault
from quowarranto.simulator.truth import TruthLog

_READS_PER_TOKEN = 15
_LOGIN = truth_line("vault/", "authorised", "proven", "QW109")
_READ = truth_line("vault/", "authorised", "proven")
_APPS = {
    "payments": ("payments-read", ("kv/data/payments/psp", "kv/data/payments/ledger", "kv/data/payments/mail")),
    "shop": ("shop-read", ("kv/data/shop/search", "kv/data/shop/cdn", "kv/data/shop/session-keys")),
    "data": ("data-read", ("kv/data/data/warehouse", "kv/data/data/sftp")),
}


class _App(NamedTuple):
    login: str
    reads: list[str]


def _app(role: str, policy: str, paths: tuple[str, ...]) -> _App:
    token = vault.Token(
        token="hmac-sha256:@token@",  # noqa: S106 (a mark in a template)
        accessor="hmac-sha256:@accessor@",
        name=f"kubernetes-{role}",
        policies=("default", policy),
        metadata={"role": role},
        entity=f"e6b1d0a2-77c4-4f1e-8d20-{int.from_bytes(role.encode(), 'big') & 0xFFFFFFFFFFFF:012x}",
        issued_at="@issued@",
        ttl=HOUR,
    )
    call = vault.Call("update", "auth/kubernetes/login", "auth/kubernetes/", "kubernetes", {"role": "hmac-sha256:@h@"})
    request = vault.request_of(call, "@id@", None, port=44312)
    login = vault.pair(call, vault.NO_AUTH, request, {"auth": vault.response_auth(token)}, "", ("@at@", "@done@"))
    return _App(_lines(login), [_read(token, policy, path) for path in paths])


def _read(token: vault.Token, policy: str, path: str) -> str:
    call = vault.Call("read", path, answer={"data": {"value": "hmac-sha256:@h@"}})
    request = vault.request_of(call, "@id@", token, port=44312)
    auth = vault.auth_of(token, (policy,), True)
    return _lines(vault.pair(call, auth, request, {"data": call.answer}, "", ("@at@", "@done@")))


def _lines(pair: tuple[str, str]) -> str:
    return template("\n".join(pair) + "\n")


class RoutineReads:
    """Three applications, each with a token of an hour for every dozen reads."""

    def __init__(self, logs: Logs, truth: TruthLog, seed: int) -> None:
        self._log, self._truth = logs.vault, truth
        self._rng = dice(f"{seed}/routine reads")
        self._uuids = uuids(self._rng)
        self._apps = [_app(role, policy, paths) for role, (policy, paths) in _APPS.items()]

    def write(self, count: int, start: Instant, end: Instant) -> None:
        """Write exactly so many logins and reads, in sessions that begin between two moments."""
        pieces: list[Piece] = []
        truths: list[str] = []
        sessions = -(-count // (_READS_PER_TOKEN + 1))
        for number, opened in enumerate(moments(self._rng, sessions, start, end)):
            self._session(opened, min(_READS_PER_TOKEN, count - number * (_READS_PER_TOKEN + 1) - 1), pieces, truths)
        self._log.stream(in_order(pieces))
        self._truth.stream("".join(truths), "routine", {"authorised": count})

    def _session(self, opened: Instant, reads: int, pieces: list[Piece], truths: list[str]) -> None:
        rng, ids = self._rng, self._uuids
        app = self._apps[int(rng.random() * len(self._apps))]
        values = {
            "token": f"{rng.getrandbits(256):064x}",
            "accessor": f"{rng.getrandbits(256):064x}",
            "h": f"{rng.getrandbits(256):064x}",
            "issued": second_stamp(opened),
        }
        request_id = next(ids)
        values |= {"id": request_id, "at": nano_stamp(opened), "done": nano_stamp(opened + 3_000)}
        pieces.append((opened, app.login % values))
        truths.append(_LOGIN % request_id)
        for at in moments(rng, reads, opened + SECOND, opened + 55 * MINUTE):
            request_id = next(ids)
            values["id"], values["at"], values["done"] = request_id, nano_stamp(at), nano_stamp(at + 1_700)
            pieces.append((at, app.reads[int(rng.random() * len(app.reads))] % values))
            truths.append(_READ % request_id)
