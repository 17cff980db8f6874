"""Vault: an agent's tool server reads a secret; tokens are used past their end, after their revocation, and as root."""

from __future__ import annotations

from quowarranto.records import Instant
from quowarranto.simulator import secrets
from quowarranto.simulator.scene import HOUR, MINUTE, Scenario, Scene
from quowarranto.simulator.systems import vault

_PAGER = vault.Call("read", "kv/data/ops/pagerduty", answer={"data": {"key": "hmac-sha256:5f1d"}})
_DENIED = "1 error occurred:\n\t* permission denied\n\n"


def log_in(scene: Scene, at: Instant, role: str, *policies: str, ttl: Instant = HOUR) -> vault.Token:
    """Log in with a service account's token; the role was written in this log."""
    path = "auth/kubernetes/login"
    name = f"kubernetes-{role}"
    action, token = vault.login(scene, at, path, role, ("default", *policies), name=name, ttl=ttl)
    scene.expect(
        action, "authorised", "proven", "QW109", note="the role lets it in; a login's decision names no policy"
    )
    return token


def admin(scene: Scene, at: Instant) -> vault.Token:
    """A person logs in as administrator, by a role that is older than the log."""
    path, policies = "auth/oidc/oidc/callback", ("default", "vault-admin")
    action, token = vault.login(scene, at, path, "vault-admin", policies, name="oidc-priya", ttl=8 * HOUR)
    scene.expect(action, "presumed", "partial", "QW104", "QW109", note="the role is older than the log")
    return token


def _routine(scene: Scene, token: vault.Token, at: Instant, note: str) -> str:
    action = vault.call(scene, at, token, _PAGER, "ops-read")
    scene.expect(action, "authorised", "proven", note=note)
    return action


def _roles(scene: Scene) -> None:
    """The roles of the auth methods, and a new version of a policy."""
    token = admin(scene, scene.at(0, 0, 5))
    paths = [f"auth/kubernetes/role/{name}" for name in ("payments", "shop", "data", "tools")]
    for number, path in enumerate([*paths, "auth/jwt/role/ci", "sys/policies/acl/ops-read"]):
        head, kind, *_ = path.split("/")
        mount, mount_type = (f"auth/{kind}/", kind) if head == "auth" else ("sys/", "system")
        call = vault.Call("update", path, mount, mount_type, {"value": vault.hmac(scene)})
        action = vault.call(scene, scene.at(0, 0, 10 + number), token, call, "vault-admin")
        scene.expect(action, "authorised", "proven", note="by the administrators' policy")


def _tool_server(scene: Scene) -> None:
    token = log_in(scene, scene.at(6, 9, 2), "tools", "ops-read")
    _routine(scene, token, scene.at(6, 9, 3), "the tool server reads what the agent asked for")
    at = scene.at(6, 9, 30)
    refused = vault.call(scene, at, token, vault.Call("read", "kv/data/payments/psp"), error=_DENIED)
    scene.expect(refused, "refused", "partial", note="no policy of the token covers the path, and Vault said no")


def _raw(scene: Scene) -> None:
    """One device was told to log in the clear: its lines hold the token itself."""
    at = scene.at(7, 12)
    token = vault.new_token(scene, at, "tools", ("default", "ops-read"), name="kubernetes-tools")
    token = token._replace(token=secrets.VAULT_TOKEN, accessor="A7QmZ2vLxk0TnRw8dJb3cYpE")
    call = vault.Call("update", "auth/kubernetes/login", "auth/kubernetes/", "kubernetes", {"role": "tools"})
    response = {"auth": vault.response_auth(token)}
    action = vault.write(scene, at, call, vault.NO_AUTH, response=response)
    scene.expect(action, "authorised", "proven", "QW109", note="as every login by a known role")
    _routine(scene, token, at + MINUTE, "the token of the login in the clear")


def _revoked(scene: Scene) -> None:
    at = scene.at(13, 14)
    token = log_in(scene, at, "tools", "ops-read", ttl=4 * HOUR)
    _routine(scene, token, at + MINUTE, "before the revocation")
    person = admin(scene, at + 20 * MINUTE)
    data = {"accessor": token.accessor}
    revoke = vault.Call("update", "auth/token/revoke-accessor", "auth/token/", "token", data)
    action = vault.call(scene, at + 25 * MINUTE, person, revoke, "vault-admin")
    scene.expect(action, "authorised", "proven", note="by the administrators' policy")
    late = vault.call(scene, at + 40 * MINUTE, token, _PAGER, "ops-read")
    note = "a standby node still accepted the token a quarter of an hour after its revocation"
    scene.expect(late, "unauthorised", "proven", "QW202", "QW406", note=note)


def _expired(scene: Scene) -> None:
    at = scene.at(14, 14)
    token = log_in(scene, at, "tools", "ops-read")
    late = vault.call(scene, at + 3 * HOUR, token, _PAGER, "ops-read")
    scene.expect(late, "unauthorised", "proven", "QW201", note="two hours after the token's end")


def _root(scene: Scene) -> None:
    at = scene.at(25, 1, 30)
    token = vault.new_token(scene, at - HOUR, "root", ("root",), name="root", ttl=0)._replace(entity="", metadata={})
    action = vault.call(scene, at, token, vault.Call("read", "kv/data/payments/psp"))
    note = "root needs no policy, and nobody recorded who made the token"
    scene.expect(action, "presumed", "partial", "QW104", "QW109", note=note)


STORIES = (
    Scenario("vault_roles", "An administrator writes roles and a policy.", _roles),
    Scenario("tool_server", "The agent's tool server reads a secret in Vault, and is refused another.", _tool_server),
    Scenario("vault_in_the_clear", "One audit device logs tokens in the clear.", _raw),
)
FAULTS = (
    Scenario("vault_token_revoked", "A revoked token is still accepted.", _revoked),
    Scenario("vault_token_expired", "A token is used two hours after its end.", _expired),
    Scenario("vault_root", "A root token of unknown making reads a secret.", _root),
)
