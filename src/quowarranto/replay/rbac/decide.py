"""Bindings to an answer: who is bound to which role, and whether that role allows what is asked.

1. A member of `system:masters` is let in before RBAC, or anything else, is asked.
2. Each binding that can reach the request and applies to its subject permits it, does not, or may.
3. One that permits decides; else one that may makes the answer indeterminate; else nothing permits.

Where policies hold several versions of one object, the one in force is not known: they count as far as they agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quowarranto.replay.answer import Answer, agreed, both, either
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.rbac.aggregation import role_allows
from quowarranto.replay.rbac.asked import Asked, Unusable, asked
from quowarranto.replay.rbac.documents import Objects, read
from quowarranto.replay.rbac.objects import UNKNOWN_NAMESPACE, Binding, Subject
from quowarranto.replay.rbac.rules import allows

MASTERS = "system:masters"
GROUPS = "subject.properties.groups"
NODE = "decision of the Node authorizer"
ANOTHER = "decision of another authorizer"


def evaluate(policies: Sequence[Policy], request: Request) -> Evaluation:
    """What RBAC says of a request.

    Args:
        policies: texts of roles, bindings and lists of them; their order does not matter.
        request: `subject.id` is the user name, `subject.properties.groups` its groups (left out: not known;
            `groups_complete: false`: there may be more), `action.name` the verb, `resource.properties` has `apiGroup`,
            `resource`, `subresource`, `namespace`, `name` and `fieldSelector`, or `nonResourceURL` alone;
            `context.allowed_by_another` says that the server let it in for another reason than RBAC,
            `context.denied_by_another` that it may have been refused so before RBAC was asked,
            `context.not_known` names what may have stood beside the policies.
    Returns: `determining` names every binding that permits and its role, as `RoleBinding/NAMESPACE/NAME`.
    Source: kubernetes pkg/registry/rbac/validation/rule.go, VisitRulesFor.
    """
    objects = read(policies)
    try:
        wanted = asked(request)
    except Unusable as error:
        return Evaluation(effect="indeterminate", missing=(error.missing,), errors=objects.errors)
    if MASTERS in wanted.groups:
        return Evaluation(effect="permit", determining=(f"Group/{MASTERS}",), errors=objects.errors)
    permitting: set[str] = set()
    missing: set[str] = set(_missing_whatever_the_bindings_say(wanted, objects))
    for key, versions in objects.bindings.items():
        answer = agreed([_permits(binding, wanted, objects) for binding in versions], f"version of {key} in force")
        if answer is True:
            permitting |= {key, *(binding.role_key or "" for binding in versions)}
        elif answer is not False:
            missing |= answer
    if permitting and wanted.refused_by_another:
        return Evaluation(effect="indeterminate", missing=(ANOTHER,), errors=objects.errors)
    if permitting:
        return Evaluation(effect="permit", determining=tuple(sorted(permitting)), errors=objects.errors)
    if missing:
        return Evaluation(effect="indeterminate", missing=tuple(sorted(missing)), errors=objects.errors)
    return Evaluation(effect="deny", errors=objects.errors)


def _missing_whatever_the_bindings_say(wanted: Asked, objects: Objects) -> Iterable[str]:
    """Without these nothing is ever denied: what could not be read might permit, and so might another authorizer."""
    yield from (f"policy {name}" for name in objects.unread)
    if not wanted.all_groups:
        yield GROUPS  # the groups might hold `system:masters`
    if wanted.is_node:
        yield NODE
    if wanted.by_another:
        yield ANOTHER
    yield from wanted.not_known


def _permits(binding: Binding, wanted: Asked, objects: Objects) -> Answer:
    """Cheapest first: where it reaches, whom it binds, what its role says."""
    reaches = _reaches(binding, wanted.namespace)
    if reaches is False:
        return False
    applies = either(_is(subject, binding, wanted) for subject in binding.subjects or ())
    if applies is False:
        return False
    return both((reaches, applies, _role_allows(binding, wanted, objects)))


def _reaches(binding: Binding, namespace: str | None) -> Answer:
    """A RoleBinding reaches what is asked for in its own namespace."""
    if not binding.namespace:
        return True
    if namespace is None:
        return frozenset({"resource.properties.namespace"})
    if binding.namespace == UNKNOWN_NAMESPACE and namespace:
        return frozenset({f"metadata.namespace of {binding.key}"})
    return binding.namespace == namespace


def _is(subject: Subject, binding: Binding, wanted: Asked) -> Answer:
    if subject.kind == "User":
        return subject.name == wanted.user
    if subject.kind == "Group":
        return subject.name in wanted.groups or (False if wanted.all_groups else frozenset({GROUPS}))
    if subject.kind != "ServiceAccount":
        return False
    namespace = subject.namespace or binding.namespace
    if namespace == UNKNOWN_NAMESPACE:
        fits = wanted.user.startswith("system:serviceaccount:") and wanted.user.endswith(f":{subject.name}")
        return frozenset({f"metadata.namespace of {binding.key}"}) if fits else False
    return bool(namespace) and wanted.user == f"system:serviceaccount:{namespace}:{subject.name}"


def _role_allows(binding: Binding, wanted: Asked, objects: Objects) -> Answer:
    key = binding.role_key
    if key is None:
        return False
    versions = objects.roles.get(key)
    if not versions:
        return frozenset({f"rules of {key}"})
    return agreed(
        [role_allows(role, objects.roles, lambda rule: allows(rule, wanted)) for role in versions],
        f"version of {key} in force",
    )
