"""What the lines of all sessions say together: who a session was at each statement, and who held which privilege.

A session's lines stand in the order of their numbers, and those of one transaction share its id. What a transaction
changed about roles counts when nothing in the log says that it was taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from quowarranto.records import Action, AuthorityFact, Outcome, Principal, Record, Resource
from quowarranto.sources import keys
from quowarranto.sources.entry import Observation
from quowarranto.sources.folding import folded
from quowarranto.sources.postgres.privileges import Privileges

_ISSUED = "v-"
"""How the users that Vault makes begin, unless it is told otherwise."""
_REFUSED = frozenset({"42501", "28000", "28P01"})
"""Insufficient privilege, invalid authorization, invalid password."""

_UNDONE = frozenset({"WRITE", "DDL", "ROLE"})
"""Classes of statements of which nothing is left when their transaction is taken back."""


class _Became(msgspec.Struct, frozen=True):
    """Whom a session acts as; None: as whoever logged in. `unclear` once something unseen may have changed it."""

    authorization: str | None = None
    role: str | None = None
    unclear: bool = False

    def after(self, said: dict[str, Any]) -> _Became:
        if said.get("unclear"):
            return msgspec.structs.replace(self, unclear=True)
        role = said.get("role")
        if not role:
            return self
        if role["kind"] == "role":
            return msgspec.structs.replace(self, role=role["to"], unclear=False)
        return _Became(role["to"])


class _Line(msgspec.Struct):
    """One line of a session, and what the others say about it."""

    item: Observation
    became: _Became = _Became()
    kept: bool = True
    """Not taken back, as far as is known."""
    outcome: Outcome = "success"

    @property
    def said(self) -> dict[str, Any]:
        return self.item.data

    @property
    def number(self) -> int:
        return int(self.item.data["line"])

    @property
    def action_id(self) -> str:
        if self.said["what"] == "connect":
            return f"postgres/{self.item.name}/connect"
        if self.said["what"] == "audit":
            statement, substatement = self.said["statement"]
            return f"postgres/{self.item.name}/{statement}.{substatement}"
        return f"postgres/{self.item.name}/line/{self.number}"


def derive(observations: Sequence[Observation]) -> Iterable[tuple[Record, Observation]]:
    """Sessions and actions, then the login roles and privileges that the statements of all sessions came to."""
    changes: list[_Line] = []
    sessions: list[list[_Line]] = []
    order = sorted(observations, key=lambda item: (item.name, item.data["line"], item.at))
    for _, items in groupby(order, key=lambda item: item.name):
        lines = [_Line(next(same)) for _, same in groupby(items, key=lambda item: item.data["line"])]
        _follow(lines)
        sessions.append(lines)
        changes += [line for line in lines if line.said["what"] == "audit" and line.kept and line.outcome == "success"]
    privileges = Privileges()
    changes.sort(key=lambda line: (line.item.at, line.item.name, line.number))
    for line in changes:
        for fact in privileges.changed(line.said, line.item.at, line.action_id):
            yield fact, line.item
    for lines in sessions:
        yield from _session(lines, privileges.logins)
        yield from _actions(lines, privileges.logins)


# ---- transactions ----------------------------------------------------------------------------------------------------


def _follow(lines: list[_Line]) -> None:
    """Fill in who the session was at each line, what was taken back, and which statements failed."""
    became = _Became()
    for transaction, run in groupby(lines, key=lambda line: line.said["transaction_id"]):
        group = list(run)
        became = _transaction(group, became) if transaction else became
        _mark_failures(group)


def _transaction(group: list[_Line], start: _Became) -> _Became:
    """Walk one transaction; gives whom the session acts as after it."""
    now = lasting = start
    kept: list[_Line] = []
    savepoints: list[tuple[str, _Became, _Became, int]] = []
    failed = False
    for line in group:
        line.became, line.kept = now, False
        said = line.said
        kind = said.get("transaction")
        if said["what"] == "error":
            failed = True
        elif kind == "savepoint":
            savepoints.append((said["savepoint"], now, lasting, len(kept)))
        elif kind == "rollback to":
            found = next((one for one in reversed(savepoints) if one[0] == said["savepoint"]), None)
            if found is not None:
                _, now, lasting, count = found
                del kept[count:]
                failed = False
        elif kind == "rollback":
            now = lasting = start
            kept.clear()
            failed = False
        elif kind is None:
            kept.append(line)
            now = now.after(said)
            if not (said.get("role") or {}).get("local"):
                lasting = lasting.after(said)
    if failed:
        return start
    for line in kept:
        line.kept = True
    return lasting


def _mark_failures(group: list[_Line]) -> None:
    """An audit line is written before its statement ends: the error that ends it names the same statement."""
    for place, error in enumerate(group):
        if error.said["what"] != "error" or error.said["text"] is None:
            continue
        mine: list[_Line] = []
        for line in reversed(group[:place]):
            if line.said["what"] != "audit" or (mine and line.said["statement"][0] != mine[0].said["statement"][0]):
                break
            mine.append(line)
        if not any(line.said["text"] == error.said["text"] for line in mine):
            continue
        for line in mine:
            line.outcome = "failure"
        if error.said["code"] in _REFUSED and not error.said["inside"]:
            mine[0].outcome = "denied"


# ---- sessions and actions --------------------------------------------------------------------------------------------


def _session(lines: list[_Line], logins: set[str]) -> Iterator[tuple[Record, Observation]]:
    """Whose it is stands in an attribute only: a session that happens to be open allows nobody another log-in."""
    if _refused_at_the_door(lines):
        return
    first, key = lines[0], _session_key(lines[0])
    connect = next((line for line in lines if line.said["what"] == "connect"), None)
    yield (
        AuthorityFact(
            kind="session",
            id=key,
            time=first.said["started"],
            cites=_login(first, logins),
            issued_by=connect.action_id if connect else None,
            attributes={"role": first.said["user"]},
        ),
        first.item,
    )
    for line in lines:
        if line.said["what"] == "disconnect" or line.said.get("fatal"):
            yield AuthorityFact(kind="session", id=key, time=line.item.at, fact="ended", end="closed"), line.item
            return


def _login(line: _Line, logins: set[str]) -> tuple[str, ...]:
    """The login role, where something is known of how it came about: here, or where Vault keeps its log."""
    user = line.said["user"]
    key = keys.maybe(keys.database_user, user)
    return (key,) if key and (user in logins or user.startswith(_ISSUED)) else ()


def _refused_at_the_door(lines: list[_Line]) -> bool:
    """A connection that was refused before it did anything is no session."""
    others = [line for line in lines if line.said["what"] not in ("connect", "disconnect")]
    return bool(others) and all(line.said.get("fatal") and line.said["code"] in _REFUSED for line in others)


def _actions(lines: list[_Line], logins: set[str]) -> Iterator[tuple[Record, Observation]]:
    refused = _refused_at_the_door(lines)
    statements: dict[str, list[_Line]] = {}
    for line in lines:
        if line.said["what"] == "audit":
            statements.setdefault(line.action_id, []).append(line)
        elif line.said["what"] == "connect":
            outcome: Outcome = "denied" if refused else "success"
            cites = _login(line, logins)  # not the session, which it brings about
            yield _action(line, line.action_id, "connect", _database(line), outcome, cites), line.item
        elif line.said["what"] == "error":
            yield _failed(line, refused), line.item
    for action_id, group in statements.items():
        yield from _statement(action_id, group)


def _failed(line: _Line, refused: bool) -> Action:
    outcome: Outcome = "denied" if line.said["code"] in _REFUSED else "failure"
    at_the_door = line.said["command"] in ("", "startup", "authentication")
    verb = "connect" if at_the_door else folded(line.said["command"])
    named = line.said["object"]
    resource = Resource(named[0].replace(" ", "_"), f"{line.said['database']}/{named[1]}") if named else _target(line)
    said = {"code": line.said["code"]}
    cites = () if refused else (_session_key(line),)
    return _action(line, line.action_id, verb, resource, outcome, cites, said)


def _statement(action_id: str, group: list[_Line]) -> Iterator[tuple[Record, Observation]]:
    """One action per relation: the lines that name none, and those of both kinds, are about the same statement."""
    relations: dict[tuple[str, str], _Line] = {}
    for line in group:
        if line.said["object"]:
            relations.setdefault(tuple(line.said["object"]), line)
    outcomes = {line.outcome for line in group}
    outcome: Outcome = "denied" if "denied" in outcomes else "failure" if "failure" in outcomes else "success"
    first = group[0]
    attributes: dict[str, Any] = {"class": first.said["category"]}
    if not first.kept and outcome == "success" and first.said["category"] in _UNDONE:
        attributes["rolled_back"] = True
    verb, cites = folded(first.said["command"]), (_session_key(first),)
    if not relations:
        yield _action(first, action_id, verb, _target(first), outcome, cites, attributes), first.item
        return
    for place, ((kind, name), line) in enumerate(relations.items()):
        this = action_id if place == 0 else f"{action_id}/{name}"
        resource = Resource(kind.replace(" ", "_") or "relation", f"{line.said['database']}/{name}")
        yield _action(line, this, verb, resource, outcome, cites, attributes), line.item


def _action(
    line: _Line,
    action_id: str,
    verb: str,
    resource: Resource,
    outcome: Outcome,
    cites: tuple[str, ...],
    attributes: dict[str, Any] | None = None,
) -> Action:
    became = line.became
    acted_for = [name for name in (became.role, became.authorization) if name and name != line.said["user"]]
    said = dict(attributes or {})
    if became.unclear:
        said["acts_as"] = "unknown: a function may have set the role"
        acted_for = []
    return Action(
        id=action_id,
        time=line.item.at,
        principal=_role(line.said["user"]),
        on_behalf_of=tuple(_role(name) for name in dict.fromkeys(acted_for)),
        action=verb,
        resource=resource,
        outcome=outcome,
        origin=line.said["host"] or None,
        cites=cites,
        attributes=said,
    )


def _target(line: _Line) -> Resource:
    """Of a statement that names no relation: the role, or what privileges are given on; else the database."""
    target = line.said.get("target")
    if not target:
        return _database(line)
    kind, name = target
    name = name.removeprefix("*.")
    return Resource(kind, name if kind in ("role", "database") else f"{line.said['database']}/{name}")


def _database(line: _Line) -> Resource:
    return Resource("database", line.said["database"] or "unknown")


def _role(name: str) -> Principal:
    return Principal("database_role", name)


def _session_key(line: _Line) -> str:
    return f"postgres/session/{line.item.name}"
