"""Routine records in the native format: services call each other with keys, agents call tools through a gateway."""

from __future__ import annotations

from typing import Any

from quowarranto.records import Instant
from quowarranto.simulator.background.parts import Piece, in_order, moments, template, truth_line, uuids
from quowarranto.simulator.dice import dice
from quowarranto.simulator.scene import DAY, SECOND, Logs
from quowarranto.simulator.stamps import micro_stamp
from quowarranto.simulator.systems import native
from quowarranto.simulator.truth import TruthLog

_ACTIONS_PER_SERVICE = 50
_BUNDLE = "opa/bundle/docs-gateway/rev-7"
_CALL = truth_line("services/", "authorised", "proven")
_TOOL = truth_line("gateway/", "authorised", "proven")
_ALLOWS = native.scope(["http:*"], "api:internal/*")


def _service_call() -> str:
    record: dict[str, Any] = {
        "kind": "action",
        "id": "services/@id@",
        "time": "@at@",
        "principal": "workload:svc-@who@",
        "action": "http:get",
        "resource": "api:internal/@what@",
        "origin": "pod/svc-@who@-0",
        "cites": ["apikey/svc-@who@/v1"],
    }
    return template(native.line(record) + "\n")


def _tool_call() -> str:
    agent = {"type": "agent", "id": "docs-@who@"}
    decided: dict[str, Any] = {
        "kind": "decision",
        "id": "gateway/decision/@id@",
        "time": "@before@",
        "principal": "agent:docs-@who@",
        "effect": "allow",
        "cites": [_BUNDLE],
        "request": {
            "subject": agent,
            "action": {"name": "tools/call:search"},
            "resource": {"type": "index", "id": "docs/@what@"},
        },
    }
    called: dict[str, Any] = {
        "kind": "action",
        "id": "gateway/@id@",
        "time": "@at@",
        "principal": "agent:docs-@who@",
        "action": "tools/call:search",
        "resource": "index:docs/@what@",
        "cites": ["gateway/decision/@id@"],
    }
    return template(f"{native.line(decided)}\n{native.line(called)}\n")


class RoutineRecords:
    """Services and agents in equal parts; what they rest on was established long before."""

    def __init__(self, logs: Logs, truth: TruthLog, seed: int, actions: int, begin: Instant) -> None:
        self._logs, self._truth = logs.native, truth
        self._rng = dice(f"{seed}/routine records")
        self._uuids = uuids(self._rng)
        self._services = max(2, min(5000, actions // 5 // _ACTIONS_PER_SERVICE))
        self._service_call, self._tool_call = _service_call(), _tool_call()
        self._establish(begin)

    def _establish(self, begin: Instant) -> None:
        at = begin - 45 * DAY
        bundle = native.line({"kind": "policy", "id": _BUNDLE, "time": at})
        self._logs["gateway"].stream(bundle + "\n")
        lines = []
        for number in range(self._services):
            who, grant = f"workload:svc-{number}", f"apigw/grant/svc-{number}"
            key = {
                "kind": "credential",
                "id": f"apikey/svc-{number}/v1",
                "cites": [grant],
                "valid_until": at + 90 * DAY,
            }
            lines.append(native.line({"kind": "grant", "id": grant, "time": at, "principal": who, "scope": _ALLOWS}))
            lines.append(native.line({**key, "time": at, "principal": who}))
        self._logs["api-keys"].stream("\n".join(lines) + "\n")

    def write(self, count: int, start: Instant, end: Instant) -> None:
        """Write exactly so many calls that begin between two moments."""
        services: list[Piece] = []
        tools: list[Piece] = []
        truths: list[str] = []
        rng, ids = self._rng, self._uuids
        for number, at in enumerate(moments(rng, count, start, end)):
            name = next(ids)
            values: dict[str, object] = {"id": name, "at": micro_stamp(at), "who": int(rng.random() * self._services)}
            values["what"] = name[:2]
            if number % 2:
                values["before"] = micro_stamp(at - SECOND // 50)
                tools.append((at, self._tool_call % values))
            else:
                services.append((at, self._service_call % values))
            truths.append((_TOOL if number % 2 else _CALL) % name)
        self._logs["services"].stream(in_order(services))
        self._logs["gateway"].stream(in_order(tools))
        self._truth.stream("".join(truths), "routine", {"authorised": count})
