"""What is read of an event. Everything else, `unmapped`, `raw_data` and bodies of requests above all, stays out."""

from __future__ import annotations

import msgspec

from quowarranto.errors import RejectedEntry
from quowarranto.records import Instant, Principal, Resource
from quowarranto.sources import keys
from quowarranto.sources.times import instant

_LAST = 253_402_300_799_999
"""The last millisecond of the calendar."""


class Named(msgspec.Struct, frozen=True):
    """Anything that has a name and an id."""

    uid: str | None = None
    name: str | None = None
    type: str | None = None
    type_id: int = 0
    version: str | None = None
    hostname: str | None = None
    ip: str | None = None
    role_id: int = 0

    @property
    def called(self) -> str:
        return self.uid or self.name or self.hostname or self.ip or ""


class User(msgspec.Struct, frozen=True):
    uid: str | None = None
    uid_alt: str | None = None
    name: str | None = None
    email_addr: str | None = None
    domain: str | None = None
    type: str | None = None
    type_id: int = 0
    credential_uid: str | None = None


class Session(msgspec.Struct, frozen=True):
    uid: str | None = None
    issuer: str | None = None
    credential_uid: str | None = None
    expiration_time: int | float | None = None
    is_mfa: bool | None = None


class Agent(msgspec.Struct, frozen=True):
    uid: str | None = None
    name: str | None = None
    instance_uid: str | None = None


class Process(msgspec.Struct, frozen=True):
    uid: str | None = None
    name: str | None = None
    ai_agent: Agent | None = None


class Authorization(msgspec.Struct, frozen=True):
    decision: str | None = None
    policy: Named | None = None


class Role(msgspec.Struct, frozen=True):
    uid: str | None = None
    name: str | None = None
    privileges: tuple[str, ...] | None = None

    @property
    def called(self) -> str:
        return self.uid or self.name or ""


class Actor(msgspec.Struct, frozen=True):
    user: User | None = None
    session: Session | None = None
    iam_role: Role | None = None
    process: Process | None = None
    app_uid: str | None = None
    app_name: str | None = None
    invoked_by: str | None = None
    authorizations: tuple[Authorization, ...] = ()


class Asked(msgspec.Struct, frozen=True):
    uid: str | None = None


class Answered(msgspec.Struct, frozen=True):
    code: int | None = None
    error: str | None = None


class Api(msgspec.Struct, frozen=True):
    operation: str | None = None
    service: Named | None = None
    request: Asked | None = None
    response: Answered | None = None


class Product(msgspec.Struct, frozen=True):
    name: str | None = None
    uid: str | None = None
    vendor_name: str | None = None


class Metadata(msgspec.Struct, frozen=True):
    uid: str | None = None
    product: Product = Product()
    correlation_uid: str | None = None


class Entity(msgspec.Struct, frozen=True):
    uid: str | None = None
    name: str | None = None
    type: str | None = None
    type_id: int = 0
    version: str | None = None
    policy: Named | None = None

    @property
    def called(self) -> str:
        return self.uid or self.name or (self.policy.called if self.policy else "")


class Event(msgspec.Struct, frozen=True):
    """One event, only the fields that are read."""

    class_uid: int
    activity_id: int
    time: int | float
    metadata: Metadata
    time_dt: str | None = None
    activity_name: str | None = None
    status_id: int = 0
    status_code: str | int | None = None
    action_id: int = 0
    disposition_id: int = 0
    count: int = 1
    actor: Actor = Actor()
    ai_agent: Agent | None = None
    api: Api = Api()
    authorizations: tuple[Authorization, ...] = ()
    device: Named | None = None
    dst_endpoint: Named | None = None
    entity: Entity | None = None
    entity_result: Entity | None = None
    updated_entity: Entity | None = None
    group: Named | None = None
    groups: tuple[Named, ...] = ()
    iam_role: Role | None = None
    iam_roles: tuple[Role, ...] = ()
    privileges: tuple[str, ...] = ()
    resource: Named | None = None
    resources: tuple[Named, ...] = ()
    service: Named | None = None
    session: Session | None = None
    src_endpoint: Named | None = None
    trace: Asked | None = None
    user: User | None = None

    @property
    def product(self) -> str:
        """Within what ids are unique: the product that reports, as nothing is told of who gave them out."""
        return self.metadata.product.uid or self.metadata.product.name or "-"

    @property
    def within(self) -> str:
        """Within what ids of sessions are: machines all number theirs in the same way."""
        host = self.device.called if self.device else ""
        return f"{self.product}@{host}" if host else self.product

    @property
    def at(self) -> Instant:
        milliseconds = in_range("time", self.time)
        if self.time_dt is not None and self.time_dt[-1:] in ("Z", "z") and "." in self.time_dt:
            finer = instant("time_dt", self.time_dt)
            if finer // 1000 == milliseconds // 1000:
                return finer
        return milliseconds

    @property
    def signed_in(self) -> Session | None:
        return self.session or self.actor.session

    @property
    def target(self) -> tuple[Named, ...]:
        return self.resources or ((self.resource,) if self.resource else ())


def in_range(field: str, milliseconds: int | float) -> Instant:
    """A time of OCSF as an instant.

    Raises:
        RejectedEntry: it lies outside the calendar.
    """
    if not 0 <= milliseconds <= _LAST:
        raise RejectedEntry(f"`{field}`: not milliseconds since the epoch")
    return int(milliseconds * 1000)


_TYPES = {1: "user", 2: "user", 3: "system", 4: "service_account"}
_OF_AWS = {"Root": "user", "IAMUser": "user", "FederatedUser": "user", "AWSService": "service", "AWSAccount": "account"}


def principal_of(user: User | None) -> Principal | None:
    """A user by the id that stays, the way other sources spell it where OCSF shows which system it is of."""
    if user is None:
        return None
    name = user.uid or user.name or user.email_addr or user.uid_alt
    if not name:
        return None
    if role := keys.maybe(keys.role_of_session, name):
        return Principal("role", role)
    if role := keys.maybe(keys.role_without_path, name):
        return Principal("role", role)
    if workload := keys.maybe(keys.spiffe_id, name):
        return Principal("workload", workload)
    if name.startswith("system:serviceaccount:") and (account := keys.maybe(keys.service_account, name)):
        return Principal("service_account", account)
    return Principal(_OF_AWS.get(user.type or "") or _TYPES.get(user.type_id, "user"), name)


def resource_of(named: Named, otherwise: str) -> Resource:
    return Resource(named.type or otherwise, named.called)
