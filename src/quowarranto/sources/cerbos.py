"""Cerbos: which actions on which resources its policy decision point allowed, and by which policy of which version.

Reads     audit entries, JSON lines: `log.kind` `decision` and `access`; entries from Kafka bear no `log.kind`.
Yields    a Decision per resource and action, a Policy per policy and version, an Action per call that changes policies.
Time      `timestamp`, RFC 3339, on the decision point's clock.
Not seen  what was done after the answer; decisions that a filter or an oversized body left out; plans, which answer
          with conditions; who called (the peer's address is all there is); a rollback: no entry names its instance.
Source    Cerbos api/public/cerbos/audit/v1/audit.proto and engine/v1/engine.proto; docs, configuration, audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Resource
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.keys import maybe, request, service_account, spiffe_id
from quowarranto.sources.policies_seen import policies_seen
from quowarranto.sources.strict import read_as, strict_object
from quowarranto.sources.times import instant

_REFUSED = frozenset((7, 16))  # PERMISSION_DENIED and UNAUTHENTICATED, of gRPC
_ADMIN = "cerbos.svc.v1.CerbosAdminService"
_OURS = frozenset(("checkResources", "planResources", "method", "inputs", "outputs", "policySource", "auditTrail"))
_Effect = Literal["EFFECT_UNSPECIFIED", "EFFECT_ALLOW", "EFFECT_DENY", "EFFECT_NO_MATCH"]


class Who(msgspec.Struct, frozen=True):
    id: str


class What(msgspec.Struct, frozen=True):
    kind: str
    id: str


class Input(msgspec.Struct, frozen=True, rename="camel"):
    principal: Who
    resource: What
    request_id: str | None = None


class Answer(msgspec.Struct, frozen=True):
    effect: _Effect
    policy: str | None = None


class Output(msgspec.Struct, frozen=True, rename="camel"):
    resource_id: str
    actions: dict[str, Answer] = {}
    validation_errors: list[Any] = []
    evaluation_errors: list[Any] = []


class Check(msgspec.Struct, frozen=True):
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    error: str | None = None


class Git(msgspec.Struct, frozen=True):
    hash: str | None = None


class Embedded(msgspec.Struct, frozen=True, rename="camel"):
    commit_hash: str | None = None


class Bundle(msgspec.Struct, frozen=True, rename="camel"):
    bundle_id: str | None = None


class Hub(msgspec.Struct, frozen=True, rename="camel"):
    embedded_bundle: Bundle | None = None
    local_bundle: Bundle | None = None
    remote_bundle: Bundle | None = None


class Origin(msgspec.Struct, frozen=True, rename="camel"):
    """Where the policies came from; of a disk, blob or database no version is logged."""

    git: Git | None = None
    hub: Hub | None = None
    embedded_pdp: Embedded | None = None

    def version(self) -> str | None:
        if self.git and self.git.hash:
            return f"git/{self.git.hash}"
        if self.hub:
            bundles = (self.hub.embedded_bundle, self.hub.local_bundle, self.hub.remote_bundle)
            return next((f"hub/{one.bundle_id}" for one in bundles if one and one.bundle_id), None)
        commit = self.embedded_pdp.commit_hash if self.embedded_pdp else None
        return f"embedded/{commit}" if commit else None


class Peer(msgspec.Struct, frozen=True):
    address: str | None = None


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """One audit entry; only the fields that are read."""

    call_id: str
    timestamp: str
    peer: Peer | None = None
    method: str | None = None
    status_code: int = 0
    check_resources: Check | None = None
    plan_resources: dict[str, Any] | None = None
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    error: str | None = None
    oversized: bool = False
    policy_source: Origin | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[source.cerbos]`: entries name a principal without its type."""

    principal_type: str = "user"


PLAIN = Settings()


def read(entry: Entry, settings: Settings = PLAIN) -> Outcome:
    """The records of one audit entry.

    Raises:
        RejectedEntry: it is none; the reason names fields, never values.
    """
    value = strict_object(entry.data)
    if "callId" not in value and "log.level" in value:
        return Skipped("another line of the server's own log")
    line = read_as(value, Line)
    if not line.call_id:
        raise RejectedEntry("`callId` is empty")
    at = instant("timestamp", line.timestamp)
    if line.method is not None:
        return _access(line, line.method, at)
    if line.plan_resources is not None:
        return Skipped("a plan: it says under which conditions, not whether")
    return _decisions(line, at, settings)


def _access(line: Line, method: str, at: Instant) -> Outcome:
    """Calls that ask for decisions are told by their decision entries; only those that administer are acts."""
    service, _, name = method.strip("/").partition("/")
    if service != _ADMIN:
        return Skipped("a call that asks: its decisions are in its decision entry")
    address = line.peer.address if line.peer and line.peer.address else "unknown"
    return [
        Action(
            id=f"cerbos/call/{line.call_id}",
            time=at,
            principal=Principal("anonymous", address),  # the admin's password is checked, and not logged
            action=f"cerbos:{name}",
            resource=Resource("cerbos", "policies"),
            outcome="success" if not line.status_code else "denied" if line.status_code in _REFUSED else "failure",
            origin=address if address != "unknown" else None,
        )
    ]


def _decisions(line: Line, at: Instant, settings: Settings) -> Outcome:
    if line.oversized:
        return Skipped("oversized: the server left out what was asked and answered")
    check = line.check_resources or Check(line.inputs, line.outputs, line.error)  # the latter until 0.9
    if check.error or not check.outputs:
        return Skipped("the check failed" if check.error else "nothing was answered, or masking took it away")
    if [one.resource.id for one in check.inputs] != [one.resource_id for one in check.outputs]:
        return Skipped("the answers are not those to the questions: masking took a part away")
    pairs = list(zip(check.inputs, check.outputs, strict=True))
    alone = sum(len(output.actions) for output in check.outputs) == 1
    found = [
        _decision(line, at, asked, output, name, alone, settings) for asked, output in pairs for name in output.actions
    ]
    version = line.policy_source.version() if line.policy_source else None
    policies = {one for output in check.outputs for answer in output.actions.values() if (one := _named(answer))}
    seen = [
        Observation(name=policy_key(version, policy), at=at, data={"policy": policy, "revision": version})
        for policy in sorted(policies)
        if version
    ]
    return [*found, *seen] or Skipped("no action was asked about")


def _decision(
    line: Line, at: Instant, asked: Input, output: Output, name: str, alone: bool, settings: Settings
) -> AuthorityFact:
    answer = output.actions[name]
    version, policy = line.policy_source.version() if line.policy_source else None, _named(answer)
    who = _principal(asked.principal.id, settings)
    by_request = maybe(request, asked.request_id)
    return AuthorityFact(
        kind="decision",
        id=f"cerbos/decision/{line.call_id}/{asked.resource.kind}/{asked.resource.id}/{name}",
        aliases=(f"cerbos/call/{line.call_id}",) if alone else (),
        time=at,
        effect="allow" if answer.effect == "EFFECT_ALLOW" else "deny",
        principal=who,
        cites=(policy_key(version, policy),) if version and policy else (),
        # An id that several answers share would join each of them with every action of the request.
        correlates=(by_request,) if by_request and alone else (),
        request={
            "subject": {"type": who.type, "id": who.id},
            "action": {"name": name},
            "resource": {"type": asked.resource.kind, "id": asked.resource.id},
        },
        attributes=_attributes(line, output, answer),
    )


def _attributes(line: Line, output: Output, answer: Answer) -> dict[str, Any]:
    out: dict[str, Any] = {"call": line.call_id}
    if answer.policy:
        out["policy"] = answer.policy
    if answer.effect not in ("EFFECT_ALLOW", "EFFECT_DENY"):
        out["effect"] = "no rule matched"
    if output.validation_errors or output.evaluation_errors:
        out["errors"] = len(output.validation_errors) + len(output.evaluation_errors)
    return out


def _named(answer: Answer) -> str | None:
    """`NO_MATCH` is the name of no policy: nothing matched, and the default denies."""
    return answer.policy if answer.policy and answer.policy != "NO_MATCH" else None


def _principal(name: str, settings: Settings) -> Principal:
    if (workload := maybe(spiffe_id, name)) is not None:
        return Principal("workload", workload)
    if name.startswith("system:serviceaccount:") and (account := maybe(service_account, name)) is not None:
        return Principal("service_account", account)
    return Principal(settings.principal_type, name)


def policy_key(version: str | None, policy: str) -> str:
    return f"cerbos/policy/{version}/{policy}"


def recognise(sample: Sample) -> int:
    """By the logger's own mark, or by a call id beside what only these entries have."""
    return max((_likely(one) for one in sample.documents if isinstance(one, dict)), default=0)


def _likely(document: dict[str, Any]) -> int:
    if document.get("log.logger") == "cerbos.audit":
        return 95
    if not isinstance(document.get("callId"), str) or not _any_of(document, _OURS):
        return 0
    return 85 if "timestamp" in document else 0


def _any_of(document: Mapping[str, Any], names: Iterable[str]) -> bool:
    return any(name in document for name in names)


def _configure(values: Mapping[str, Any]) -> Source:
    for name, value in values.items():
        if name != "principal_type" or not isinstance(value, str) or not value:
            raise ConfigError(
                f"`{name}` is not a setting of `source.cerbos`", need='principal_type = "service_account"'
            )
    return msgspec.structs.replace(SOURCE, read=partial(read, settings=Settings(**values)))


SOURCE = Source(
    name="cerbos",
    title="Cerbos",
    reads=("audit entries: decisions and access (file, stdout or Kafka, as JSON)",),
    recognise=recognise,
    read=read,
    derive=policies_seen,
    configure=_configure,
    ceiling="proven",
    raise_it="policies from git or Cerbos Hub, so that entries carry a version, and `cerbosCallId` in the caller's log",
)
