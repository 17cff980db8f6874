"""Who holds which privilege, as the log tells it: given, taken, and reached through the roles one is a member of.

PostgreSQL lets members use what a role holds, so a member gets a grant of its own for as long as both stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quowarranto.records import AuthorityFact, Instant, Principal, Rule, matches
from quowarranto.sources import keys

_Held = dict[tuple[str, str], set[str]]
"""Verbs by (role, pattern of what they may be used on)."""


class Privileges:
    """The state after the changes so far; `changed` goes on from there and tells what became different."""

    def __init__(self) -> None:
        self.logins: set[str] = set()
        """Roles whose right to log in the log has told of at any time."""
        self._held: _Held = {}
        self._members: dict[str, set[str]] = {}
        """Members by role."""
        self._shown: dict[str, tuple[str, frozenset[str], str]] = {}
        """Grants in force, by key: principal, verbs and pattern."""

    def changed(self, said: dict[str, Any], at: Instant, action: str) -> Iterator[AuthorityFact]:
        """The facts that a statement came to."""
        changes = said.get("changes") or []
        if said["command"].startswith("DROP ") and said["object"]:
            self._dropped(f"{said['database']}/{said['object'][1].partition('(')[0]}")
        elif not changes:
            return
        for change in changes:
            yield from self._login(change, at, action)
            self._apply(change, said["database"])
        yield from self._difference(at, action)

    def _login(self, change: dict[str, Any], at: Instant, action: str) -> Iterator[AuthorityFact]:
        key = keys.maybe(keys.database_user, change["role"])
        if key is None:
            return
        who = Principal("database_role", change["role"])
        if change["do"] == "login":
            self.logins.add(change["role"])
            yield AuthorityFact(kind="credential", id=key, time=at, principal=who, issued_by=action)
        elif change["do"] in ("no login", "drop role"):
            self.logins.add(change["role"])
            yield AuthorityFact(
                kind="credential", id=key, time=at, fact="ended", end="revoked", attributes={"ended_by": action}
            )

    def _apply(self, change: dict[str, Any], database: str) -> None:
        do, role = change["do"], change["role"]
        if do == "join":
            self._members.setdefault(role, set()).add(change["member"])
        elif do == "leave":
            self._members.get(role, set()).discard(change["member"])
        elif do == "rename":
            self._renamed(role, change["to"])
        elif do == "drop role":
            self._members.pop(role, None)
            for members in self._members.values():
                members.discard(role)
            self._held = {key: verbs for key, verbs in self._held.items() if key[0] != role}
        elif do == "drop owned":
            self._held = {
                key: verbs
                for key, verbs in self._held.items()
                if key[0] != role or not key[1].startswith(f"{database}/")
            }
        elif do in ("grant", "revoke"):
            for name in change["objects"]:
                pattern = name if change["shared"] else f"{database}/{name}"
                if do == "grant":
                    self._held.setdefault((role, pattern), set()).update(change["verbs"])
                else:
                    self._taken(role, pattern, set(change["verbs"]))

    def _taken(self, role: str, pattern: str, verbs: set[str]) -> None:
        for (holder, held), mine in self._held.items():
            if holder == role and _speaks_of(pattern, held):
                mine -= mine.copy() if "*" in verbs else verbs

    def _dropped(self, name: str) -> None:
        self._held = {key: verbs for key, verbs in self._held.items() if not _speaks_of(name, key[1])}

    def _renamed(self, role: str, to: str) -> None:
        self._held = {(to if key[0] == role else key[0], key[1]): verbs for key, verbs in self._held.items()}
        if role in self._members:
            self._members[to] = self._members.pop(role)
        for members in self._members.values():
            if role in members:
                members.discard(role)
                members.add(to)

    def _difference(self, at: Instant, action: str) -> Iterator[AuthorityFact]:
        now = dict(self._grants())
        for key, (who, verbs, pattern) in now.items():
            if self._shown.get(key) != (who, verbs, pattern):
                yield AuthorityFact(
                    kind="grant",
                    id=key,
                    time=at,
                    principal=Principal("database_role", who),
                    scope=(Rule(tuple(sorted(verbs)), (pattern,)),),
                    issued_by=action,
                )
        for key in self._shown.keys() - now.keys():
            yield AuthorityFact(
                kind="grant", id=key, time=at, fact="ended", end="revoked", attributes={"ended_by": action}
            )
        self._shown = now

    def _grants(self) -> Iterator[tuple[str, tuple[str, frozenset[str], str]]]:
        for (role, pattern), verbs in self._held.items():
            if not verbs:
                continue
            yield f"postgres/grant/{role}/{pattern}", (role, frozenset(verbs), pattern)
            for member in self._all_members(role):
                yield f"postgres/grant/{role}/{pattern}/through/{member}", (member, frozenset(verbs), pattern)
        for role in self._members:
            for member in self._all_members(role):
                yield f"postgres/membership/{role}/{member}", (member, frozenset(("set",)), f"role:{role}")

    def _all_members(self, role: str) -> list[str]:
        """Members, and members of members; a ring ends where it began."""
        found: list[str] = []
        waiting = [role]
        while waiting:
            for member in sorted(self._members.get(waiting.pop(), ())):
                if member not in found and member != role:
                    found.append(member)
                    waiting.append(member)
        return found


def _speaks_of(pattern: str, held: str) -> bool:
    """Whether what is said of `pattern` is said of what is held: names without a schema mean any schema.

    A privilege on all tables of a schema outlasts what is said of one of them.
    """
    return matches(pattern, held) or ("/*." in held and matches(held, pattern))
