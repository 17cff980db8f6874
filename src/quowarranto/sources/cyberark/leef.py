"""Audit records of the Vault as lines of LEEF, with the names that its records in JSON have.

Reads     a line of the translator for QRadar: `LEEF:1.0|Cyber-Ark|Vault|version|number|`, then `name=value` between
          tabs (or what the header of LEEF 2.0 says); a collector of syslog may have written tabs as `#011`.
Not seen  what the translator leaves out. Nothing is escaped in a value, so a line in which a name stands twice could be
          read in two ways and is refused.
Source    IBM, "LEEF event components": header, delimiter, `usrName`, `src`, `dst`, `sev`, `devTime`; CyberArk,
          "Integrating with SIEM applications": the translator keeps the names of the audit record for all else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from quowarranto.errors import RejectedEntry

_LINE = re.compile(
    r"LEEF:(?P<version>[12]\.0)\|Cyber-Ark\|Vault\|[^|]{0,40}\|(?P<id>\d{1,6})\|"
    r"(?:(?P<delimiter>x[0-9A-Fa-f]{2,4}|0x[0-9A-Fa-f]{2,4}|[^|\w\s])?\|)?"
)
_PLAIN = {"usrName": "Issuer", "src": "Station", "sev": "Severity"}
"""What LEEF has a name of its own for."""
_KEPT = frozenset(
    (
        *("Issuer", "Action", "Desc", "Severity", "SourceUser", "TargetUser", "Safe", "File", "Station"),
        *("GatewayStation", "RequestId", "Reason", "ExtraDetails", "IsoTimestamp", "Hostname"),
    )
)
_ERROR = 7
"""What the translators write for records of severity `Error`; for `Info` it is 5."""


def is_leef(text: str) -> bool:
    """Whether a record of the Vault in LEEF stands in it."""
    return _LINE.search(text) is not None


def fields_of(line: str) -> dict[str, str]:
    """The fields of a line, by the names of an audit record in JSON.

    Raises:
        RejectedEntry: it is no such line, a name stands twice in it, or its time is none.
    """
    found = _LINE.search(line)
    if found is None:
        raise RejectedEntry("neither a JSON object nor a record of the Vault in LEEF")
    said = _attributes(line[found.end() :], _delimiter(found["delimiter"]))
    told = {_PLAIN.get(name, name): value for name, value in said.items()}
    if len(told) != len(said):
        raise RejectedEntry("one field stands in the line under two names")
    kept = {name: value for name, value in told.items() if name in _KEPT}
    if "devTime" in said and "IsoTimestamp" not in kept:
        kept["IsoTimestamp"] = _moment(said["devTime"])
    severity = kept.get("Severity", "")
    if severity.isdecimal():
        kept["Severity"] = "Error" if int(severity) >= _ERROR else "Info"
    return {"Desc": said.get("EventMessage", "")} | kept | {"MessageID": found["id"]}


def _delimiter(named: str | None) -> str:
    """A tab, or the character that the header names, as itself or in hexadecimal."""
    if not named:
        return "\t"
    return chr(int(named.lower().removeprefix("0x").removeprefix("x"), 16)) if len(named) > 1 else named


def _attributes(text: str, delimiter: str) -> dict[str, str]:
    said: dict[str, str] = {}
    parts = (text.replace("#011", "\t") if delimiter == "\t" else text).split(delimiter)
    for part in parts:
        name, mark, value = part.partition("=")
        name = name.strip()
        if not mark or not name:
            continue
        if name in said:
            raise RejectedEntry("a name stands twice in the line")
        said[name] = value.strip()
    return said


def _moment(text: str) -> str:
    """Milliseconds since the epoch; a time in letters has no zone that is known."""
    if not re.fullmatch(r"\d{13}", text):
        raise RejectedEntry("`devTime` is not a number of milliseconds")
    return datetime.fromtimestamp(int(text) / 1000, UTC).isoformat()
