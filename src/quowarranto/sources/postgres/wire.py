"""One message of the server, from a row of csvlog or an object of jsonlog, and the audit line that it may hold."""

from __future__ import annotations

import csv

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.sources.strict import reason_of

_COLUMNS = (23, 24, 26)
"""How many there are: until 12, in 13, and since 14."""
_PLACES = {
    "timestamp": 0,
    "user": 1,
    "dbname": 2,
    "remote_host": 4,
    "session_id": 5,
    "line_num": 6,
    "ps": 7,
    "session_start": 8,
    "vxid": 9,
    "error_severity": 11,
    "state_code": 12,
    "message": 13,
    "context": 18,
    "statement": 19,
    "application_name": 22,
}
_AUDIT = "AUDIT: "
_KINDS = ("SESSION", "OBJECT")


class Message(msgspec.Struct, frozen=True):
    """The fields that both formats have under one meaning; the names are those of jsonlog."""

    timestamp: str
    session_id: str
    line_num: int
    session_start: str
    error_severity: str
    message: str = ""
    user: str = ""
    dbname: str = ""
    remote_host: str = ""
    ps: str = ""
    vxid: str = ""
    state_code: str = ""
    context: str = ""
    statement: str = ""
    application_name: str = ""


class Audit(msgspec.Struct, frozen=True):
    """What pgaudit says of one statement; its text stays here."""

    kind: str
    statement_id: int
    substatement_id: int
    category: str
    command: str
    object_type: str
    object_name: str
    text: str


def message_of(value: object) -> Message:
    """The message of a decoded entry.

    Raises:
        RejectedEntry: it is not one; the reason names fields or columns.
    """
    if isinstance(value, list):
        if len(value) not in _COLUMNS:
            raise RejectedEntry("not a row of csvlog: it has neither 23, 24 nor 26 columns")
        value = {name: value[place] for name, place in _PLACES.items()}
        # jsonlog parts the port from the host, a socket is `[local]` in both
        if isinstance(value["remote_host"], str):
            value["remote_host"] = value["remote_host"].rpartition(":")[0] or value["remote_host"]
    if not isinstance(value, dict):
        raise RejectedEntry("neither a row of csvlog nor an object of jsonlog")
    try:
        message = msgspec.convert(value, Message, strict=False)
    except msgspec.ValidationError as error:
        raise RejectedEntry(reason_of(error)) from None
    if not message.session_id or message.line_num < 0:
        raise RejectedEntry("`session_id` is empty or `line_num` negative")
    return message


def audit_of(message: Message) -> Audit | None:
    """The audit line in a message, if it is one.

    Raises:
        RejectedEntry: it begins like one and is none.
    """
    if not message.message.startswith(_AUDIT):
        return None
    try:
        rows = list(csv.reader([message.message[len(_AUDIT) :]], strict=True))
    except csv.Error:
        raise RejectedEntry("an audit line that is not CSV") from None
    fields = rows[0] if len(rows) == 1 else []
    if len(fields) not in (9, 10) or fields[0] not in _KINDS:
        raise RejectedEntry("an audit line without the nine or ten fields of pgaudit")
    if not (_is_number(fields[1]) and _is_number(fields[2]) and fields[4]):
        raise RejectedEntry("an audit line without its numbers or its command")
    kind, statement, substatement, category, command, object_type, object_name, text = fields[:8]
    return Audit(kind, int(statement), int(substatement), category, command, object_type, object_name, text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
