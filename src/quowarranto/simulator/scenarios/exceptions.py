"""Waivers: one in time, one past its end, one that nobody owns."""

from __future__ import annotations

from typing import Any

from quowarranto.simulator.scene import DAY, Scenario, Scene
from quowarranto.simulator.systems import native

_LEGACY = "exception/EXC-204"
_SCANNER = "service_account:legacy-scanner"


def _in_time(scene: Scene) -> None:
    native.fact(
        scene,
        "exceptions",
        "exception",
        _LEGACY,
        scene.start - 10 * DAY,
        valid_until=scene.start + 14 * DAY,
        principal=_SCANNER,
        scope=native.scope(["scan:*"], "host:dmz-*"),
        owner="team:network",
        ticket="RISK-204",
        justification="the scanner cannot use short-lived credentials until its upgrade",
    )
    for day in (3, 9):
        action = _scan(scene, day, "host:dmz-03", _LEGACY, _SCANNER)
        scene.expect(action, "authorised", "proven", note="within the waiver")


def _expired(scene: Scene) -> None:
    action = _scan(scene, 19, "host:dmz-03", _LEGACY, _SCANNER)
    scene.expect(action, "unauthorised", "proven", "QW304", note="the waiver ended five days before")


def _unowned(scene: Scene) -> None:
    who = "service_account:probe"
    waiver: dict[str, Any] = {"principal": who, "ticket": "RISK-311", "valid_until": scene.start + 60 * DAY}
    key = native.fact(scene, "exceptions", "exception", "exception/EXC-311", scene.start - DAY, **waiver)
    action = _scan(scene, 8, "host:lab-11", key, who)
    scene.expect(action, "authorised", "proven", "QW305", note="in force, but the waiver has no owner")


def _scan(scene: Scene, day: int, host: str, waiver: str, who: str) -> str:
    return native.act(scene, "exceptions", scene.at(day, 22, 40), who, "scan:ports", host, cites=[waiver])


STORIES = (Scenario("exception_in_time", "A scanner works under a waiver that has an owner and an end.", _in_time),)
FAULTS = (
    Scenario("exception_expired", "The waiver has ended, and the scanner goes on.", _expired),
    Scenario("exception_unowned", "A waiver that nobody owns is used.", _unowned),
)
