"""PostgreSQL with pgaudit, `log_destination = jsonlog`: sessions and statements; times in UTC.

Source    PostgreSQL documentation, "Using JSON-Format Log Output"; pgaudit README
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from quowarranto.records import Instant, format_instant
from quowarranto.simulator.scene import SECOND, Scene

_json = msgspec.json.Encoder().encode
DATABASE = "warehouse"


class Session(NamedTuple):
    """A session as each of its lines names it."""

    user: str
    name: str
    pid: int
    began: Instant


def _stamp(at: Instant) -> str:
    return f"{format_instant(at // 1000 * 1000)[:19].replace('T', ' ')}.{at // 1000 % 1000:03d} UTC"


def _line(scene: Scene, at: Instant, session: Session, number: int, said: str, message: str, **more: Any) -> None:
    line = {
        "timestamp": _stamp(at),
        "user": session.user,
        "dbname": DATABASE,
        "pid": session.pid,
        "remote_host": "10.20.7.31",
        "remote_port": 41_000 + session.pid % 1000,
        "session_id": session.name,
        "line_num": number,
        "ps": said,
        "session_start": _stamp(session.began)[:19] + " UTC",
        "error_severity": "LOG",
        "message": message,
        "backend_type": "client backend",
        **more,
    }
    scene.logs.postgres.add(at, _json(line).decode())


def connect(scene: Scene, at: Instant, user: str) -> tuple[str, Session]:
    """A log-in; returns the id of the action and the session."""
    pid = scene.rng.randrange(2000, 30_000)
    session = Session(user, f"{at // SECOND:x}.{pid:x}", pid, at)
    message = f"connection authorized: user={user} database={DATABASE} application_name=etl"
    _line(scene, at, session, 1, "authentication", message)
    return f"postgres/{session.name}/connect", session


def select(scene: Scene, at: Instant, session: Session, number: int, relation: str) -> str:
    """An audited SELECT, the session's statement of that number; returns the id of the action."""
    statement = f'"select count(*) from {relation}"'
    message = f"AUDIT: SESSION,{number},1,READ,SELECT,TABLE,{relation},{statement},<not logged>"
    _line(scene, at, session, number + 1, "SELECT", message, application_name="etl")
    return f"postgres/{session.name}/{number}.1"


def grant(scene: Scene, at: Instant, session: Session, number: int, relation: str, role: str) -> str:
    """An audited GRANT of SELECT on a table; returns the id of the action."""
    statement = f"GRANT SELECT ON TABLE {relation} TO {role}"
    message = f'AUDIT: SESSION,{number},1,ROLE,GRANT,TABLE,,"{statement}",<not logged>'
    _line(scene, at, session, number + 1, "GRANT", message, application_name="vault")
    return f"postgres/{session.name}/{number}.1"
