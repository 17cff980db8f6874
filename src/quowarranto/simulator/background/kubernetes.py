"""Routine requests to the API server: pods read and write what their bindings allow."""

from __future__ import annotations

from collections.abc import Sequence

from quowarranto.records import Instant
from quowarranto.simulator import organisation
from quowarranto.simulator.background.parts import moments, truth_line, uuids
from quowarranto.simulator.dice import dice
from quowarranto.simulator.logs import LineLog
from quowarranto.simulator.stamps import micro_stamp
from quowarranto.simulator.systems import kubernetes as k8s
from quowarranto.simulator.truth import TruthLog

_USES_PER_TOKEN = 40
_ALLOWED = truth_line("kubernetes/", "authorised", "proven")
_ISSUED = truth_line("kubernetes/", "presumed", "partial", "QW104", "QW109")
_MARK = "@issued@"


class _Pod:
    """A workload at work: its requests, and the token that it holds at present."""

    def __init__(self, work: organisation.Workload) -> None:
        caller, reason = k8s.service_account(work.account), work.reason()
        self.shapes = [k8s.shape(caller, verb, target, reason=reason) for verb, target in organisation.requests(work)]
        self.issuing = k8s.token_shape(work.account, _MARK)
        self.token = ""
        self.uses_left = 0


class RoutineRequests:
    """Pods of the standing workloads; the kubelet fetches a token for each from time to time."""

    def __init__(self, log: LineLog, truth: TruthLog | None, seed: int, works: Sequence[organisation.Workload]) -> None:
        self._log, self._truth = log, truth
        self._rng = dice(f"{seed}/routine requests")
        self._uuids = uuids(self._rng)
        self._pods = [_Pod(work) for work in works]

    def write(self, count: int, start: Instant, end: Instant) -> None:
        """Write exactly so many requests that begin between two moments."""
        lines: list[str] = []
        truths: list[str] = []
        issued = 0
        pods, pick, ids = self._pods, self._rng.random, self._uuids
        many = len(pods)
        for at in moments(self._rng, count, start, end):
            pod = pods[int(pick() * many)]
            audit_id = next(ids)
            received, done = micro_stamp(at), micro_stamp(at + 2_000 + int(pick() * 9_000))
            if pod.uses_left == 0:
                pod.token, pod.uses_left = f"JTI={next(ids)}", _USES_PER_TOKEN
                form, shown = pod.issuing, ""  # the kubelet's own certificate is part of the shape
                form = form._replace(annotations=form.annotations.replace(_MARK, pod.token))
                truths.append(_ISSUED % audit_id)
                issued += 1
            else:
                pod.uses_left -= 1
                shown = pod.token
                form = pod.shapes[int(pick() * len(pod.shapes))]
                truths.append(_ALLOWED % audit_id)
            lines.append(form.received(audit_id, shown, received))
            lines.append(form.completed(audit_id, shown, received, done))
        self._log.stream("".join(lines))
        if self._truth is not None:
            self._truth.stream("".join(truths), "routine", {"presumed": issued, "authorised": count - issued})
