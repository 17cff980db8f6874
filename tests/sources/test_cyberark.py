"""One record of CyberArk's Vault says the same in every form that its translators and exports give it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sources.sampled import read

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import Action, AuthorityFact
from quowarranto.sources import Entry, Source
from quowarranto.sources.cyberark import SOURCE

TIME = "2026-03-11T09:01:00Z"
ACCOUNT = r"Root\Operating System-WinDomain-dc1.example-adm"
SESSION = "7d2c9e41-5b8a-4f3e-a1c6-0e9b4d2f7a58"
RECORD = {
    "MessageID": "300",
    "Severity": "Info",
    "Issuer": "maria",
    "Action": "PSM Connect",
    "Safe": "T0 Domain",
    "File": ACCOUNT,
    "Station": "198.51.100.7",
    "RequestId": "77",
    "Reason": "change 4711",
    "ExtraDetails": f"DstHost=dc1.example;Protocol=RDP;SessionID={SESSION};User=adm;",
}


def as_json() -> bytes:
    record = RECORD | {"Vendor": "Cyber-Ark", "IsoTimestamp": TIME}
    return json.dumps({"format": "elastic", "syslog": {"audit_record": record}}).encode()


def as_cef(header: str = f"<5>1 {TIME} VAULT ") -> bytes:
    told = (
        f'act="PSM Connect" suser=maria fname={ACCOUNT} shost=198.51.100.7 dhost=dc1.example duser=adm '
        f'externalId={SESSION} app=RDP reason="change 4711" cs1= cs2="T0 Domain" cn1=77'
    )
    return f"{header}CEF:0|Cyber-Ark|Vault|14.2|300|PSM Connect|5|{told}".encode()


def as_leef(delimiter: str = "\t", mark: str = "", version: str = "1.0", **more: str) -> bytes:
    told = {"sev": "5", "usrName": "maria", "src": "198.51.100.7"} | {
        name: value for name, value in RECORD.items() if name not in ("MessageID", "Severity", "Issuer", "Station")
    }
    said = delimiter.join(f"{name}={value}" for name, value in (told | more).items())
    return f"<5>1 {TIME} VAULT LEEF:{version}|Cyber-Ark|Vault|14.2|300|{mark}{said}".encode()


def as_row() -> bytes:
    return json.dumps(RECORD | {"IsoTimestamp": TIME}).encode()


FORMS = {
    "JSON": as_json(),
    "CEF": as_cef(),
    "LEEF": as_leef(),
    "LEEF whose tabs a collector wrote out": as_leef("#011"),
    "LEEF 2.0 with a delimiter": as_leef("^", "^|", "2.0"),
    "LEEF 2.0 with a delimiter in hexadecimal": as_leef("|", "x7c|", "2.0"),
    "LEEF 2.0 without one": as_leef("\t", "|", "2.0"),
    "a row of a table": as_row(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_the_same_of_one_session(form: str) -> None:
    found = read(SOURCE, Entry(FORMS[form]))
    (action,) = (one for one in found if isinstance(one, Action))
    (session,) = (one for one in found if isinstance(one, AuthorityFact))
    assert (action.principal.id, action.action, action.outcome) == ("maria", "PSM Connect", "success")
    assert (action.resource.id, action.origin) == (f"T0 Domain/{ACCOUNT}", "198.51.100.7")
    assert action.time == 1773219660_000_000
    assert action.cites == ("cyberark/request/T0 Domain/77",)
    assert action.attributes["target"] == "dc1.example"
    assert (session.id, session.cites) == (f"cyberark/session/{SESSION}", ("cyberark/request/T0 Domain/77",))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (as_leef(Reason="x\tRequestId=78"), "a name stands twice in the line"),
        (as_leef("#011", Reason="x#011Safe=other"), "a name stands twice in the line"),
        (as_leef(Issuer="root"), "one field stands in the line under two names"),
        (as_leef().replace(f"<5>1 {TIME} VAULT ".encode(), b"<5>Mar 11 09:01:00 VAULT "), "`IsoTimestamp` is missing"),
        (as_leef(devTime="Mar 11 2026 09:01:00"), "`devTime` is not a number of milliseconds"),
        (as_leef().replace(b"usrName=maria", b"usrName="), "an audit record without `Issuer` or `Action`"),
        (as_leef().replace(b"|Vault|", b"|PTA|"), "neither a JSON object nor a record of the Vault in LEEF"),
        (as_cef("<5>Mar 11 09:01:00 VAULT "), "`IsoTimestamp` is missing"),
    ],
)
def test_a_line_that_could_be_read_in_two_ways_or_has_no_time_is_refused(line: bytes, reason: str) -> None:
    """Nothing is escaped in a value, so whoever gives a reason could otherwise write the request as well."""
    with pytest.raises(RejectedEntry, match=reason):
        SOURCE.read(Entry(line))


def configured(**settings: Any) -> Source:
    assert SOURCE.configure is not None
    return SOURCE.configure(settings)


def test_a_report_with_other_columns_is_read_as_the_settings_say() -> None:
    source = configured(
        columns={"IsoTimestamp": "Time", "Issuer": "User", "Action": "Activity"},
        zone="Europe/Berlin",
        time_format="%d.%m.%Y %H:%M:%S",
    )
    row = {
        "Time": "11.03.2026 10:01:00",
        "User": "maria",
        "Activity": "psm connect",
        "Safe": "T0",
        "SessionID": SESSION,
    }
    found = read(source, Entry(json.dumps(row).encode()))
    assert [one.time for one in found if isinstance(one, Action)] == [1773219660_000_000]
    assert [one.id for one in found if isinstance(one, AuthorityFact)] == [f"cyberark/session/{SESSION}"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"colums": {}}, "`source.cyberark` has no setting `colums`"),
        ({"columns": {"User": "x"}}, "`source.cyberark.columns` knows no `User`"),
        ({"zone": "Nowhere/At_all"}, "`source.cyberark.zone` is no time zone"),
    ],
)
def test_a_setting_that_cannot_be_obeyed_is_named(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(**settings)
    assert reason in caught.value.message
