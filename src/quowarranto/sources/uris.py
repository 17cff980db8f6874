"""Addresses as they may be kept."""

from __future__ import annotations

from urllib.parse import urlsplit


def without_secrets(uri: str) -> str:
    """A URI without the parts in which secrets travel: user and password, query, fragment."""
    try:
        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "unreadable"
    return f"{parts.scheme}://{host}{parts.path}" if "://" in uri else f"{parts.scheme}:{parts.path}".lstrip(":")
