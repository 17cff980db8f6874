"""Roles, and what they give to whom: a policy each, and grants, put together from the changes of each role.

The answer to a change of a role shows all of it: whom it is given to, and its grant strings. A grant stands from one
such moment to the next in which the principal has gone; whenever the grant strings change, what it covers does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Principal, Rule
from quowarranto.sources.boundary.wire import COLLECTION, Request, objects, texts
from quowarranto.sources.entry import Observation

_encode = msgspec.json.Encoder(order="deterministic").encode
_LISTS = ("principal_ids", "grant_strings")


def observed(request: Request, action: Action) -> list[Observation]:
    """A role as it stands after a request that changed it; nothing for other requests."""
    if request.thing != "role" or request.verb in ("read", "list"):
        return []
    role = request.id if request.id != COLLECTION else ""
    state = next((one for one in objects(request.answered) if _is_role(one, role)), None)
    gone = request.verb == "delete"
    if gone:
        state = {"id": role}
    if state is None or not state.get("id"):
        return []
    data = {name: sorted(set(texts(state.get(name)))) for name in _LISTS}
    return [Observation(f"role/{state['id']}", request.at, data | {"role": state["id"], "by": action.id, "gone": gone})]


def _is_role(value: dict[str, Any], role: str) -> bool:
    name = value.get("id")
    return isinstance(name, str) and name.startswith("r_") and (not role or name == role)


def derive(observations: Sequence[Observation]) -> Iterator[tuple[AuthorityFact, Observation]]:
    """Per role a policy, and a grant per principal, with a term for each stretch in which it covers the same."""
    ordered = sorted(observations, key=lambda one: (one.name, one.at, _encode(one.data)))
    for _, changes in groupby(ordered, key=lambda one: one.name):
        held: dict[str, list[str]] = {}
        for change in changes:
            given = set(change.data["principal_ids"])
            strings = change.data["grant_strings"]
            own = role_key(change.data["role"])
            yield _role(own, change), change
            for principal in sorted(given | held.keys()):
                key = f"{own}/principal/{principal}"
                if principal not in given:
                    del held[principal]
                    yield AuthorityFact(kind="grant", id=key, time=change.at, fact="ended", end="revoked"), change
                elif held.get(principal) != strings:
                    held[principal] = strings
                    yield _given(key, principal, change), change


def role_key(role: str) -> str:
    return f"boundary/role/{role}"


def _role(key: str, change: Observation) -> AuthorityFact:
    if change.data["gone"]:
        return AuthorityFact(kind="policy", id=key, time=change.at, fact="ended", end="closed")
    said = {"grants": change.data["grant_strings"]}
    return AuthorityFact(kind="policy", id=key, time=change.at, issued_by=change.data["by"], attributes=said)


def _given(key: str, principal: str, change: Observation) -> AuthorityFact:
    return AuthorityFact(
        kind="grant",
        id=key,
        time=change.at,
        principal=Principal("user" if principal.startswith("u_") else "group", principal),
        scope=tuple(rule for text in change.data["grant_strings"] if (rule := rule_of(text)) is not None),
        issued_by=change.data["by"],
    )


def rule_of(text: str) -> Rule | None:
    """A grant string as a rule; None where it covers nothing that a request shows: what lies within another resource,
    or is named by a template.

    Source: Boundary documentation, "Permission grant formats".
    """
    fields = dict(part.partition("=")[::2] for part in text.replace(" ", "").split(";") if part)
    actions = [one for one in fields.get("actions", "").split(",") if one]
    ids = [one for one in (fields.get("ids") or fields.get("id") or "").split(",") if one]
    kind = fields.get("type", "")
    if not actions or "{{" in text:
        return None
    verbs = None if "*" in actions else tuple(sorted(actions))
    if not ids:
        return Rule(verbs, (f"{kind}:{COLLECTION}",)) if kind and kind != "*" else None
    if "*" in ids:
        return Rule(verbs, None) if kind in ("", "*") else Rule(verbs, (f"{kind}:*",))
    return None if kind else Rule(verbs, tuple(sorted(one for one in ids if ":" not in one)))
