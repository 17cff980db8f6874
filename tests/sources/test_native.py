"""Plain actions are decoded in one step, with the answer of the careful way; doubtful ones never are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from quowarranto.errors import RejectedEntry
from quowarranto.sources import native
from quowarranto.sources.entry import Entry
from quowarranto.sources.plain_actions import plain_action

PLAIN: dict[str, Any] = {
    "kind": "action",
    "id": "a-1",
    "time": "2026-03-01T09:00:00.5Z",
    "principal": {"type": "workload", "id": "shop"},
    "action": "orders:read",
    "resource": {"type": "api", "id": "orders/1"},
    "source": "gateway",
    "on_behalf_of": [{"type": "user", "id": "ada"}],
    "outcome": "failure",
    "origin": "pod-1",
    "cites": ["credential/1", "session/1"],
    "correlates": ["trace/1"],
}
ODD: tuple[Any, ...] = (
    None, "", 1, 1.5, True, [], {}, [None], [""], ["a", 1], "é", 'quo"ted', "a\nb", "success", "denied", "approval",
    {"type": "x"}, {"type": "", "id": "y"}, {"type": "x", "id": "y"}, {"type": "x", "id": "y", "z": 1},
    [{"type": "x", "id": "y"}], "2026-03-01", "2026-03-01T09:00:00+02:00",
)  # fmt: skip


def text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def answer(data: bytes) -> Any:
    try:
        return native.read(Entry(data))
    except RejectedEntry as error:
        return str(error)


def test_a_plain_action_is_decoded_in_one_step() -> None:
    """Else the tests below would prove nothing."""
    for value in (PLAIN, {k: PLAIN[k] for k in ("kind", "id", "time", "principal", "action", "resource")}):
        assert plain_action(text(value)) is not None


def test_actions_with_one_field_changed_are_read_alike_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field replaced by every odd value, left out, and beside a field that is unknown or stands twice."""
    variants = [text(PLAIN | {"unknown": 1}), text(PLAIN)[:-1], text(PLAIN) + b" ", json.dumps(PLAIN).encode()]
    for name in PLAIN:
        variants += [text(PLAIN | {name: odd}) for odd in ODD]
        variants.append(text({k: v for k, v in PLAIN.items() if k != name}))
        key = json.dumps(name).encode() + b":"
        variants.append(text(PLAIN).replace(key, key + b'"x",' + key))
        variants.append(text(PLAIN).replace(key, key + b" "))
    quick = [answer(data) for data in variants]
    monkeypatch.setattr(native, "plain_action", lambda data: None)
    assert quick == [answer(data) for data in variants]
