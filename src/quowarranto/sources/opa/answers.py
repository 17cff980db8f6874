"""What a result means: policies may answer anything, and only some answers say allow or deny."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from quowarranto.sources.entry import Skipped

Effect = Literal["allow", "deny"]

_YES = frozenset(
    ("allow", "allowed", "is_allowed", "authorize", "authorized", "authorised", "is_authorized", "permit", "permitted")
)
_NO = frozenset(("deny", "denied", "violation", "violations", "reject", "rejected"))
_UNCLEAR = "the answer says neither allow nor deny"
_UNNAMED = "the name of the rule does not say that true means allow: name it under `allow` in `[source.opa]`"


def answer_of(path: str, result: Any, allow: Sequence[str]) -> Effect | Skipped:
    """What was decided.

    Args:
        path: of the rule; its last part is the rule's name.
        result: as logged, or UNSET where nothing was: no rule applied, which enforcement points take for a refusal.
        allow: paths of rules of which the user says that true means allow.
    """
    rule = path.strip("/").replace(".", "/")
    name = rule.rpartition("/")[2]
    allows = name in _YES or rule in {one.strip("/").replace(".", "/") for one in allow}
    if result is msgspec.UNSET:
        return (
            Skipped("a rule that refuses did not apply: it does not say that something was allowed")
            if (name in _NO)
            else "deny"
        )
    if name in _NO and not allows:
        return _refusal(result)
    if isinstance(result, dict):
        return _of_object(result)
    known = _truth(result)
    if known is None:
        return Skipped(_UNCLEAR)
    if not allows:
        return Skipped(_UNNAMED) if known else "deny"
    return "allow" if known else "deny"


def _refusal(result: Any) -> Effect | Skipped:
    """A rule that refuses: anything in it is a refusal, and nothing in it is not yet a permission."""
    if _truth(result) or (isinstance(result, list | dict) and result) or (isinstance(result, str) and result):
        return "deny"
    return Skipped("a rule that refuses did not apply: it does not say that something was allowed")


def _of_object(result: dict[str, Any]) -> Effect | Skipped:
    """The whole package, an answer for Envoy (`allowed`), or an admission review (`response.allowed`)."""
    if any(_truth(result.get(name)) or (isinstance(result.get(name), list) and result[name]) for name in _NO):
        return "deny"
    response = result.get("response")
    for document in (result, response if isinstance(response, dict) else {}):
        said = {_truth(document[name]) for name in _YES if name in document}
        if said:
            return Skipped(_UNCLEAR) if None in said else "allow" if said == {True} else "deny"
    return Skipped(_UNCLEAR)


def _truth(value: Any) -> bool | None:
    """A boolean, also as the text that some agents' documentation shows."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None
