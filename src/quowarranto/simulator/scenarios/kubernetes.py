"""Kubernetes: bindings that come and go, requests that are refused, and stages that never come."""

from __future__ import annotations

from typing import Any

from quowarranto.records import Instant
from quowarranto.simulator import organisation, secrets
from quowarranto.simulator.scene import HOUR, MINUTE, SECOND, Scenario, Scene
from quowarranto.simulator.stamps import micro_stamp
from quowarranto.simulator.systems import kubernetes as k8s

_RBAC = "rbac.authorization.k8s.io"
_FLUX = organisation.FLUX
_AS_FLUX = k8s.allowed_by("flux-admin", "cluster-admin", _FLUX)


def _by_flux(scene: Scene, at: Instant, token: str, verb: str, body: dict[str, Any], namespace: str = "") -> str:
    """The GitOps controller changes an RBAC object; the API server logs such requests with their bodies."""
    target = k8s.Target(body["kind"].lower() + "s", namespace, body["metadata"]["name"], _RBAC)
    logged = body if verb == "create" else None
    shape = k8s.shape(k8s.service_account(_FLUX), verb, target, reason=_AS_FLUX, body=logged, agent="flux/v2.7")
    action = k8s.write(scene, at, shape, token, took_ms=9)
    scene.expect(action, "authorised", "proven", note="the GitOps controller is a cluster admin by its binding")
    return action


def _bind(scene: Scene, at: Instant, token: str, account: k8s.Account, name: str, rules: list[dict[str, Any]]) -> str:
    """Make a Role and a RoleBinding of one name; returns the authorizer's reason from then on."""
    namespace = account.namespace
    for number, body in enumerate(organisation.role_and_binding(account, name, rules)):
        _by_flux(scene, at + number * SECOND, token, "create", body, namespace)
    return k8s.allowed_by(name, name, account, namespace)


def _unbind(scene: Scene, at: Instant, token: str, account: k8s.Account, name: str) -> None:
    body = {"kind": "RoleBinding", "metadata": {"name": name}}
    _by_flux(scene, at, token, "delete", body, account.namespace)


def _binding(scene: Scene) -> None:
    account = k8s.Account("shop", "release-bot", "release-bot-6f7d")
    made = scene.at(1, 8)
    flux = k8s.issue_token(scene, made - MINUTE, _FLUX)
    reason = _bind(scene, made, flux, account, "release", organisation.rules(("apps", "deployments", "get patch")))
    data = {"dsn": secrets.DSN, "tls.key": secrets.PRIVATE_KEY}
    careless = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "release", "namespace": "shop"},
        "data": data,
    }
    target = k8s.Target("configmaps", "shop", "release")
    shape = k8s.shape(k8s.service_account(_FLUX), "create", target, reason=_AS_FLUX, body=careless, agent="flux/v2.7")
    action = k8s.write(scene, made + 30 * MINUTE, shape, flux)
    scene.expect(action, "authorised", "proven", note="logged with its body, in which somebody had put secrets")
    token = k8s.issue_token(scene, made + HOUR, account)
    for day, verb in ((1, "get"), (1, "patch"), (7, "patch")):
        target = k8s.Target("deployments", "shop", "storefront", "apps")
        shape = k8s.shape(k8s.service_account(account), verb, target, reason=reason)
        action = k8s.write(scene, scene.at(day, 11), shape, token)
        scene.expect(action, "authorised", "proven", note="the binding that the decision names was made in this log")


def _stages(scene: Scene) -> None:
    """A watch that is still open, a refusal by admission, a request that was never answered."""
    work = organisation.CHECKOUT
    token = k8s.issue_token(scene, scene.at(2, 5), work.account)
    caller, reason = k8s.service_account(work.account), work.reason()
    watch = k8s.shape(caller, "watch", k8s.Target("configmaps", "shop"), reason=reason)
    audit_id, at = scene.uuid(), scene.at(2, 6)
    received = watch.received(audit_id, token, micro_stamp(at))
    scene.logs.kubernetes.add(at, received[:-1])
    started = watch.completed(audit_id, token, micro_stamp(at), micro_stamp(at + 3000), "ResponseStarted")
    scene.logs.kubernetes.add(at + 3000, started[:-1])
    scene.expect(f"kubernetes/{audit_id}", "authorised", "proven", note="the watch has only begun to answer")

    said = 'configmaps "sizes" is forbidden: exceeded quota: shop-quota'
    status = {"metadata": {}, "status": "Failure", "message": said, "reason": "Forbidden", "code": 403}
    target = k8s.Target("configmaps", "shop", "sizes")
    action = k8s.write(scene, scene.at(2, 7), k8s.shape(caller, "get", target, reason=reason, status=status), token)
    scene.expect(action, "authorised", "proven", note="allowed by the authorizer, then refused by admission: a failure")

    lost, at = k8s.shape(caller, "get", k8s.Target("configmaps", "shop", "prices")), scene.at(2, 8)
    audit_id = scene.uuid()
    scene.logs.kubernetes.add(at, lost.received(audit_id, token, micro_stamp(at))[:-1])
    note = "the server stopped before it answered: no decision on record, the token and a grant that would cover it"
    scene.expect(f"kubernetes/{audit_id}", "presumed", "partial", "QW102", note=note)


def _forbidden(scene: Scene) -> None:
    account = organisation.CHECKOUT.account
    token = k8s.issue_token(scene, scene.at(3, 5), account)
    target = k8s.Target("secrets", "kube-system")
    status = k8s.forbidden(account, "list", target)
    shape = k8s.shape(k8s.service_account(account), "list", target, status=status, decision="forbid")
    action = k8s.write(scene, scene.at(3, 6), shape, token)
    scene.expect(action, "refused", "partial", exact=False, note="no binding covers it, and the authorizer said no")


def _deleted(scene: Scene) -> None:
    account = k8s.Account("data", "backfill", "backfill-0")
    made, gone = scene.at(3, 9), scene.at(9, 17)
    flux = k8s.issue_token(scene, made - MINUTE, _FLUX)
    reason = _bind(scene, made, flux, account, "backfill", organisation.rules(("", "secrets", "get")))
    token = k8s.issue_token(scene, made + MINUTE, account)
    shape = k8s.shape(k8s.service_account(account), "get", k8s.Target("secrets", "data", "warehouse"), reason=reason)
    before = k8s.write(scene, gone - HOUR, shape, token)
    scene.expect(before, "authorised", "proven", note="the binding is there")
    _unbind(scene, gone, flux, account, "backfill")
    after = k8s.write(scene, gone + 20 * SECOND, shape, token)
    note = "one API server had not seen that the binding was deleted twenty seconds before"
    scene.expect(after, "unauthorised", "proven", "QW202", note=note)


def _tainted(scene: Scene) -> None:
    """With a binding that is gone already an account makes itself another one."""
    account = k8s.Account("platform", "node-tuner", "node-tuner-x2")
    made, gone = scene.at(10, 9), scene.at(20, 4)
    flux = k8s.issue_token(scene, made - MINUTE, _FLUX)
    rules = organisation.rules((_RBAC, "rolebindings roles", "create"))
    reason = _bind(scene, made, flux, account, "tuner", rules)
    token = k8s.issue_token(scene, made + MINUTE, account)
    _unbind(scene, gone, flux, account, "tuner")
    reach = organisation.role_and_binding(account, "tuner-extra", organisation.rules(("", "secrets", "get list")))
    for number, body in enumerate(reach):
        target = k8s.Target(body["kind"].lower() + "s", "platform", "tuner-extra", _RBAC)
        shape = k8s.shape(k8s.service_account(account), "create", target, reason=reason, body=body)
        action = k8s.write(scene, gone + (30 + number) * SECOND, shape, token)
        scene.expect(action, "unauthorised", "proven", "QW202", note="by a binding that was deleted before")
    reason = k8s.allowed_by("tuner-extra", "tuner-extra", account, "platform")
    shape = k8s.shape(k8s.service_account(account), "list", k8s.Target("secrets", "platform"), reason=reason)
    action = k8s.write(scene, gone + 5 * MINUTE, shape, token)
    note = "the decision names a binding that was made without any right to make it"
    scene.expect(action, "unauthorised", "proven", "QW208", note=note)


def _masters(scene: Scene) -> None:
    caller = k8s.person("root-kubeconfig", "system:masters")
    shape = k8s.shape(caller, "delete", k8s.Target("secrets", "payments", "psp-key"), agent="kubectl/v1.33.1")
    action = k8s.write(scene, scene.at(23, 2), shape)
    scene.expect(action, "presumed", "partial", "QW109", note="system:masters is allowed everything, by no binding")


def _unissued(scene: Scene) -> None:
    work = organisation.CHECKOUT
    shape = k8s.shape(
        k8s.service_account(work.account), "get", k8s.Target("configmaps", "shop", "prices"), reason=work.reason()
    )
    action = k8s.write(scene, scene.at(24, 6), shape, f"JTI={scene.uuid()}")
    scene.expect(action, "authorised", "proven", "QW104", note="a binding allows it; who issued the token is not known")


STORIES = (
    Scenario("binding_made", "The GitOps controller binds a role, and the bot uses it.", _binding),
    Scenario("unusual_stages", "A watch, a refusal by admission, a request that was never answered.", _stages),
    Scenario("forbidden", "The authorizer refuses a request.", _forbidden),
)
FAULTS = (
    Scenario("binding_deleted", "A binding is deleted, and one API server still allows by it.", _deleted),
    Scenario("tainted_binding", "By a deleted binding an account makes itself another one, and uses it.", _tainted),
    Scenario("masters", "Somebody in system:masters deletes a secret.", _masters),
    Scenario("token_unissued", "A service account's token was issued by nobody on record.", _unissued),
)
