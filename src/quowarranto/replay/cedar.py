"""Cedar: the engine itself, asked again, and told what it cannot know.

Policies  Cedar text or its JSON form; among them, told apart by content and name, entities (a JSON array) and a
          schema (JSON, or text in `*.cedarschema`).
Request   `subject` and `resource` are entities: `properties` are their attributes, `properties.parents` the entities
          they were in, direct or not. `action.name` is an id, or `Type::"id"`; `properties.type` its type (`Action`).
Answer    `determining` has the `@id` of each policy, else `policyN` by place in its document (`name#policyN` where
          there are several documents).
Unknown   an error skips a policy in Cedar, a forbid too, so any error is indeterminate. So is what hangs on attributes
          or parents of an entity that nobody recorded: Cedar takes them for absent.
Source    cedar-policy, Authorizer and Diagnostics; docs.cedarpolicy.com, "Authorization".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import cedarpy
import msgspec

from quowarranto.replay.cedar_needs import ENTITIES, Shape, Uid, shape_of
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request, in_shape
from quowarranto.sources.cedar.documents import is_policies, is_policy_set

_UID = re.compile(r'([A-Za-z_][\w:]*)::"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ENGINE_ERRORS = (ValueError, TypeError, OverflowError, RecursionError)
_LONGEST = 400
"""Characters of an engine's error that are kept."""


class _Set(msgspec.Struct, frozen=True):
    """Parsed documents: handles of the engine, and what each policy looks at, by the engine's own name for it."""

    policies: Any
    schema: Any
    base: Any
    """Entities, parsed."""
    known: dict[Uid, dict[str, Any]]
    """The same entities as they were written."""
    shapes: dict[str, Shape]
    asking: dict[str, Shape]
    """Those of them that have to know more than the names in a request."""
    names: dict[str, str]
    complete: bool
    """Whether a document of entities was given."""
    missing: tuple[str, ...] = ()


class _Unusable(Exception):
    """A document that the engine does not take; the message names the document."""


def evaluate(policies: Sequence[Policy], request: Request) -> Evaluation:
    """What these policies say of a request."""
    try:
        parsed = _parsed(tuple(sorted(set(policies), key=lambda policy: (policy.name, policy.text))))
        return _evaluated(parsed, request)
    except _Unusable as error:
        return Evaluation(effect="indeterminate", errors=(str(error),))
    except _ENGINE_ERRORS as error:
        return Evaluation(effect="indeterminate", errors=(_short(f"the request is not one of Cedar's: {error}"),))


def request_of(recorded: Mapping[str, Any] | None, raw: str | None = None) -> Request | None:
    """The question: a host's line names its entities and the context in full, where the record keeps less."""
    if raw is None:
        return in_shape(recorded)
    try:
        line = msgspec.json.decode(raw, type=_Line)
    except (msgspec.DecodeError, RecursionError):
        return in_shape(recorded)
    who, verb, what = (_line_uid(part) for part in (line.principal, line.action, line.resource))
    if who is None or verb is None or what is None:
        return in_shape(recorded)
    return Request(
        subject={"type": who[0], "id": who[1]},
        action={"name": verb[1], "properties": {"type": verb[0]}},
        resource={"type": what[0], "id": what[1]},
        context=line.context,
    )


def documents_of(raw: str) -> tuple[Policy, ...]:
    """The set of policies that a file read by source `cedar` holds, text or JSON; none in a host's line."""
    if is_policies(raw):
        return (Policy("policies.cedar", raw),)
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return ()
    return (Policy("policies.json", raw),) if isinstance(value, dict) and is_policy_set(value) else ()


class _Line(msgspec.Struct, frozen=True):
    """What `sources.cedar` reads of an evaluation, and the context."""

    principal: Any
    action: Any
    resource: Any
    decision: str
    context: dict[str, Any] = msgspec.field(default_factory=dict)


def _line_uid(named: Any) -> Uid | None:
    if isinstance(named, dict):
        kind, name = named.get("type"), named.get("id")
        return (kind, name) if isinstance(kind, str) and isinstance(name, str) else None
    found = _UID.fullmatch(named) if isinstance(named, str) else None
    return (found[1], found[2]) if found else None


def _evaluated(parsed: _Set, request: Request) -> Evaluation:
    uids = {
        "principal": _entity(request.subject),
        "action": _action(request.action),
        "resource": _entity(request.resource),
    }
    entities, told = _with_told(parsed, request, uids)
    asked = {part: {"type": kind, "id": name} for part, (kind, name) in uids.items()}
    answer = cedarpy.is_authorized(
        {**asked, "context": dict(request.context)}, parsed.policies, entities, parsed.schema
    )
    errors = tuple(sorted(_named(_short(error), parsed.names) for error in answer.diagnostics.errors))
    if errors or answer.decision is cedarpy.Decision.NoDecision:
        return Evaluation(effect="indeterminate", errors=errors or ("the engine gave no decision",))
    return _weighed(parsed, answer, uids, told | ({"context"} if request.context else set()))


def _weighed(parsed: _Set, answer: Any, uids: Mapping[str, Uid], told: set[str]) -> Evaluation:
    """The engine's answer, unless a policy that looks at what was not recorded might have changed it."""
    unsure: dict[str, frozenset[str]] = {}
    for name, shape in parsed.asking.items():
        if shape.takes(uids) and (lacking := shape.looks_at(uids).difference(told)):
            unsure[name] = lacking
    sure = [name for name in answer.diagnostics.reasons if name not in unsure]
    denied = any(parsed.shapes[name].forbids for name in sure)
    permitted = not denied and bool(sure)
    may_forbid = any(parsed.shapes[name].forbids for name in unsure)
    may_permit = any(not parsed.shapes[name].forbids for name in unsure)
    open_ = not denied and ((may_forbid and (permitted or may_permit)) or (may_permit and not permitted))
    if open_ or (parsed.missing and not denied):
        unknown = {_said(need) for needs in unsure.values() for need in needs} if open_ else set()
        return Evaluation(effect="indeterminate", missing=tuple(sorted(unknown | set(parsed.missing))))
    determining = tuple(sorted({parsed.names[name] for name in sure}))
    return Evaluation(effect="permit" if permitted else "deny", determining=determining)


def _said(need: str) -> str:
    part, _, what = need.partition("'s ")
    return f"{what} of the {part}" if what else need


# ---- entities --------------------------------------------------------------------------------------------------------


def _entity(named: Mapping[str, Any]) -> Uid:
    kind, name = named.get("type"), named.get("id")
    if not isinstance(kind, str) or not isinstance(name, str):
        raise ValueError("a subject or resource has no type or id")
    return kind, name


def _action(named: Mapping[str, Any]) -> Uid:
    name, properties = named.get("name"), _properties(named)
    if not isinstance(name, str):
        raise ValueError("the action has no name")
    found = _UID.fullmatch(name)
    if found:
        return found[1], found[2]
    kind = properties.get("type", "Action")
    return (kind if isinstance(kind, str) else "Action"), name


def _properties(named: Mapping[str, Any]) -> Mapping[str, Any]:
    found = named.get("properties")
    return found if isinstance(found, Mapping) else {}


def _with_told(parsed: _Set, request: Request, uids: Mapping[str, Uid]) -> tuple[Any, set[str]]:
    """The entities with what the request says of its own, and which parts of it are known.

    Where both know an entity, the request counts: it was there when the decision was made.
    """
    told = {"action's attributes", ENTITIES} if parsed.complete else {"action's attributes"}
    if parsed.complete or parsed.schema is not None:
        told.add("action's parents")
    added: dict[Uid, dict[str, Any]] = {}
    for part, named in (("principal", request.subject), ("resource", request.resource)):
        uid, properties = uids[part], dict(_properties(named))
        parents = properties.pop("parents", None)
        before = parsed.known.get(uid)
        told |= {f"{part}'s attributes"} if before or properties else set()
        told |= {f"{part}'s parents"} if before or parents is not None else set()
        if properties or parents is not None:
            entity = added.get(uid) or before or {"attrs": {}, "parents": []}
            kept = [_as_uid(one) for one in parents] if isinstance(parents, list) else entity.get("parents", [])
            attrs = {**entity.get("attrs", {}), **properties}
            added[uid] = entity | {"uid": {"type": uid[0], "id": uid[1]}, "attrs": attrs, "parents": kept}
    if not added:
        return parsed.base, told
    whole = [*(entity for uid, entity in parsed.known.items() if uid not in added), *added.values()]
    return cedarpy.Entities.from_json_str(msgspec.json.encode(whole).decode(), parsed.schema), told


def _as_uid(parent: Any) -> Any:
    found = _UID.fullmatch(parent) if isinstance(parent, str) else None
    return {"type": found[1], "id": found[2]} if found else parent


# ---- documents -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _parsed(documents: tuple[Policy, ...]) -> _Set:
    """Handles of the engine for a set of documents, which many requests share.

    Raises:
        _Unusable: a document is none of Cedar's.
    """
    kinds: dict[str, list[Policy]] = {"policies": [], "entities": [], "schema": []}
    for document in documents:
        kinds[_kind(document)].append(document)
    schema = _schema(kinds["schema"])
    known = dict(_entities(kinds["entities"]))
    text, shapes, names, templates = _policies(kinds["policies"])
    try:
        base = cedarpy.Entities.from_json_str(msgspec.json.encode(list(known.values())).decode(), schema)
        handle = cedarpy.PolicySet.from_str(text)
    except _ENGINE_ERRORS as error:
        raise _Unusable(_short(f"the entities or policies are not Cedar's: {error}")) from None
    missing = [*([] if kinds["policies"] else ["policies"]), *(["links of the templates"] if templates else [])]
    asking = {name: shape for name, shape in shapes.items() if not shape.plain}
    return _Set(handle, schema, base, known, shapes, asking, names, bool(kinds["entities"]), tuple(missing))


def _kind(document: Policy) -> str:
    text = document.text.lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return "entities"
    if text.startswith("{"):
        return "policies" if '"staticPolicies"' in text else "schema"
    return "schema" if document.name.endswith(".cedarschema") else "policies"


def _schema(documents: Sequence[Policy]) -> Any:
    if len(documents) > 1:
        raise _Unusable(f"several schemas: `{'`, `'.join(document.name for document in documents)}`")
    try:
        return cedarpy.Schema.from_str(documents[0].text) if documents else None
    except _ENGINE_ERRORS as error:
        raise _Unusable(_short(f"`{documents[0].name}` is not a schema: {error}")) from None


def _entities(documents: Sequence[Policy]) -> Iterator[tuple[Uid, dict[str, Any]]]:
    for document in documents:
        try:
            listed = msgspec.json.decode(document.text, type=list[dict[str, Any]])
            for entity in listed:
                uid = entity["uid"]
                uid = uid.get("__entity", uid)
                yield (str(uid["type"]), str(uid["id"])), entity
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise _Unusable(_short(f"`{document.name}` is not a list of entities ({type(error).__name__})")) from None


def _policies(documents: Sequence[Policy]) -> tuple[str, dict[str, Shape], dict[str, str], bool]:
    """One text of all documents; shape and name of each policy by its place in it; whether there are templates."""
    texts: list[str] = []
    shapes: dict[str, Shape] = {}
    names: dict[str, str] = {}
    before = templates = 0
    for document in documents:
        text, read = _read(document)
        texts.append(text)
        prefix = f"{document.name}#" if len(documents) > 1 else ""
        for key, policy in read["staticPolicies"].items():
            place = f"policy{before + int(key.removeprefix('policy'))}"  # templates are counted too
            names[place] = policy.get("annotations", {}).get("id") or f"{prefix}{key}"
            shapes[place] = shape_of(policy)
        templates += len(read["templates"])
        before += len(read["staticPolicies"]) + len(read["templates"])
    return "\n".join(texts), shapes, names, bool(templates)


def _read(document: Policy) -> tuple[str, dict[str, Any]]:
    try:
        text = document.text
        if text.lstrip("\ufeff \t\r\n").startswith("{"):
            text = cedarpy.policies_from_json_str(_with_ids(text))
        return text, msgspec.json.decode(cedarpy.policies_to_json_str(text))
    except (*_ENGINE_ERRORS, AttributeError) as error:
        raise _Unusable(_short(f"`{document.name}` is not a Cedar policy: {error}")) from None


def _with_ids(text: str) -> str:
    """Policies in the JSON form with their keys as `@id`, where they have none: text has no other place for them."""
    value = msgspec.json.decode(text)
    for key, policy in value.get("staticPolicies", {}).items():
        policy["annotations"] = {"id": key} | (policy.get("annotations") or {})
    return msgspec.json.encode(value).decode()


# ---- errors ----------------------------------------------------------------------------------------------------------

_POLICY_NAME = re.compile(r"`(policy\d+)`")


def _named(error: str, names: Mapping[str, str]) -> str:
    """The engine's error with our name of the policy in place of its own."""
    return _POLICY_NAME.sub(lambda found: f"`{names.get(found[1], found[1])}`", error)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
