"""Entries to outcomes: telling audit lines and policy texts apart, and refusing what is neither."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.records import Record
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.times import instant
from quowarranto.sources.vault import policy_files
from quowarranto.sources.vault.bulk import observations_of
from quowarranto.sources.vault.call import action_of, decision_of, understand
from quowarranto.sources.vault.logins import lending, shown_keys
from quowarranto.sources.vault.outcomes import facts_of
from quowarranto.sources.vault.wire import Line

_PATH_RULE = re.compile(r'^\s*path\s+"', re.MULTILINE)
_AUDIT_TEXT = re.compile(r'"type":\s?"(?:request|response)"')


def read(entry: Entry) -> Outcome:
    """The records of one audit line or policy file.

    Raises:
        RejectedEntry: it is neither; the reason names fields, never values.
    """
    if policy_files.is_hcl(entry.file):
        return policy_files.read_hcl(entry)
    value = strict_object(_without_prefix(entry.data))
    kind = value.get("type")
    if kind == "request" or kind == "response":
        return _records(entry, value)
    if kind == "kmip-request" or kind == "kmip-response":
        return Skipped("KMIP traffic: it has no request id and names no token")
    if policy_files.is_json_policy(value):
        return policy_files.read_json(entry, value)
    raise RejectedEntry("`type` is missing" if kind is None else "`type` is neither `request` nor `response`")


def _records(entry: Entry, value: dict[str, Any]) -> Outcome:
    line = _line(value)
    digest = "" if line.request.id else "sha256:" + hashlib.sha256(entry.data).hexdigest()
    call = understand(line, instant("time", line.time), digest)
    cites, shares = shown_keys(call)
    records: list[Record | Observation] = [action_of(call, cites, shares)]
    if (decision := decision_of(call)) is not None:
        records.append(decision)
    records += lending(call)
    facts = list(facts_of(call))
    records += facts
    records += observations_of(call, facts)
    return records


def _line(value: dict[str, Any]) -> Line:
    line = read_as(value, Line)
    if not line.request.operation or not line.request.path:
        raise RejectedEntry("`request.operation` or `request.path` is empty")
    return line


def _without_prefix(data: bytes) -> bytes:
    """A device may be told to write a text before each line, and syslog adds its own."""
    if data[:1] == b"{":
        return data
    start = data.find(b"{")
    return data[start:] if start > 0 else data


def recognise(sample: Sample) -> int:
    """Audit lines by their shape; policies by their `path` rules."""
    for document in sample.documents:
        if _is_audit_line(document):
            return 95
        if policy_files.is_json_policy(document) and document["path"] and "kind" not in document:
            return 80
    if policy_files.is_hcl(sample.file):
        return 90 if _PATH_RULE.search(sample.text) else 0
    if not sample.documents and _AUDIT_TEXT.search(sample.text):
        return 70 if '"operation":' in sample.text and '"path":' in sample.text else 0
    return 0


def _is_audit_line(document: object) -> bool:
    if not isinstance(document, dict):
        return False
    kind, request = document.get("type"), document.get("request")
    if kind in ("kmip-request", "kmip-response"):
        return "time" in document
    return kind in ("request", "response") and isinstance(request, dict) and {"operation", "path"} <= request.keys()
