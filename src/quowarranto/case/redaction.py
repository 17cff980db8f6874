"""Secrets are removed before anything is written; the record says what was removed and why (SPEC 2 and 10).

Two ways of knowing a secret: by its shape (`records/secret_shapes.py`) and by the name of the field it stands in
(`password`, `client_token`, `secretAccessKey`). Where a secret stands in a field by which records are joined, a digest
takes its place, so that the join survives; elsewhere a remark does. An HMAC (`hmac-sha256:…`) is not a secret; an
access key id or an accessor is an identifier.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from quowarranto.records import Action, AuthorityFact, Principal, Resource
from quowarranto.records.secret_shapes import (
    GUESSABLE,
    NAMED_FIELD,
    holds_a_secret,
    is_harmless,
    is_secret_name,
    kind_of,
    may_be_encoded,
    may_hold_a_secret,
    may_show_a_secret,
    without_secrets,
)

_PROSE = frozenset(("attributes", "justification", "ticket", "source"))
"""Fields by which nothing is joined."""
_UUID_TAIL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_KNOWN_LIMIT = 200_000
_MEMORABLE = 200
"""Longer texts are judged anew each time."""
_LONGEST = 1 << 20
"""A longer text is left out as a whole: searching it could take for ever."""
_DEEP = 200
"""Levels of a structure that are walked; what is nested deeper is left out as a whole."""

_Replace = Callable[[re.Match[str]], str]
_WITHOUT_DIGITS = dict.fromkeys(map(ord, "0123456789"))
_known_clean: set[str] = set()
"""Texts without a secret, and texts that are one without their digits."""
_clean_stems: set[str] = set()
"""What stands before a UUID, where there is no secret whatever the UUID is."""
_UUIDS = (
    "01234567-8901-4567-8901-234567890123",
    "abcdefab-cdef-abcd-efab-cdefabcdefab",
    "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
)
_clean_alone: set[str] = set()
"""Texts without a secret of which the same with digits in it may be one."""
_plain_names: set[str] = set()


class Removed(msgspec.Struct, frozen=True):
    """One secret that was taken out: where it stood and what it looked like."""

    field: str
    why: str


def redact(record: Action | AuthorityFact) -> Action | AuthorityFact:
    """The record without secrets; the same object where there are none.

    What was removed is listed under `attributes.removed` as `{"field", "why"}`.
    """
    if _is_clean_record(record):
        return record
    removed: list[Removed] = []
    changes: dict[str, Any] = {}
    for name in record.__struct_fields__:
        value = getattr(record, name)
        cleaned = _clean(value, name, _remark if name in _PROSE else _digested, removed, 0)
        if cleaned is not value:
            changes[name] = cleaned
    if not removed:
        return record
    attributes = changes.get("attributes", record.attributes)
    changes["attributes"] = {**attributes, "removed": [{"field": item.field, "why": item.why} for item in removed]}
    return msgspec.structs.replace(record, **changes)


def is_clean(value: Any) -> bool:
    """Whether there is no secret in a field of a record, or in a list of such."""
    return _is_clean(value, 0)


def are_clean(texts: Sequence[str]) -> bool:
    """Whether there is no secret in any of many texts.

    Most differ from texts seen before in their digits at most (`_judge`), which shows for all of them in one look.
    """
    pointed = {text for text in texts if "." in text}
    others = [text for text in texts if "." not in text]
    joined = "\n".join(others)
    if joined.count("\n") < max(1, len(others)) and len(joined) <= _LONGEST:
        alike = set(joined.translate(_WITHOUT_DIGITS).split("\n"))
        if alike <= _known_clean and pointed <= _known_clean:
            return True
    return all(text in _known_clean or _judge(text) for text in texts)


def redact_json(value: Any) -> Any:
    """Plain JSON values without secrets (for observations)."""
    return value if _is_clean(value, 0) else _clean(value, "", _digested, [], 0)


def redact_text(text: str) -> str:
    """The text with every secret replaced by a remark, for showing raw lines.

    JSON in which a field is named like a secret is written anew, without it; all else stays as it was.
    """
    start = text.find("{")
    if start >= 0:
        try:
            value = msgspec.json.decode(text[start:])
        except (msgspec.DecodeError, RecursionError):
            value = None
        if value is not None and not _is_clean(value, 0):
            removed: list[Removed] = []
            cleaned = _clean(value, "", _remark, removed, 0)
            if removed:
                text = text[:start] + msgspec.json.encode(cleaned).decode()
    return without_secrets(text, _remark)


# ---- whether anything has to be done ---------------------------------------------------------------------------------


def _is_clean_record(record: Action | AuthorityFact) -> bool:
    """The same as `_is_clean`, with as few calls as possible: this runs for every record."""
    known = _known_clean
    for value in astuple(record):
        kind = value.__class__
        if kind is str:
            if value not in known and not _judge(value):
                return False
        elif kind is tuple:
            for item in value:
                if item.__class__ is str:
                    if item not in known and not _judge(item):
                        return False
                elif not _is_clean(item, 0):
                    return False
        elif kind is Principal or kind is Resource:
            if (value.id not in known and not _judge(value.id)) or (value.type not in known and not _judge(value.type)):
                return False
        elif kind is not int and value is not None and not _is_clean(value, 0):
            return False
    return True


def _is_clean(value: Any, depth: int) -> bool:
    """Whether no text in it can hold a secret; texts seen before cost one look-up each."""
    kind = value.__class__
    if kind is str:
        return value in _known_clean or _judge(value)
    if kind is dict:
        for name, item in value.items():
            if name not in _plain_names and not _judge_name(name):
                return False
            inner = item.__class__
            if inner is str:
                if item not in _known_clean and not _judge(item):
                    return False
            elif inner is not int and item is not None and not _is_clean(item, depth + 1):
                return False
        return depth < _DEEP
    if kind is tuple or kind is list:
        return depth < _DEEP and all(_is_clean(item, depth + 1) for item in value)
    if isinstance(value, msgspec.Struct):
        return _is_clean(astuple(value), depth + 1)
    return True


def _judge(text: str) -> bool:
    """Whether a new text holds no secret.

    Names that differ only in their digits (`pod-17`, `pod-18`) are judged once: no hint of a secret has digits in it,
    so what shows none without its digits shows none with them. Only short tokens of Vault are told by their digits too.
    """
    if len(text) > _LONGEST:
        return False
    head = body = text
    if len(text) > 36 and text[-13] == "-" and _UUID_TAIL.match(text, len(text) - 36):
        head = body = text[:-36]
        if head in _known_clean or head in _clean_stems:
            return True
    if "." not in head:
        head = head.translate(_WITHOUT_DIGITS)
        if head in _known_clean:
            return True
    if text in _clean_alone:
        return True
    known = _known_clean
    if may_show_a_secret(head) or may_be_encoded(body):
        if holds_a_secret(text):
            return False
        if body is not text:
            _remember_stem(body)
            return True
        # without digits itself, it would stand for texts that are secrets by their digits
        known, head = _clean_alone if text.translate(_WITHOUT_DIGITS) == text else known, text
    if len(head) < _MEMORABLE:
        if len(known) > _KNOWN_LIMIT:
            known.clear()
        known.add(head)
    return True


def _remember_stem(stem: str) -> None:
    """Remember what stands before a UUID, if that is no secret whatever the UUID is: digits, letters, both."""
    if len(stem) < _MEMORABLE and not any(holds_a_secret(stem + uuid) for uuid in _UUIDS):
        if len(_clean_stems) > _KNOWN_LIMIT:
            _clean_stems.clear()
        _clean_stems.add(stem)


def _judge_name(name: str) -> bool:
    """Whether a field's name neither is a secret nor announces one."""
    if is_secret_name(name) or holds_a_secret(name):
        return False
    if len(name) < _MEMORABLE and len(_plain_names) < 10_000:
        _plain_names.add(name)
    return True


# ---- doing it --------------------------------------------------------------------------------------------------------


def _clean(value: Any, path: str, replace: _Replace, removed: list[Removed], depth: int) -> Any:
    """The value without secrets; the same object where nothing was removed."""
    if isinstance(value, str):
        return _clean_text(value, path, replace, removed)
    if depth > _DEEP and isinstance(value, (dict, list, tuple)):
        removed.append(Removed(path[:200], "nested too deeply to be searched"))
        return "[removed: nested too deeply]"
    if isinstance(value, (tuple, list)):
        items = [_clean(item, path, replace, removed, depth + 1) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else type(value)(items)
    if isinstance(value, dict):
        return _clean_dict(value, path, replace, removed, depth)
    if isinstance(value, msgspec.Struct):
        return _clean_struct(value, path, replace, removed, depth)
    return value


def _clean_struct(value: Any, path: str, replace: _Replace, removed: list[Removed], depth: int) -> Any:
    changes = {}
    for name in value.__struct_fields__:
        before = getattr(value, name)
        inner = path if isinstance(value, (Principal, Resource)) and name == "id" else f"{path}.{name}"
        after = _clean(before, inner, replace, removed, depth + 1)
        if after is not before:
            changes[name] = after
    return msgspec.structs.replace(value, **changes) if changes else value


def _clean_dict(value: dict[str, Any], path: str, replace: _Replace, removed: list[Removed], depth: int) -> Any:
    out: dict[str, Any] = {}
    changed = False
    for name, item in value.items():
        kept = _clean_text(name, f"{path} (a name)", replace, removed)
        place = f"{path}.{kept}" if path else kept
        if is_secret_name(name) and _is_bare_secret(item):
            removed.append(Removed(place[:200], f"value of a field named `{kept[:40]}`"))
            cleaned: Any = "[removed: secret field]"
        else:
            cleaned = _clean(item, place, replace, removed, depth + 1)
        changed = changed or cleaned is not item or kept is not name
        out[kept] = cleaned
    return out if changed else value


def _is_bare_secret(item: Any) -> bool:
    if isinstance(item, str):
        return not is_harmless(item)
    if isinstance(item, list):
        return any(_is_bare_secret(entry) for entry in item)
    return isinstance(item, (int, float)) and not isinstance(item, bool)


def _clean_text(text: str, path: str, replace: _Replace, removed: list[Removed]) -> str:
    def noted(found: re.Match[str]) -> str:
        removed.append(Removed(path[:200], kind_of(found)))
        return replace(found)

    if len(text) > _LONGEST:
        removed.append(Removed(path[:200], "a text too long to be searched"))
        return (
            "[removed: too long]" if replace is _remark else "removed:" + hashlib.sha256(text.encode()).hexdigest()[:32]
        )
    return without_secrets(text, noted) if may_hold_a_secret(text) else text


def _remark(found: re.Match[str]) -> str:
    if found.re is NAMED_FIELD:
        return f"{found['before']}[removed: secret field]{found['after']}"
    return f"[removed: {kind_of(found)}]"


def _digested(found: re.Match[str]) -> str:
    """A token as a digest of itself, so that what it joined is still joined; what can be guessed is not digested."""
    if found.re is NAMED_FIELD or kind_of(found) in GUESSABLE:
        return _remark(found)
    return "removed:" + hashlib.sha256(found[0].encode()).hexdigest()[:32]
