"""A deployment: a review, a login to Vault by JWT, a deploy token of half an hour, and two calls to Kubernetes.

The broker that hands out the deploy token writes, in the native format, on which review it rests. Its record and the
API server's TokenRequest speak of one credential.
"""

from __future__ import annotations

from quowarranto.records import Instant
from quowarranto.simulator import organisation
from quowarranto.simulator.scene import DAY, HOUR, MINUTE, SECOND, Scenario, Scene
from quowarranto.simulator.systems import kubernetes as k8s
from quowarranto.simulator.systems import native, vault

_DEPLOYER = k8s.Account("shop", "deployer", "deploy-8841")
_CREDENTIAL = "JTI=8f0c7f5e-2b1d-4c57-9a3e-61d2c0be8841"


def _reviewed_at(scene: Scene) -> Instant:
    return scene.start + 8 * DAY + 10 * HOUR


def _review(scene: Scene, at: Instant) -> str:
    return native.fact(
        scene,
        "approvals",
        "approval",
        "github/deployment-review/8841",
        at,
        valid_until=at + 40 * MINUTE,
        principal=f"service_account:{_DEPLOYER.username}",
        scope=native.scope(["get deployments", "patch deployments"], "deployments:shop/*"),
        requested_by="workflow:quo-example/storefront/deploy.yml",
        decided_by=["user:omar"],
        justification="release 2026.41",
        ticket="REL-2641",
    )


def _deploy(scene: Scene) -> None:
    at = _reviewed_at(scene)
    review = _review(scene, at)
    action, token = vault.login(scene, at + MINUTE, "auth/jwt/login", "ci", ("default", "ci-deploy"), name="jwt-deploy")
    scene.expect(action, "authorised", "proven", "QW109", note="the role lets the workflow's JWT in")
    asks = (
        vault.Call("read", "kv/data/ci/registry", answer={"data": {"password": vault.hmac(scene)}}),
        vault.Call("update", "kubernetes/creds/deployer", "kubernetes/", "kubernetes", {"ttl": vault.hmac(scene)}),
    )
    for number, call in enumerate(asks):
        action = vault.call(scene, at + (70 + 10 * number) * SECOND, token, call, "ci-deploy")
        scene.expect(action, "authorised", "proven", note="by the policy of the deployment")
    issued = at + 81 * SECOND
    _issue(scene, issued)
    until = at + 30 * MINUTE
    fields = {"valid_until": until, "principal": f"service_account:{_DEPLOYER.username}", "cites": [review]}
    native.fact(scene, "approvals", "credential", f"kubernetes/credential/{_CREDENTIAL}", issued + SECOND, **fields)
    for minute, verb in ((2, "get"), (3, "patch")):
        action = _touch(scene, at + minute * MINUTE, verb)
        scene.expect(action, "authorised", "proven", note="the binding allows it, the token rests on the review")


def _issue(scene: Scene, at: Instant) -> None:
    """Vault asks the API server for the deployer's token."""
    own = k8s.issue_token(scene, at - HOUR, organisation.VAULT)
    reason = k8s.allowed_by("vault-token-creator", "vault-token-creator", organisation.VAULT)
    shape = k8s.token_shape(_DEPLOYER, _CREDENTIAL, k8s.service_account(organisation.VAULT), reason)
    action = k8s.write(scene, at, shape, own)
    scene.expect(action, "authorised", "proven", note="Vault may create tokens of service accounts")


def _touch(scene: Scene, at: Instant, verb: str) -> str:
    reason = k8s.allowed_by("deployer", "deployer", _DEPLOYER, "shop")
    target = k8s.Target("deployments", "shop", "storefront", "apps")
    return k8s.write(scene, at, k8s.shape(k8s.service_account(_DEPLOYER), verb, target, reason=reason), _CREDENTIAL)


def _overrun(scene: Scene) -> None:
    action = _touch(scene, _reviewed_at(scene) + 50 * MINUTE, "patch")
    note = "twenty minutes after the deploy token's end, ten after the review's"
    scene.expect(action, "unauthorised", "proven", "QW201", note=note)


STORIES = (Scenario("deployment", "A workflow deploys with a token that a review allowed.", _deploy),)
FAULTS = (Scenario("deploy_token_overrun", "The deploy token is used after its end and the review's.", _overrun),)
