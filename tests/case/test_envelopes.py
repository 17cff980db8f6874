"""Logs as they come out of what collects, stores and exports them: each form is read as the lines that are in it.

Every form has its source: the documentation of the product that writes it. `EVENT` stands for the line of a log.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.case.test_inputs import AUDIT, TRAIL, VAULT

from quowarranto.case.cutting import Piece
from quowarranto.case.cutting_nested import nested
from quowarranto.case.envelopes import PATHS, inside, opened
from quowarranto.case.inputs import recognise
from quowarranto.case.query import records
from quowarranto.case.store import Case
from quowarranto.pipeline import link_paths

Line = dict[str, Any]


def text(line: Line) -> str:
    return json.dumps(line)


def coded(line: Line) -> str:
    return base64.b64encode(text(line).encode()).decode()


def one_a_line(form: Callable[[Line], Any]) -> Callable[[list[Line]], str]:
    return lambda lines: "".join(json.dumps(form(line)) + "\n" for line in lines)


def prefixed(before: str) -> Callable[[list[Line]], str]:
    return lambda lines: "".join(f"{before}{text(line)}\n" for line in lines)


def cloudwatch(lines: list[Line]) -> str:
    """What a subscription of CloudWatch Logs delivers; batches follow each other without a line's end."""
    events = [{"id": str(n), "timestamp": 1772442000000 + n, "message": text(line)} for n, line in enumerate(lines)]
    head = {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/aws/eks/c/cluster", "logStream": "s"}
    return json.dumps(head | {"logEvents": events[:2]}) + json.dumps(head | {"logEvents": events[2:]})


def filtered(lines: list[Line]) -> str:
    """`aws logs filter-log-events`."""
    found = [{"logStreamName": "s", "timestamp": 1, "message": text(line), "eventId": "3"} for line in lines]
    return json.dumps({"events": found, "searchedLogStreams": []}, indent=4)


def searched(lines: list[Line]) -> str:
    """An answer of Elasticsearch's `_search`."""
    hits = [
        {"_index": "logs-1", "_id": str(n), "_source": {"event": {"original": text(line)}}}
        for n, line in enumerate(lines)
    ]
    return json.dumps({"took": 3, "timed_out": False, "hits": {"total": {"value": 3}, "hits": hits}})


def loki(lines: list[Line]) -> str:
    """An answer of Loki's `query_range`."""
    values = [[str(1772442000000000000 + n), text(line)] for n, line in enumerate(lines)]
    streams = [{"stream": {"app": "x"}, "values": values[:1]}, {"stream": {"app": "y"}, "values": values[1:]}]
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": streams, "stats": {}}})


def pulled(lines: list[Line]) -> str:
    """An answer of Pub/Sub's `pull`."""
    found = [{"ackId": "a", "message": {"data": coded(line), "messageId": str(n)}} for n, line in enumerate(lines)]
    return json.dumps({"receivedMessages": found})


FORMS: dict[str, Callable[[list[Line]], str]] = {
    "Splunk, exported as JSON": one_a_line(
        lambda e: {"preview": False, "offset": 0, "result": {"_raw": text(e), "host": "h"}}
    ),
    "Splunk's event collector": one_a_line(lambda e: {"time": 1772442000.1, "sourcetype": "x", "event": e}),
    "Cribl": one_a_line(lambda e: {"_raw": text(e), "_time": 1772442000.1}),
    "Elasticsearch, dumped": one_a_line(
        lambda e: {"_index": "i", "_id": "1", "_source": {"message": text(e), "log": {"offset": 3}}}
    ),
    "Elasticsearch, the original kept": one_a_line(
        lambda e: {"_source": {"event": {"original": text(e), "kind": "event"}}}
    ),
    "Elastic Agent": one_a_line(
        lambda e: {"@timestamp": "2026-03-02T09:00:00Z", "event": {"original": text(e)}, "ecs": {}}
    ),
    "Elasticsearch, an answer": searched,
    "Fluent Bit": one_a_line(lambda e: {"date": 1.5, "log": text(e) + "\n", "kubernetes": {"pod_name": "p"}}),
    "Docker": one_a_line(lambda e: {"log": text(e) + "\n", "stream": "stdout", "time": "2026-03-02T09:00:00.1Z"}),
    "containerd (CRI)": prefixed("2026-03-02T09:00:00.123456789Z stdout F "),
    "syslog (RFC 5424)": prefixed("<13>1 2026-03-02T09:00:00Z host app 71 - - "),
    "CloudWatch, exported to a bucket": prefixed("2026-03-02T09:00:00.000Z "),
    "a text with a brace in it": prefixed("[app {x}] "),
    "CloudWatch, a subscription": cloudwatch,
    "CloudWatch, filtered": filtered,
    "CloudWatch, a query": one_a_line(lambda e: {"@timestamp": "2026-03-02 09:00:00.000", "@message": text(e)}),
    "Loki, an answer": loki,
    "Loki, pushed": lambda lines: json.dumps({"streams": json.loads(loki(lines))["data"]["result"]}),
    "logcli": one_a_line(lambda e: {"labels": {"app": "x"}, "line": text(e), "timestamp": "2026-03-02T09:00:00Z"}),
    "Event Hub": lambda lines: json.dumps({"records": [{"body": text(line)} for line in lines]}),
    "Event Hub, base64": one_a_line(lambda e: {"sequenceNumber": 1, "body": coded(e)}),
    "Firehose": lambda lines: json.dumps({"records": [{"recordId": "1", "data": coded(line)} for line in lines]}),
    "Kinesis, as a function gets it": lambda lines: json.dumps(
        {"Records": [{"kinesis": {"data": coded(e)}} for e in lines]}
    ),
    "Pub/Sub, pushed": one_a_line(lambda e: {"message": {"data": coded(e), "messageId": "1"}, "subscription": "s"}),
    "Pub/Sub, pulled": pulled,
    "Cloud Logging, JSON": one_a_line(
        lambda e: {
            "insertId": "1",
            "logName": "projects/p/logs/x",
            "resource": {"type": "k8s_container"},
            "jsonPayload": e,
        }
    ),
    "Cloud Logging, a text": one_a_line(
        lambda e: {"insertId": "1", "logName": "projects/p/logs/x", "resource": {"type": "gce"}, "textPayload": text(e)}
    ),
    "Azure Monitor": one_a_line(lambda e: {"TimeGenerated": "2026-03-02T09:00:00Z", "RawData": text(e)}),
    "the journal of systemd": one_a_line(lambda e: {"MESSAGE": text(e), "_PID": "71", "__REALTIME_TIMESTAMP": "1"}),
    "Datadog, archived": one_a_line(
        lambda e: {"_id": "1", "date": "2026-03-02T09:00:00Z", "content": {"message": text(e)}}
    ),
    "GELF": one_a_line(lambda e: {"version": "1.1", "host": "h", "short_message": "x", "full_message": text(e)}),
    "EventBridge": one_a_line(lambda e: {"version": "0", "detail-type": "x", "source": "app", "detail": e}),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", ["vault", "kubernetes", "cloudtrail"])
def test_a_log_is_read_whatever_it_was_shipped_in(tmp_path: Path, source: str, form: str) -> None:
    """Three lines in, three lines out: the same actions as from the bare log, and nothing beside them."""
    line = {"vault": VAULT, "cloudtrail": TRAIL, "kubernetes": AUDIT}[source]
    lines = [_another(line, n) for n in range(3)]
    bare, shipped = tmp_path / "bare.jsonl", tmp_path / "shipped.json"
    bare.write_text("".join(text(one) + "\n" for one in lines))
    shipped.write_text(FORMS[form](lines))
    assert recognise(shipped, None).source == source
    told = {}
    for path in (bare, shipped):
        case = Case(tmp_path / f"{path.stem}.case")
        totals = link_paths(case, [str(path)], threads=1, judge=False).totals
        assert (totals.entries, totals.recorded, totals.quarantined) == (3, 3, 0)
        told[path] = sorted(one["id"] for one in records(case.snapshot()) if one["kind"] == "action")
    assert told[bare] == told[shipped]


def _another(line: Line, number: int) -> Line:
    """The same line under another id."""
    new = f"0000000{number}-0000-4000-8000-000000000000"
    if "request" in line:
        return line | {"request": line["request"] | {"id": new}}
    return line | {"auditID" if "auditID" in line else "eventID": new}


def _id(line: Line) -> str:
    found = line.get("auditID") or line.get("eventID") or line["request"]["id"]
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_what_was_shipped_is_found_again_where_it_stands(tmp_path: Path, form: str) -> None:
    """Offsets and digests are those of the bytes in the file."""
    import hashlib

    path = tmp_path / "shipped.json"
    path.write_text(FORMS[form]([VAULT] * 3))
    case = Case(tmp_path / "case")
    link_paths(case, [str(path)], threads=1, judge=False)
    data = path.read_bytes()
    for one in records(case.snapshot()):
        origin = one["origin"]
        ends = [at for at in range(origin["offset"], len(data) + 1) if at > origin["offset"]]
        assert any(hashlib.sha256(data[origin["offset"] : at]).hexdigest() == origin["sha256"] for at in ends)
        assert data.count(b"\n", 0, origin["offset"]) == origin["line"] - 1


BROKEN = [
    b'{"logEvents": [{"message": "{"}, 3, {"message": 4}, {"message": "aGk="}]}',
    b'{"logEvents": [1], "logEvents": [2]}',
    b'{"hits": {"hits": 3}}',
    b'{"hits": [1]}',
    b'{"data": {"result": [{"values": [[]]}]}}',
    b'{"records": []}',
    b'{"records": [{"data": "ey////"}]}',
    b'{"message": {"data": {"data": "eyJ9"}}}',
    b"{" * 3000,
    b'{"data": "' + b"e" * 5000,
    b'[{"log": "\\ud800{"}]',
    b"x{y{z{" + b"{" * 600,
]


@pytest.mark.parametrize("data", BROKEN)
def test_what_is_no_envelope_is_itself(data: bytes) -> None:
    """And no list loses an element: each comes out, or the whole does."""
    from quowarranto.errors import RejectedEntry
    from quowarranto.sources.strict import strict_json

    for path in (*PATHS, ""):
        try:
            assert opened(data, path)
            inside(strict_json(data), path)
        except RejectedEntry:
            pass
    for path in ("logEvents.*", "hits.hits.*", "data.result.*.values.*", "records.*"):
        parts = list(nested(Piece(data, 7, 1), path))
        assert parts
        for part in parts:
            assert data[part.offset - 7 :].startswith(part.data)


def test_a_secret_in_base64_is_not_shown_with_the_line(tmp_path: Path) -> None:
    """The line behind a record is shown as it stands in the file, but for what is secret in it."""
    from tests.quo import quo

    line = json.loads(text(VAULT))
    line["request"]["data"] = {"password": "hunter2-correct-horse", "token": "hvs.CAESIMADEUPTOKENMADEUPTOKENMADEUP"}
    (tmp_path / "x.jsonl").write_text(json.dumps({"message": {"data": coded(line)}, "subscription": "s"}) + "\n")
    assert quo(tmp_path, "link", "x.jsonl").code == 0
    shown = quo(tmp_path, "explain", f"vault/{_id(VAULT)}", "--format", "json").out
    for secret in ("hunter2-correct-horse", "CAESIMADEUPTOKEN"):
        assert secret not in shown
        for shift in range(3):
            assert base64.b64encode(b" " * shift + secret.encode()).decode()[4:-4] not in shown
