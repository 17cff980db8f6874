"""Chains across three systems: what one of them hands out is used in the next, and each writes a log of its own.

A CI run gets a token for a reviewed environment, assumes a role in the cloud with it, and calls the cloud. A workload
logs in to Vault, takes out a database user, and reads a table. An agent calls a tool for a person, and the tool's
server tells of it.
"""

from __future__ import annotations

from quowarranto.records import Instant
from quowarranto.simulator import organisation
from quowarranto.simulator.scenarios.vault import log_in
from quowarranto.simulator.scene import DAY, HOUR, MINUTE, SECOND, Scenario, Scene
from quowarranto.simulator.systems import aws, github, mcp, postgres, telemetry, vault

_PRESUMED = "no event says which policy allowed it; the role's policies would cover it"


# ---- GitHub, AWS -----------------------------------------------------------------------------------------------------


def _run(scene: Scene, at: Instant, run: int, *, reviewed_at: Instant | None) -> aws.Session:
    """A run up to the session that it opens in AWS; returns that."""
    action = github.run_started(scene, at, run, "ada")
    scene.expect(action, "unproven", "missing", "QW101", note="a push sets runs off, and no entry says who may push")
    if reviewed_at is not None:
        action = github.reviewed(scene, reviewed_at, run, "grace", "REL-2655")
        scene.expect(action, "unproven", "missing", "QW101", note="who may review is not in the log")
    job = github.job_began(scene, at + 3 * MINUTE, run, "ada")
    subject = github.token(scene, at + 3 * MINUTE + 5 * SECOND, run, "ada")
    identity = aws.web_identity(subject, github.ISSUER.removeprefix("https://"))
    opened, session = aws.assume(scene, at + 4 * MINUTE, identity, organisation.RELEASE, "GitHubActions")
    over = github.run_over(scene, at + 20 * MINUTE, run, "ada")
    scene.expect(over, "unproven", "missing", "QW101", note="the end of a run rests on nothing")
    if reviewed_at is not None and reviewed_at < at + 3 * MINUTE:
        scene.expect(job, "authorised", "proven", note="reviewed by somebody else")
        scene.expect(opened, "authorised", "proven", note="with the token of a reviewed run")
    else:
        codes = ("QW204", "QW302")
        scene.expect(job, "unauthorised", "proven", *codes, note="the review came afterwards")
        scene.expect(opened, "unauthorised", "proven", *codes, note="with the token of a run not reviewed yet")
    return session


def _update(scene: Scene, at: Instant, session: aws.Session) -> str:
    record = aws.event(session.identity(), "ecs", "UpdateService", {"cluster": "prod", "service": "storefront"})
    return aws.write(scene, at, record)


def _released(scene: Scene) -> None:
    at = scene.at(22, 9)
    session = _run(scene, at, 9011, reviewed_at=at + 2 * MINUTE)
    for minute in (5, 6):
        scene.expect(_update(scene, at + minute * MINUTE, session), "presumed", "partial", "QW102", note=_PRESUMED)


def _released_unreviewed(scene: Scene) -> None:
    at = scene.at(23, 9)
    session = _run(scene, at, 9012, reviewed_at=at + 12 * MINUTE)
    note = "with a key that a session opened for a run that nobody had reviewed"
    action = _update(scene, at + 5 * MINUTE, session)
    scene.expect(action, "unauthorised", "partial", "QW102", "QW208", note=note)


# ---- Vault, PostgreSQL -----------------------------------------------------------------------------------------------


def _database_user(scene: Scene, at: Instant) -> tuple[str, str]:
    """A workload takes out a database user; returns its name and the lease."""
    token = log_in(scene, at, "data", "data-read", ttl=4 * HOUR)
    name = f"v-kubernet-warehous-{scene.hex(20)}-{at // SECOND}"
    lease = f"database/creds/warehouse-ro/{scene.hex(24)}"
    secret = {"secret": {"lease_id": lease}, "data": {"username": name, "password": vault.hmac(scene)}}
    call = vault.Call("read", "database/creds/warehouse-ro", "database/", "database")
    action = vault.leased(scene, at + 10 * SECOND, token, call, secret, "data-read")
    scene.expect(action, "authorised", "proven", note="by the policy of the token")
    return name, lease


def _reads_table(scene: Scene) -> None:
    at = scene.at(24, 2)
    name, _ = _database_user(scene, at)
    action, session = postgres.connect(scene, at + 20 * SECOND, name)
    scene.expect(action, "presumed", "partial", note="with the user that Vault made for the workload")
    action = postgres.select(scene, at + 30 * SECOND, session, 1, "public.orders")
    scene.expect(action, "presumed", "partial", note="in a session of that user; no entry says which privilege it used")


def _lease_revoked(scene: Scene) -> None:
    at = scene.at(25, 2)
    name, lease = _database_user(scene, at)
    action, session = postgres.connect(scene, at + 20 * SECOND, name)
    scene.expect(action, "presumed", "partial", note="before the lease was revoked")
    person = vault.login(
        scene, at + 5 * MINUTE, "auth/oidc/oidc/callback", "vault-admin", ("default", "vault-admin"), name="oidc-priya"
    )
    scene.expect(person[0], "presumed", "partial", "QW104", "QW109", note="the role is older than the log")
    call = vault.Call("update", "sys/leases/revoke", "sys/", "system", {"lease_id": lease})
    revoke = vault.call(scene, at + 6 * MINUTE, person[1], call, "vault-admin")
    scene.expect(revoke, "authorised", "proven", note="by the administrators' policy")
    late = postgres.select(scene, at + 20 * MINUTE, session, 1, "public.orders")
    note = "the session went on after its user was revoked"
    scene.expect(late, "unauthorised", "partial", "QW202", "QW406", note=note)


# ---- a person, an agent, a tool --------------------------------------------------------------------------------------


def _token(scene: Scene, at: Instant) -> mcp.Token:
    return mcp.Token(scene.uuid(), "priya@quo-example.com", "order-triage", at // SECOND * SECOND)


def _for_a_person(scene: Scene) -> None:
    at = scene.at(26, 10)
    mcp.policy_loaded(scene, at - DAY)
    token, session = _token(scene, at), scene.hex(24)
    action = mcp.opened(scene, at + SECOND, token, session)
    scene.expect(action, "authorised", "proven", note="decided by a policy on record")
    for number in (1, 2):
        moment = at + number * MINUTE
        action = mcp.called(scene, moment, token, session, number, "orders_read")
        scene.expect(action, "authorised", "proven", note="decided by a policy on record, for a person")
        action = telemetry.tool_span(scene, moment + 1000, token, session, "orders_read")
        scene.expect(action, "presumed", "partial", note="in the session that the gateway saw opened")


def _for_a_person_no_longer(scene: Scene) -> None:
    at = scene.at(27, 10)
    token, session = _token(scene, at), scene.hex(24)
    action = mcp.opened(scene, at + SECOND, token, session)
    scene.expect(action, "authorised", "proven", note="decided by a policy on record")
    telemetry.token_revoked(scene, at + 5 * MINUTE // SECOND * SECOND, token)
    late = mcp.called(scene, at + 10 * MINUTE, token, session, 1, "orders_read")
    note = "the issuer had revoked the token, and the gateway had not heard"
    scene.expect(late, "unauthorised", "proven", "QW202", "QW406", note=note)


STORIES = (
    Scenario("ci_to_cloud", "A reviewed CI run assumes a role in the cloud by its token.", _released),
    Scenario(
        "workload_to_database", "A workload's Vault token becomes a database user that reads a table.", _reads_table
    ),
    Scenario(
        "agent_for_a_person", "An agent calls a tool on behalf of a person, and the tool tells of it.", _for_a_person
    ),
)
FAULTS = (
    Scenario("ci_unreviewed", "A CI run assumes a role before anybody has reviewed it.", _released_unreviewed),
    Scenario("lease_revoked", "A database session goes on after its user's lease was revoked.", _lease_revoked),
    Scenario(
        "agent_token_revoked",
        "A gateway accepts an agent's token that its issuer had revoked.",
        _for_a_person_no_longer,
    ),
)
