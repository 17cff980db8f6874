"""A Kubernetes audit log of any size: bindings made in the log itself, tokens issued, requests allowed by them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from quowarranto.records import Instant
from quowarranto.simulator import organisation
from quowarranto.simulator.background.kubernetes import RoutineRequests
from quowarranto.simulator.background.parts import uuids
from quowarranto.simulator.dice import dice
from quowarranto.simulator.logs import LineLog
from quowarranto.simulator.scene import DAY, HOUR, SECOND
from quowarranto.simulator.stamps import micro_stamp
from quowarranto.simulator.systems import kubernetes as k8s
from quowarranto.simulator.world import DAYS, START

_BYTES_PER_REQUEST = 2_300
_MOST_AT_ONCE = 20_000


def simulate_kubernetes(path: Path, size: int, *, seed: int = 7, start: datetime = START) -> int:
    """Write an audit log of about `size` bytes (never fewer) and return how many requests are in it."""
    log = LineLog(path)
    begin = int(start.timestamp()) * 1_000_000
    expected = max(1, size // _BYTES_PER_REQUEST)
    works = organisation.routine(expected)
    requests = _bindings(log, works, seed, begin)
    routine = RoutineRequests(log, None, seed, works)
    at, end = begin + HOUR, begin + DAYS * DAY
    per_request = (end - at) // (expected + expected // 20 + 1)
    while (left := size - log.written) > 0:
        count = min(_MOST_AT_ONCE, left // _BYTES_PER_REQUEST + 1)
        until = at + count * per_request
        routine.write(count, at, until)
        requests, at = requests + count, until
    log.close()
    return requests


def _bindings(log: LineLog, works: list[organisation.Workload], seed: int, begin: Instant) -> int:
    """Let the GitOps controller make every role and binding, logged with their bodies; returns how many requests."""
    ids = uuids(dice(f"{seed}/bindings"))
    caller = k8s.service_account(organisation.FLUX)
    reason = k8s.allowed_by("flux-admin", "cluster-admin", organisation.FLUX)
    credential, made = f"JTI={next(ids)}", 0
    for work in works:
        granted = organisation.rules(*work.rights)
        for body in organisation.role_and_binding(work.account, work.role, granted, wide=work.cluster_wide):
            namespace = "" if work.cluster_wide else work.account.namespace
            target = k8s.Target(body["kind"].lower() + "s", namespace, work.role, organisation.RBAC)
            shape = k8s.shape(caller, "create", target, reason=reason, body=body, agent="flux/v2.7")
            audit_id, at = next(ids), begin + made * SECOND
            stamp, done = micro_stamp(at), micro_stamp(at + 6_000)
            log.stream(shape.received(audit_id, credential, stamp) + shape.completed(audit_id, credential, stamp, done))
            made += 1
    return made
