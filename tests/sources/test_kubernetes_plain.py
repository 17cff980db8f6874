"""Ordinary events are decoded a quick way, with the answer of the careful way; doubtful JSON never takes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quowarranto.errors import RejectedEntry
from quowarranto.simulator import simulate_kubernetes
from quowarranto.sources.entry import Entry
from quowarranto.sources.kubernetes import audit, read
from quowarranto.sources.strict import strict_json

PLAIN: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "Metadata",
    "auditID": "a-1",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/pods/web",
    "verb": "get",
    "user": {"username": "system:serviceaccount:shop:web", "groups": ["system:authenticated"]},
    "sourceIPs": ["10.0.0.1"],
    "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "apiVersion": "v1"},
    "responseStatus": {"metadata": {}, "code": 200},
    "requestReceivedTimestamp": "2026-03-01T09:00:00.000000Z",
    "annotations": {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": 'RBAC: allowed by RoleBinding "web/shop" of Role "web" to User "ada"',
    },
}
TEXT = json.dumps(PLAIN, separators=(",", ":"))


def test_the_quick_way_gives_what_the_careful_way_gives(tmp_path: Path) -> None:
    """Over a log of a few thousand events."""
    log = tmp_path / "audit.log"
    simulate_kubernetes(log, 3_000_000)
    quick = 0
    for line in log.read_bytes().splitlines():
        event = audit.plain_event(line)
        if event is not None:
            quick += 1
            assert audit.records_of(event, line) == audit.records(strict_json(line), line)
    assert quick > 1_000


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace('"verb":"get"', '"verb":"get","verb":"get"'),
        TEXT.replace('"verb":"get"', '"verb":"delete","verb":"get"'),
        TEXT.replace('"name":"web"', '"name":"web","name":"db"'),
        TEXT.replace('"code":200', '"code":200,"code":403'),
        TEXT.replace('"authorization.k8s.io/decision":"allow"', '"authorization.k8s.io/decision":"allow",' * 2),
        TEXT.replace('"verb":"get"', '"verb":"get","x":1'),
        TEXT.replace('"verb":"get"', '"verb" :"get"'),
        TEXT.replace('"verb":"get"', '"verb":"\\u0067et"'),
        TEXT.replace('"level":"Metadata"', '"level":null'),
        TEXT.replace('"verb":"get"', '"verb":1'),
        TEXT.replace('"level":"Metadata"', '"requestObject":{"a":1E5,"b":1,"b":1}'),
        TEXT[:-1],
        TEXT + "}",
    ],
)
def test_whatever_is_doubtful_is_left_to_the_careful_way(text: str) -> None:
    """A key that stands twice, an unknown field, an unusual spelling: the careful way has the last word."""
    assert audit.plain_event(text.encode()) is None


def test_a_key_that_stands_twice_is_refused_whichever_way_it_is_read() -> None:
    """Two readers could understand it differently."""
    with pytest.raises(RejectedEntry, match="twice"):
        read(Entry(TEXT.replace('"verb":"get"', '"verb":"delete","verb":"get"').encode()))


def test_the_ordinary_event_does_take_the_quick_way() -> None:
    """Else the tests above would prove nothing."""
    event = audit.plain_event(TEXT.encode())
    assert event is not None
    assert msgspec.structs.asdict(event)["verb"] == "get"
