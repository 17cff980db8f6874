"""An audit log entry as GitHub writes it, with only the fields that are read; who and what it names."""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant, Principal, Resource
from quowarranto.sources.strict import read_as
from quowarranto.sources.times import instant

_EARLIEST_MS, _LATEST_MS = 1_100_000_000_000, 4_102_444_800_000
"""From before GitHub existed to the year 2100: anything else is not a number of milliseconds."""

Time = int | float | str | None
Id = int | str | None


class Event(msgspec.Struct, frozen=True):
    """One entry; those that the API puts under `data` are looked for there as well."""

    action: str
    document_id: str = msgspec.field(name="_document_id", default="")
    timestamp: Time = msgspec.field(name="@timestamp", default=None)
    created_at: Time = None
    # who
    actor: str | None = None
    actor_is_bot: bool | None = None
    actor_is_agent: bool | None = None
    actor_ip: str | None = None
    user: str | None = None
    external_identity_nameid: str | None = None
    # with what
    programmatic_access_type: str | None = None
    hashed_token: str | None = None
    token_id: Id = None
    # where
    org: str | list[str] | None = None
    business: str | None = None
    repo: str | list[str] | None = None
    repository: str | None = None
    branch: str | None = None
    # calls of the API
    request_method: str | None = None
    url_path: str | None = None
    status_code: int | str | None = None
    request_id: str | None = None
    # workflows
    workflow_run_id: Id = None
    run_attempt: Id = None
    job_name: str | None = None
    job_workflow_ref: str | None = None
    environment_name: str | None = None
    environment: str | None = None
    env_name: str | None = None
    comment: str | None = None
    team: str | None = None
    # fine-grained tokens, apps and members
    user_programmatic_access_id: Id = None
    repository_selection: str | None = None
    repositories: list[Any] | None = None
    name: str | None = None
    integration: str | None = None
    # rulesets and protected branches
    ruleset_id: Id = None
    ruleset_name: str | None = None
    ruleset_enforcement: str | None = None
    overridden_codes: list[str] | str | None = None

    @property
    def at_environment(self) -> str | None:
        return self.environment_name or self.env_name or self.environment

    @property
    def in_repository(self) -> str | None:
        return _single(self.repo) or self.repository

    @property
    def in_organisation(self) -> str | None:
        return _single(self.org)


class Claims(msgspec.Struct, frozen=True):
    """What a token of GitHub Actions says (OpenID Connect); the token itself has no place in a log."""

    iss: str
    sub: str
    jti: str
    iat: int
    exp: int
    nbf: int | None = None
    repository: str = ""
    workflow_ref: str = ""
    job_workflow_ref: str = ""
    environment: str = ""
    run_id: str = ""
    run_attempt: str = ""
    actor: str = ""
    sha: str = ""
    event_name: str = ""
    runner_environment: str = ""


def understood(value: dict[str, Any]) -> Event:
    """The entry, with what stands under `data` beside the rest, which goes first.

    Raises:
        RejectedEntry: a field is not what it should be.
    """
    data = value.get("data")
    flat = {**data, **value} if isinstance(data, dict) else value
    if "action" not in flat:
        raise RejectedEntry("`action` is missing")
    event = read_as({name: one for name, one in flat.items() if one is not None}, Event)
    if not event.action:
        raise RejectedEntry("`action` is empty")
    return event


def time_of(event: Event) -> Instant:
    """Milliseconds since the epoch, under one of two names; some exports write RFC 3339.

    Raises:
        RejectedEntry: neither is there, or it is no time with a zone.
    """
    for field, value in (("@timestamp", event.timestamp), ("created_at", event.created_at)):
        if isinstance(value, str):
            return instant(field, value)
        if value is not None:
            if not _EARLIEST_MS <= value <= _LATEST_MS:
                raise RejectedEntry(f"`{field}`: not a time in milliseconds")
            return int(value) * 1000
    raise RejectedEntry("neither `@timestamp` nor `created_at` is there")


def person(name: str) -> Principal:
    """A user or a GitHub App: the names of apps end in `[bot]`."""
    return Principal("app" if name.endswith("[bot]") else "user", name)


def actor(event: Event) -> Principal:
    """Who acted; a job acts for itself, whoever set its workflow off."""
    if event.action == "workflows.prepared_workflow_job" and (workflow := workflow_of(event.job_workflow_ref)):
        return workflow
    if not event.actor:
        return Principal("anonymous", event.actor_ip or "unknown")
    if event.actor_is_agent:
        return Principal("agent", event.actor)
    return Principal("app", event.actor) if event.actor_is_bot else person(event.actor)


def workflow_of(ref: str | None) -> Principal | None:
    """A workflow by its file, without the branch or commit at which it ran."""
    path = (ref or "").partition("@")[0]
    return Principal("workflow", path) if path else None


def resource_of(event: Event) -> Resource:
    if repository := event.in_repository:
        return Resource("repository", repository)
    if event.action == "api.request" and event.url_path:
        return Resource("path", event.url_path.partition("?")[0])
    if organisation := event.in_organisation:
        return Resource("organization", organisation)
    if event.business:
        return Resource("enterprise", event.business)
    return Resource("user", event.user or event.actor or "unknown")


def _single(value: str | list[str] | None) -> str | None:
    """A name; an entry may list several organisations or repositories, of which the first stands for all."""
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, str) and found else None
