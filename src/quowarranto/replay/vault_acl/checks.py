"""What the rule that counts says of an operation: the capability, and all that has to hold beside it.

Source: vault/acl.go, AllowOperation and performPolicyChecks; documentation pages "Policies", "Control groups",
        "Event notifications".
"""

from __future__ import annotations

from quowarranto.replay.answer import Answer, both
from quowarranto.replay.vault_acl.asked import CAPABILITY_OF, Asked
from quowarranto.replay.vault_acl.parameters import globbed, page_fits, parameters_fit, wrapping_fits
from quowarranto.replay.vault_acl.permissions import Permissions
from quowarranto.replay.vault_acl.protected import is_protected

_WITH_DATA = frozenset(("read", "update", "create", "patch", "recover"))
_NOBODY: frozenset[str] = frozenset()


def allows(rule: Permissions, wanted: Asked, operation: str) -> tuple[Answer, frozenset[str]]:
    """The answer, and the policies that give the capability or deny by name."""
    if "deny" in rule.granting:
        return False, rule.granting["deny"]
    capability = CAPABILITY_OF[operation]
    if capability not in rule.granting:
        return False, _NOBODY
    answer = both(
        (
            wrapping_fits(rule, wanted.wrap_ttl_s),
            _data_fits(rule, wanted, operation),
            _may_touch_protected(rule, wanted),
            _agreed(bool(rule.mfa), wanted.mfa, "context.mfa_satisfied"),
            _agreed(capability in rule.controlled, wanted.control_group, "context.control_group_satisfied"),
        )
    )
    return answer, _NOBODY if answer is False else rule.granting[capability]


def _data_fits(rule: Permissions, wanted: Asked, operation: str) -> Answer:
    if operation in _WITH_DATA:
        return parameters_fit(rule, wanted.parameters, wanted.list_matching)
    if operation in ("list", "scan"):
        return page_fits(rule, wanted.parameters)
    return _subscribes(rule, wanted.event_type) if operation == "subscribe" else True


def _subscribes(rule: Permissions, event_type: str | None) -> Answer:
    """Where only some of the merged rules name types, it depends on which of them the server read first."""
    if not rule.event_types:
        return False
    if event_type is None:
        return frozenset({"action.properties.event_type"})
    if not any(globbed(pattern, event_type) or pattern == "*" for pattern in rule.event_types):
        return False
    return True if rule.all_have_event_types else frozenset({"order of the policies"})


def _may_touch_protected(rule: Permissions, wanted: Asked) -> Answer:
    """A path that is root-protected demands `sudo` as well."""
    if "sudo" in rule.granting or wanted.root_protected is False:
        return True
    if wanted.root_protected:
        return False
    if wanted.namespace is None:
        return frozenset({"context.namespace"})
    protected = is_protected(wanted.path.removeprefix(wanted.namespace))
    return frozenset({"resource.properties.root_protected"}) if protected is None else not protected


def _agreed(demanded: bool, given: bool | None, name: str) -> Answer:
    if not demanded:
        return True
    return frozenset({name}) if given is None else given
