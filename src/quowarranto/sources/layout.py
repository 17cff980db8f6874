"""What an ordinary entry of JSON consists of, as data: `members.py` cuts by it, and `compiled/cutter.c`.

Both take an entry only if it is `{"name":value,…}` with members of the layout, each once and nothing between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

How = Literal["raw", "written", "text", "exact", "stage", "name", "time", "said"]


class Member(msgspec.Struct, frozen=True):
    """A member of an entry.

    Args:
        name: as it stands there.
        how: `raw`: any value, kept as it is written and read with its part (as bytes);
            `written`: the same for a text of ASCII in which nothing is escaped;
            `text`: such a text (as str);
            `exact`: a text that is one of `values`;
            `stage`: the same, and its place among them is the stage of the entry;
            `name`: what the entry is called: 36 of the characters in `values`;
            `time`: RFC 3339;
            `said`: an attribute of the action: letters of hexadecimal numbers and dashes, or 16 capitals and digits.
        values: see above.
        required: without it the entry is not ordinary.
        called: the attribute's name, where it is `said`.
    """

    name: str
    how: How = "raw"
    values: tuple[str, ...] = ()
    required: bool = False
    called: str = ""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The members of an entry, and which of them each part of it is read from.

    Args:
        members: every one that an ordinary entry may have, in the order in which most have them.
        parts: per part of the `Ordinary`, names of members that are `raw`, `written`, `text` or `stage`.
        unless: members that say nothing beside another one, by name.
    """

    members: tuple[Member, ...]
    parts: tuple[tuple[str, ...], ...]
    unless: Mapping[str, str] = {}


HEXADECIMAL = "0123456789abcdef-"
ANY_HEXADECIMAL = "0123456789abcdefABCDEF-"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NAME_LENGTH = 36
"""Of a UUID."""
