"""Rules of aggregated cluster roles: the controller writes into them the rules of all that their selectors match.

What the authorizer reads is the role's own `rules`. In an object from the server these are what the controller had
written by then; in a manifest they are nothing, for the controller replaces them. Where the selected roles differ from
such an object, one of the two is out of date, and the answer is not known.

Source: kubernetes pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go, syncClusterRole;
        apimachinery pkg/apis/meta/v1/helpers.go, LabelSelectorAsSelector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from quowarranto.replay.answer import Answer, either
from quowarranto.replay.rbac.objects import LabelSelector, PolicyRule, Requirement, Role

Ask = Callable[[PolicyRule], Answer]


def role_allows(role: Role, roles: Mapping[str, Sequence[Role]], ask: Ask) -> Answer:
    """Whether some rule of a role allows what is asked, the aggregated ones included."""
    own = either(ask(rule) for rule in role.rules or ())
    if role.aggregationRule is None or role.kind != "ClusterRole":
        return own
    selected = _aggregated(role, roles, ask)
    stands, may_stand = (own, selected) if role.metadata.from_server else (selected, own)
    if stands is True or may_stand is False:
        return stands
    return (stands or frozenset()) | frozenset({f"rules of {role.key} after aggregation"})


def _aggregated(role: Role, roles: Mapping[str, Sequence[Role]], ask: Ask) -> Answer:
    """What the selected roles allow; a selected role may be aggregated itself, and a circle adds nothing."""
    others = [other for versions in roles.values() for other in versions if other.kind == "ClusterRole"]
    seen, waiting, answers = {role.key}, [role], list[Answer]()
    while waiting:
        one = waiting.pop()
        selected = [other for other in others if other.key not in seen and _selects(one, other)]
        seen |= {other.key for other in selected}
        for other in selected:
            if other.aggregationRule is None or other.metadata.from_server:
                answers.append(either(ask(rule) for rule in other.rules or ()))
            else:
                waiting.append(other)
    return either(answers)


def _selects(role: Role, other: Role) -> bool:
    labels = other.metadata.labels or {}
    selectors = (role.aggregationRule and role.aggregationRule.clusterRoleSelectors) or ()
    return any(selector_matches(selector, labels) for selector in selectors)


def selector_matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """All labels and all expressions must hold; an empty selector matches everything, a malformed one nothing."""
    wanted = (selector.matchLabels or {}).items()
    return all(labels.get(key) == value for key, value in wanted) and all(
        _holds(requirement, labels) for requirement in selector.matchExpressions or ()
    )


def _holds(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(requirement.key), requirement.values or ()
    match requirement.operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return bool(values) and value not in values  # also where there is no such label
        case "Exists":
            return not values and value is not None
        case "DoesNotExist":
            return not values and value is None
    return False
