"""Events of CyberArk's Audit service (Privilege Cloud and its siblings), with the names of the Vault's own records.

Reads     JSON objects with `uuid`, `timestamp` in milliseconds, `auditCode` such as `PAM00295` and `username`.
Not seen  requests and their confirmation, which these events do not name.
Source    CyberArk, "Audit service: SIEM integration", and samples in public tests of collectors.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.sources.strict import read_as

_CODE = re.compile(r"PAM0*(?P<number>[0-9]{1,6})")


class _Event(msgspec.Struct, frozen=True):
    uuid: str
    timestamp: int
    username: str
    auditCode: str
    action: str
    auditType: str | None = None
    safe: str | None = None
    accountName: str | None = None
    targetPlatform: str | None = None
    targetAccount: str | None = None
    target: str | None = None
    sessionId: str | None = None
    message: str | None = None
    customData: Any = None


def is_event(value: object) -> bool:
    return isinstance(value, dict) and {"uuid", "auditCode", "applicationCode", "username", "timestamp"} <= value.keys()


def fields_of(value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The event's own id, and its fields by the names of an audit record.

    Raises:
        RejectedEntry: a field is missing or not what it should be.
    """
    event = read_as(value, _Event)
    if not re.fullmatch(r"[0-9A-Za-z-]{8,64}", event.uuid):
        raise RejectedEntry("`uuid` is no id")
    if not 1_000_000_000_000 <= event.timestamp < 4_102_444_800_000:
        raise RejectedEntry("`timestamp` is not a time in milliseconds")
    numbered = _CODE.fullmatch(event.auditCode)
    details = {"DstHost": event.target, "User": event.targetAccount, "SessionID": event.sessionId}
    told = "".join(f"{name}={text.replace(';', ',')};" for name, text in details.items() if text)
    return event.uuid.lower(), {
        "MessageID": numbered["number"] if numbered else event.auditCode[:20],
        "IsoTimestamp": datetime.fromtimestamp(event.timestamp / 1000, UTC).isoformat(),
        "Severity": event.auditType or "",
        "Issuer": event.username,
        "Action": event.action,
        "Safe": event.safe or "",
        "File": _object(event.customData) or event.accountName or "",
        "Reason": event.message or "",
        "ExtraDetails": told,
    }


def _object(data: object) -> str | None:
    """The account as an object of its safe, which is how the Vault's own records name it."""
    pam = data.get("PAM") if isinstance(data, dict) else None
    target = pam.get("target") if isinstance(pam, dict) else None
    return target if isinstance(target, str) and target else None
