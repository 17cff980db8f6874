"""Audit records of the Vault as lines of CEF, with the names that its records in JSON have.

Reads     a line of the translator for ArcSight: `CEF:0|Cyber-Ark|Vault|version|number|what|severity|extension`, behind
          a header of RFC 5424, since a header without a year and a zone tells no time.
Not seen  details beyond a session's id, its target, account and protocol; the platform of an account.
Source    records in public tests of collectors of syslog; the Vault escapes nothing in the extension, so a line in
          which a name stands twice could be read in two ways and is refused.
"""

from __future__ import annotations

import re

from quowarranto.errors import RejectedEntry

_LINE = re.compile(
    r"CEF:\d+\|Cyber-Ark\|Vault\|[^|]{0,40}\|(?P<id>\d{1,6})\|(?P<name>[^|]{0,200})\|(?P<severity>\d{1,2})\|"
)
_NAMES = (
    *("act", "suser", "fname", "dvc", "shost", "dhost", "duser", "externalId", "app", "reason", "msg"),
    *(f"cs{number}{end}" for number in range(1, 7) for end in ("", "Label")),
    *(f"cn{number}{end}" for number in range(1, 4) for end in ("", "Label")),
)
_NAMED = re.compile(rf"(?:^|\s)({'|'.join(_NAMES)})=")
_ERROR = 7
"""What the translator writes for records of severity `Error`; for `Info` it is 5."""


def is_cef(text: str) -> bool:
    """Whether a record of the Vault in CEF stands in it."""
    return _LINE.search(text) is not None


def fields_of(line: str) -> dict[str, str]:
    """The fields of a line, by the names of an audit record in JSON.

    Raises:
        RejectedEntry: it is no such line, or a name stands twice in its extension.
    """
    found = _LINE.search(line)
    if found is None:
        raise RejectedEntry("neither a JSON object nor a record of the Vault in CEF")
    said = _extension(line[found.end() :])
    details = {"DstHost": "dhost", "User": "duser", "Protocol": "app", "SessionID": "externalId"}
    told = ((name, said.get(key, "").replace(";", ",")) for name, key in details.items())
    return {
        "MessageID": found["id"],
        "Desc": found["name"],
        "Severity": "Error" if int(found["severity"]) >= _ERROR else "Info",
        "Action": said.get("act", ""),
        "Issuer": said.get("suser", ""),
        "SourceUser": said.get("cs1", ""),
        "Safe": said.get("cs2", ""),
        "File": said.get("fname", ""),
        "Station": said.get("shost", ""),
        "RequestId": said.get("cn1", ""),
        "Reason": said.get("reason", ""),
        "ExtraDetails": "".join(f"{name}={value};" for name, value in told if value),
    }


def _extension(text: str) -> dict[str, str]:
    """The values by name, without the quotes around them."""
    places = list(_NAMED.finditer(text))
    said: dict[str, str] = {}
    ends = [place.start() for place in places[1:]] + [len(text)]
    for place, end in zip(places, ends, strict=False):  # there may be no places at all
        if place[1] in said:
            raise RejectedEntry(f"`{place[1]}` stands twice in the line")
        value = text[place.end() : end].strip()
        said[place[1]] = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return said
