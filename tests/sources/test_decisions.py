"""Decision points log no actions: what their decisions do for the actions of other systems."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sources.joins import judged

from quowarranto.errors import ConfigError
from quowarranto.sources import configured

CART = "service_account:cart"


def done(**said: Any) -> dict[str, Any]:
    """An application's own line about what it did."""
    return {"id": "x", "principal": CART, "action": "read", "resource": "order:42", **said}


@pytest.mark.parametrize(
    "at, decision, told",
    [
        ("11:00:00", "r-1", "authorised proven"),
        ("11:06:00", "r-4", "authorised proven QW401"),  # an agent is a little late
        ("11:09:00", "r-5", "unauthorised proven QW203"),  # and now too late
        ("11:10:00", "r-6", "authorised proven"),
        ("11:20:00", "r-7", "authorised proven"),  # rolled back: the revision is in force again
    ],
)
def test_a_bundle_revision_is_in_force_until_the_next_one_has_had_time_to_spread(
    at: str, decision: str, told: str
) -> None:
    action = done(time=f"2026-03-02T{at}Z", cites=[f"opa/decision/{decision}"])
    assert judged(action, beside=("opa/rollout",)) == {"x": told}


def test_an_undefined_result_is_a_refusal() -> None:
    action = done(time="2026-03-02T08:00:02.6Z", cites=["opa/decision/d-undefined"], action="refund")
    assert judged(action, beside=("opa/uploaded",)) == {"x": "unauthorised proven QW205"}


def test_a_decision_without_a_revision_ends_on_no_anchor() -> None:
    action = done(time="2026-03-02T09:00:06Z", cites=["opa/decision/d-no-bundle"])
    assert judged(action, beside=("opa/uploaded",)) == {"x": "presumed partial QW109"}


def test_a_decision_that_nobody_may_tell_the_meaning_of_allows_nothing() -> None:
    action = done(time="2026-03-02T10:00:06Z", cites=["opa/decision/t-unnamed"])
    assert judged(action, beside=("opa/traps",)) == {"x": "unproven missing QW101 QW104"}


@pytest.mark.parametrize("setting", ["rule", "allow"])
def test_a_setting_of_opa_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=f"`{setting}`"):
        configured({"opa": {setting: 7}})


PLANNER = {"principal": "agent:planner", "resource": "document:q4-plan"}


@pytest.mark.parametrize(
    "at, decision, told",
    [
        ("2026-04-30T20:43:06", "eval_11", "authorised proven"),
        ("2026-05-01T00:50:00", "eval_11", "unauthorised proven QW201"),  # kept and used past the approval's end
        ("2026-05-01T01:00:02", "eval_13", "unauthorised proven QW201"),  # taken up past its end
        ("2026-05-01T01:00:03", "eval_14", "presumed partial QW109"),  # presented, but did it count?
        ("2026-05-01T02:00:01", "eval_15", "authorised proven"),
        ("2026-05-01T02:30:01", "eval_16", "unauthorised proven QW202"),  # cancelled before it was used
        ("2026-04-30T20:15:01", "eval_10", "unauthorised partial QW205"),
    ],
)
def test_an_approval_counts_where_the_decision_point_took_it_up_in_its_time(at: str, decision: str, told: str) -> None:
    action = done(time=f"{at}Z", cites=[f"authzen/evaluation/{decision}"], **PLANNER)
    verdict = judged(action, beside=("authzen/approval",))["x"]
    assert verdict.replace(" QW306", "") == told


def test_a_request_id_joins_what_a_gateway_asked_with_what_was_done() -> None:
    action = done(time="2026-03-02T09:00:00.2Z", correlates=["request/7f2b9c1e-1111-4222-8333-444455556666"], **PLANNER)
    assert judged(action, beside=("authzen/evaluations",)) == {"x": "presumed partial QW109"}


JOB = {"principal": "user:billing-job", "resource": "invoice:42"}


@pytest.mark.parametrize(
    "cited, told",
    [
        ("call/01KRX3A0DFF9F00ZC1F0M8Z1MA", "authorised proven"),
        ("call/01KRX3A0DFF9F00ZC1F0M8Z1MB", "unproven missing QW101 QW104 QW105"),  # several answers: which one?
        ("decision/01KRX3A0DFF9F00ZC1F0M8Z1MB/invoice/42/read", "authorised proven"),
        ("decision/01KRX3A0DFF9F00ZC1F0M8Z1MB/invoice/42/delete", "unauthorised proven QW205"),
        ("call/01KRX3A0DFF9F00ZC1F0M8Z1MD", "presumed partial QW109"),  # of a disk no version is logged
    ],
)
def test_a_check_of_cerbos_is_cited_by_its_call(cited: str, told: str) -> None:
    action = done(time="2026-03-02T09:01:05Z", cites=[f"cerbos/{cited}"], **JOB)
    assert judged(action, beside=("cerbos/checks",)) == {"x": told}


@pytest.mark.parametrize(
    "cited, told",
    [
        ("0f8d2b6a-0001", "authorised proven"),
        ("0f8d2b6a-0002", "unauthorised partial QW205"),
        ("0f8d2b6a-0003", "unauthorised proven QW205"),
    ],
)
def test_an_evaluation_of_cedar_rests_on_the_policies_that_determined_it(cited: str, told: str) -> None:
    action = done(
        time="2026-03-02T09:00:03Z",
        principal="Agent:planner",
        resource="Photo:94.jpg",
        cites=[f"cedar/decision/{cited}"],
    )
    assert judged(action, beside=("cedar/evaluations",)) == {"x": told}
