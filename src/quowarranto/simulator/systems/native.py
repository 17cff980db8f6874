"""Records in the native format (SPEC 2), written the way an in-house service would write them.

Principals and resources are given as `type:id`, instants as microseconds.
"""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.records import Instant, format_instant
from quowarranto.simulator.scene import Scene

_encode = msgspec.json.Encoder().encode
_TIMES = ("time", "valid_from", "valid_until", "grace_until")
_PRINCIPALS = ("principal", "by", "requested_by", "owner", "resource")
_LISTS_OF_PRINCIPALS = ("on_behalf_of", "decided_by")


def act(scene: Scene, log: str, at: Instant, who: str, verb: str, on: str, **fields: Any) -> str:
    """Write an action and return its id."""
    name = fields.pop("id", None) or f"{log}/{scene.hex(16)}"
    record = {"kind": "action", "id": name, "time": at, "principal": who, "action": verb, "resource": on, **fields}
    scene.logs.native[log].add(at, line(record))
    return str(name)


def fact(scene: Scene, log: str, kind: str, key: str, at: Instant, **fields: Any) -> str:
    """Write an authority fact and return its key."""
    scene.logs.native[log].add(at, line({"kind": kind, "id": key, "time": at, **fields}))
    return key


def decision(scene: Scene, at: Instant, who: str, verb: str, on: str, **fields: Any) -> str:
    """Write one answer of the tool gateway's policy decision point and return its key."""
    key = f"gateway/decision/{scene.hex(16)}"
    request = {"subject": _typed(who), "action": {"name": verb}, "resource": _typed(on)}
    return fact(scene, "gateway", "decision", key, at, principal=who, request=request, **fields)


def scope(actions: list[str], *resources: str) -> dict[str, list[str]]:
    """A scope of one rule."""
    return {"actions": actions, "resources": list(resources)}


def line(record: dict[str, Any]) -> str:
    """The record as its line, without the line end."""
    out = dict(record)
    for name in _TIMES:
        if isinstance(out.get(name), int):
            out[name] = format_instant(out[name])
    for name in _PRINCIPALS:
        if name in out:
            out[name] = _typed(out[name])
    for name in _LISTS_OF_PRINCIPALS:
        if name in out:
            out[name] = [_typed(text) for text in out[name]]
    return _encode(out).decode()


def _typed(text: str) -> dict[str, str]:
    kind, _, name = text.partition(":")
    return {"type": kind, "id": name}
