"""Words for pictures and reports: hostile text made harmless, shortened keys, spans and moments a person can read."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from quowarranto.records import Instant, format_instant

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# What XML cannot carry, what a browser does not show, and what turns the reading direction: all made visible instead.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)

# Codes in the one or two words that fit beside a mark; the full names are those of SPEC 8.
SHORT = {
    "QW101": "no authority",
    "QW102": "inferred only",
    "QW103": "ambiguous",
    "QW104": "dangling",
    "QW105": "log not covering",
    "QW107": "chain cut",
    "QW108": "not entitled",
    "QW109": "no ground",
    "QW201": "expired",
    "QW202": "revoked",
    "QW203": "stale policy",
    "QW204": "not yet valid",
    "QW205": "denied",
    "QW206": "out of scope",
    "QW207": "wrong principal",
    "QW208": "ill-gotten",
    "QW301": "self-approved",
    "QW302": "approved afterwards",
    "QW303": "control missing",
    "QW304": "exception over",
    "QW305": "exception unowned",
    "QW306": "no reason given",
    "QW401": "in grace",
    "QW402": "delayed consumer",
    "QW403": "rotated, new origin",
    "QW404": "secret sprawl",
    "QW405": "long-lived",
    "QW406": "still accepted",
    "QW407": "used by a human",
    "QW501": "never used",
    "QW502": "too wide",
    "QW503": "standing",
    "QW601": "replay disagrees",
    "QW602": "log gap",
    "QW603": "evidence fails",
    "QW604": "clock tolerance",
    "QW605": "inputs missing",
    "QW606": "id used twice",
    "QW607": "receipt fails",
}
NOTES = frozenset({"QW401", "QW604", "QW605"})
"""Codes of severity info: worth saying beside a mark, not a failure."""


def clean(text: str) -> str:
    """The text with every invisible or direction-turning character written out as `‹U+202E›`."""
    return _UNSEEN.sub(lambda found: f"‹U+{ord(found[0]):04X}›", text)


def cells(text: str) -> int:
    """How many fixed-width cells the text takes: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def middle(text: str, room: int) -> str:
    """The text in at most `room` cells, its middle cut out: both ends of a key tell it apart."""
    text = clean(text)
    if cells(text) <= room:
        return text
    room = max(room, 3)
    head = _fitting(text, room // 2)
    return f"{head}…{_fitting(text[::-1], room - 1 - cells(head))[::-1]}"


def pixels(text: str) -> float:
    """About how wide a text is at 11 px in the widest of the common sans-serif fonts."""
    return sum(_pixels(char) for char in text)


def tail_cut(text: str, room: float) -> str:
    """The text in at most so many pixels at 11 px, its end cut off."""
    text = clean(text[:4000])
    if pixels(text) <= room:
        return text
    used = 11.0
    for index, char in enumerate(text):
        used += _pixels(char)
        if used > room:
            return f"{text[:index]}…"
    return text


def _pixels(char: str) -> float:
    if char in " iljtfI.,:;'|!()[]/":
        return 4.3
    if char in "mwMW@%—":
        return 10.5
    if char.isascii():
        return 7.6 if char.isupper() else 6.8
    return 6.8 if unicodedata.east_asian_width(char) not in "WF" else 11.5


def _fitting(text: str, room: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += cells(char)
        if used > room or index > room * 4:  # the second bound: a flood of combining marks takes no cells
            return text[:index]
    return text


def capped(text: str, characters: int) -> str:
    """The first characters of a text, and how many there were when some are missing."""
    if len(text) <= characters:
        return text
    return f"{text[:characters]}… ({len(text):,} characters)"


def span(micros: int) -> str:
    """A length of time in its two largest units: `4 min 12 s`."""
    if micros < SECOND:
        return f"{micros // 1000} ms" if micros >= 1000 else f"{micros} µs"
    units = (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND))
    for index, (name, size) in enumerate(units):
        if micros >= size:
            whole, rest = divmod(micros, size)
            if name == "s":
                return f"{micros / SECOND:.3f}".rstrip("0").rstrip(".") + " s" if rest and whole < 10 else f"{whole} s"
            lower, lower_size = units[index + 1]
            more = rest // lower_size
            return f"{whole:,} {name} {more} {lower}" if more and whole < 100 else f"{whole:,} {name}"
    return "0 s"


def moment(at: Instant | None, unknown: str = "open") -> str:
    """An instant as a person reads it: `2026-03-01 09:14:07Z`."""
    return unknown if at is None else format_instant(at).replace("T", " ")


def clock(at: Instant, across: int, near: Instant) -> str:
    """An instant as short as a picture of so many microseconds allows; a date only where it is not that of `near`."""
    text = format_instant(at)
    day, time = text[:10], text[11:-1]
    if across > 60 * DAY:
        return day
    same_day = day == format_instant(near)[:10]
    if across > 2 * MINUTE or not same_day:
        time = time[:8]
    elif across > SECOND // 10:
        time = time[:12]
    if across > 2 * DAY or (time.endswith(":00") and len(time) == 8):
        time = time[:5]
    if across > 2 * DAY and abs(at - near) > 60 * DAY:
        return day
    return time if same_day else f"{day} {time}"


def principal(value: Any) -> str:
    """`type:id` of a principal; a plain string (an owner may be one) as it is; nothing of nothing."""
    if not value:
        return ""
    if isinstance(value, dict):
        return f"{value.get('type', '?')}:{value.get('id', '?')}"
    return ", ".join(principal(item) for item in value) if isinstance(value, list | tuple) else str(value)


def code_label(code: str) -> str:
    """`QW201 expired`."""
    return f"{code} {SHORT[code]}" if code in SHORT else code


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 action`, `1,204 actions`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
