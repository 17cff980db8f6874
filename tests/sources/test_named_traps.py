"""Forms of records that are rare, each with its source, and what must come of it all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sources.sampled import read

from quowarranto.records import Action, AuthorityFact
from quowarranto.sources import Entry, Observation, by_name


def of(name: str, line: dict[str, Any]) -> list[Any]:
    source = by_name(name)
    assert source is not None
    return read(source, Entry(json.dumps(line).encode()))


@pytest.mark.parametrize(
    ("expiration", "until"),
    [
        ("Jul 30, 2021 12:53:52 AM", "2021-07-30T00:53:52"),  # no comma after the year, and midnight is 12 AM
        ("Jul 30, 2021, 12:53:52 PM", "2021-07-30T12:53:52"),
    ],
)
def test_a_key_that_was_got_by_saml_is_issued_like_any_other(expiration: str, until: str) -> None:
    """`AssumeRoleWithSAML`: AWS documentation, "CloudTrail userIdentity element" (`SAMLUser`)."""
    event = {
        "eventVersion": "1.08",
        "eventID": "e-1",
        "eventTime": "2021-07-30T00:00:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRoleWithSAML",
        "awsRegion": "eu-west-1",
        "userIdentity": {"type": "SAMLUser", "principalId": "x:ann", "userName": "ann", "identityProvider": "x"},
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/ops", "roleSessionName": "ann"},
        "responseElements": {
            "credentials": {"accessKeyId": "ASIAEXAMPLEKEY234567", "expiration": expiration},
            "issuer": "https://idp.example",
            "subject": "ann",
        },
    }
    found = of("cloudtrail", event)
    action = next(one for one in found if isinstance(one, Action))
    key = next(one for one in found if isinstance(one, AuthorityFact))
    assert (action.principal.type, action.principal.id) == ("user", "ann")
    assert (key.id, key.issued_by) == ("aws/key/ASIAEXAMPLEKEY234567", "aws/e-1")
    from quowarranto.records import format_instant

    assert key.valid_until is not None
    assert format_instant(key.valid_until).startswith(until)


def test_a_statement_with_the_number_of_its_rows_is_a_statement() -> None:
    """`pgaudit.log_rows` adds a column at the end: pgaudit README, "Settings"."""
    line = {
        "timestamp": "2026-03-02 09:00:00.000 UTC",
        "user": "u",
        "dbname": "d",
        "pid": 1,
        "session_id": "a.b",
        "line_num": 1,
        "session_start": "2026-03-02 08:00:00 UTC",
        "error_severity": "LOG",
    }
    audit = 'AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.t,"select ""a"", b\nfrom t",<not logged>'
    told = [of("postgres", line | {"message": audit + rows}) for rows in ("", ",7")]
    assert told[0]
    assert told[0] == told[1]
    assert all(isinstance(one, Observation) for one in told[0])
