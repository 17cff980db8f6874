"""Privileged sessions: a contractor's, bounded in time, and a bot with two of them."""

from __future__ import annotations

from quowarranto.records import Instant
from quowarranto.simulator.scene import DAY, HOUR, MINUTE, Scenario, Scene
from quowarranto.simulator.systems import native

_WHO = "user:contractor-lee"
_SESSION = "pam/session/9917"


def _opened_at(scene: Scene) -> Instant:
    return scene.start + 16 * DAY + 13 * HOUR


def _contractor(scene: Scene) -> None:
    opened = _opened_at(scene)
    scope = native.scope(["ssh:*"], "host:erp-*")
    approval = native.fact(
        scene,
        "approvals",
        "approval",
        "jit/CHG-9917",
        opened - 3 * HOUR,
        valid_until=opened + 8 * HOUR,
        principal=_WHO,
        scope=scope,
        requested_by=_WHO,
        decided_by=["user:omar", "user:priya"],
        justification="yearly maintenance of the ERP hosts",
        ticket="CHG-9917",
    )
    native.fact(
        scene,
        "pam",
        "session",
        _SESSION,
        opened,
        valid_until=opened + 2 * HOUR,
        principal=_WHO,
        scope=scope,
        cites=[approval],
    )
    native.fact(scene, "pam", "session", _SESSION, opened + HOUR, fact="ended", end="closed")
    for minute, command in ((4, "ssh:open"), (11, "ssh:exec"), (37, "ssh:exec")):
        action = _on_host(scene, opened + minute * MINUTE, command)
        scene.expect(action, "authorised", "proven", note="within the brokered session")


def _overrun(scene: Scene) -> None:
    action = _on_host(scene, _opened_at(scene) + HOUR + 20 * MINUTE, "ssh:exec")
    note = "the session had been closed twenty minutes before"
    scene.expect(action, "unauthorised", "proven", "QW202", "QW406", note=note)


def _on_host(scene: Scene, at: Instant, command: str) -> str:
    return native.act(scene, "pam", at, _WHO, command, "host:erp-02", cites=[_SESSION], origin="203.0.113.40")


def _ambiguous(scene: Scene) -> None:
    """Two sessions at one time, no key in the event: one would allow it, the other would not."""
    who, opened = "service_account:backup-bot", scene.start + 18 * DAY
    for number, hosts in (("7001", "host:db-*"), ("7002", "host:web-*")):
        native.fact(
            scene,
            "pam",
            "session",
            f"pam/session/{number}",
            opened,
            valid_until=opened + 4 * HOUR,
            principal=who,
            scope=native.scope(["backup:*"], hosts),
        )
    action = native.act(scene, "services", opened + HOUR, who, "backup:run", "host:db-07")
    note = "either session could be meant; only one covers the host"
    scene.expect(action, "disputed", "inferred", "QW102", "QW103", exact=False, note=note)


STORIES = (Scenario("contractor_session", "A contractor works within an approved, bounded session.", _contractor),)
FAULTS = (
    Scenario("session_overrun", "The contractor's session is closed, and the host still obeys.", _overrun),
    Scenario("session_ambiguous", "A bot has two sessions at once that would decide differently.", _ambiguous),
)
