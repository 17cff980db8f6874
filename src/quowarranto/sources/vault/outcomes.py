"""What an answered call brought about: tokens, leases, roles and policies, begun or ended."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from quowarranto.records import AuthorityFact, Instant, Principal
from quowarranto.sources import keys as shared
from quowarranto.sources.vault import keys
from quowarranto.sources.vault.call import Call, granting, principal_of
from quowarranto.sources.vault.roles import written_role
from quowarranto.sources.vault.wire import Auth, WrapInfo

_LATEST = 253_402_300_799_999_999  # the last moment of the year 9999; a later bound is no bound
_WRITES = frozenset({"create", "update", "patch"})
_RENEW_LEASE = ("sys/leases/renew", "sys/renew")
_REVOKE_LEASE = ("sys/leases/revoke", "sys/revoke")
_POLICY_PATHS = ("sys/policies/acl/", "sys/policy/")


def facts_of(call: Call) -> Iterator[AuthorityFact]:
    """What begins names the call as `issued_by`, what ends as the attribute `ended_by`."""
    if not call.succeeded:
        return
    response, path = call.response, call.path
    if response.auth is not None:
        yield from _token(call, response.auth)
    if response.wrap_info is not None:
        yield from _wrapping(call, response.wrap_info)
    if response.secret is not None and response.secret.lease_id:
        yield from _lease(call, response.secret.lease_id, response.secret.lease_duration)
    yield from _ssh_certificate(call)
    if path.startswith("sys/"):
        yield from _revoked_lease(call)
        yield from _policy(call)
    elif path.startswith("auth/"):
        yield from _revoked_token(call)
        yield from _role(call)


def _effective(call: Call, key: str) -> Instant:
    """A call that changes what it rests on itself is judged by what stood before: the change follows it by 1 µs."""
    rests_on_it = key == call.token or key in granting(call)
    return call.at + 1 if rests_on_it else call.at


def _until(start: Instant, ttl_s: int | None) -> Instant | None:
    if ttl_s is None or ttl_s <= 0 or ttl_s > _LATEST:
        return None
    until = start + ttl_s * 1_000_000
    return until if until <= _LATEST else None


# --- tokens


def _token(call: Call, new: Auth) -> Iterator[AuthorityFact]:
    key = keys.credential_key(new)
    if key is None:
        return
    renewed = call.path.startswith("auth/token/renew")
    lender = None if renewed else _lender(call)
    holder = principal_of(new)
    start = _effective(call, key)
    cites: tuple[str, ...] | None = None
    if lender is not None and holder == call.principal:
        cites = (lender,)
    elif lender is not None:
        delegation = keys.delegation_key(call.key)
        cites = (delegation,)
        yield AuthorityFact(
            kind="delegation",
            id=delegation,
            time=start,
            principal=holder,
            by=call.principal,
            cites=(lender,),
            issued_by=call.action_id,
        )
    alias = keys.token_key(new.client_token)
    yield AuthorityFact(
        kind="credential",
        id=key,
        time=start,
        aliases=(alias,) if alias is not None and alias != key else (),
        valid_until=_until(call.at, new.token_ttl),
        principal=holder,
        cites=cites,
        issued_by=call.action_id,
        attributes=_token_attributes(new),
    )


def _lender(call: Call) -> str | None:
    """The token whose end ends the new one; `None` for a login, an orphan, or where a role decides on that unseen."""
    if call.path != "auth/token/create" or call.token is None:
        return None
    orphan = (call.line.request.data or {}).get("no_parent") is True
    return None if orphan else call.token


def _token_attributes(new: Auth) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if new.display_name:
        out["display_name"] = new.display_name
    if new.policies:
        out["policies"] = list(new.policies)
    if new.token_type:
        out["token_type"] = new.token_type
    if new.num_uses:
        out["num_uses"] = new.num_uses
    if not new.token_ttl:
        out["ttl"] = "not in the record"
    return out


def _wrapping(call: Call, wrap: WrapInfo) -> Iterator[AuthorityFact]:
    """The wrapping token, and the token inside it where the server names that one."""
    key = keys.accessor_key(wrap.accessor) if wrap.accessor else keys.token_key(wrap.token)
    if key is not None:
        alias = keys.token_key(wrap.token)
        yield AuthorityFact(
            kind="credential",
            id=key,
            time=call.at,
            aliases=(alias,) if alias is not None and alias != key else (),
            valid_until=_until(call.at, wrap.ttl),
            issued_by=call.action_id,
            attributes={"wraps": wrap.creation_path} if wrap.creation_path else {"wraps": "a response"},
        )
    wrapped = wrap.wrapped_accessor
    if wrapped and _wraps_token(wrap.creation_path or call.path) and call.response.auth is None:
        yield AuthorityFact(
            kind="credential",
            id=keys.accessor_key(wrapped),
            time=call.at,
            issued_by=call.action_id,
            attributes={"ttl": "not in the record"},
        )


def _wraps_token(path: str) -> bool:
    """What is wrapped may also be an AppRole secret id, whose accessor is of another kind."""
    return path.startswith("auth/token/create") or (path.startswith("auth/") and "/login" in path)


def _revoked_token(call: Call) -> Iterator[AuthorityFact]:
    key = _token_to_revoke(call)
    if key is not None:
        yield _ended(call, "credential", key)


def _token_to_revoke(call: Call) -> str | None:
    verb, _, inline = call.path.removeprefix("auth/token/").partition("/")
    if not call.path.startswith("auth/token/revoke"):
        return None
    data = call.line.request.data or {}
    if verb == "revoke-self":
        return call.token
    if verb == "revoke-accessor":
        accessor = inline or _text(data.get("accessor"))
        return keys.accessor_key(accessor) if accessor else None
    if verb in ("revoke", "revoke-orphan"):
        return keys.token_key(inline or _text(data.get("token")))
    return None


# --- leases


def _lease(call: Call, lease_id: str, duration_s: int | None) -> Iterator[AuthorityFact]:
    """A lease hangs on the token that took it out; a renewal says under which HMAC a later revocation may name it.

    A database user acts under a name of its own, so the token lends it what it has: else whoever used that name would
    seem to use a token of somebody else.
    """
    key = keys.lease_key(lease_id)
    renewed = call.path.startswith(_RENEW_LEASE)
    aliases: tuple[str, ...] = ()
    if renewed:
        hashed = _text((call.line.request.data or {}).get("lease_id"))
        aliases = (keys.lease_key(hashed),) if hashed and hashed.startswith(keys.HMAC) else ()
    cites = None if renewed or call.token is None else (call.token,)
    user = _database_user(call)
    holder = None if user is None else Principal("database_role", user)
    if holder is not None and cites is not None:
        delegation = keys.delegation_key(call.key)
        yield AuthorityFact(
            kind="delegation",
            id=delegation,
            time=call.at,
            principal=holder,
            by=call.principal,
            cites=cites,
            issued_by=call.action_id,
        )
        cites = (delegation,)
    yield AuthorityFact(
        kind="credential",
        id=key,
        time=call.at,
        aliases=aliases if user is None else (*aliases, shared.database_user(user)),
        valid_until=_until(call.at, duration_s),
        principal=holder,
        cites=cites,
        issued_by=call.action_id,
        attributes={} if duration_s else {"ttl": "not in the record"},
    )


def _database_user(call: Call) -> str | None:
    """The name of the user that was made, as the database's own log has it; other engines make users of other kinds."""
    name = _text((call.response.data or {}).get("username"))
    if name is None or "*" in name or "?" in name:  # as a principal it would read as a pattern
        return None
    if name.startswith(keys.HMAC) or (call.line.request.mount_type or "database") != "database":
        return None
    named = shared.maybe(shared.database_user, name)
    return name if "/creds/" in call.path and named is not None else None


def _ssh_certificate(call: Call) -> Iterator[AuthorityFact]:
    """It outlives the token that asked for it, so it cites nothing; how long it runs is inside the secret."""
    data = call.response.data or {}
    serial = shared.maybe(shared.serial_of_hex, _text(data.get("serial_number")))
    if "signed_key" not in data or serial is None:
        return
    if (key := shared.ssh_certificate(serial)) is not None:
        yield AuthorityFact(
            kind="credential", id=key, time=call.at, issued_by=call.action_id, attributes={"ttl": "not in the record"}
        )


def _revoked_lease(call: Call) -> Iterator[AuthorityFact]:
    for prefix in _REVOKE_LEASE:
        rest = call.path.removeprefix(prefix)
        if rest != call.path and (rest == "" or rest[0] == "/"):
            lease_id = rest[1:] or _text((call.line.request.data or {}).get("lease_id"))
            if lease_id:
                yield _ended(call, "credential", keys.lease_key(lease_id))
            return


# --- policies and roles


def _policy(call: Call) -> Iterator[AuthorityFact]:
    for prefix in _POLICY_PATHS:
        name = call.path.removeprefix(prefix).strip("/")
        if not call.path.startswith(prefix) or not name:
            continue
        key = keys.policy_key(call.namespace, name)
        if call.line.request.operation in _WRITES:
            yield AuthorityFact(
                kind="policy",
                id=key,
                time=_effective(call, key),
                issued_by=call.action_id,
                attributes=_text_digest(call),
            )
        elif call.line.request.operation == "delete":
            yield _ended(call, "policy", key)


def _text_digest(call: Call) -> dict[str, Any]:
    data = call.line.request.data or {}
    text = _text(data.get("policy")) or _text(data.get("rules"))
    if not text:
        return {}
    if text.startswith(keys.HMAC):
        return {"policy_hmac": text}
    return {"policy_sha256": hashlib.sha256(text.encode()).hexdigest()}


def _role(call: Call) -> Iterator[AuthorityFact]:
    operation = call.line.request.operation
    if operation not in _WRITES and operation != "delete":
        return
    key = written_role(call.line, call.namespace)
    if key is None:
        return
    if operation == "delete":
        yield _ended(call, "grant", key)
    else:
        yield AuthorityFact(kind="grant", id=key, time=call.at, issued_by=call.action_id)


def _ended(call: Call, kind: Any, key: str) -> AuthorityFact:
    """No `issued_by`: ending a thing does not make one the source of it (SPEC 3 would take the field over)."""
    return AuthorityFact(
        kind=kind,
        id=key,
        time=_effective(call, key),
        fact="ended",
        end="revoked",
        attributes={"ended_by": call.action_id},
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
