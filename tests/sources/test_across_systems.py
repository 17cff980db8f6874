"""What one system decided or ended and another carried out: chains that only the logs of both together show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.model import Judgement, judge
from tests.sources.golden import HERE
from tests.sources.sampled import entries, read, source_of, together

from quowarranto.records import AuthorityFact, Record
from quowarranto.sources import Entry, by_name

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
REQUEST = "1b07886b-9d46-4a9a-b3ba-3d24b1baec94"
CART = "spiffe://example.org/ns/shop/sa/cart"
DECISION = "55665fb1-9f83-4899-94c0-6c276d274388"
EVENTS = "https://schemas.openid.net/secevent/caep/event-type/"


def of(name: str, *lines: dict[str, Any]) -> list[Record]:
    """What a source makes of these lines."""
    source = by_name(name)
    assert source is not None
    return together(source, [item for one in lines for item in read(source, Entry(json.dumps(one).encode()))])


def of_case(case: str) -> list[Record]:
    source = source_of(HERE / case)
    return together(source, [item for entry in entries(HERE / case) for item in read(source, entry)])


def only(records: list[Record], action: str) -> Judgement:
    found = [one for one in judge(records) if one.action.startswith(action)]
    assert len(found) == 1
    return found[0]


def request(**changed: object) -> dict[str, Any]:
    """A line of Envoy about the request that OPA decided about in the case `opa/console`."""
    return {
        "start_time": "2026-03-02T09:00:00.490Z",
        "method": "GET",
        "path": "/stock/17",
        "authority": "stock.internal",
        "response_code": 200,
        "response_flags": "-",
        "response_code_details": "via_upstream",
        "downstream_peer_uri_san": CART,
    } | changed


@pytest.mark.parametrize(
    "told", [{"ext_authz": {"decision_id": DECISION}}, {"request_id": REQUEST}, {"trace_id": TRACE}]
)
def test_a_request_through_envoy_is_proven_by_the_decision_of_opa(told: dict[str, object]) -> None:
    """By the decision's id in the filter's metadata, by the request's id, or by the trace; down to the bundle."""
    found = only([*of_case("opa/console"), *of("envoy", request(**told))], "envoy/request/")
    assert (found.verdict, found.linkage) == ("authorised", "proven")


def test_another_workload_is_not_covered_by_the_decision_for_the_first() -> None:
    line = request(ext_authz={"decision_id": DECISION}, downstream_peer_uri_san="spiffe://example.org/ns/shop/sa/other")
    found = only([*of_case("opa/console"), *of("envoy", line)], "envoy/request/")
    assert (found.verdict, "QW207" in found.codes) == ("unauthorised", True)


def revoked(at: int, **subject: object) -> dict[str, Any]:
    return {
        "iss": "https://idp.example",
        "jti": f"set-{at}",
        "iat": at + 30,
        "aud": "us",
        "sub_id": subject,
        "events": {EVENTS + "session-revoked": {"event_timestamp": at}},
    }


def call(number: int, time: str) -> dict[str, Any]:
    """A call of a tool with a token of the issuer, which a gateway allowed by a policy of its own."""
    return {
        "time": time,
        "server": "files",
        "session_id": "s-9",
        "auth": {
            "iss": "https://idp.example/",
            "sub": "triage",
            "client_id": "triage",
            "jti": "tok-9",
            "iat": 1772438400,
        },
        "decision": {"id": f"d{number}", "allow": True, "policies": ["mcp/policy/tools@41"]},
        "request": {
            "jsonrpc": "2.0",
            "id": number,
            "method": "tools/call",
            "params": {"name": "read", "arguments": {}},
        },
        "response": {"jsonrpc": "2.0", "id": number, "result": {"content": []}},
    }


def test_a_token_that_its_issuer_revoked_is_not_accepted_by_a_gateway_that_has_not_heard() -> None:
    """The event took effect at 09:00:00 and was issued half a minute later; the calls are of 08:59:50 and 09:00:10."""
    policy = {"time": "2026-03-02T07:00:00Z", "event": "policy_loaded", "policy": {"id": "tools", "revision": "41"}}
    calls = of("mcp", policy, call(1, "2026-03-02T08:59:50Z"), call(2, "2026-03-02T09:00:10Z"))
    event = of("caep", revoked(1772442000, format="jwt_id", iss="https://idp.example", jti="tok-9"))
    found = {
        one.action.split("@")[0].rpartition("/")[2]: one for one in judge([*calls, *event]) if "mcp/" in one.action
    }
    assert "QW202" not in found["1"].codes
    assert {"QW202", "QW406"} <= set(found["2"].codes)
    assert found["2"].verdict == "unauthorised"


def test_a_span_of_a_tool_call_rests_on_the_session_that_the_gateway_saw_opened() -> None:
    gateway = of_case("mcp/gateway")
    session = next(one.id for one in gateway if isinstance(one, AuthorityFact) and one.kind == "session")
    said = {"mcp.method.name": "tools/call", "gen_ai.tool.name": "read", "mcp.session.id": session.rpartition("/")[2]}
    span = {
        "traceId": TRACE,
        "spanId": "00f067aa0ba902b7",
        "kind": 3,
        "startTimeUnixNano": "1772442002000000000",
        "attributes": [
            {"key": name, "value": {"stringValue": text}}
            for name, text in {**said, "gen_ai.agent.id": "triage", "enduser.id": "ann@example.com"}.items()
        ],
    }
    found = only([*gateway, *of("otlp", {"scopeSpans": [{"spans": [span]}]})], "otlp/span/")
    assert (found.verdict, found.linkage, found.method) == ("presumed", "partial", "cited")
    assert (session, "session") in found.authorities


def test_a_row_of_a_security_lake_is_judged_by_the_key_that_cloudtrail_saw_issued() -> None:
    """The same access key in OCSF and in CloudTrail's own log is one credential, with one end."""
    issued = {
        "eventVersion": "1.08",
        "eventID": "issue-1",
        "eventTime": "2026-03-01T08:00:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": "eu-west-1",
        "userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"},
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/deploy", "roleSessionName": "run-7"},
        "responseElements": {
            "credentials": {"accessKeyId": "ASIAEXAMPLEKEY234567", "expiration": "Mar 1, 2026, 8:30:00 AM"}
        },
    }
    found = only([*of("cloudtrail", issued), *of_case("ocsf/lake")], "ocsf/event/CloudTrail/e-1")
    assert (found.verdict, found.linkage) == ("unauthorised", "partial")
    assert "QW201" in found.codes
