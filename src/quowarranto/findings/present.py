"""Rows of the case as SPEC 10 prints them."""

from __future__ import annotations

from typing import Any

from quowarranto.findings.because import because, summary
from quowarranto.findings.controls import CONTROLS
from quowarranto.records import format_instant


def deed(row: dict[str, Any]) -> dict[str, Any]:
    """Which action: its id, when, who did what to what."""
    return {
        "action": row["id"],
        "time": format_instant(row["time"]),
        "principal": {"type": row["principal_type"], "id": row["principal_id"]},
        "verb": row["action"],
        "resource": {"type": row["resource_type"], "id": row["resource_id"]},
    }


def length(us: int) -> str:
    """A length of time in the largest unit that it fills: `8.3 d`, `15.0 min`."""
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000)):
        if us >= size:
            return f"{us / size:.1f} {unit}"
    return f"{us / 1_000_000:.1f} s"


def verdict(row: dict[str, Any]) -> dict[str, Any]:
    """One action of `quo verdicts`."""
    return {
        "action": row["id"],
        "time": format_instant(row["time"]),
        "source": row["source"],
        "principal": {"type": row["principal_type"], "id": row["principal_id"]},
        "verb": row["action"],
        "resource": {"type": row["resource_type"], "id": row["resource_id"]},
        "outcome": row["outcome"],
        "verdict": row["verdict"],
        "linkage": row["linkage"],
        "basis": row["basis"],
        "method": row["method"],
        "codes": [code for code in row["codes"].split(",") if code],
        "root_cause": row["root_cause"],
        "authorities": row["authorities"],
        "because": because(row),
    }


def finding(row: dict[str, Any]) -> dict[str, Any]:
    """One finding of `quo findings`."""
    if row["key"] is not None:
        subject: dict[str, Any] = {"key": row["key"], "kind": row["kind"]}
    else:
        subject = {"principal": {"type": row["principal_type"], "id": row["principal_id"]}}
    return {
        "code": row["code"],
        "severity": row["severity"],
        "subject": subject,
        "count": row["count"],
        "first": format_instant(row["first_us"]),
        "last": format_instant(row["last_us"]),
        "sample": row["sample"],
        "summary": summary(row),
        "controls": list(CONTROLS[row["code"]]),
    }
