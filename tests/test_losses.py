"""Gaps that logs tell of themselves (QW602), and weak links that fall into one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.config import load_config
from quowarranto.case.query import verdicts
from quowarranto.case.store import Case
from quowarranto.findings.standing import standing
from quowarranto.pipeline import link_paths
from quowarranto.records import format_instant

DAY = "2026-03-01T"


def _cloudtrail(number: int, at: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "principalId": "A", "arn": "arn:aws:iam::111122223333:user/ann",
                         "accountId": "111122223333", "userName": "ann"},
        "eventTime": f"{DAY}{at}Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli",
        "requestParameters": {"name": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"},
        "eventID": f"00000000-0000-4000-8000-{number:012}",
        "recipientAccountId": "111122223333",
    } | more  # fmt: skip


_FOLDER = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01"
_DIGEST = "111122223333_CloudTrail-Digest_eu-west-1_main_eu-west-1"


def _digest(hour: int, *files: str) -> dict[str, Any]:
    at, before = f"2026030{1}T{hour:02}0000Z", f"20260301T{hour - 1:02}0000Z"
    return {
        "awsAccountId": "111122223333",
        "digestStartTime": f"{DAY}{hour - 1:02}:00:00Z",
        "digestEndTime": f"{DAY}{hour:02}:00:00Z",
        "digestS3Bucket": "b",
        "digestS3Object": f"x/{_DIGEST}_{at}.json.gz",
        "previousDigestS3Object": f"x/{_DIGEST}_{before}.json.gz",
        "logFiles": [
            {"s3Bucket": "b", "s3Object": f"{_FOLDER}/{file}", "hashValue": "0", "hashAlgorithm": "SHA-256",
             "newestEventTime": f"{DAY}{hour - 1:02}:50:00Z", "oldestEventTime": f"{DAY}{hour - 1:02}:10:00Z"}
            for file in files
        ],
    }  # fmt: skip


def _named(hour: int) -> str:
    return f"{_DIGEST}_20260301T{hour:02}0000Z.json.gz"


def _kubernetes(number: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": str(number), "stage": "ResponseComplete",
        "verb": "update", "requestReceivedTimestamp": f"{DAY}09:00:00Z", "user": {"username": "root"},
        "objectRef": {"resource": "clusterroles", "name": "view", "apiGroup": "rbac.authorization.k8s.io"},
        "responseStatus": {"code": 200}, "annotations": {"audit.k8s.io/truncated": "true"},
    } | more  # fmt: skip


def _vault(at: str, operation: str, error: str = "") -> dict[str, Any]:
    return {
        "type": "response", "time": f"{DAY}{at}Z", "auth": {"accessor": "a", "policies": ["root"]},
        "request": {"id": at, "operation": operation, "path": "sys/audit/file"}, "response": {}, "error": error,
    }  # fmt: skip


def _journal(text: str, program: str = "systemd-journald") -> str:
    return f"{DAY}09:00:00Z host {program}[7]: {text}"


_LOGIN = f"{DAY}08:00:00Z host sshd[1]: Accepted password for ann from 198.51.100.7 port 22 ssh2"


# what is in the files of a source; stream, count, first and last of each gap
CASES: list[tuple[str, str, dict[str, Any], list[tuple[str, int, str, str]]]] = [
    (
        "a trail that was switched off and on again; CloudTrail API reference, StopLogging",
        "cloudtrail",
        {"a.json": [_cloudtrail(1, "09:00:00", "StopLogging"), _cloudtrail(2, "10:00:00", "StartLogging")]},
        [("trail 111122223333/main", 1, "09:00:00", "10:00:00")],
    ),
    (
        "one that stays off, and one that was not",
        "cloudtrail",
        {"a.json": [_cloudtrail(1, "09:00:00", "DeleteTrail"),
                    _cloudtrail(2, "10:00:00", "StopLogging", errorCode="AccessDenied"),
                    _cloudtrail(3, "10:00:00", "LookupEvents")]},
        [("trail 111122223333/main", 1, "09:00:00", "09:00:00")],
    ),
    (
        "switched off twice over, and twice",
        "cloudtrail",
        {"a.json": [_cloudtrail(n, f"{n:02}:00:00", name) for n, name in
                    ((1, "StopLogging"), (2, "StopLogging"), (3, "StartLogging"), (4, "StopLogging"))]},
        [("trail 111122223333/main", 2, "01:00:00", "04:00:00")],
    ),
    (
        "a digest that lists a file which was not read; user guide, CloudTrail digest file structure",
        "cloudtrail",
        {"a.json.gz": [_cloudtrail(1, "09:00:00", "LookupEvents")], _named(10): _digest(10, "a.json.gz", "b.json.gz")},
        [(_DIGEST, 1, "09:10:00", "09:50:00")],
    ),
    (
        "all that it lists was read, also unpacked; before the first digest nothing is missed",
        "cloudtrail",
        {"a.json": [_cloudtrail(1, "09:00:00", "LookupEvents")], _named(10): _digest(10, "a.json.gz")},
        [],
    ),
    (
        "the digest between two others was not read",
        "cloudtrail",
        {"a.json": [_cloudtrail(1, "09:00:00", "LookupEvents")], _named(10): _digest(10, "a.json.gz"),
         _named(12): _digest(12)},
        [(_DIGEST, 1, "11:00:00", "11:00:00")],
    ),
    (
        "files that have other names than the digests know say nothing",
        "cloudtrail",
        {"all.json": [_cloudtrail(1, "09:00:00", "LookupEvents")], "digest.json": _digest(10, "a.json.gz")},
        [],
    ),
    (
        "a change of a role that lost its body; apiserver plugin/pkg/audit/truncate",
        "kubernetes",
        {"a.json": [_kubernetes(1), _kubernetes(2, objectRef={"resource": "pods", "namespace": "x", "name": "y"}),
                    _kubernetes(3, annotations={})]},
        [("bodies of changes", 1, "09:00:00.000001", "09:00:00.000001")],
    ),
    (
        "an audit device that was switched off and on; API documentation, /sys/audit",
        "vault",
        {"a.json": [_vault("09:00:00", "delete"), _vault("10:00:00", "update"),
                    _vault("11:00:00", "delete", "denied")]},
        [("audit device file", 1, "09:00:00", "10:00:00")],
    ),
    (
        "lines that journald suppressed; systemd journald-server.c",
        "openssh",
        {"a.log": [_LOGIN, _journal("Suppressed 12 messages from ssh.service"),
                   _journal("Suppressed 99 messages from nginx.service")]},
        [("host", 12, "09:00:00", "09:00:00")],
    ),
    (
        "lines that rsyslog dropped, of all programs or of this one; rsyslog runtime/ratelimit.c",
        "openssh",
        {"a.log": [_LOGIN, _journal("imjournal: 7 messages lost due to rate-limiting (20000 allowed)", "rsyslogd"),
                   _journal("imuxsock[pid: 3, name: /usr/sbin/sshd]: 5 messages lost due to rate-limiting", "rsyslogd"),
                   _journal("imuxsock[pid: 4, name: /usr/bin/x]: 90 messages lost due to rate-limiting", "rsyslogd")]},
        [("host", 12, "09:00:00", "09:00:00")],
    ),
]  # fmt: skip


def _linked(folder: Path, source: str, files: dict[str, Any]) -> Case:
    logs = folder / "logs"
    logs.mkdir()
    for name, held in files.items():
        lines = held if isinstance(held, list) else [held]
        text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines).encode()
        (logs / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    case = Case(folder / "quo.case")
    link_paths(case, [f"{source}={logs}"], threads=1)
    return case


def _gaps(case: Case) -> list[tuple[str, int, str, str]]:
    found = [row for row in standing(case.snapshot(), load_config(case.folder)) if row["code"] == "QW602"]
    assert all(row["kind"] == "log" for row in found)
    return [
        (
            row["key"].partition("/")[2],
            row["count"],
            *(format_instant(row[at])[11:-1] for at in ("first_us", "last_us")),
        )
        for row in found
    ]


@pytest.mark.parametrize(("about", "source", "files", "gaps"), CASES, ids=[one[0] for one in CASES])
def test_what_a_log_says_of_its_gaps_is_a_finding(
    tmp_path: Path, about: str, source: str, files: dict[str, Any], gaps: list[tuple[str, int, str, str]]
) -> None:
    assert _gaps(_linked(tmp_path, source, files)) == gaps


def _action(name: str, at: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "action", "id": name, "time": f"{DAY}{at}Z", "principal": {"type": "service_account", "id": "pay"},
        "action": "kv:read", "resource": {"type": "secret", "id": "kv/x"},
    } | more  # fmt: skip


def _token(number: int, at: str) -> dict[str, Any]:
    return {
        "kind": "credential", "id": f"token/{number}", "time": f"{DAY}{at}Z",
        "attributes": {"sequence": {"stream": "node", "number": number}},
    }  # fmt: skip


def test_a_weak_link_that_falls_into_a_gap_has_it_for_its_cause(tmp_path: Path) -> None:
    """The window (30 s) after it included; what is proven, refused or not near stays as it was."""
    policy = {"kind": "policy", "id": "policy/1", "time": f"{DAY}08:00:00Z"}
    later = policy | {"id": "policy/2", "time": f"{DAY}10:00:00Z"}
    records = [
        _token(1, "09:00:00"), _token(4, "09:10:00"), policy, later,
        _action("before", "08:59:00", cites=["token/1"]), _action("weak", "09:05:00", cites=["token/1"]),
        _action("missing", "09:05:00"), _action("dangling", "09:05:00", cites=["token/2"]),
        _action("proven", "09:05:00", cites=["policy/1"]),
        _action("refused", "09:05:00", outcome="denied"), _action("soon after", "09:10:20", cites=["token/4"]),
        _action("after", "09:11:00", cites=["token/4"]), _action("nothing after", "09:11:00", cites=["token/9"]),
    ]  # fmt: skip
    case = _linked(tmp_path, "native", {"a.jsonl": records})
    causes = {row["id"]: row["root_cause"] for row in verdicts(case.snapshot())}
    assert {name for name, cause in causes.items() if cause == "telemetry-gap"} == {
        "weak", "missing", "dangling", "soon after",
    }  # fmt: skip
    assert causes["proven"] is None
    assert causes["refused"] is None
    assert causes["nothing after"] == "detached-system"


def test_a_log_that_stays_off_throws_its_shadow_on_all_that_follows(tmp_path: Path) -> None:
    events = [
        _cloudtrail(1, "08:00:00", "LookupEvents"),
        _cloudtrail(2, "09:00:00", "StopLogging"),
        _cloudtrail(3, "23:00:00", "LookupEvents"),
    ]
    case = _linked(tmp_path, "cloudtrail", {"a.json": events})
    causes = {row["id"][-1]: row["root_cause"] for row in verdicts(case.snapshot())}
    assert (causes["2"], causes["3"]) == ("telemetry-gap", "telemetry-gap")
    whole = {row["id"][-1]: row["root_cause"] for row in verdicts(_linked_anew(tmp_path, events[::2]).snapshot())}
    assert (causes["1"], whole["3"]) == (whole["1"], whole["1"])


def _linked_anew(folder: Path, events: list[dict[str, Any]]) -> Case:
    (folder / "anew").mkdir()
    return _linked(folder / "anew", "cloudtrail", {"a.json": events})
