"""Texts in small letters, for names of which a system does not tell the case."""

from __future__ import annotations

from quowarranto.records.secret_shapes import holds_a_secret


def folded(text: str) -> str:
    """In small letters; as it is where a secret is in it: in small letters nobody could tell, and it would be kept."""
    low = text.lower()
    return text if low != text and holds_a_secret(text) else low
