"""What is read of the requests and responses."""

from __future__ import annotations

from typing import Any

import msgspec


class Subject(msgspec.Struct, frozen=True):
    type: str
    id: str


class Named(msgspec.Struct, frozen=True):
    name: str


class Target(msgspec.Struct, frozen=True):
    type: str
    id: str


class Approval(msgspec.Struct, frozen=True):
    """A reference to an approval; its `state` is a signed proof and stays out."""

    id: str
    approved_at: str | None = None
    approved_until: str | None = None


class Asked(msgspec.Struct, frozen=True):
    """The context of a request, and the augmentations of an access request."""

    approval: Approval | None = None
    business_justification: str | None = None


class Denial(msgspec.Struct, frozen=True):
    evaluation_id: str | None = None


class Item(msgspec.Struct, frozen=True):
    """One of several evaluations; what it lacks stands in the request around it."""

    subject: Subject | None = None
    action: Named | None = None
    resource: Target | None = None
    context: Asked | None = None


class Request(msgspec.Struct, frozen=True):
    subject: Subject | None = None
    action: Named | None = None
    resource: Target | None = None
    context: Asked | None = None
    evaluations: tuple[Item, ...] | None = None
    denial: Denial | None = None
    items: tuple[Item, ...] | None = None


class Obligation(msgspec.Struct, frozen=True):
    type: str


class Answered(msgspec.Struct, frozen=True):
    """The context of a response."""

    evaluation_id: str | None = None
    evaluated_at: str | None = None
    approval: Approval | None = None
    obligations: tuple[Obligation, ...] = ()
    access_request: dict[str, Any] | None = None


class Decided(msgspec.Struct, frozen=True):
    decision: bool
    context: Answered | None = None


class Task(msgspec.Struct, frozen=True):
    id: str
    status: str


class Result(msgspec.Struct, frozen=True):
    approval: Approval | None = None


class Response(msgspec.Struct, frozen=True):
    decision: bool | None = None
    context: Answered | None = None
    evaluations: tuple[Decided, ...] | None = None
    task: Task | None = None
    result: Result | None = None


class Pair(msgspec.Struct, frozen=True):
    """One line: what was asked and what came back, and what the proxy calls it."""

    request: Request | None = None
    response: Response | None = None
    time: str | None = None
    timestamp: str | None = None
    request_id: str | None = None
    trace_id: str | None = None
    traceparent: str | None = None
    pdp: str | None = None
