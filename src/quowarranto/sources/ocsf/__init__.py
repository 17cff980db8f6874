"""OCSF: what a security lake has made of other systems' logs: calls, log-ins, sessions and privileges given.

Reads     events of the Open Cybersecurity Schema Framework, JSON or Parquet: API Activity (6003), and of identity and
          access Authentication (3002), Authorize Session (3003), Entity Management (3004), User Access (3005) and the
          classes of accounts, groups, users and roles beside them.
Yields    an Action per event; a Decision per authorization in it, and the Policies of those that name a version;
          Sessions from log-on to log-off, Grants of privileges and roles, Delegations of account switches.
Time      `time`, milliseconds since the epoch (UTC), on the clock of the system that the event is about; `time_dt`
          where it says the same more finely.
Not seen  what the mapping to OCSF left out or put under `unmapped`; requests and responses, which are not read; whether
          an agent that is named really acts for the user beside it.
Source    ocsf-schema 1.9, events/iam, events/application/api_activity.json, objects/, profiles/security_control.json.
"""

from __future__ import annotations

from quowarranto.sources.entry import Source
from quowarranto.sources.ocsf.history import derive
from quowarranto.sources.ocsf.reading import read, recognise

__all__ = ["SOURCE"]

SOURCE = Source(
    name="ocsf",
    title="OCSF",
    reads=("events of API activity and of identity and access, as JSON or Parquet",),
    recognise=recognise,
    read=read,
    derive=derive,
    chosen=frozenset(("session_name",)),
    ceiling="proven",
    raise_it="`authorizations` with the policy's `uid` and `version` in each event, and its log-on's `session.uid`",
)
