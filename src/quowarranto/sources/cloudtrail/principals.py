"""`userIdentity` to principals: who acted, and for whom."""

from __future__ import annotations

from quowarranto.records import Principal
from quowarranto.sources.cloudtrail.event import Identity

_USERS = frozenset({"IAMUser", "Root", "SAMLUser", "FederatedUser", "IdentityCenterUser", "Directory"})


def acting(identity: Identity) -> Principal:
    """Who acted.

    A session of a role acts as the role: that is what keys are issued for and policies are attached to. The session's
    name is an attribute of the action.
    """
    kind = identity.type
    if kind in ("AssumedRole", "Role"):
        return Principal("role", _role(identity))
    if kind == "AWSService" or (kind is None and identity.invokedBy):
        return Principal("service", identity.invokedBy or identity.principalId or "unknown")
    if kind == "WebIdentityUser":
        return Principal("workload", identity.userName or identity.principalId or "unknown")
    if kind == "AWSAccount":
        return Principal("account", _account(identity) or identity.principalId or "unknown")
    if kind in _USERS:
        return Principal("user", _user(identity))
    # `Unknown`, nothing at all, or a type newer than this adapter: what names it best, never taken for a user.
    return Principal(
        "unknown", identity.arn or identity.principalId or identity.userName or _account(identity) or "unknown"
    )


def behalf(identity: Identity, by: Principal) -> tuple[Principal, ...]:
    """For whom: the source identity that sticks to a chain of roles, the directory user, the federating user."""
    context = identity.sessionContext
    if context is None and identity.onBehalfOf is None:
        return ()
    found: list[Principal] = []
    if context is not None and context.sourceIdentity:
        found.append(Principal("user", context.sourceIdentity))
    if identity.onBehalfOf is not None and identity.onBehalfOf.userId:
        found.append(Principal("user", identity.onBehalfOf.userId))
    issuer = context.sessionIssuer if context is not None else None
    if issuer is not None and issuer.arn and identity.type == "FederatedUser":
        found.append(Principal("user", issuer.arn))
    return tuple(who for who in dict.fromkeys(found) if who != by)


def role_arn(session_arn: str) -> str:
    """The role of `arn:aws:sts::A:assumed-role/NAME/SESSION`, without the path that only the role's own ARN has."""
    head, found, rest = session_arn.partition(":assumed-role/")
    if not found:
        return session_arn
    return f"{head.replace(':sts:', ':iam:', 1)}:role/{rest.partition('/')[0]}"


def session_name(identity: Identity) -> str | None:
    """What the caller of AssumeRole named the session; for instances it is the instance's id."""
    if identity.type != "AssumedRole":
        return None
    return (identity.principalId or "").partition(":")[2] or (identity.arn or "").rpartition("/")[2] or None


def session_key(principal_id: str | None, issued_at: str) -> str | None:
    """The softer key that a temporary key's issuance and its uses share."""
    return f"aws/session/{principal_id}/{issued_at}" if principal_id and issued_at else None


def web_identity_token(token_id: str) -> str:
    """The key of a token of AWS's own (`GetWebIdentityToken`) by its `jti`."""
    return f"aws/web-identity-token/{token_id}"


def _role(identity: Identity) -> str:
    issuer = identity.sessionContext.sessionIssuer if identity.sessionContext else None
    if issuer is not None and issuer.arn:
        return issuer.arn
    return role_arn(identity.arn) if identity.arn else identity.principalId or "unknown"


def _user(identity: Identity) -> str:
    if identity.arn:
        return identity.arn
    account = _account(identity)
    if identity.type == "Root" and account:
        return f"arn:aws:iam::{account}:root"
    if identity.type == "IAMUser" and account and identity.userName:
        return f"arn:aws:iam::{account}:user/{identity.userName}"
    if identity.onBehalfOf is not None and identity.onBehalfOf.userId:
        return identity.onBehalfOf.userId
    return identity.userName or identity.principalId or account or "unknown"


def _account(identity: Identity) -> str:
    return str(identity.accountId or "")
