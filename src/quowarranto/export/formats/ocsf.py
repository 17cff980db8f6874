"""OCSF 1.9: findings as events of the category Findings, one JSON object a line, for security lakes.

Reads     findings with their sample actions (`findings.whole`).
Writes    `Detection Finding` (2004) of what was done without an authority that held, `Compliance Finding` (2003) of
          approvals, exceptions and expected controls, `IAM Analysis Finding` (2008) of credentials and grants as such.
Time      milliseconds since the epoch, as OCSF has them: finer digits are cut off. `time` is when the state of the case
          was reached, so that the same state gives the same bytes.
Choices   a check of a Compliance Finding is `Fail` (an exception stands), the finding as a whole is `Warning`: whether
          a control is satisfied is for an assessor. No profile is used. Lines of logs are named, never quoted.
Source    OCSF schema 1.9.0 (github.com/ocsf/ocsf-schema): events/findings, objects, dictionary.json.
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO

import msgspec

from quowarranto import __version__
from quowarranto.case.store import Snapshot
from quowarranto.export.formats.wanted import Wanted, name_uuid, subject_of
from quowarranto.findings.because import summary
from quowarranto.findings.controls import CONTROLS, FRAMEWORKS, IDS
from quowarranto.findings.pages import page_of
from quowarranto.findings.whole import found_whole
from quowarranto.records import format_instant
from quowarranto.records.codes import CODES

VERSION = "1.9.0"
_CLASSES = {2003: "Compliance Finding", 2004: "Detection Finding", 2008: "IAM Analysis Finding"}
_COMPLIANCE = ("QW301", "QW302", "QW303", "QW304", "QW305", "QW306")
_ANALYSIS = ("QW404", "QW405", "QW407", "QW501", "QW502", "QW503")
_SEVERITIES = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_ALERTS = ("high", "critical")
_SERVICES = ("service_account", "workload", "api_key", "agent", "workflow")
_MOST = 2**31 - 1
"""OCSF's integers have 32 bits."""
_AFFECTED = {"role_id": 3, "role": "Affected"}
_TARGET = {"role_id": 1, "role": "Target"}
_encode = msgspec.json.Encoder().encode


def write(snapshot: Snapshot, wanted: Wanted, out: BinaryIO) -> None:
    """Write the findings of a case."""
    for row in found_whole(snapshot, wanted.filters, wanted.severity):
        out.write(_encode(event(row, snapshot.commit.at)) + b"\n")


def class_of(code: str) -> int:
    """`class_uid` of the findings with a code."""
    return 2003 if code in _COMPLIANCE else 2008 if code in _ANALYSIS else 2004


def event(row: dict[str, Any], reached: int) -> dict[str, Any]:
    """One finding as an event.

    Args:
        row: of `findings.whole.found_whole`.
        reached: when the state of the case was, in microseconds.
    """
    class_uid = class_of(row["code"])
    particular = {2003: _compliance, 2004: _detection, 2008: _analysis}[class_uid]
    return {**_head(row, class_uid, reached), "finding_info": _info(row, reached), **particular(row)}


def _head(row: dict[str, Any], class_uid: int, reached: int) -> dict[str, Any]:
    severity_id, severity = _SEVERITIES[row["severity"]]
    kind, name = subject_of(row)
    return {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": class_uid,
        "class_name": _CLASSES[class_uid],
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": class_uid * 100 + 1,
        "type_name": f"{_CLASSES[class_uid]}: Create",
        "time": _millis(reached),
        "start_time": _millis(row["first_us"]),
        "end_time": _millis(row["last_us"]),
        "count": min(max(1, row["count"]), _MOST),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "message": summary(row),
        "metadata": {
            "version": VERSION,
            "product": _product(),
            "uid": name_uuid("ocsf", row["code"], kind, name, reached),
            "event_code": row["code"],
        },
        "resources": [{"uid": name, "name": name, "type": kind, **_AFFECTED}],
        "unmapped": {
            "verdicts": {one["verdict"]: one["count"] for one in row["verdicts"]},
            "principal_count": row["principal_count"],
            "provides_evidence_relevant_to": list(CONTROLS[row["code"]]),
        },
    }


def _product() -> dict[str, Any]:
    return {"uid": "quowarranto", "name": "Quo Warranto", "vendor_name": "Quo Warranto", "version": __version__}


def _info(row: dict[str, Any], reached: int) -> dict[str, Any]:
    kind, name = subject_of(row)
    code = CODES[row["code"]]
    first, last = _millis(row["first_us"]), _millis(row["last_us"])
    return {
        "uid": name_uuid("finding", row["code"], kind, name),
        "title": f"{code.code}: {code.name}",
        "desc": f"{code.clause[0].upper()}{code.clause[1:]}.",
        "types": [code.code],
        "created_time": _millis(reached),
        "first_seen_time": first,
        "last_seen_time": last,
        "analytic": {"uid": code.code, "name": code.name, "type_id": 1, "type": "Rule", "version": __version__},
        "data_sources": sorted({sample["source"] for sample in row["samples"]}),
        "product": _product(),
        "related_events": [_related(sample) for sample in row["samples"]],
        "related_events_count": min(row["count"], _MOST),
    }


def _related(sample: dict[str, Any]) -> dict[str, Any]:
    """A sample action, and where its line is."""
    return {
        "uid": sample["id"],
        "title": f"{sample['action']} {sample['resource_type']}:{sample['resource_id']}",
        "first_seen_time": _millis(sample["time"]),
        "last_seen_time": _millis(sample["time"]),
        "status": sample["verdict"],
        "tags": [
            {"name": name, "value": str(sample[name])}
            for name in ("outcome", "linkage", "file", "line", "byte_offset", "sha256")
        ],
    }


def _detection(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "is_alert": row["severity"] in _ALERTS,
        "evidences": [_evidence(sample) for sample in row["samples"]],
        **_remediation(row["code"]),
    }


def _compliance(row: dict[str, Any]) -> dict[str, Any]:
    code = CODES[row["code"]]
    severity_id, severity = _SEVERITIES[row["severity"]]
    standards = [f"{FRAMEWORKS[key].name}, {FRAMEWORKS[key].edition}" for key, ids in IDS[code.code].items() if ids]
    check = {
        "uid": code.code,
        "name": code.name,
        "status_id": 3,
        "status": "Fail",
        "severity_id": severity_id,
        "severity": severity,
        "standards": standards,
    }
    return {
        "compliance": {
            "control": CONTROLS[code.code][0],
            "requirements": list(CONTROLS[code.code]),
            "standards": standards,
            "checks": [check],
            "status_id": 2,
            "status": "Warning",
            "status_details": ["provides evidence relevant to these requirements; whether one is met is not said"],
        },
        "evidences": [_evidence(sample) for sample in row["samples"]],
        **_remediation(code.code),
    }


def _analysis(row: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = _remediation(row["code"])
    if row["principals"]:
        out["user"] = _user(row["principals"][0]["type"], row["principals"][0]["id"])
    if row["kind"] == "grant":
        policy = {"uid": row["key"], "name": row["key"], "type": "grant", "is_applied": True}
        return out | {"permission_analysis_results": [{"policy": policy}]}
    seen = {"first_seen_time": _millis(row["first_us"]), "last_seen_time": _millis(row["last_us"])}
    return out | {"identity_activity_metrics": seen}


def _evidence(sample: dict[str, Any]) -> dict[str, Any]:
    what = f"{sample['resource_type']}:{sample['resource_id']}"
    return {
        "uid": sample["id"],
        "name": f"{sample['action']} {what}",
        "actor": {"user": _user(sample["principal_type"], sample["principal_id"])},
        "api": {"operation": sample["action"]},
        "resources": [
            {"uid": sample["resource_id"], "name": sample["resource_id"], "type": sample["resource_type"], **_TARGET}
        ],
        "data": {
            "time": format_instant(sample["time"]),
            **{name: sample[name] for name in ("source", "outcome", "verdict", "linkage")},
            **{name: sample[name] for name in ("file", "line", "byte_offset", "sha256")},
        },
    }


def _user(kind: str, name: str) -> dict[str, Any]:
    """A principal. OCSF knows users and services; any other type is said in its own word."""
    if kind == "user":
        said: dict[str, Any] = {"type_id": 1, "type": "User"}
    elif kind in _SERVICES:
        said = {"type_id": 4, "type": "Service"}
    else:
        said = {"type_id": 99, "type": kind}
    return {"uid": name, "name": name, **said}


def _remediation(code: str) -> dict[str, Any]:
    """What the page of a code says is to be done, as plain text."""
    found = re.search(r"\n## What to do\n\n(.*?)\n\n## ", page_of(code), re.DOTALL)
    if found is None:
        return {}
    plain = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", found[1])
    return {"remediation": {"desc": plain}}


def _millis(micros: int) -> int:
    return micros // 1000
