"""Workloads that call in-house services: what can be wrong with a credential, a grant or their absence."""

from __future__ import annotations

from typing import Any

from quowarranto.records import Instant
from quowarranto.simulator.scene import DAY, HOUR, MINUTE, SECOND, Scenario, Scene
from quowarranto.simulator.systems import native

_VERB = "orders:read"


def _grant(scene: Scene, who: str, on: str = "api:orders/*", **fields: Any) -> str:
    at = fields.pop("at", scene.start - 60 * DAY)
    scope = native.scope([_VERB], on)
    return native.fact(
        scene, "services", "grant", f"acl/{scene.hex(10)}", at, **{"principal": who, "scope": scope, **fields}
    )


def _token(scene: Scene, who: str, start: Instant, end: Instant, grant: str) -> str:
    key = f"sts/token/{scene.hex(16)}"
    return native.fact(scene, "services", "credential", key, start, valid_until=end, principal=who, cites=[grant])


def _read(scene: Scene, at: Instant, who: str, *cites: str, on: str = "api:orders/eu", **fields: Any) -> str:
    return native.act(scene, "services", at, who, _VERB, on, **({"cites": list(cites)} if cites else {}), **fields)


def _expired(scene: Scene) -> None:
    who, at = "workload:returns", scene.at(9, 6, 0)
    token = _token(scene, who, at - 4 * HOUR, at - 3 * HOUR, _grant(scene, who))
    scene.expect(_read(scene, at, who, token), "unauthorised", "proven", "QW201", note="three hours past its end")


def _not_yet(scene: Scene) -> None:
    who, at = "workload:forecast", scene.at(9, 7, 0)
    grant = _grant(scene, who, at=at - 2 * HOUR, valid_from=at + DAY)
    scene.expect(_read(scene, at, who, grant), "unauthorised", "proven", "QW204", note="the grant begins tomorrow")


def _tolerance(scene: Scene) -> None:
    who, at = "workload:pricing", scene.at(9, 8, 0)
    token = _token(scene, who, at - HOUR, at - SECOND, _grant(scene, who))
    scene.expect(_read(scene, at, who, token), "authorised", "proven", "QW604", note="one second past its end")


def _borrowed(scene: Scene) -> None:
    who, at = "workload:shipping", scene.at(10, 5, 0)
    token = _token(scene, who, at - HOUR, at + HOUR, _grant(scene, who))
    scene.expect(_read(scene, at, who, token), "authorised", "proven", note="by its own token")
    other = _read(scene, at + 9 * MINUTE, "workload:newsletter", token)
    scene.expect(other, "unauthorised", "proven", "QW207", note="another workload's token; its grant is not this one's")


def _nothing(scene: Scene) -> None:
    action = _read(scene, scene.at(11, 4, 0), "workload:shadow-sync")
    scene.expect(action, "unproven", "missing", "QW101", note="no key, no session, no grant")


def _lost(scene: Scene) -> None:
    action = _read(scene, scene.at(11, 5, 0), "workload:cleanup", f"sts/token/{scene.hex(16)}")
    scene.expect(action, "unproven", "missing", "QW101", "QW104", note="its token was issued by nobody on record")


def _detached(scene: Scene) -> None:
    who = "workload:loyalty"
    _grant(scene, who)
    action = _read(scene, scene.at(11, 6, 0), who)
    scene.expect(action, "presumed", "inferred", "QW102", note="a grant covers it; nothing joins the two")


def _uncovered(scene: Scene) -> None:
    who = "workload:coupons"
    _grant(scene, who, "api:coupons/*")
    action = _read(scene, scene.at(11, 7, 0), who)
    scene.expect(action, "unproven", "missing", "QW101", "QW108", note="its only grant is for coupons")


def _lapsed(scene: Scene) -> None:
    who, at = "workload:fraud-score", scene.at(11, 8, 0)
    _grant(scene, who, valid_until=at - 2 * DAY)
    action = _read(scene, at, who)
    scene.expect(
        action, "unproven", "inferred", "QW102", "QW201", note="the grant that covered it ended two days before"
    )


def _tainted(scene: Scene) -> None:
    """An administrator's token that had expired made a grant; the grant is used."""
    admin, who, at = "workload:acl-admin", "workload:invoicer", scene.at(19, 3, 0)
    own = native.fact(scene, "services", "grant", f"acl/{scene.hex(10)}", scene.start - 60 * DAY, principal=admin)
    token = _token(scene, admin, at - 5 * HOUR, at - 2 * HOUR, own)
    made = native.act(scene, "services", at, admin, "acl:create", "acl:orders/eu", cites=[token])
    scene.expect(made, "unauthorised", "proven", "QW201", note="its token had expired two hours before")
    grant = _grant(scene, who, at=at + SECOND, issued_by=made)
    used = _read(scene, at + 30 * MINUTE, who, grant)
    scene.expect(used, "unauthorised", "proven", "QW208", note="a grant that nobody had the right to make")


def _one_id(scene: Scene) -> None:
    who, at = "workload:catalogue", scene.at(22, 3, 0)
    grant = _grant(scene, who)
    for region in ("eu", "us"):
        action = _read(scene, at, who, grant, on=f"api:orders/{region}", id="services/replayed-0001")
    scene.expect(action, "authorised", "proven", "QW606", note="two different records bear this id")


STORIES: tuple[Scenario, ...] = ()
FAULTS = (
    Scenario("token_expired", "A token is used three hours after its end.", _expired),
    Scenario("grant_not_yet", "A grant is used a day before it begins.", _not_yet),
    Scenario(
        "within_tolerance", "A token is used one second after its end: the clocks may differ by that.", _tolerance
    ),
    Scenario("token_borrowed", "A workload uses the token of another.", _borrowed),
    Scenario("no_authority", "A workload acts, and nothing on record allows it.", _nothing),
    Scenario("citation_lost", "A workload cites a token of which there is no record.", _lost),
    Scenario("detached", "A grant covers the action, but nothing joins the two records.", _detached),
    Scenario("not_covered", "The grants of a workload are known, and none covers what it did.", _uncovered),
    Scenario("grant_lapsed", "The only grant that would cover the action had ended.", _lapsed),
    Scenario("tainted_grant", "A grant was made with an expired token, and is used.", _tainted),
    Scenario("one_id_twice", "Two different records bear one id.", _one_id),
)
