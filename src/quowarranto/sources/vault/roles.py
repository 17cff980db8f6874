"""Roles of auth methods: the entry under which a login is let in, as a grant.

A role is cited by the login itself, never by the token that came of it: a token outlives its role.
"""

from __future__ import annotations

import re

from quowarranto.sources.vault import keys
from quowarranto.sources.vault.wire import Line

_ROLE = re.compile(r"(auth/(?P<mount>.+))/(?P<shelf>role|roles|users|certs)/[^/]+")
_USER_LOGIN = re.compile(r"auth/(?P<mount>.+)/login/(?P<name>[^/]+)")
_TOKEN_ROLE = re.compile(r"auth/token/create/(?P<name>[^/]+)")

# Shelves whose entries a login names, so that its use can be told: others would look unused for ever.
_SHELF_OF = {"users": "userpass", "certs": "cert"}
_NAMELESS = frozenset({"aws"})  # its logins do not say which role let them in


def written_role(line: Line, namespace: str) -> str | None:
    """The role that the request writes or deletes, if it is one that a login can be traced to."""
    path = line.request.path
    found = _ROLE.fullmatch(path) if path.startswith("auth/") else None
    if found is None:
        return None
    kind = line.request.mount_type or found["mount"]
    needed = _SHELF_OF.get(found["shelf"])
    if (needed is not None and kind != needed) or kind in _NAMELESS:
        return None
    return keys.role_key(namespace, path)


def cited_role(line: Line, namespace: str) -> str | None:
    """The role that lets this request obtain a token."""
    path = line.request.path
    if not path.startswith("auth/"):
        return None
    if (found := _TOKEN_ROLE.fullmatch(path)) is not None:
        name = found["name"]
        return None if name == "orphan" else keys.role_key(namespace, f"auth/token/roles/{name}")
    if (found := _USER_LOGIN.fullmatch(path)) is not None:
        is_userpass = (line.request.mount_type or found["mount"]) == "userpass"
        return keys.role_key(namespace, f"auth/{found['mount']}/users/{found['name']}") if is_userpass else None
    return _named_by_login(line, namespace)


def _named_by_login(line: Line, namespace: str) -> str | None:
    new = line.response.auth if line.response else None
    if new is None or line.request.path.startswith("auth/token/"):
        return None
    metadata = new.metadata or {}
    mount = (line.request.mount_point or "/".join(line.request.path.split("/")[:2])).rstrip("/")
    for field, shelf in (("role", "role"), ("role_name", "role"), ("cert_name", "certs")):
        name = metadata.get(field)
        if isinstance(name, str) and name:
            return keys.role_key(namespace, f"{mount}/{shelf}/{name}")
    return None
