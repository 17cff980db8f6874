"""sudo: who ran, or asked to run, which command as which account, and what sudo decided.

Reads     the JSON log (`log_format=json`): a file with all events in one object, an object a line (`json_compact`, and
          `sudo_logsrvd`), or syslog lines with `@cee:` before the object.
Yields    an Action and the Decision behind it per event `accept`, `reject` or `alert`; `exit` says how a command ended.
Time      `submit_time`, `alert_time`: seconds and nanoseconds since the epoch, on the client's clock.
Not seen  which rule of sudoers decided; arguments and environment, which may hold secrets; commands run from a shell.
Source    sudo lib/eventlog/eventlog.c (format_json, eventlog_store_json); sudoers(5), "JSON log format".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource
from quowarranto.records import Outcome as Ending
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.strict import read_as, strict_json

_EVENTS = ("accept", "reject", "alert", "exit")
_COOKIE = b"@cee:"
_decode = msgspec.json.Decoder().decode
_REFUSALS = re.compile(
    r"(?P<known>command not allowed|user NOT in sudoers|user NOT authorized on host|a password is required"
    r"|user not allowed to change directory|user not allowed to change root directory"
    r"|user not allowed to override the command timeout|user not allowed to set the following environment variables"
    r"|user not allowed to preserve the environment|\d{1,3} incorrect password attempts?)\b.*",
    re.DOTALL,
)
_LATEST_S = 253_402_300_799


class _Time(msgspec.Struct, frozen=True):
    seconds: int
    nanoseconds: int = 0


class _Event(msgspec.Struct, frozen=True):
    """One event; arguments, environment and folders are left where they are."""

    uuid: str = ""
    reason: str = ""
    server_time: _Time | None = None
    submit_time: _Time | None = None
    alert_time: _Time | None = None
    exit_time: _Time | None = None
    submituser: str = ""
    submithost: str = ""
    command: str = ""
    runuser: str = ""
    rungroup: str = ""
    runchroot: str = ""
    iolog_path: str = ""
    exit_value: int | None = None
    signal: str = ""


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in their order: the file has one of each event, under a few names again and again."""


def read(entry: Entry) -> Outcome:
    """The observations of a line, or of a whole file.

    Raises:
        RejectedEntry: it is no event of sudo, or one of several is not.
    """
    found: list[Observation] = []
    for name, value in _events(entry.data):
        if name not in _EVENTS:
            raise RejectedEntry("neither `accept`, `reject`, `alert` nor `exit`")
        event = read_as(value, _Event)
        if (item := _observed(name, event)) is not None:
            found.append(item)
    return found or Skipped("an alert that refuses nothing and belongs to no run")


def _events(data: bytes) -> list[tuple[str, Any]]:
    """Names and members of all events; within one no name may stand twice."""
    start = data.find(_COOKIE)
    data = data[start + len(_COOKIE) :].strip() if start >= 0 else data
    try:
        value = json.loads(data, object_pairs_hook=_Pairs)
        if b"\\u" in data or not data.isascii():
            _decode(data)  # refuses half a surrogate pair, which is no text
    except RecursionError:
        raise RejectedEntry("nested too deeply") from None
    except ValueError:
        strict_json(data)  # says more about what is wrong
        raise RejectedEntry("not JSON") from None
    if not isinstance(value, _Pairs) or not value:
        raise RejectedEntry("not a JSON object of events")
    return [(name, _strict(inner)) for name, inner in value]


def _strict(value: Any) -> Any:
    if isinstance(value, _Pairs):
        if len({name for name, _ in value}) != len(value):
            raise RejectedEntry("a key stands twice in one object")
        return {name: _strict(inner) for name, inner in value}
    return [_strict(inner) for inner in value] if isinstance(value, list) else value


def _observed(name: str, event: _Event) -> Observation | None:
    time = {"alert": event.alert_time, "exit": event.exit_time}.get(name) or event.submit_time or event.server_time
    if time is None:
        raise RejectedEntry("neither `submit_time` nor `server_time`")
    at = _instant(time)
    if name == "exit":
        if not event.uuid:
            raise RejectedEntry("`uuid` is missing")
        ended_well = event.exit_value == 0 and not event.signal
        return Observation(f"run/{event.uuid}", at, {"what": name, "ended_well": ended_well})
    if not event.submituser or not event.command:
        if name == "alert":
            return None
        raise RejectedEntry("`submituser` or `command` is missing")
    refusal = _REFUSALS.fullmatch(event.reason)
    if name == "alert" and refusal is None:  # something went wrong after the command was let through
        return Observation(f"run/{event.uuid}", at, {"what": "exit", "ended_well": False}) if event.uuid else None
    return Observation(
        f"run/{event.uuid or f'{event.submithost}/{event.submituser}'}",
        at,
        {
            "what": name,
            "id": f"{event.uuid or f'{event.submithost}/{event.submituser}'}/{time.seconds}.{time.nanoseconds:09}",
            "user": event.submituser,
            "host": event.submithost or "unknown",
            "command": event.command.partition(" ")[0] if event.command.startswith("sudoedit") else event.command,
            "as": event.runuser or "root",
            "group": event.rungroup,
            "root": event.runchroot,
            "iolog": event.iolog_path,
            "reason": refusal["known"] if refusal else "some other reason" if event.reason else "",
            "refused": name != "accept",
        },
    )


def _instant(time: _Time) -> Instant:
    if not 0 <= time.seconds <= _LATEST_S or not 0 <= time.nanoseconds < 1_000_000_000:
        raise RejectedEntry("`seconds` or `nanoseconds` is out of range")
    return time.seconds * 1_000_000 + time.nanoseconds // 1000


def derive(observations: Sequence[Observation]) -> Iterable[tuple[Record, Observation]]:
    """The end of a command bears only the id of its beginning; commands that it runs in turn bear the same."""
    order = sorted(observations, key=lambda item: (item.name, item.at, str(item.data.get("id", "~"))))
    for _, group in groupby(order, key=lambda item: item.name):
        items = list(group)
        ends = [item for item in items if item.data["what"] == "exit"]
        failed = any(not item.data["ended_well"] for item in ends)
        seen: set[str] = set()
        for item in items:
            if item.data["what"] == "exit" or item.data["id"] in seen:
                continue
            first = not seen
            seen.add(item.data["id"])
            yield _action(item, "failure" if failed and first else "success"), item
            yield _decision(item), item


def _action(item: Observation, ending: Ending) -> Action:
    said = item.data
    if said["refused"]:
        ending = "denied"
    kept = {"group": said["group"], "root": said["root"], "iolog": said["iolog"], "reason": said["reason"]}
    return Action(
        id=f"sudo/{said['id']}",
        time=item.at,
        principal=_account(said, "user"),
        on_behalf_of=(_account(said, "as"),) if said["as"] != said["user"] else (),
        action="sudo:run",
        resource=Resource(
            "command", f"{said['host']}{said['command'] if said['command'][:1] == '/' else '/' + said['command']}"
        ),
        outcome=ending,
        origin=said["host"],
        cites=(f"sudo/decision/{said['id']}",),
        attributes={name: value for name, value in kept.items() if value},
    )


def _decision(item: Observation) -> AuthorityFact:
    action = _action(item, "success")
    return AuthorityFact(
        kind="decision",
        id=f"sudo/decision/{item.data['id']}",
        time=item.at,
        effect="deny" if item.data["refused"] else "allow",
        principal=action.principal,
        request={
            "subject": {"type": action.principal.type, "id": action.principal.id},
            "action": {"name": action.action},
            "resource": {"type": action.resource.type, "id": action.resource.id},
            "context": {"run_as": item.data["as"]},
        },
        attributes={"reason": item.data["reason"]} if item.data["reason"] else {},
    )


def _account(said: dict[str, Any], which: str) -> Principal:
    """As `openssh` names accounts."""
    return Principal("unix_user", f"{said[which]}@{said['host']}")


def recognise(sample: Sample) -> int:
    """Objects whose members are events with the times that sudo gives them."""
    for document in sample.documents:
        if not isinstance(document, dict) or not document or not document.keys() <= set(_EVENTS):
            continue
        events = [event for event in document.values() if isinstance(event, dict)]
        if len(events) == len(document) and all(_is_event(event) for event in events):
            return 95
    return 0


def _is_event(event: dict[str, Any]) -> bool:
    time = event.get("server_time") or event.get("submit_time")
    named = not event.keys().isdisjoint(("uuid", "submituser", "reason"))
    return named and isinstance(time, dict) and "seconds" in time


SOURCE = Source(
    name="sudo",
    title="sudo",
    reads=("the JSON log, pretty or compact", "syslog lines with `@cee:`"),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="partial",
    raise_it="`log_format=json` with `log_exit_status`; which rule of sudoers allowed a command is not logged",
)
