"""Verdicts and findings in one sentence, worded so that nothing is claimed that the records do not say (SPEC 11)."""

from __future__ import annotations

from typing import Any

from quowarranto.records.codes import CODES, REPLAYED, SEVERITIES

_HELD = {
    "cited": "it names its authority, and every link held at that moment",
    "correlated": "it shares a key with its authority, and every link held at that moment",
    "inferred": "a matching authority was in force, though the record does not name it",
    "none": "no authority for it is on record",
}


def because(row: dict[str, Any]) -> str:
    """Why an action got its verdict, in one sentence.

    Args:
        row: of `case.query.verdicts`: `verdict`, `method`, `codes` (text), `faults` ({"code", "key"}), `outcome`.
    """
    codes = [code for code in row["codes"].split(",") if code]
    if row["verdict"] == "refused":
        return _refused(row, codes)
    grave = sorted(codes, key=lambda code: (-SEVERITIES.index(CODES[code].severity), code))
    clauses = [_clause(code, row["faults"]) for code in grave[:3]]
    if row["verdict"] in ("authorised", "presumed"):
        held = _partly(row) if row["verdict"] == "presumed" else _HELD[row["method"]]
        notes = [clause for clause in clauses if clause]
        return f"{row['verdict']}: {held}" + (f"; note that {', and '.join(notes)}" if notes else "") + "."
    return f"{row['verdict']}, because {', and '.join(clauses) or _HELD['none']}."


def _partly(row: dict[str, Any]) -> str:
    if row["linkage"] == "partial":
        return "it names an instrument that held, but no entitlement behind it is named"
    return _HELD["inferred"]


def _refused(row: dict[str, Any], codes: list[str]) -> str:
    if not row["authorities"]:
        return "refused: the system denied it; the control that did so is not on record."
    reasons = [_clause(code, row["faults"]) for code in codes if code not in ("QW102", "QW109")]
    return "refused: the system denied it" + (f"; {', and '.join(reasons[:3])}" if reasons else "") + "."


def _clause(code: str, faults: list[dict[str, str]]) -> str:
    keys = sorted({fault["key"] for fault in faults if fault["code"] == code})
    if not keys:
        return CODES[code].clause
    shown = keys[0] if len(keys[0]) <= 120 else keys[0][:119] + "…"
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return f"{CODES[code].clause} ({shown}{more})"


def summary(row: dict[str, Any]) -> str:
    """What a finding says, in one sentence.

    Args:
        row: of `case.query.findings`.
    """
    who = f"{row['kind']} {row['key']}" if row["key"] else f"{row['principal_type']} {row['principal_id']}"
    who = who if len(who) <= 160 else who[:159] + "…"
    if not row["count"]:
        return f"{CODES[row['code']].name[0].upper()}{CODES[row['code']].name[1:]} ({who})."
    what = "record" if row["kind"] == "log" else "decision" if row["code"] in REPLAYED else "action"
    times = f"1 {what}" if row["count"] == 1 else f"{row['count']} {what}s"
    return f"{times}: {CODES[row['code']].name} ({who})."
