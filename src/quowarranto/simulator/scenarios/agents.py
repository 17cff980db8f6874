"""AI agents behind the tool gateway: every call is decided there, under a bundle of policies, on somebody's behalf."""

from __future__ import annotations

from typing import Any

from quowarranto.records import Instant
from quowarranto.simulator.scene import DAY, HOUR, MINUTE, SECOND, Scenario, Scene
from quowarranto.simulator.systems import native

_AGENT = "agent:incident-triage"
_PERSON = "user:priya"
_READ = "tools/call:read_secret"
_ON = "secret:kv/ops/pagerduty"
_OLD_BUNDLE, _BUNDLE = "opa/bundle/tool-gateway/rev-41", "opa/bundle/tool-gateway/rev-42"


def _bundles(scene: Scene) -> None:
    """Two revisions of the gateway's policies, one after the other."""
    for key, day in ((_OLD_BUNDLE, -40), (_BUNDLE, 4)):
        at = scene.start + day * DAY
        fields: dict[str, Any] = {"series": "opa/bundle/tool-gateway"}
        if day > 0:
            fields["grace_until"] = at + 2 * MINUTE
        native.fact(scene, "gateway", "policy", key, at, **fields)


def _session(scene: Scene, agent: str, person: str, opened: Instant) -> str:
    """An MCP session in which a person lends the agent what that person may do."""
    grant = native.fact(
        scene,
        "gateway",
        "grant",
        f"idp/grant/{scene.hex(8)}",
        scene.start - 100 * DAY,
        principal=person,
        scope=native.scope(["tools/call:*"], "secret:kv/ops/*"),
    )
    delegation = native.fact(
        scene,
        "gateway",
        "delegation",
        f"oauth/exchange/{scene.hex(12)}",
        opened,
        valid_until=opened + 8 * HOUR,
        principal=agent,
        by=person,
        cites=[grant],
    )
    key = f"mcp/session/{scene.hex(12)}"
    until = opened + 4 * HOUR
    return native.fact(scene, "gateway", "session", key, opened, valid_until=until, principal=agent, cites=[delegation])


def _call(scene: Scene, at: Instant, who: str, **fields: Any) -> str:
    return native.act(scene, "gateway", at, who, _READ, _ON, **fields)


def _reads_a_secret(scene: Scene) -> None:
    _bundles(scene)
    opened = scene.at(6, 9, 0)
    session = _session(scene, _AGENT, _PERSON, opened)
    for minute in (3, 19):
        at = opened + minute * MINUTE
        allowed = native.decision(scene, at - SECOND, _AGENT, _READ, _ON, effect="allow", cites=[_BUNDLE])
        action = _call(scene, at, _AGENT, on_behalf_of=[_PERSON], cites=[session, allowed], origin="mcp/triage-1")
        scene.expect(action, "authorised", "proven", note="decided by the current bundle, on behalf of a person")


def _bypass(scene: Scene) -> None:
    """The gateway says no; the agent goes to the tool server directly. One trace id joins the two."""
    agent, at, trace = "agent:runbook-writer", scene.at(14, 15, 0), f"trace/{scene.hex(32)}"
    denied = native.decision(scene, at - SECOND, agent, _READ, _ON, effect="deny", cites=[_BUNDLE], correlates=[trace])
    first = _call(scene, at, agent, outcome="denied", cites=[denied], correlates=[trace])
    scene.expect(first, "refused", "proven", note="the control worked")
    second = native.act(scene, "services", at + 40 * SECOND, agent, _READ, _ON, correlates=[trace])
    scene.expect(second, "unauthorised", "proven", "QW205", note="past the gateway, forty seconds after its no")


def _stale_policy(scene: Scene) -> None:
    agent, at = "agent:cost-report", scene.start + 4 * DAY + 30 * MINUTE
    decided = native.decision(scene, at - SECOND, agent, _READ, _ON, effect="allow", cites=[_OLD_BUNDLE])
    action = _call(scene, at, agent, cites=[decided])
    scene.expect(action, "unauthorised", "proven", "QW203", note="revision 42 had been in force for half an hour")


def _no_ground(scene: Scene) -> None:
    agent, at = "agent:changelog", scene.at(12, 8, 30)
    decided = native.decision(scene, at - SECOND, agent, _READ, _ON, effect="allow")
    action = _call(scene, at, agent, cites=[decided])
    scene.expect(action, "presumed", "partial", "QW109", note="allowed, and the decision says by no policy")


def _ring(scene: Scene) -> None:
    one, two, at = "agent:planner", "agent:executor", scene.at(21, 12, 0)
    keys = (f"oauth/exchange/{scene.hex(12)}", f"oauth/exchange/{scene.hex(12)}")
    for (key, other), (who, by) in zip((keys, keys[::-1]), ((one, two), (two, one)), strict=True):
        until = at + HOUR
        native.fact(
            scene, "gateway", "delegation", key, at - HOUR, valid_until=until, principal=who, by=by, cites=[other]
        )
    action = _call(scene, at, one, cites=[keys[0]])
    scene.expect(action, "presumed", "partial", "QW107", note="each has its authority from the other")


STORIES = (
    Scenario("agent_reads_secret", "An agent reads a secret by a tool call that the gateway allows.", _reads_a_secret),
)
FAULTS = (
    Scenario("bypass_after_deny", "The gateway denies a tool call, and the agent makes it directly.", _bypass),
    Scenario("stale_policy", "The gateway decides by a revision that had been superseded.", _stale_policy),
    Scenario("decision_without_ground", "The gateway allows a call and names no policy.", _no_ground),
    Scenario("delegation_ring", "Two agents have their authority from each other.", _ring),
)
