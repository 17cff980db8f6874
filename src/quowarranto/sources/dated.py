"""Names of files that say from when their content was so, or when it was taken: `rbac@2026-03-01T00:00:00Z.yaml`."""

from __future__ import annotations

import re

from quowarranto.records import Instant, parse_instant

_DATED = re.compile(r"(?P<name>.+)@(?P<day>\d{4}-?\d\d-?\d\d)T(?P<time>[\d:]+)(?P<zone>Z|[+-][\d:]+)", re.DOTALL)


def dated(name: str) -> tuple[str, Instant] | None:
    """The name and the time of `NAME@TIME`, where the hyphens and colons of the time may be left out."""
    found = _DATED.fullmatch(name)
    at = None if found is None else _instant(found)
    return None if found is None or at is None else (found["name"], at)


def dated_file(path: str) -> Instant | None:
    """The time in a file's name, before its ending."""
    name = path.rpartition("/")[2]
    found = dated(name.rpartition(".")[0]) or dated(name)
    return None if found is None else found[1]


def _instant(found: re.Match[str]) -> Instant | None:
    day, time, zone = found["day"].replace("-", ""), found["time"].replace(":", ""), found["zone"].replace(":", "")
    if len(time) != 6 or len(zone) not in (1, 5):
        return None
    shift = zone if zone == "Z" else f"{zone[:3]}:{zone[3:]}"
    try:
        return parse_instant(f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}{shift}")
    except ValueError:
        return None
