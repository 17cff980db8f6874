"""Policy files: one ACL policy a file, named after the file, as `vault policy write` is usually fed.

A file says what a policy is, not since when: its term starts at the epoch and stands until the log tells of a write. A
time in its name (`app@2026-03-01T00:00:00Z.hcl`) says from when the text was in force, which counts for replay.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import AuthorityFact, format_instant
from quowarranto.sources.dated import dated
from quowarranto.sources.entry import Entry, Outcome, Skipped
from quowarranto.sources.vault import keys

_COMPRESSED = (".gz", ".zst")
_HCL = (".hcl", *(f".hcl{suffix}" for suffix in _COMPRESSED))


def is_hcl(file: str) -> bool:
    return file.endswith(_HCL)


def is_json_policy(value: object) -> bool:
    """An object whose `path` holds rules, each with capabilities (or the old `policy` word)."""
    rules = value.get("path") if isinstance(value, dict) else None
    return isinstance(rules, dict) and all(
        isinstance(rule, dict) and ("capabilities" in rule or "policy" in rule) for rule in rules.values()
    )


def read_hcl(entry: Entry) -> Outcome:
    rules = _hcl(entry.data).get("path")
    if not isinstance(rules, list) or not rules:
        return Skipped("no `path` rules: not an access policy")
    return (_fact(entry, "hcl", len(rules)),)


def read_json(entry: Entry, value: dict[str, Any]) -> Outcome:
    return (_fact(entry, "json", len(value["path"])),)


def _fact(entry: Entry, syntax: str, rules: int) -> AuthorityFact:
    stem = _bare(entry.file).stem
    name, begun = dated(stem) or (stem, None)
    if not name:
        raise RejectedEntry("a policy without a file name has no name")
    return AuthorityFact(
        kind="policy",
        id=keys.policy_key("root", name),
        time=entry.modified_at,
        valid_from=0,
        attributes={
            "policy_sha256": hashlib.sha256(entry.data).hexdigest(),
            "syntax": syntax,
            "rules": rules,
            "start": "unknown: read from a file",
        }
        | ({} if begun is None else {"text_from": format_instant(begun)}),
    )


def _hcl(data: bytes) -> dict[str, Any]:
    import hcl2  # imported late: building the parser takes two seconds, and most runs read no policy file

    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise RejectedEntry("not UTF-8") from None
    try:
        # python-hcl2 hands on whatever its parser and transformers raise; none of it may quote the content.
        value = hcl2.loads(text, serialization_options=hcl2.SerializationOptions(strip_string_quotes=True))
    except RecursionError:
        raise RejectedEntry("nested too deeply") from None
    except Exception:
        raise RejectedEntry("not HCL") from None
    return value if isinstance(value, dict) else {}


def _bare(file: str) -> PurePath:
    path = PurePath(file)
    return path.with_suffix("") if path.suffix in _COMPRESSED else path
