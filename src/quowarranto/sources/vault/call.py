"""One audit line, understood: who called, with which token, and what came of it."""

from __future__ import annotations

import re

import msgspec

from quowarranto.records import Action, AuthorityFact, Instant, Outcome, Principal, Resource
from quowarranto.sources.vault import keys
from quowarranto.sources.vault.roles import cited_role
from quowarranto.sources.vault.wire import NO_AUTH, NO_RESPONSE, ROOT, Auth, Line, Response

_TOKEN_IN_PATH = re.compile(r"(auth/token/(?:lookup|renew|revoke|revoke-orphan))/.+", re.DOTALL)

# What the server answers when it refuses the caller, as against a call that was let through and then failed. Only a
# whole item counts: a database behind the server has its own words about permissions.
_REFUSALS = frozenset({"permission denied", "missing client token", "bad token", "invalid token"})
_LOGIN_REFUSALS = ("invalid", "denied", "not authorized", "failed to validate", "missing")
_ERROR_ITEM = re.compile(r"\s*\n\s*\*?\s*")


class Call(msgspec.Struct, frozen=True):
    """What the records of one line have in common."""

    line: Line
    key: str
    """The request id, or a digest of the line where a filter has dropped it."""
    action_id: str
    at: Instant
    namespace: str
    principal: Principal
    outcome: Outcome
    token: str | None
    """Key of the token that was presented."""
    verb: str
    resource: Resource
    is_login: bool
    """The line is a response that hands out a token to whoever it says has called."""

    @property
    def auth(self) -> Auth:
        return self.line.auth or NO_AUTH

    @property
    def response(self) -> Response:
        return self.line.response or NO_RESPONSE

    @property
    def path(self) -> str:
        return self.line.request.path

    @property
    def succeeded(self) -> bool:
        """Only an answered call that did not fail has brought anything about."""
        return self.line.type == "response" and self.outcome == "success"


def understand(line: Line, at: Instant, digest: str) -> Call:
    request, auth = line.request, line.auth or NO_AUTH
    is_login = _is_login(line)
    space = request.namespace or ROOT
    caller = line.response.auth if is_login and line.response and line.response.auth else auth
    principal = principal_of(caller) or Principal("anonymous", request.remote_address or "unknown")
    outcome = _outcome(line)
    token = _presented(line, is_login)
    return Call(
        line=line,
        key=request.id or digest,
        action_id=f"vault/{request.id or digest}",
        at=at,
        namespace=space.id or "root",
        principal=principal,
        outcome=outcome,
        # A token that the server looked up but did not act on is not what an anonymous call rests on.
        token=None if principal.type == "anonymous" and outcome != "denied" else token,
        verb=_verb(line),
        resource=Resource(_resource_type(request.path), (space.path or "") + without_token(request.path)),
        is_login=is_login,
    )


def principal_of(auth: Auth) -> Principal | None:
    """The entity, which outlives tokens; failing that the token's display name, failing that its accessor.

    Token metadata is left aside: whoever makes a token may write what they like there.
    """
    if auth.entity_id:
        return Principal("vault_entity", auth.entity_id)
    name = auth.display_name or auth.accessor
    return Principal("vault_token", name) if name else None


def action_of(call: Call, shown: tuple[str, ...] = (), shares: tuple[str, ...] = ()) -> Action:
    """The response line counts over the request line, with one exception: a login made with a token in hand.

    There the response names only who the caller became, so the request line, which names who called, counts.

    Args:
        shown: keys of the token of another system that a login showed.
        shares: keys that such a token has in common with what is known of its holder.
    """
    request = call.line.request
    answered = call.line.type == "response"
    became_another = call.is_login and call.token is not None
    return Action(
        id=call.action_id,
        time=call.at,
        principal=call.principal,
        action=call.verb,
        resource=call.resource,
        outcome=call.outcome,
        origin=request.remote_address or None,
        cites=_cites(call, became_another) + shown,
        correlates=shares,
        attributes=_attributes(call),
        stage=0 if became_another else 2 if answered else 1,
    )


def decision_of(call: Call) -> AuthorityFact | None:
    """Both lines carry the decision; the earlier one counts (SPEC 3), so that either line alone will do."""
    results = call.auth.policy_results
    if results is None:
        return None
    grounds = granting(call)
    allowed = bool(grounds) if results.allowed is None else results.allowed
    known = call.principal if call.principal.type != "anonymous" else None
    return AuthorityFact(
        kind="decision",
        id=keys.decision_key(call.key),
        time=call.at,
        effect="allow" if allowed else "deny",
        principal=known,  # at a login the request line does not know yet who it is
        cites=grounds,
        request={
            "subject": {"type": call.principal.type, "id": call.principal.id},
            "action": {"name": call.verb},
            "resource": {"type": call.resource.type, "id": call.resource.id},
        },
    )


def granting(call: Call) -> tuple[str, ...]:
    """Keys of the ACL policies that allowed the call."""
    results = call.auth.policy_results
    if results is None or not results.granting_policies:
        return ()
    return tuple(
        keys.policy_key(policy.namespace_id or "root", policy.name)
        for policy in results.granting_policies
        if policy.name and policy.type in (None, "acl")
    )


def _cites(call: Call, became_another: bool) -> tuple[str, ...]:
    cites = [call.token] if call.token and not became_another else []
    if call.auth.policy_results is not None:
        cites.append(keys.decision_key(call.key))
    if (role := cited_role(call.line, call.namespace)) is not None:
        cites.append(role)
    return tuple(cites)


def _is_login(line: Line) -> bool:
    """After a login the caller's own `auth` is already the new token; a token made by a token leaves it alone."""
    new = line.response.auth if line.response else None
    if new is None or line.request.path.startswith("auth/token/"):
        return False
    old = line.auth
    return old is None or not old.accessor or old.accessor == new.accessor


def _presented(line: Line, is_login: bool) -> str | None:
    request, auth = line.request, line.auth or NO_AUTH
    accessor = request.client_token_accessor or (None if is_login else auth.accessor)
    if accessor:
        return keys.accessor_key(accessor)
    return keys.token_key(request.client_token or (None if is_login else auth.client_token))


def _outcome(line: Line) -> Outcome:
    response = line.response or NO_RESPONSE
    results = line.auth.policy_results if line.auth else None
    forbidden = results is not None and results.allowed is False
    if line.error:
        return "denied" if forbidden or _refuses(line.error, line.request.path) else "failure"
    if _is_error(line, response):  # the text is an HMAC: only the path says what kind of error it was
        return "denied" if forbidden or _asks_to_log_in(line.request.path) else "failure"
    if forbidden and not _has_content(response):
        return "denied"
    return "success"  # also where it was denied and answered all the same: QW205 is to see that


def _refuses(error: str, path: str) -> bool:
    if not _REFUSALS.isdisjoint(_ERROR_ITEM.split(error.strip())):
        return True
    return _asks_to_log_in(path) and any(word in error for word in _LOGIN_REFUSALS)


def _known_error(error: str) -> str:
    """An error may quote what was sent, so only the words known beforehand are kept."""
    return next((item for item in _ERROR_ITEM.split(error.strip()) if item in _REFUSALS), "some other error")


def _asks_to_log_in(path: str) -> bool:
    return path.startswith("auth/") and ("/login" in path or path.endswith("/callback"))


def _is_error(line: Line, response: Response) -> bool:
    return response.data is not None and response.data.keys() == {"error"} and line.request.operation != "read"


def _has_content(response: Response) -> bool:
    return bool(response.data or response.auth or response.secret or response.wrap_info)


def _verb(line: Line) -> str:
    """`kv:read`, `sys:update`, `auth/jwt:update`: the kind of the mount where known, else its name in the path."""
    request = line.request
    head, _, rest = request.path.partition("/")
    kind = (request.mount_type or "").removeprefix("ns_")
    if head == "auth":
        head = f"auth/{kind or rest.partition('/')[0]}"
    elif head != "sys":
        head = kind or head
    return f"{head}:{request.operation}"


def _resource_type(path: str) -> str:
    if path.startswith("sys/"):
        return "policy" if path.startswith(("sys/policy", "sys/policies")) else "system"
    if path.startswith("auth/"):
        return "auth"
    return "identity" if path.startswith("identity/") else "secret"


def without_token(path: str) -> str:
    """Old clients put the token itself into the path."""
    found = _TOKEN_IN_PATH.fullmatch(path)
    return f"{found[1]}/(token)" if found else path


def _attributes(call: Call) -> dict[str, object]:
    request, auth = call.line.request, call.auth
    out: dict[str, object] = {}
    if call.line.type == "request":
        out["stage"] = "request"
    if auth.display_name:
        out["display_name"] = auth.display_name
    if auth.policies:
        out["policies"] = list(auth.policies)
    if call.namespace != "root":
        out["namespace"] = call.namespace
    if call.line.error:
        out["error"] = _known_error(call.line.error)
    if request.client_certificate_serial_number:
        out["certificate_serial"] = request.client_certificate_serial_number
    if request.forwarded_from:
        out["forwarded_from"] = request.forwarded_from
    return out
