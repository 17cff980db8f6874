"""AuthZEN: what a policy enforcement point asked, what the decision point answered, and which approvals it took up.

Reads     JSON lines of pairs, `{"time", "request", "response"}`, as a gateway or decision point writes them: access
          evaluations, boxcarred evaluations, access requests and task status (the approval profile).
Yields    a Decision per evaluation; an Approval per approved task, or per approval that a decision took up.
Time      `time` or `timestamp` of the line, failing these `evaluated_at`; RFC 3339.
Not seen  what was done after the answer; who approved (the profile keeps that from enforcement points); whether
          obligations were met; the policy behind the answer, which the API does not name.
Source    OpenID AuthZEN Authorization API 1.0; AuthZEN Access Request and Approval Profile 1.0, draft 1; AuthZEN
          Profile for Obligations 1.0, draft 1.
"""

from __future__ import annotations

from quowarranto.sources.authzen.approvals import derive
from quowarranto.sources.authzen.reading import read, recognise
from quowarranto.sources.entry import Source

__all__ = ["SOURCE"]

SOURCE = Source(
    name="authzen",
    title="AuthZEN decision points",
    reads=("pairs of request and response, a JSON line each: evaluations, access requests, task status",),
    recognise=recognise,
    read=read,
    derive=derive,
    ceiling="proven",
    raise_it="`context.evaluation_id` in responses, and in the log of whatever asked; approvals echoed in the response",
)
