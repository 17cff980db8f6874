"""API keys of in-house services: rotation, grace, stragglers and strangers."""

from __future__ import annotations

from typing import Any

from quowarranto.records import Instant
from quowarranto.simulator import secrets
from quowarranto.simulator.scene import DAY, HOUR, MINUTE, Scenario, Scene
from quowarranto.simulator.systems import native

_OWNER = "workload:billing-export"
_OLD, _NEW = "apikey/billing-export/v1", "apikey/billing-export/v2"
_HOME = "pod/billing/export-7c9d"
_INVOICES = "api:billing/invoices/2026-09"


def _rotated_at(scene: Scene) -> Instant:
    return scene.start + 10 * DAY + 9 * HOUR


def _rotation(scene: Scene) -> None:
    """The key is used, rotated with a day of grace, and its successor is used: all as it should be."""
    grant = native.fact(
        scene,
        "api-keys",
        "grant",
        "apigw/grant/billing-export",
        scene.start - 200 * DAY,
        principal=_OWNER,
        scope=native.scope(["invoices:*"], "api:billing/*"),
    )
    common = {"principal": _OWNER, "series": "apikey/billing-export", "cites": [grant]}
    first, second = scene.start - 20 * DAY, _rotated_at(scene)
    native.fact(scene, "api-keys", "credential", _OLD, first, valid_until=first + 90 * DAY, **common)
    native.fact(
        scene,
        "api-keys",
        "credential",
        _NEW,
        second,
        valid_until=second + 90 * DAY,
        grace_until=second + DAY,
        **common,
    )
    for day, key in ((2, _OLD), (6, _OLD), (12, _NEW), (20, _NEW)):
        action = _export(scene, scene.at(day, 3, 15), key, _HOME)
        scene.expect(action, "authorised", "proven", note="the key in force, by its owner, from its usual place")


def _in_grace(scene: Scene) -> None:
    action = _export(scene, _rotated_at(scene) + 2 * HOUR, _OLD, _HOME)
    scene.expect(action, "authorised", "proven", "QW401", note="rotated two hours before; the grace was a day")


def _late(scene: Scene) -> None:
    action = _export(scene, _rotated_at(scene) + 3 * DAY, _OLD, _HOME)
    scene.expect(action, "unauthorised", "proven", "QW402", note="two days past the grace, by a known consumer")


def _stranger(scene: Scene) -> None:
    action = _export(scene, _rotated_at(scene) + 4 * DAY, _OLD, "198.51.100.77")
    scene.expect(action, "unauthorised", "proven", "QW403", note="past the grace, from a place never seen before")


def _export(scene: Scene, at: Instant, key: str, origin: str) -> str:
    headers = {"Authorization": f"Bearer {secrets.BEARER}"}  # a careless service logs them
    fields: dict[str, Any] = {"cites": [key], "origin": origin, "attributes": {"headers": headers}}
    return native.act(scene, "api-keys", at, _OWNER, "invoices:export", _INVOICES, **fields)


def _sprawl(scene: Scene) -> None:
    """One key, five workloads, twenty minutes; the verdicts are in order, the key is the finding."""
    owner, start = "workload:metrics-push", scene.start + 7 * DAY
    grant = native.fact(
        scene,
        "api-keys",
        "grant",
        "apigw/grant/metrics-push",
        scene.start - 90 * DAY,
        principal=owner,
        scope=native.scope(["metrics:write"], "api:metrics/*"),
    )
    key = native.fact(
        scene,
        "api-keys",
        "credential",
        "apikey/metrics-push/v1",
        scene.start - 30 * DAY,
        valid_until=scene.start + 60 * DAY,
        principal=owner,
        cites=[grant],
    )
    for number in range(5):
        action = native.act(
            scene,
            "api-keys",
            start + number * 5 * MINUTE,
            owner,
            "metrics:write",
            "api:metrics/checkout",
            cites=[key],
            origin=f"pod/metrics/push-{number}",
        )
        scene.expect(action, "authorised", "proven", note="the key is valid; that five workloads share it is a finding")
    scene.finding("QW404", key)


STORIES = (Scenario("key_rotation", "An API key is rotated with a grace period; its owner follows.", _rotation),)
FAULTS = (
    Scenario("key_in_grace", "The old key is used within its grace period.", _in_grace),
    Scenario("key_late", "The old key is still used after its grace period, by a known consumer.", _late),
    Scenario(
        "key_stranger", "The old key is used after its grace period, by a workload never seen with it.", _stranger
    ),
    Scenario("key_sprawl", "Five workloads use one API key within twenty minutes.", _sprawl),
)
