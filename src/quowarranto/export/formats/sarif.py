"""SARIF 2.1.0: findings as results, for code scanning and for gates in a pipeline.

Reads     findings with their sample actions (`findings.whole`).
Writes    one run; results one after the other, so that memory does not grow with their number.
Choices   `startLine` is the line of the log; the byte offset stands beside it in `properties`, because a region with
          an offset and no length would mean an empty range, and lengths are not kept.
Source    OASIS SARIF 2.1.0 (errata 01), sections 3.11.5 and 3.11.6 on placeholders and links in messages.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import quote

import msgspec

from quowarranto import __version__
from quowarranto.case.found import totals
from quowarranto.case.store import Snapshot
from quowarranto.export.formats.wanted import Wanted, fingerprint, name_uuid, subject_of
from quowarranto.findings.because import summary
from quowarranto.findings.controls import CONTROLS
from quowarranto.findings.pages import page_of
from quowarranto.findings.whole import found_whole
from quowarranto.records import format_instant
from quowarranto.records.codes import CODES, Code

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.5", "info": "0.0"}
"""`security-severity`, which code scanning sorts by: a number inside the band of the same name, not a CVSS score."""
_encode = msgspec.json.Encoder().encode


def write(snapshot: Snapshot, wanted: Wanted, out: BinaryIO) -> None:
    """Write the findings of a case."""
    head = {"$schema": SCHEMA, "version": "2.1.0"}
    run = {
        "tool": {"driver": _driver()},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(totals(snapshot))],
        "properties": {"case": {"state": snapshot.commit.number, "reached": format_instant(snapshot.commit.at)}},
    }
    out.write(_encode(head)[:-1] + b',"runs":[' + _encode(run)[:-1] + b',"results":[')
    place = {code: number for number, code in enumerate(CODES)}
    for number, row in enumerate(found_whole(snapshot, wanted.filters, wanted.severity)):
        out.write((b",\n" if number else b"\n") + _encode(_result(row, place)))
    out.write(b"]}]}\n")


def _driver() -> dict[str, Any]:
    return {
        "name": "Quo Warranto",
        "version": __version__,
        "semanticVersion": _semantic(__version__),
        "rules": [_rule(code) for code in CODES.values()],
    }


def _semantic(version: str) -> str:
    found = re.match(r"(\d+\.\d+\.\d+)(.*)", version)
    if found is None:
        return "0.0.0"
    rest = re.sub(r"[^0-9A-Za-z]+", ".", found[2]).strip(".")
    return found[1] + (f"-{rest}" if rest else "")


def _rule(code: Code) -> dict[str, Any]:
    page = page_of(code.code)
    return {
        "id": code.code,
        "name": "".join(word.capitalize() for word in re.findall(r"\w+", code.name)),
        "shortDescription": {"text": message(code.name)},
        "fullDescription": {"text": message(_sentence(code))},
        "help": {"text": message(page), "markdown": _without_links(page)},
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
        "properties": {
            "severity": code.severity,
            "security-severity": _SCORES[code.severity],
            "tags": ["security", "audit"],
            "providesEvidenceRelevantTo": list(CONTROLS[code.code]),
        },
    }


def _sentence(code: Code) -> str:
    return f"{code.clause[0].upper()}{code.clause[1:]}."


def _without_links(page: str) -> str:
    """A page may link to another one of the project, which is not there where this is read."""
    return re.sub(r"\[([^]]+)\]\((?!https?://)[^)]+\)", r"\1", page)


def message(text: str) -> str:
    """Text as a message: what would be a placeholder or a link is written so that it is none (3.11.5, 3.11.6)."""
    return re.sub(r"[\\\[\]]", r"\\\g<0>", text).replace("{", "{{").replace("}", "}}")


def _invocation(total: dict[str, Any]) -> dict[str, Any]:
    said = {"executionSuccessful": True}
    if not total["quarantined"]:
        return said
    text = f"{total['quarantined']} of {total['lines']} log entries could not be read and were not judged"
    note = {"level": "warning", "message": {"text": f"{text}; `quo quarantine` names them."}}
    return said | {"toolExecutionNotifications": [note]}


def _result(row: dict[str, Any], place: dict[str, int]) -> dict[str, Any]:
    kind, name = subject_of(row)
    return {
        "ruleId": row["code"],
        "ruleIndex": place[row["code"]],
        "level": _LEVELS[row["severity"]],
        "message": {"text": message(summary(row))},
        "correlationGuid": name_uuid("finding", row["code"], kind, name),
        "partialFingerprints": {"findingSubject/v1": fingerprint(row)},
        "occurrenceCount": max(1, row["count"]),
        "locations": [_location(sample, kind, name) for sample in row["samples"]]
        or [{"logicalLocations": [_logical(kind, name)]}],
        "properties": {
            "severity": row["severity"],
            "subject": {"kind": kind, "key" if row["key"] is not None else "principal": name},
            "first": format_instant(row["first_us"]),
            "last": format_instant(row["last_us"]),
            "sample": [sample["id"] for sample in row["samples"]],
            "principals": [f"{who['type']}:{who['id']}" for who in row["principals"]],
            "principalCount": row["principal_count"],
            "verdicts": {one["verdict"]: one["count"] for one in row["verdicts"]},
            "providesEvidenceRelevantTo": list(CONTROLS[row["code"]]),
        },
    }


def _location(sample: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    who, what = (f"{sample[f'{part}_type']}:{sample[f'{part}_id']}" for part in ("principal", "resource"))
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri_of(sample["file"])},
            "region": {"startLine": max(1, sample["line"])},
        },
        "logicalLocations": [_logical(kind, name)],
        "message": {"text": message(f"{who} {sample['action']} {what}: {sample['verdict']}, {sample['linkage']}")},
        "properties": {
            "action": sample["id"],
            "time": format_instant(sample["time"]),
            "byteOffset": sample["byte_offset"],
            "sha256": sample["sha256"],
        },
    }


def _logical(kind: str, name: str) -> dict[str, Any]:
    return {"fullyQualifiedName": name, "kind": kind}


def uri_of(file: str) -> str:
    """A path as a URI reference: relative where the path is, so that it means a file of the checkout."""
    path = PurePosixPath(file)
    return path.as_uri() if path.is_absolute() else quote(str(path))
