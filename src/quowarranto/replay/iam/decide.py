"""Policies of all kinds to one answer.

1. A statement that denies decides, wherever it stands.
2. Service control and resource control policies must allow at every level that has any.
3. Within one account identity policies (as far as boundary and session policies reach) or the resource's policy must
   allow; keys and roles are used by leave of their own policy only. Across accounts both must.
4. What may deny takes away a permit, what may allow takes away a refusal: the answer is then `indeterminate`.

Source: IAM user guide, "Policy evaluation logic", "Cross-account policy evaluation logic", "Permissions boundaries",
"Session policies"; AWS Organizations user guide, "SCP evaluation"; KMS developer guide, "Key policies".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from quowarranto.replay.answer import Answer, agreed, both, either
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.iam.asked import Asked, asked
from quowarranto.replay.iam.documents import KINDS, Document, Kind, declared_none, read
from quowarranto.replay.iam.principals import PEOPLE, Closeness, speaks_of
from quowarranto.replay.iam.statements import applies
from quowarranto.replay.language import Policy, Request

_CLOSENESS: tuple[Closeness, ...] = ("itself", "role", "account", "everyone")
_SESSIONS = ("role", "session", "federated-user")
_SERVICE_LINKED = ":role/aws-service-role/"


class _Said(msgspec.Struct, frozen=True):
    """What one policy says of the request."""

    kind: Kind
    level: str
    allow: dict[Closeness, Answer]
    deny: Answer
    names: tuple[tuple[bool, str], ...]
    """Statements that surely apply: whether they allow, and their name."""


_FREE = frozenset(("sts:getcalleridentity",))
"""Actions for which nobody with credentials needs a permission, and which no policy can deny.

Source: AWS STS API reference, GetCallerIdentity."""
_NONE_NEEDED = "no permission is needed"


def evaluate(policies: Sequence[Policy], request: Request) -> Evaluation:
    """What AWS says of a request.

    Args:
        policies: JSON documents, the kind by name (see the package); their order does not matter. A kind of which there
            is none is taken to have none, unless `context.policies` lists the kinds that are known in full.
        request: `subject.id` the principal's ARN, `action.name` as `service:Action`, `resource.id` an ARN or `*`;
            `context` by condition key. A key that is left out is not known, unless `context.complete` is true or
            `context.absent` lists it.
    Returns: `determining` names the statements that decided, as `KIND:NAME#SID` or, without `Sid`, by place.
    """
    wanted = asked(request)
    declared = {kind for policy in policies if (kind := declared_none(policy.name)) is not None}
    documents = {read(policy) for policy in policies if declared_none(policy.name) is None}
    if wanted.type is None:
        return Evaluation(effect="indeterminate", missing=("subject.type",), errors=_errors(documents))
    if str(request.action.get("name")).lower() in _FREE and wanted.type in PEOPLE:
        return Evaluation(effect="permit", determining=(_NONE_NEEDED,), errors=_errors(documents))
    relevant = _relevant(wanted)
    unknown = _unknown(relevant, documents, declared, wanted)
    bounded = _bounded(documents, unknown, wanted)
    said = _all_said([one for one in documents if one.kind in relevant], wanted, bounded)
    allowed = _allowed(said, unknown, wanted)
    denied = either((*(one.deny for one in said), *(_lacking(kind) for kind in unknown)))
    return _answer(allowed, denied, said, _errors(documents))


def _answer(allowed: Answer, denied: Answer, said: list[_Said], errors: tuple[str, ...]) -> Evaluation:
    if denied is True or allowed is False:
        names = _names(said, allow=False) if denied is True else ()
        return Evaluation(effect="deny", determining=names, errors=errors)
    if allowed is True and denied is False:
        return Evaluation(effect="permit", determining=_names(said, allow=True), errors=errors)
    missing = {name for one in (allowed, denied) if isinstance(one, frozenset) for name in one}
    return Evaluation(effect="indeterminate", missing=tuple(sorted(missing)), errors=errors)


def _names(said: Iterable[_Said], *, allow: bool) -> tuple[str, ...]:
    return tuple(sorted({name for one in said for allows, name in one.names if allows is allow}))


def _errors(documents: Iterable[Document]) -> tuple[str, ...]:
    return tuple(sorted({f"policy `{one.name}`: {one.error}" for one in documents if one.error}))


def _lacking(kind: Kind) -> Answer:
    return frozenset({f"{kind} policies"})


def _relevant(wanted: Asked) -> frozenset[Kind]:
    """Kinds that count for this sort of principal."""
    if wanted.type not in PEOPLE:
        return frozenset(("resource", "rcp"))
    kinds: set[Kind] = {"resource", "scp", "rcp"}
    if wanted.type != "root":
        kinds |= {"identity", "boundary"}
    if wanted.type in _SESSIONS:
        kinds.add("session")
    if _SERVICE_LINKED in (wanted.role or ""):
        kinds -= {"scp", "rcp"}
    return frozenset(kinds)


def _unknown(
    relevant: frozenset[Kind], documents: set[Document], declared: set[str], wanted: Asked
) -> tuple[Kind, ...]:
    """Kinds of which there may be policies that nobody told of; where there is one, there are all."""
    if wanted.kinds is None:
        return ()
    known = {one.kind for one in documents} | declared | wanted.kinds
    return tuple(kind for kind in KINDS if kind in relevant and kind not in known)


def _bounded(documents: set[Document], unknown: tuple[Kind, ...], wanted: Asked) -> Answer:
    if wanted.type not in ("user", "role", "session"):
        return False
    return _lacking("boundary") if "boundary" in unknown else any(one.kind == "boundary" for one in documents)


def _all_said(documents: Iterable[Document], wanted: Asked, bounded: Answer) -> list[_Said]:
    """What each policy says; of several texts under one name, what they agree on."""
    versions: dict[str, list[_Said]] = {}
    for document in documents:
        versions.setdefault(document.name, []).append(_said(document, wanted, bounded))
    return [_one_of(name, texts) for name, texts in versions.items()]


def _one_of(name: str, texts: list[_Said]) -> _Said:
    if len(texts) == 1:
        return texts[0]
    unsure = f"version of {name} in force"
    return _Said(
        kind=texts[0].kind,
        level=texts[0].level,
        allow={how: agreed((one.allow.get(how, False) for one in texts), unsure) for how in _CLOSENESS},
        deny=agreed((one.deny for one in texts), unsure),
        names=tuple(dict.fromkeys(one for text in texts for one in text.names)),
    )


def _said(document: Document, wanted: Asked, bounded: Answer) -> _Said:
    if document.error is not None:
        anything: Answer = frozenset({f"policy {document.name}"})
        closeness: tuple[Closeness, ...] = _CLOSENESS if document.kind == "resource" else ("itself",)
        return _Said(document.kind, document.level, dict.fromkeys(closeness, anything), anything, ())
    allows: dict[Closeness, list[Answer]] = {}
    denies: list[Answer] = []
    names: list[tuple[bool, str]] = []
    for statement in document.statements:
        if (rest := applies(statement, wanted)) is False:
            continue
        for how, about in speaks_of(statement, wanted, bounded).items():
            said = both((rest, about))
            (allows.setdefault(how, []) if statement.allow else denies).append(said)
            if said is True:
                names.append((statement.allow, f"{document.name}#{statement.name}"))
    allow = {how: either(answers) for how, answers in allows.items()}
    return _Said(document.kind, document.level, allow, either(denies), tuple(names))


def _allowed(said: list[_Said], unknown: tuple[Kind, ...], wanted: Asked) -> Answer:
    """Whether everything that must allow does; denials aside."""
    controls = [_at_every_level(said, kind, unknown) for kind in ("scp", "rcp")]
    if wanted.type not in PEOPLE:
        granted = {how: _granted(said, how, unknown) for how in _CLOSENESS}
        return both((either((granted["itself"], granted["everyone"])), *controls))
    return both((_by_accounts(said, unknown, wanted), *controls))


def _by_accounts(said: list[_Said], unknown: tuple[Kind, ...], wanted: Asked) -> Answer:
    if wanted.account is not None and wanted.owner is not None:
        same = wanted.account == wanted.owner
        return _within(said, unknown, wanted) if same else _across(said, unknown, wanted)
    lacking = "resource.properties.account" if wanted.account is not None else "subject.properties.account"
    return agreed((_within(said, unknown, wanted), _across(said, unknown, wanted)), lacking)


def _within(said: list[_Said], unknown: tuple[Kind, ...], wanted: Asked) -> Answer:
    limits = _limits(said, unknown, wanted)
    identity = both((_identity(said, unknown, wanted), limits))
    granted = {how: _granted(said, how, unknown) for how in _CLOSENESS}
    ways = [granted["itself"], both((granted["role"], limits)), _to_everyone(granted["everyone"], limits, wanted)]
    by_leave = either((*ways, both((granted["account"], identity))))
    own = _own_policy_only(wanted)
    if own is True:
        return by_leave
    freely = either((*ways, identity))
    return freely if own is False else agreed((by_leave, freely), *sorted(own))


def _across(said: list[_Said], unknown: tuple[Kind, ...], wanted: Asked) -> Answer:
    resource = either(_granted(said, how, unknown) for how in _CLOSENESS)
    return both((_identity(said, unknown, wanted), _limits(said, unknown, wanted), resource))


def _to_everyone(granted: Answer, limits: Answer, wanted: Asked) -> Answer:
    """Whether `*` is a grant to the session itself or to its role is not documented; it matters to boundaries."""
    if wanted.type == "user" or granted is False or limits is True:
        return granted
    return both((granted, either((limits, frozenset({"whether `*` grants to a session itself"})))))


def _own_policy_only(wanted: Asked) -> Answer:
    """Roles and keys: identity policies count only as far as the resource's own policy says so."""
    if wanted.action is None:
        return frozenset({"action.name"})
    service, _, name = wanted.action.lower().partition(":")
    if service == "sts":
        return name.startswith("assumerole")
    if service != "kms":
        return False
    return frozenset({"resource.id"}) if wanted.resource is None else ":key/" in wanted.resource


def _identity(said: list[_Said], unknown: tuple[Kind, ...], wanted: Asked) -> Answer:
    if wanted.type == "root":
        return True
    lacking = (_lacking("identity"),) if "identity" in unknown else ()
    return either((*(one.allow.get("itself", False) for one in said if one.kind == "identity"), *lacking))


def _limits(said: list[_Said], unknown: tuple[Kind, ...], wanted: Asked) -> Answer:
    """Whether boundary and session policies leave the request what others allow."""
    if wanted.type == "root":
        return True
    found: list[Answer] = []
    for kind in ("boundary", "session"):
        answers = [one.allow.get("itself", False) for one in said if one.kind == kind]
        if answers:
            found.append(either(answers))
        elif kind in unknown:
            found.append(_lacking(kind))
        elif kind == "session" and wanted.type == "federated-user":
            found.append(False)  # without session policies such a session may do nothing by its user's policies
    return both(found)


def _granted(said: list[_Said], how: Closeness, unknown: tuple[Kind, ...]) -> Answer:
    lacking = (_lacking("resource"),) if "resource" in unknown else ()
    return either((*(one.allow.get(how, False) for one in said if one.kind == "resource"), *lacking))


def _at_every_level(said: list[_Said], kind: Kind, unknown: tuple[Kind, ...]) -> Answer:
    levels: dict[str, list[Answer]] = {}
    for one in said:
        if one.kind == kind:
            levels.setdefault(one.level, []).append(either(one.allow.values()))
    lacking = (_lacking(kind),) if kind in unknown else ()
    return both((*(either(answers) for answers in levels.values()), *lacking))
