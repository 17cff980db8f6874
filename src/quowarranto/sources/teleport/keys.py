"""The keys under which Teleport's authorities are cited."""

from __future__ import annotations

from quowarranto.records import Principal

_TELLING = 6  # fewer characters behind the mask would be shared by several tokens


def request_key(request: str) -> str:
    """An access request, by its id."""
    return f"teleport/request/{request}"


def session_key(sid: str) -> str:
    return f"teleport/session/{sid}"


def instance_key(bot: str, instance: str) -> str:
    """What a bot got when it joined, and renews from then on."""
    return f"teleport/bot_instance/{bot}/{instance}"


def role_key(cluster: str, holder: Principal, role: str) -> str:
    """That a user or bot of a cluster holds a role; another cluster may have a user and a role of the same names."""
    return f"teleport/role/{_within(cluster)}{holder.type}/{holder.id}/{role}"


def lock_key(name: str) -> str:
    return f"teleport/lock/{name}"


def bot_key(cluster: str, bot: str) -> str:
    """That a bot exists: what its instances rest on until it is deleted."""
    return f"teleport/bot/{_within(cluster)}{bot}"


def token_key(cluster: str, name: str) -> str | None:
    """A join token by its name, also where that is a secret of which the log shows the last characters only."""
    return f"teleport/token/{_within(cluster)}{name}" if len(name.lstrip("*")) >= _TELLING else None


def _within(cluster: str) -> str:
    """Events of old servers do not say of which cluster they are."""
    return f"{cluster}/" if cluster else ""


def certificate_key(uid: str) -> str:
    return f"teleport/certificate/{uid}"
