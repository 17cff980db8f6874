"""CyberArk Privileged Access Security: privileged sessions, passwords retrieved, and who may use which safe.

Reads     audit records of the Vault, as its syslog translators write them: as JSON, an object a line, with or without a
          header of syslog before it; as CEF (`cef.py`) or LEEF (`leef.py`); as rows of a table (`table.py`); events
          of the Audit service (`service.py`).
Yields    an Action per record; sessions of PSM, ownership of safes as grants, confirmed requests as approvals.
Time      `IsoTimestamp`, else the time of the RFC 5424 header; whole seconds, of the Audit service milliseconds.
Not seen  members of groups that own a safe, what an owner may do in it, how long a request is valid, what was typed.
Source    CyberArk PAS, "Vault Audit Action Codes" and "Integrating with SIEM applications"; records of the Vault have
          no id of their own, so a digest of the line stands in for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource, Rule
from quowarranto.records import Outcome as Ending
from quowarranto.sources.cyberark import cef, leef, service, table
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.folding import folded
from quowarranto.sources.registers.rows import Layout
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.times import instant

PREFIX = "cyberark/"
_BEGINS, _ENDS = frozenset(("300", "378")), frozenset(("302", "380"))
"""PSM Connect and PSM Secure Connect Session Start; PSM Disconnect and the end of the other."""
_INSIDE = frozenset(("304", "359", "360", "361", "362", "411", "412"))
"""What is recorded of a session while it lasts, and its recording."""
_OWNER_IN, _OWNER_OUT = frozenset(("32", "33")), frozenset(("273",))
"""Add Owner and Update Owner; Remove Owner."""
_CONFIRMED = re.compile(r"(?i)confirm(?:ed)? request|request confirm")
_WITHDRAWN = re.compile(
    r"(?i)(?:reject|delete|cancel)(?:e?d)? request|request (?:confirmation )?(?:reject|delet|cancel)"
)
_FAILED = re.compile(r"(?i)\bfail(?:ed|ure)?\b")
_REFUSED = re.compile(r"(?i)unauthori[sz]ed|user authentication|undefined user|not authori[sz]ed|denied")
_COMPONENTS = re.compile(
    r"(?i)(?:prov_|psmapp|psmgw|psmpapp|psmp_|pvwaapp|pvwagw|passwordmanager|appprovider|opmprov|aimwebservice).*"
    r"|dr|batch|backup"
)
"""Users of the Vault that are components of the product."""
_HEADER = re.compile(rb"<\d{1,3}>1 (\S{20,40}) ")
_DETAIL = re.compile(r"(?:^|;)(ApplicationType|ConnectionComponentId|DstHost|ManagedAccount|Protocol|PSMID|SessionID|"
                     r"SrcHost|SSHOffset|TXTOffset|VIDOffset|User)=([^;]*)")  # fmt: skip
_SESSION_ID = re.compile(r"[0-9A-Za-z._-]{8,64}")
_LONGEST = 512


class _Property(msgspec.Struct, frozen=True):
    Name: str = ""
    Value: str = ""


class _Properties(msgspec.Struct, frozen=True):
    CAProperty: tuple[_Property, ...] | _Property = ()


class _Audit(msgspec.Struct, frozen=True):
    """An audit record; the number of what happened is `MessageID`."""

    MessageID: str
    Desc: str = ""
    Action: str = ""
    IsoTimestamp: str = ""
    Hostname: str = ""
    Severity: str = ""
    Issuer: str = ""
    SourceUser: str = ""
    TargetUser: str = ""
    Safe: str = ""
    File: str = ""
    Station: str = ""
    GatewayStation: str = ""
    RequestId: str = ""
    Reason: str = ""
    ExtraDetails: str = ""
    CAProperties: _Properties | str | None = None


_NO_SETTINGS = Layout()


def read(entry: Entry, columns: Layout = _NO_SETTINGS) -> Outcome:
    """The records of a line.

    Args:
        columns: of a table, what the settings say they are called.
    """
    begin, record, name = len(entry.data), _of_line(entry.data), hashlib.sha256(entry.data).hexdigest()
    if record is None:
        begin = entry.data.find(b"{")
        if begin < 0:
            raise RejectedEntry("neither a JSON object nor a record in CEF or LEEF in the line")
        value = strict_object(entry.data[begin:])
        told = value.get("syslog", value)
        if isinstance(told, dict) and "audit_record" not in told and "monitor_record" in told:
            return Skipped("a measurement of the server, not an audit record")
        record = told.get("audit_record", told) if isinstance(told, dict) else None
        if isinstance(record, dict) and service.is_event(record):
            name, record = service.fields_of(record)
        elif record is value and "Vendor" not in value and table.is_row(value, columns):
            record = table.fields_of(entry, columns)
    audit = read_as(record, _Audit)
    if not audit.Issuer or not (audit.Action or audit.Desc):
        raise RejectedEntry("an audit record without `Issuer` or `Action`")
    details = _details(audit.ExtraDetails)
    action = _action(audit, details, _time(audit, entry.data[:begin]), name)
    return [action, *_facts(audit, details, action)]


def _of_line(data: bytes) -> Any:
    """The fields of a line of CEF or LEEF; None where the line is neither. JSON may speak of both."""
    marks = {read: data.find(mark) for mark, read in ((b"CEF:", cef.fields_of), (b"LEEF:", leef.fields_of))}
    begin = data.find(b"{")
    for read_line, mark in marks.items():
        if mark >= 0 and not 0 <= begin < mark:
            try:
                return read_line(data.decode("utf-8"))
            except UnicodeDecodeError:
                raise RejectedEntry("not UTF-8") from None
    return None


def _time(audit: _Audit, header: bytes) -> Instant:
    if audit.IsoTimestamp:
        return instant("IsoTimestamp", audit.IsoTimestamp)
    found = _HEADER.match(header)
    if found is None:
        raise RejectedEntry("`IsoTimestamp` is missing, and there is no header with a time and a zone")
    return instant("the header's time", found[1].decode("ascii", "replace"))


def _details(text: str) -> dict[str, str]:
    """What the details say. Of a name that stands twice the last counts: what was typed comes first, and may say
    anything."""
    return {found[1]: found[2] for found in _DETAIL.finditer(text)}


def principal_of(name: str) -> Principal:
    """A user of the Vault; components of the product are service accounts."""
    return Principal("service_account" if _COMPONENTS.fullmatch(name) else "user", name)


def _action(audit: _Audit, details: dict[str, str], time: Instant, digest: str) -> Action:
    said = {
        "message_id": audit.MessageID,
        "target": details.get("DstHost"),
        "target_user": details.get("User"),
        "protocol": details.get("Protocol"),
        "psm": details.get("PSMID"),
        "gateway": audit.GatewayStation,
        "reason": audit.Reason[:_LONGEST],
        "platform": _platform(audit),
        "source_user": audit.SourceUser,
    }
    return Action(
        id=f"{PREFIX}{digest}",
        time=time,
        principal=principal_of(audit.Issuer),
        action=audit.Action or audit.Desc,
        resource=_resource(audit),
        outcome=_outcome(audit),
        origin=details.get("SrcHost") or audit.Station or None,
        cites=_cites(audit, details),
        attributes={name: value for name, value in said.items() if value},
    )


def _resource(audit: _Audit) -> Resource:
    if audit.Safe and audit.File:
        return Resource("account", f"{audit.Safe}/{audit.File}")
    if audit.Safe:
        return Resource("safe", audit.Safe)
    if audit.TargetUser:
        return Resource("vault_user", audit.TargetUser)
    return Resource("vault", audit.Hostname or "vault")


def _platform(audit: _Audit) -> str | None:
    if not isinstance(audit.CAProperties, _Properties):
        return None
    listed = audit.CAProperties.CAProperty
    each = (listed,) if isinstance(listed, _Property) else listed
    return next((one.Value for one in each if one.Name == "PolicyID"), None)


def _outcome(audit: _Audit) -> Ending:
    """Records of severity `Error` tell of what was refused or went wrong."""
    words = f"{audit.Action} {audit.Desc}"
    if audit.Severity.lower() == "error" and _REFUSED.search(words):
        return "denied"
    return "failure" if audit.Severity.lower() == "error" or _FAILED.search(words) else "success"


def _session(details: dict[str, str]) -> str | None:
    found = details.get("SessionID", "")
    return f"{PREFIX}session/{folded(found)}" if _SESSION_ID.fullmatch(found) else None


def _request(audit: _Audit) -> str | None:
    """By the safe that it is about: a request's number need not be its own beyond that."""
    if not (number := audit.RequestId.strip()):
        return None
    return f"{PREFIX}request/{audit.Safe}/{number}" if audit.Safe else f"{PREFIX}request/{number}"


def _cites(audit: _Audit, details: dict[str, str]) -> tuple[str, ...]:
    """Within a session the session; the request, where there is one that was not only now decided."""
    session = _session(details) if audit.MessageID in _INSIDE | _ENDS else None
    words = audit.Action or audit.Desc
    request = None if "request" in words.lower() else _request(audit)
    return tuple(key for key in (request, session) if key is not None)


def _facts(audit: _Audit, details: dict[str, str], action: Action) -> list[Record | Observation]:
    """What the record brought about; nothing where it failed."""
    if action.outcome != "success":
        return []
    words, session, request = action.action, _session(details), _request(audit)
    if session is not None and audit.MessageID in _BEGINS:
        cites = None if request is None else (request,)
        return [_established("session", session, action, principal=action.principal, cites=cites)]
    if session is not None and audit.MessageID in _ENDS:
        return [AuthorityFact(kind="session", id=session, time=action.time, fact="ended", end="closed")]
    if audit.Safe and audit.SourceUser and audit.MessageID in _OWNER_IN | _OWNER_OUT:
        return [_ownership(audit, action)]
    if request is not None and _WITHDRAWN.search(words):
        return [AuthorityFact(kind="approval", id=request, time=action.time, fact="ended", end="revoked")]
    if request is not None and _CONFIRMED.search(words):
        said = {"decided_by": (action.principal,), "justification": audit.Reason or None}
        return [_established("approval", request, action, **said)]
    return []


def _ownership(audit: _Audit, action: Action) -> AuthorityFact:
    """Whoever owns a safe may do something in it; what exactly is not in the log."""
    key = f"{PREFIX}safe/{audit.Safe}/owner/{audit.SourceUser}"
    if audit.MessageID in _OWNER_OUT:
        return AuthorityFact(kind="grant", id=key, time=action.time, fact="ended", end="revoked")
    scope = (Rule(None, (f"account:{audit.Safe}/*", f"safe:{audit.Safe}")),)
    return _established("grant", key, action, principal=principal_of(audit.SourceUser), scope=scope)


def _established(kind: Any, key: str, action: Action, **said: Any) -> AuthorityFact:
    return AuthorityFact(kind=kind, id=key, time=action.time, issued_by=action.id, **said)


def recognise(sample: Sample, columns: Layout = _NO_SETTINGS) -> int:
    """An audit record whose vendor is Cyber-Ark, as JSON, CEF or LEEF; an event of the Audit service; a table."""
    for document in sample.documents:
        told = document.get("syslog", document) if isinstance(document, dict) else None
        record = told.get("audit_record", told.get("monitor_record", told)) if isinstance(told, dict) else None
        if isinstance(record, dict) and record.get("Vendor") == "Cyber-Ark":
            return 95
        if service.is_event(document):
            return 94
    if not sample.documents and (cef.is_cef(sample.text) or leef.is_leef(sample.text)):
        return 95
    return table.recognise(sample, columns)


def _configure(settings: Mapping[str, Any]) -> Source:
    """`[source.cyberark]`: columns and times of a table."""
    columns = table.settings_of(settings)
    return msgspec.structs.replace(
        SOURCE, read=partial(read, columns=columns), recognise=partial(recognise, columns=columns)
    )


SOURCE = Source(
    name="cyberark",
    title="CyberArk Privileged Access Security",
    reads=(
        "audit records of the Vault as JSON, with or without a header of syslog",
        "the same as CEF or LEEF, with a header of RFC 5424",
        "the same as CSV, columns by settings",
        "events of the Audit service (Privilege Cloud)",
    ),
    recognise=recognise,
    read=read,
    csv="header",
    no_row=(b"CEF:", b"LEEF:", b"{"),
    configure=_configure,
    ceiling="proven",
    raise_it="demand confirmed requests for the accounts that matter: `RequestId` then names the approval",
)
