"""Audit records of the Vault as rows of a table (CSV), with the names that its records in JSON have.

Reads     rows whose columns are called after the fields of an audit record (as a collector of logs exports them), or as
          `[source.cyberark]` says, for reports whose columns have other names.
Not seen  what the report leaves out. A row without the number of its message is known by what it says was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.sources.entry import Entry, Sample
from quowarranto.sources.registers.rows import Layout, Row, column, columns_of, layout

FIELDS = (
    *("MessageID", "IsoTimestamp", "Issuer", "Action", "Desc", "Severity", "SourceUser", "TargetUser", "Safe", "File"),
    *("Station", "GatewayStation", "RequestId", "Reason", "ExtraDetails", "SessionID", "Hostname"),
)
_SETTINGS = ("columns", "time_format", "zone")
_NUMBERS = {
    "psm connect": "300",
    "psm disconnect": "302",
    "psm secure connect session start": "378",
    "psm secure connect session end": "380",
    "add owner": "32",
    "update owner": "33",
    "remove owner": "273",
    "window title": "411",
    "keystroke logging": "412",
}
"""Numbers of what matters here ("Vault Audit Action Codes"), for reports that tell only the words."""


def settings_of(settings: Mapping[str, Any]) -> Layout:
    """The columns and times of a report.

    Raises:
        ConfigError: a setting or a field is unknown.
    """
    for name in settings:
        if name not in _SETTINGS:
            raise ConfigError(f"`source.cyberark` has no setting `{name}`", need="one of " + ", ".join(_SETTINGS))
    return layout("cyberark", settings, FIELDS, ())


def is_row(value: Mapping[str, Any], columns: Layout) -> bool:
    """Whether it is flat, and has a time, somebody who acted and what was done."""
    if any(isinstance(cell, dict | list) for cell in value.values()):
        return False
    sample = Sample("", "", (dict(value),))
    return recognise(sample, columns) > 0


def fields_of(entry: Entry, columns: Layout) -> dict[str, str]:
    """The cells of a row, by the names of an audit record in JSON."""
    row = Row(entry, columns)
    said = {name: text for name in FIELDS if name not in ("IsoTimestamp", "SessionID") and (text := row.text(name))}
    at = row.time("IsoTimestamp")
    if at is None:
        raise RejectedEntry("`IsoTimestamp` is missing")
    said["IsoTimestamp"] = datetime.fromtimestamp(at / 1_000_000, UTC).isoformat()
    words = (said.get("Action") or said.get("Desc") or "").casefold()
    said.setdefault("MessageID", _NUMBERS.get(words, "0"))
    if session := row.text("SessionID"):
        said["ExtraDetails"] = f"{said.get('ExtraDetails', '')};SessionID={session.replace(';', ',')}".lstrip(";")
    return said


def recognise(sample: Sample, columns: Layout) -> int:
    """By the columns that every report has: when, who, and what; and one that only this product has."""
    needed = {column("IsoTimestamp", columns), column("Issuer", columns)}
    what = {column("Action", columns), column("Desc", columns)}
    own = {column("Safe", columns), column("MessageID", columns)}
    return 82 if any(needed <= one and what & one and own & one for one in columns_of(sample)) else 0
