"""Who logged in by a token of another system: what the auth method found in the token it had verified.

Only the answer to a login is read, and only of auth methods that check signatures: metadata of other tokens holds what
their makers like. The method `kubernetes` names the service account always; `jwt` and `oidc` name what their role maps
(`claim_mappings`), and the subject where it is the name of the alias.

Source  hashicorp/vault-plugin-auth-kubernetes path_login.go, vault-plugin-auth-jwt path_login.go: `Metadata` of the
        answer; the server puts the mount before the display name (vault/request_handling.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from quowarranto.records import AuthorityFact, Principal
from quowarranto.sources import keys as shared
from quowarranto.sources.vault import keys
from quowarranto.sources.vault.call import Call

_ACCOUNT = re.compile(r"(?:^|-)system:serviceaccount:(?P<namespace>[^:/\s]+):(?P<name>[^:/\s]+)$")


class Shown(msgspec.Struct, frozen=True):
    """A token that a login showed, as far as the answer names it.

    Args:
        holder: whom the token speaks of.
        token: its key, where the method says its id and whose it is.
        shares: keys that it has in common with what is known of its holder.
    """

    holder: Principal | None = None
    token: str | None = None
    shares: tuple[str, ...] = ()


_NOTHING = Shown()


def shown(call: Call) -> Shown:
    """What a login says of the token that let it in; nothing for other calls."""
    kind = (call.line.request.mount_type or "").removeprefix("ns_")
    new = call.response.auth
    if not call.is_login or new is None or kind not in ("kubernetes", "jwt", "oidc"):
        return _NOTHING
    said = {name: value for name, value in (new.metadata or {}).items() if isinstance(value, str) and value}
    account = _account(kind, said, new.display_name or "")
    if account is not None:
        return _of_cluster(account, said)
    if kind != "kubernetes" and said.get("iss", "").startswith("https://") and shared.is_github_issuer(said["iss"]):
        return _of_github(said)
    return _NOTHING


def shown_keys(call: Call) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the login's action cites, and what it shares, on account of the token shown."""
    found = shown(call)
    return ((keys.delegation_key(call.key),) if _lent(call, found) else ()), found.shares


def lending(call: Call) -> Iterator[AuthorityFact]:
    """The holder of the token lends the login what it has: they have different names in the two systems."""
    found = shown(call)
    if _lent(call, found) and found.token is not None:
        yield AuthorityFact(
            kind="delegation",
            id=keys.delegation_key(call.key),
            time=call.at,
            principal=call.principal,
            by=found.holder,
            cites=(found.token,),
        )


def _lent(call: Call, found: Shown) -> bool:
    return call.succeeded and call.token is None and found.token is not None and found.holder is not None


def _account(kind: str, said: dict[str, str], display: str) -> tuple[str, str] | None:
    """Namespace and name of a service account."""
    if kind == "kubernetes":
        named = said.get("service_account_namespace"), said.get("service_account_name")
        return (named[0], named[1]) if named[0] and named[1] else None
    found = _ACCOUNT.search(said.get("sub") or display)
    return (found["namespace"], found["name"]) if found is not None else None


def _of_cluster(account: tuple[str, str], said: dict[str, str]) -> Shown:
    holder = shared.maybe(shared.service_account, "/".join(account))
    if holder is None:
        return _NOTHING
    named = shared.service_account_object(*account)
    uid = shared.maybe(shared.service_account_uid, said.get("service_account_uid"))
    token = shared.maybe(shared.cluster_token, said.get("jti"))
    shares = (uid, shared.service_account_without_uid(named)) if uid else (named,)
    return Shown(Principal("service_account", holder), token, shares)


def _of_github(said: dict[str, str]) -> Shown:
    """A run and its environment say which review let the job go on; the subject alone says so where it holds both."""
    subject, run, environment = said.get("sub"), said.get("run_id", ""), said.get("environment")
    shares: tuple[str, ...] = ()
    if run.isascii() and run.isdecimal() and environment:
        shares = (shared.github_deployment(run, environment), shared.github_deployment(run, None))
    elif subject:
        shares = shared.maybe(shared.github_deployments, subject) or ()
    token = shared.maybe(lambda jti: shared.token_of_issuer(said["iss"], jti), said.get("jti"))
    return Shown(Principal("workload", subject) if subject else None, token, shares)
