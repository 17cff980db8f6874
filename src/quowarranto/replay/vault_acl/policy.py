"""The rules of one policy text: what each path allows, and what it demands besides.

Source: vault/policy.go, ParseACLPolicy and parsePaths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from quowarranto.replay.vault_acl.hcl import Item, Malformed, Object, parse

CAPABILITIES = frozenset(
    ("create", "read", "update", "delete", "list", "sudo", "deny", "patch", "subscribe", "recover", "scan")
)
_OLD = {
    "deny": ("deny",),
    "read": ("read", "list"),
    "write": ("create", "read", "update", "delete", "list"),
    "sudo": ("create", "read", "update", "delete", "list", "sudo"),
}
"""The words of `policy`, from before there were capabilities."""

Values = dict[str, list[Any]]
T = TypeVar("T")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One `path` of a policy."""

    path: str
    """As written, templates included, without a leading slash."""
    capabilities: frozenset[str]
    min_wrapping_s: float = 0
    max_wrapping_s: float = 0
    allowed: Values | None = None
    denied: Values | None = None
    required: frozenset[str] = frozenset()
    mfa: frozenset[str] = frozenset()
    controlled: frozenset[str] = frozenset()
    """Capabilities for which a control group has to agree first."""
    pagination_limit: int = 0
    event_types: frozenset[str] = frozenset()
    expiration: str | None = None


def rules_of(text: str) -> list[Rule]:
    """All rules of a text.

    Raises:
        Malformed: the server would refuse it, or this reader cannot tell what it means.
    """
    rules: list[Rule] = []
    for item in parse(text).items:
        if item.keys == ("name",) and isinstance(item.value, str):
            continue  # the policy is called what it was stored under
        if item.keys[0] != "path":
            raise Malformed("an item beside `path` and a `name`")
        rules += [_rule(path, body) for path, body in _paths(item)]
    return rules


def _paths(item: Item) -> Iterator[tuple[str, Object]]:
    """`path "x" { … }`; in JSON `{"path": {"x": {…}}}`, in which objects may also stand in lists."""
    if len(item.keys) == 2 and isinstance(item.value, Object):
        yield item.keys[1], item.value
        return
    if len(item.keys) != 1:
        raise Malformed("a `path` with several names")
    for outer in _objects(item.value):
        for inner in outer.items:
            if len(inner.keys) != 1:
                raise Malformed("a `path` with several names")
            for body in _objects(inner.value):
                yield inner.keys[0], body


def _objects(value: Any) -> list[Object]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, Object) for one in found):
        raise Malformed("a `path` that is no object")
    return found


def _rule(path: str, body: Object) -> Rule:
    fields: dict[str, Any] = {}
    for item in body.items:
        key = item.keys[0]
        if key not in _READ:
            raise Malformed("an unknown key in a `path`")
        if len(item.keys) > 1 or key in fields:
            raise Malformed(f"`{key}` stands twice, or with a name")
        fields[key] = _READ[key](key, item.value)
    path = path.removeprefix("/")
    if "+*" in path:
        raise Malformed("`+*` in a path")
    least, most = fields.get("min_wrapping_ttl", 0), fields.get("max_wrapping_ttl", 0)
    if least and most and most < least:
        raise Malformed("`max_wrapping_ttl` is less than `min_wrapping_ttl`")
    capabilities = fields.get("capabilities", frozenset()) | fields.get("policy", frozenset())
    if "deny" in capabilities:
        return Rule(path=path, capabilities=frozenset({"deny"}), expiration=fields.get("expiration"))
    return Rule(
        path=path,
        capabilities=capabilities,
        min_wrapping_s=least,
        max_wrapping_s=most,
        allowed=fields.get("allowed_parameters"),
        denied=fields.get("denied_parameters"),
        required=fields.get("required_parameters", frozenset()),
        mfa=fields.get("mfa_methods", frozenset()),
        controlled=fields.get("control_group", frozenset()),
        pagination_limit=fields.get("pagination_limit", 0),
        event_types=fields.get("subscribe_event_types", frozenset()),
        expiration=fields.get("expiration"),
    )


def _texts(key: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Malformed(f"`{key}` is not a list of texts")
    return frozenset(value)


def _capabilities(key: str, value: Any) -> frozenset[str]:
    found = _texts(key, value)
    if not found <= CAPABILITIES:
        raise Malformed("an unknown capability")
    return found


def _old(key: str, value: Any) -> frozenset[str]:
    if not isinstance(value, str) or (value and value not in _OLD):
        raise Malformed("an unknown word for `policy`")
    return frozenset(_OLD.get(value, ()))


def _parameters(key: str, value: Any) -> Values:
    """Names of parameters do not tell upper from lower case; an empty list stands for any value."""
    found: Values = {}
    for item in (one for outer in _objects_or_none(value) for one in outer.items):
        name = item.keys[0].lower()
        if len(item.keys) > 1 or name in found or not isinstance(item.value, list):
            raise Malformed(f"`{key}` has a name twice, or one without a list")
        found[name] = [_plain(one) for one in item.value]
    return found


def _objects_or_none(value: Any) -> list[Object]:
    return [] if value is None else _objects(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Object):
        return {".".join(item.keys): _plain(item.value) for item in value.items}
    return [_plain(one) for one in value] if isinstance(value, list) else value


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_MOST_DIGITS = 32


def seconds(key: str, value: Any) -> float:
    """A number of seconds, or Go's notation of a duration, or whole days; never negative.

    Source: go-secure-stdlib parseutil, ParseDurationSecond.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return value
    if isinstance(value, str) and len(value) <= _MOST_DIGITS:
        if value == "" or (value.isascii() and value.isdigit()):
            return int(value or "0")
        if value[-1] == "d" and value[:-1].isascii() and value[:-1].isdigit():
            return int(value[:-1]) * 86_400
        if re.fullmatch(f"(?:{_PART.pattern})+", value):
            return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    raise Malformed(f"`{key}` is not a duration")


def _number(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"`{key}` is not a number")
    return value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed(f"`{key}` is not a text")
    return value


def _anything(key: str, value: Any) -> None:
    """What decides nothing."""


def _control_group(key: str, value: Any) -> frozenset[str]:
    """The capabilities that its factors control; a factor that names none controls all.

    Vault writes `factor "name" { … }`, OpenBao `factors = [{ … }]`.
    """
    controlled: frozenset[str] = frozenset()
    for group in _objects(value):
        for item in group.items:
            if item.keys[0] == "factor":
                bodies = _objects(item.value)
                if len(item.keys) == 1:  # JSON: the name is a key within
                    bodies = [one for outer in bodies for inner in outer.items for one in _objects(inner.value)]
            elif item.keys[0] == "factors":
                bodies = _objects(item.value)
            elif item.keys[0] == "ttl":
                continue
            else:
                raise Malformed(f"an unknown key in `{key}`")
            for body in bodies:
                controlled |= _factor(body)
    return controlled


def _factor(body: Object) -> frozenset[str]:
    named = [item.value for item in body.items if item.keys[0] == "controlled_capabilities"]
    return frozenset().union(*(_capabilities("controlled_capabilities", one) for one in named)) or CAPABILITIES


_READ: dict[str, Callable[[str, Any], Any]] = {
    "comment": _anything,
    "policy": _old,
    "capabilities": _capabilities,
    "allowed_parameters": _parameters,
    "denied_parameters": _parameters,
    "required_parameters": _texts,
    "min_wrapping_ttl": seconds,
    "max_wrapping_ttl": seconds,
    "mfa_methods": _texts,
    "control_group": _control_group,
    "subscribe_event_types": _texts,
    "pagination_limit": _number,
    "expiration": _text,
    "list_scan_response_keys_filter_path": _anything,
}
