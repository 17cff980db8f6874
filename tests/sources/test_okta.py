"""Okta: what ends with its user, without an event of its own."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from tests.sources.logs import judged, of, said

_numbers = itertools.count(1)
Event = dict[str, Any]
ADA = {"id": "00u1ada", "type": "User", "alternateId": "ada@example.org"}
GRACE = {"id": "00u1grace", "type": "User", "alternateId": "grace@example.org"}


def event(kind: str, time: str, actor: dict[str, str] = ADA, **fields: Any) -> Event:
    return {
        "uuid": f"5c7d9a10-0000-11ef-8000-{next(_numbers):012d}",
        "published": f"2026-03-02T{time}.000Z",
        "eventType": kind,
        "actor": actor,
        "outcome": {"result": "SUCCESS"},
    } | fields


def started() -> Event:
    return event("user.session.start", "08:00:00", authenticationContext={"externalSessionId": "102aaa"})


def made() -> Event:
    return event("system.api_token.create", "08:00:00", target=[{"id": "00T1", "type": "Token"}])


def in_session(time: str) -> Event:
    return event("user.account.update_profile", time, uuid="act", authenticationContext={"externalSessionId": "102aaa"})


def with_token(time: str) -> Event:
    told = {"id": "t", "detail": {"requestApiTokenId": "00T1"}}
    return event("group.user_membership.add", time, uuid="act", transaction=told)


def of_ada(kind: str, time: str = "09:00:00", who: dict[str, str] = ADA) -> Event:
    return event(kind, time, GRACE, target=[{"id": who["id"], "type": "User", "alternateId": who["alternateId"]}])


# Okta help, "Deactivate and delete user accounts", "Suspend a user", "Clear user sessions", "API token management".
ENDS_ALL = ("user.lifecycle.deactivate", "user.lifecycle.suspend", "user.lifecycle.delete.initiated")


@pytest.mark.parametrize("kind", [*ENDS_ALL, "user.session.clear"])
def test_a_session_ends_with_its_user(kind: str) -> None:
    assert said(judged(of("okta", started(), of_ada(kind), in_session("08:30:00"))), "act").startswith("presumed")
    found = said(judged(of("okta", started(), of_ada(kind), in_session("09:30:00"))), "act")
    assert found.startswith("unauthorised partial")
    assert "QW202" in found


@pytest.mark.parametrize("kind", ENDS_ALL)
def test_a_token_ends_with_its_user(kind: str) -> None:
    found = said(judged(of("okta", made(), of_ada(kind), with_token("09:30:00"))), "act")
    assert found.startswith("unauthorised partial")
    assert "QW202" in found


def test_cleared_sessions_leave_tokens_alone() -> None:
    found = judged(of("okta", made(), of_ada("user.session.clear"), with_token("09:30:00")))
    assert said(found, "act").startswith("presumed")


def test_a_token_is_in_force_again_when_the_suspension_is_lifted_and_a_session_is_not() -> None:
    suspension = of_ada("user.lifecycle.suspend"), of_ada("user.lifecycle.unsuspend", "10:00:00")
    assert said(judged(of("okta", made(), *suspension, with_token("10:30:00"))), "act").startswith("presumed")
    assert "QW202" in said(judged(of("okta", started(), *suspension, in_session("10:30:00"))), "act")


def test_lifting_a_suspension_does_not_bring_back_what_a_deactivation_ended() -> None:
    steps = (
        of_ada("user.lifecycle.suspend"),
        of_ada("user.lifecycle.deactivate", "09:30:00"),
        of_ada("user.lifecycle.unsuspend", "10:00:00"),
    )
    assert "QW202" in said(judged(of("okta", made(), *steps, with_token("10:30:00"))), "act")


def test_lifting_a_suspension_does_not_bring_back_a_token_that_was_revoked_meanwhile() -> None:
    suspension = of_ada("user.lifecycle.suspend"), of_ada("user.lifecycle.unsuspend", "10:00:00")
    revoked = event("system.api_token.revoke", "09:30:00", GRACE, target=[{"id": "00T1", "type": "Token"}])
    assert "QW202" in said(judged(of("okta", made(), *suspension, revoked, with_token("10:30:00"))), "act")


def rule(step: str, time: str) -> Event:
    return event(f"policy.rule.{step}", time, GRACE, target=[{"id": "0pr1", "type": "PolicyRule"}])


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        (("add",), "authorised proven"),
        (("add", "update"), "authorised proven"),
        (("add", "deactivate"), "unauthorised proven QW202"),
        (("add", "deactivate", "update"), "unauthorised proven QW202"),
        (("add", "deactivate", "update", "activate"), "authorised proven"),
    ],
    ids=str,
)
def test_a_rule_that_is_changed_while_it_is_off_stays_off(steps: tuple[str, ...], verdict: str) -> None:
    changes = [rule(step, f"08:0{minute}:00") for minute, step in enumerate(steps)]
    told: Event = {"target": [{"id": "0pr1", "type": "PolicyRule"}], "outcome": {"result": "ALLOW"}, "uuid": "act"}
    signed_on = event("policy.evaluate_sign_on", "09:00:00") | told
    assert said(judged(of("okta", *changes, signed_on)), "act").startswith(verdict)


def test_what_befalls_another_user_or_failed_ends_nothing() -> None:
    others = of_ada("user.lifecycle.deactivate", who=GRACE)
    failed = of_ada("user.lifecycle.deactivate") | {"outcome": {"result": "FAILURE"}}
    assert said(judged(of("okta", made(), others, failed, with_token("09:30:00"))), "act").startswith("presumed")
