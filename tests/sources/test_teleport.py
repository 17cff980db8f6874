"""Teleport: what takes a request or a role out of force, and that names of one cluster say nothing of another."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from tests.sources.logs import judged, of, said

_numbers = itertools.count(1)
Event = dict[str, Any]


def event(kind: str, code: str, time: str, **fields: Any) -> Event:
    return {
        "event": kind,
        "code": code,
        "time": f"2026-03-02T{time}Z",
        "uid": f"0e5b7c1e-0000-4000-8000-{next(_numbers):012d}",
        "cluster_name": "example.com",
    } | fields


def asked(time: str = "08:00:00", **fields: Any) -> Event:
    return event("access_request.create", "T5000I", time, user="ada", roles=["dba"], state="PENDING", id="r1") | fields


def approved(time: str = "08:30:00") -> Event:
    until = "2026-03-02T18:00:00Z"
    return event("access_request.update", "T5001I", time, updated_by="grace", state="APPROVED", expires=until, id="r1")


def session(time: str, sid: str = "s1", **fields: Any) -> Event:
    return event("session.start", "T2000I", time, user="ada", sid=sid, access_requests=["r1"], uid=sid) | fields


def command(time: str, sid: str = "s1") -> Event:
    return event("session.command", "T4000I", time, user="ada", sid=sid, program="psql", uid="command")


def locked(time: str, target: dict[str, str], name: str = "9a1d", until: str = "0001-01-01T00:00:00Z") -> Event:
    return event("lock.created", "TLK00I", time, name=name, target=target, user="grace", expires=until)


def unlocked(time: str, name: str = "9a1d") -> Event:
    return event("lock.deleted", "TLK01I", time, name=name, user="grace")


def user(time: str, **fields: Any) -> Event:
    return event("user.create", "T1002I", time, name="ada", user="root", roles=["access"]) | fields


def test_a_session_under_an_approved_request_is_authorised() -> None:
    """The ground of all cases below: only what each of them adds makes the difference."""
    found = judged(of("teleport", asked(), approved(), session("09:00:00")))
    assert said(found, "s1").startswith("authorised proven")


# api/types/access_request.go, SetState: a denied request stays denied, an approved one can still be denied.
def test_a_request_that_was_denied_after_its_approval_lets_nobody_in_any_more() -> None:
    taken_back = event("access_request.update", "T5001I", "08:45:00", id="r1", state="DENIED", updated_by="grace")
    found = judged(of("teleport", asked(), approved(), taken_back, session("09:00:00")))
    assert said(found, "s1").startswith("unauthorised proven QW202")


def test_what_was_done_before_the_request_was_denied_stays_authorised() -> None:
    taken_back = event("access_request.update", "T5001I", "09:30:00", id="r1", state="DENIED", updated_by="grace")
    found = judged(of("teleport", asked(), approved(), session("09:00:00"), taken_back, command("09:40:00")))
    assert said(found, "s1").startswith("authorised proven")
    assert said(found, "command").startswith("unauthorised proven QW202")


# Teleport documentation, "Session and Identity Locking": a lock on a user or a role refuses certificates with it.
@pytest.mark.parametrize("target", [{"user": "ada"}, {"role": "dba"}, {"access_request": "r1"}], ids=str)
def test_a_lock_on_who_asked_or_on_the_role_or_on_the_request_ends_the_request(target: dict[str, str]) -> None:
    found = judged(of("teleport", asked(), approved(), locked("08:45:00", target), session("09:00:00")))
    assert said(found, "s1").startswith("unauthorised proven QW202")


@pytest.mark.parametrize("target", [{"user": "eve"}, {"role": "auditor"}, {"access_request": "r2"}], ids=str)
def test_a_lock_on_somebody_else_ends_nothing(target: dict[str, str]) -> None:
    found = judged(of("teleport", asked(), approved(), locked("08:45:00", target), session("09:00:00")))
    assert said(found, "s1").startswith("authorised proven")


def test_a_request_is_in_force_again_when_the_lock_on_who_asked_is_lifted() -> None:
    lock = locked("08:45:00", {"user": "ada"}), unlocked("09:10:00")
    found = judged(of("teleport", asked(), approved(), *lock, session("09:00:00", "s1"), session("09:20:00", "s2")))
    assert said(found, "s1").startswith("unauthorised proven QW202")
    assert said(found, "s2").startswith("authorised proven")


def test_a_lock_that_is_lifted_does_not_bring_back_a_request_that_was_deleted_meanwhile() -> None:
    lock = locked("08:45:00", {"user": "ada"}), unlocked("09:10:00")
    deleted = event("access_request.delete", "T5003I", "09:00:00", id="r1")
    found = judged(of("teleport", asked(), approved(), *lock, deleted, session("09:20:00")))
    assert said(found, "s1").startswith("unauthorised proven QW202")


def test_of_two_locks_that_overlap_the_end_of_one_lifts_nothing() -> None:
    locks = (
        locked("08:40:00", {"user": "ada"}, "short", "2026-03-02T08:50:00Z"),
        locked("08:45:00", {"user": "ada"}, "long", "2026-03-02T09:30:00Z"),
    )
    by_role = session("09:00:00", access_requests=None, user_roles=["access"])
    after = session("09:40:00", "s2", access_requests=None, user_roles=["access"])
    found = judged(of("teleport", user("08:00:00"), *locks, by_role, after))
    assert said(found, "s1").startswith("unauthorised proven QW202")
    assert said(found, "s2").startswith("authorised proven")


def test_a_session_of_a_role_that_is_locked_is_closed() -> None:
    opened = session("08:30:00", access_requests=None, user_roles=["access"])
    lock = locked("08:45:00", {"role": "access"})
    found = judged(of("teleport", user("08:00:00"), opened, lock, command("09:00:00")))
    assert said(found, "command").startswith("unauthorised proven QW202")


Make = Callable[[str], Event]
ELSEWHERE = {"cluster_name": "staging.example.com"}


def test_a_role_of_a_user_in_one_cluster_says_nothing_of_a_user_of_that_name_in_another() -> None:
    there = session("09:00:00", access_requests=None, user_roles=["access"])
    found = judged(of("teleport", user("08:00:00", **ELSEWHERE), there))
    assert not said(found, "s1").startswith("authorised")


def test_a_bot_on_record_in_one_cluster_says_nothing_of_a_bot_of_that_name_in_another() -> None:
    made = event("bot.create", "TB001I", "08:00:00", name="deploy", user="root", **ELSEWHERE)
    used = event("kube.request", "T3009I", "09:00:00", user="bot-deploy", bot_name="deploy", uid="s1")
    found = judged(of("teleport", made, used))
    assert not said(found, "s1").startswith("authorised")


def test_a_join_token_of_one_cluster_lets_nobody_join_another() -> None:
    made = event("join_token.create", "TJT00I", "08:00:00", name="github-actions", user="root", **ELSEWHERE)
    used = event("instance.join", "TJ002I", "09:00:00", token_name="github-actions", host_id="h", uid="s1")
    found = judged(of("teleport", made, used))
    assert not said(found, "s1").startswith("authorised")


def test_a_lock_in_one_cluster_locks_nobody_in_another() -> None:
    lock = locked("08:45:00", {"user": "ada"}) | ELSEWHERE
    by_role = session("09:00:00", access_requests=None, user_roles=["access"])
    found = judged(of("teleport", user("08:00:00"), lock, by_role))
    assert said(found, "s1").startswith("authorised proven")
