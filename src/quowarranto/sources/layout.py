"""What an ordinary entry of JSON consists of, as data: `members.py` cuts by it, and `compiled/cutter.c`.

Both take an entry only if it is `{"name":value,…}` with members of the layout, each once and nothing between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

How = Literal[
    "raw", "written", "text", "exact", "stage", "name", "called", "time", "said", "own", "list", "moment", "object"
]


class Member(msgspec.Struct, frozen=True):
    """A member of an entry.

    Args:
        name: as it stands there; of a member of a nested object, the names on the way to it, with dots between them.
        how: `raw`: any value, kept as it is written and read with its part (as bytes);
            `written`: the same for a text of ASCII in which nothing is escaped;
            `text`: such a text (as str);
            `exact`: a text that is one of `values`;
            `stage`: the same, and its place among them is the stage of the entry;
            `name`: what the entry is called: 36 of the characters in `values`;
            `called`: the same, where it may be any text of ASCII in which nothing is escaped (of the characters in
            `values`, if they are given);
            `time`: RFC 3339;
            `said`: an attribute of the action: letters of hexadecimal numbers and dashes, or 16 capitals and digits;
            `own`: a field of the record that most entries have for themselves, such a text as `called`;
            `list`: the same, a list of such texts;
            `moment`: the same, a time as RFC 3339 has it;
            `object`: an object of the members that the layout names within it.
        values: see above.
        required: without it the entry (or the object that is there) is not ordinary.
        called: the attribute's name where it is `said`; the field's where it is the entry's own, with its member after
            a dot (`principal.id`).
    """

    name: str
    how: How = "raw"
    values: tuple[str, ...] = ()
    required: bool = False
    called: str = ""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The members of an entry, and which of them each part of it is read from.

    Args:
        members: every one that an ordinary entry may have, in the order in which most have them; an object stands
            before what is in it.
        parts: per part of the `Ordinary`, names of members that are `raw`, `written`, `text` or `stage`.
        unless: members that say nothing beside another one, by name.
    """

    members: tuple[Member, ...]
    parts: tuple[tuple[str, ...], ...]
    unless: Mapping[str, str] = {}

    def own(self, *how: How) -> list[Member]:
        """Members of which the entry's own fields consist."""
        return [member for member in self.members if member.how in how]


def parent(member: Member) -> str:
    """The object that a member stands in, "" for the entry."""
    return member.name.rpartition(".")[0]


HEXADECIMAL = "0123456789abcdef-"
ANY_HEXADECIMAL = "0123456789abcdefABCDEF-"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
NAME_LENGTH = 36
"""Of a UUID."""
