"""Pomerium: a request id is the client's to choose, so a check of an earlier request proves nothing of a later one."""

from __future__ import annotations

from typing import Any

from tests.model import Judgement
from tests.sources.logs import judged, of

Line = dict[str, Any]


def line(message: str, time: str, **fields: Any) -> Line:
    common = {"message": message, "time": f"2026-03-{time}Z", "request-id": "chosen-by-client", "method": "GET"}
    return common | {"path": "/payroll"} | fields


def check(time: str, *, allow: bool = True, **fields: Any) -> Line:
    route = {"route-id": "r", "route-checksum": 17, "host": "hr.example.com", "user": "u-ann", "allow": allow}
    return line("authorize check", time, service="authorize", **(route | fields))


def request(time: str, **fields: Any) -> Line:
    told = {"authority": "hr.example.com", "response-code": 200, "ip": "198.51.100.7"} | fields
    return line("http-request", time, service="envoy", **told)


def actions(*lines: Line) -> list[Judgement]:
    """In order of time, which the ids of requests do not tell."""
    return judged(of("pomerium", *lines))


def verdicts(*lines: Line) -> list[str]:
    return sorted(one.verdict for one in actions(*lines))


def test_a_request_rests_on_its_check() -> None:
    assert verdicts(check("01T09:00:00"), request("01T09:00:01")) == ["authorised"]


def test_a_later_request_of_the_same_id_without_a_check_of_its_own_is_not_covered_by_the_earlier_one() -> None:
    found = verdicts(check("01T09:00:00"), request("01T09:00:01"), request("02T09:00:01"))
    assert found == ["authorised", "unproven"]


def test_a_later_request_of_the_same_id_with_a_check_of_its_own_rests_on_that() -> None:
    again = check("02T09:00:00"), request("02T09:00:01")
    assert verdicts(check("01T09:00:00"), request("01T09:00:01"), *again) == ["authorised", "authorised"]


def test_attempts_that_follow_each_other_within_the_grain_of_the_clock_hide_nothing() -> None:
    refused = check("01T09:00:01", allow=False), request("01T09:00:01", **{"response-code-details": "ext_authz_denied"})
    found = verdicts(check("01T09:00:00"), request("01T09:00:00"), *refused)
    assert "refused" in found
    assert len(found) == 2


def test_requests_of_one_id_to_several_places_each_keep_their_check() -> None:
    """A service mesh hands one id on to all that a request brings about."""
    lines = check("01T09:00:00"), check("01T09:00:00", path="/other"), request("01T09:00:05")
    assert verdicts(*lines, request("01T09:00:09", path="/other")) == ["authorised", "authorised"]
