"""Just-in-time access: a request, a decision by somebody else, a grant of an hour."""

from __future__ import annotations

from typing import Any

from quowarranto.records import Instant
from quowarranto.simulator import secrets
from quowarranto.simulator.scene import HOUR, MINUTE, Scenario, Scene
from quowarranto.simulator.systems import native

_WHO = "service_account:schema-migrator"


def _approved_use(scene: Scene, number: int, asked: Instant, used: Instant, on: str, **approval: Any) -> str:
    """Ask, grant for an hour from just before the use, use."""
    ticket = f"CHG-{4700 + number}"
    fields: dict[str, Any] = {
        "requested_by": "user:dana",
        "decided_by": ["user:omar"],
        "justification": "schema change of the release",
        "ticket": ticket,
        "valid_until": used + HOUR,
    }
    fields |= approval
    scope = native.scope(["db:migrate"], f"database:{on}")
    given = {name: value for name, value in fields.items() if value is not None}
    key = native.fact(scene, "approvals", "approval", f"jit/{ticket}", asked, principal=_WHO, scope=scope, **given)
    grant = native.fact(
        scene,
        "approvals",
        "grant",
        f"jit/grant/{ticket}",
        used - 2 * MINUTE,
        valid_until=used + HOUR - 2 * MINUTE,
        standing=False,
        principal=_WHO,
        scope=scope,
        cites=[key],
    )
    return native.act(scene, "services", used, _WHO, "db:migrate", f"database:{on}", cites=[grant])


def _approved(scene: Scene) -> None:
    used = scene.at(5, 14, 20)
    careless = f"schema change of the release, by {secrets.CONNECTION}"
    action = _approved_use(scene, 1, used - 20 * MINUTE, used, "orders", justification=careless)
    scene.expect(action, "authorised", "proven", note="asked by one, decided by another, used within the hour")


def _self_approved(scene: Scene) -> None:
    used = scene.at(11, 16, 5)
    action = _approved_use(scene, 2, used - 10 * MINUTE, used, "ledger", decided_by=["user:dana"])
    scene.expect(action, "authorised", "proven", "QW301", note="the requester is the only decider")


def _afterwards(scene: Scene) -> None:
    used = scene.at(13, 2, 50)
    action = _approved_use(scene, 3, used + 40 * MINUTE, used, "stock", valid_from=used - HOUR)
    scene.expect(action, "unauthorised", "proven", "QW302", note="decided forty minutes after, and dated back")


def _unjustified(scene: Scene) -> None:
    used = scene.at(15, 10, 10)
    action = _approved_use(scene, 4, used - 15 * MINUTE, used, "stock", justification=None, ticket=None)
    scene.expect(action, "authorised", "proven", "QW306", note="neither a justification nor a ticket")


def _outside(scene: Scene) -> None:
    used = scene.at(17, 11, 30)
    _first = _approved_use(scene, 5, used - 30 * MINUTE, used, "staging-orders")
    scene.expect(_first, "authorised", "proven", note="staging is what was approved")
    second = native.act(
        scene,
        "services",
        used + 5 * MINUTE,
        _WHO,
        "db:migrate",
        "database:prod-orders",
        cites=["jit/grant/CHG-4705"],
    )
    scene.expect(second, "unauthorised", "proven", "QW206", note="approved for staging, used on production")


STORIES = (
    Scenario("jit_approved", "A migration runs under a just-in-time grant that somebody else approved.", _approved),
)
FAULTS = (
    Scenario("self_approved", "The requester approves the request alone.", _self_approved),
    Scenario("approved_afterwards", "The approval is decided after the use, and dated back.", _afterwards),
    Scenario("approval_unjustified", "The approval says neither why nor for which ticket.", _unjustified),
    Scenario("approval_outside_scope", "A grant that was approved for staging is used on production.", _outside),
)
