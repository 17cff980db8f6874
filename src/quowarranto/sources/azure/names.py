"""How Azure and Entra name things, and the keys, principals and resources that we make of it.

Calls              `azure/call/<correlation id>/<digest of operation and resource>`, `azure/request/<id>`; behind a
                   correlation id, which may serve for several requests, a part of the line's digest
Sign-ins           `entra/sign-in/<id>`; tokens `entra/token/<id as base64url>`
Secrets, certificates of service principals   `entra/key/<key id>`
Role assignments   `azure/role-assignment/<id>`
Roles, app roles, consents   `entra/role/<principal>/<role>`, `entra/app-role/<principal>/<resource>/<role>`,
                   `entra/consent/<client>/<resource>`
Requests of PIM    `entra/pim/<request id>`

Azure does not tell upper case from lower in the names of resources and operations: both are in lower case here.
"""

from __future__ import annotations

import re
from typing import Any

from quowarranto.records import Principal
from quowarranto.sources import keys as shared
from quowarranto.sources.azure.wire import Event, part, text_of
from quowarranto.sources.folding import folded

_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_OPAQUE = re.compile(r"[A-Za-z0-9_.=-]{8,200}")
_ASSIGNMENT = re.compile(r"(?:.*/roleassignments/)?(?P<id>[0-9a-f-]{32,36})", re.IGNORECASE)
_NOBODY = "00000000-0000-0000-0000-000000000000"


# ---- principals ------------------------------------------------------------------------------------------------------


def service_principal(object_id: str) -> Principal:
    """A service principal or managed identity by its object id."""
    return Principal("service_account", identifier(object_id))


def user(object_id: str) -> Principal:
    """A person by the object id, or by name where that is all that is said."""
    return Principal("user", identifier(object_id))


def identifier(text: str) -> str:
    """An id as a GUID with dashes, where it is one; else in lower case."""
    return shared.maybe(shared.guid, text) or folded(text)


def of_type(kind: str, object_id: str) -> Principal | None:
    """Whom an assignment empowers; of a group nobody knows who is in it."""
    if not object_id:
        return None
    if kind.lower() in ("serviceprincipal", "msi"):
        return service_principal(object_id)
    return user(object_id) if kind.lower() in ("user", "foreignuser") else None


def caller(event: Event) -> Principal:
    """Who called, by the claims of the token; the object id before any name."""
    claims = event.claims
    object_id = text_of(claims, _OBJECT, "oid", "objectidentifier")
    name = text_of(claims, f"{_CLAIM}upn", "upn", f"{_CLAIM}name", "unique_name", f"{_CLAIM}emailaddress", "name")
    if is_application(claims, name):
        return service_principal(object_id or text_of(claims, "appid"))
    if object_id or name:
        return user(object_id or name)
    said = text_of(event.envelope, "caller") or (
        text_of(event.envelope, "identity") if isinstance(event.envelope.get("identity"), str) else ""
    )
    if said:
        return user(said) if "@" in said else service_principal(said) if shared.maybe(shared.guid, said) else user(said)
    evidence = part(event.authorization, "evidence")
    shown = of_type(text_of(evidence, "principalType"), text_of(evidence, "principalId"))
    return shown or Principal("anonymous", event.address or "unknown")


def is_application(claims: dict[str, Any], name: str) -> bool:
    """A token that an application got for itself has no name of a person, and says so where it is new enough."""
    kind = text_of(claims, "idtyp")
    if kind:
        return kind == "app"
    return bool(text_of(claims, "appid")) and not name


# ---- keys ------------------------------------------------------------------------------------------------------------


def token_key(identifier_of_token: str) -> str | None:
    """The key of a token by its `uti`, as a GUID or as base64; an opaque one as it is."""
    found = shared.maybe(shared.entra_token, identifier_of_token)
    if found is None and _OPAQUE.fullmatch(identifier_of_token):
        found = f"entra/token/{identifier_of_token}"
    return found


def key_key(key_id: str) -> str | None:
    """The key of a secret or certificate by its id; None for none."""
    found = shared.maybe(shared.guid, key_id)
    return f"entra/key/{found}" if found and found != _NOBODY else None


def assignment_key(name: str) -> str | None:
    """The key of a role assignment by its id, with dashes or without, alone or at the end of a resource's."""
    found = _ASSIGNMENT.fullmatch(name.strip())
    guid = shared.maybe(shared.guid, found["id"]) if found else None
    return f"azure/role-assignment/{guid}" if guid and guid != _NOBODY else None


def role_id(name: str) -> str:
    """A role's id from a resource's: GUIDs with dashes."""
    return identifier(name.rpartition("/")[2])


# ---- resources -------------------------------------------------------------------------------------------------------


def path_of(uri: str) -> str:
    """The path of an address without its query, where signatures stand."""
    rest = uri.partition("?")[0].partition("#")[0]
    scheme, mark, tail = rest.partition("://")
    return "/" + tail.partition("/")[2] if mark else scheme


def covering(scope: str) -> tuple[str, ...] | None:
    """Patterns for a scope and all below it; None for the root and for management groups: what is below is not told."""
    low = folded(scope).rstrip("/")
    if not low or low.startswith("/providers/microsoft.management/") or "*" in low or "?" in low:
        return None
    return (low, f"{low}/*")
