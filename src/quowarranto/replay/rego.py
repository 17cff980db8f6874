"""Rego: OPA's language by another engine (rego-cpp), which is believed only where it can be.

Policies  modules (`package …`) and data documents (JSON objects), told apart by content.
Request   `input` is the request itself, in AuthZEN's shape, and the rule is the only one called `allow`; of a decision
          of source `opa`, they are the `input` and `path` of its log line.
Answer    `determining` is the rule that was asked, as `data.a.allow`.
Unknown   what the engine does not have or has otherwise (`net.*`, `http.send` …), what is no function of the input
          (time, random numbers, `opa.runtime`), data that no document gives, values that masking removed, modules of
          Rego v0, and any error: with the engine's defaults some of these would permit.
Source    open-policy-agent.org, "Policy Language", "Policy Reference: Built-in Functions", "Decision Logs"; rego-cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request, in_shape
from quowarranto.replay.rego_reading import Module, module_of
from quowarranto.sources.entry import Skipped
from quowarranto.sources.opa.answers import answer_of

try:
    import regopy
except ImportError:  # the extra `rego`
    regopy = None

_INPUT, _PATH, _REMOVED = "opa.input", "opa.path", "opa.removed"
_ERRORS = (ValueError, TypeError, KeyError, RecursionError, OverflowError)
_ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


class _Built(msgspec.Struct, frozen=True):
    """Modules and data as the engine holds them."""

    engine: Any
    bundle: Any
    undecided: tuple[str, ...]
    """What makes any answer doubtful."""
    parses_times: bool


class _Unusable(Exception):
    """A document that the engine does not take."""


def evaluate(policies: Sequence[Policy], request: Request) -> Evaluation:
    """What these policies say of a request."""
    if regopy is None:
        return _unknown(errors=("Rego needs the extra `rego` (regopy)",))
    try:
        modules, data = _documents(tuple(sorted(set(policies), key=lambda one: (one.name, one.text))))
        rule, lacking = _rule(modules, request)
        lacking += _removed(request)
        if rule is None or lacking:
            return _unknown(missing=tuple(lacking))
        built = _built(modules, data, rule)
        return _unknown(missing=built.undecided) if built.undecided else _asked(built, rule, request)
    except _Unusable as error:
        return _unknown(errors=(str(error),))
    except _ERRORS as error:
        return _unknown(errors=(f"the policies or the input cannot be read ({type(error).__name__})",))


def request_of(recorded: Mapping[str, Any] | None, raw: str | None = None) -> Request | None:
    """The question: the whole input of an event of OPA's decision log, where the record keeps only parts."""
    try:
        event = msgspec.json.decode(raw or "null")
    except (msgspec.DecodeError, RecursionError):
        event = None
    if not isinstance(event, dict) or "input" not in event or not isinstance(event.get("path"), str):
        return in_shape(recorded)
    removed = [path for name in ("erased", "masked") for path in _paths(event.get(name), name)]
    return Request(
        subject={},
        action={},
        resource={},
        context={_INPUT: event["input"], _PATH: event["path"], _REMOVED: removed},
    )


def _paths(listed: Any, name: str) -> list[str]:
    """Paths that masking lists; what is no list of them may be any path."""
    if listed is None:
        return []
    return [str(one) for one in listed if isinstance(one, str)] if isinstance(listed, list) else [name]


def _unknown(missing: tuple[str, ...] = (), errors: tuple[str, ...] = ()) -> Evaluation:
    return Evaluation(effect="indeterminate", missing=missing, errors=errors)


def _removed(request: Request) -> list[str]:
    return [f"`{path}` (removed by masking)" for path in request.context.get(_REMOVED, ())]


def _asked(built: _Built, rule: str, request: Request) -> Evaluation:
    given = request.context[_INPUT] if _INPUT in request.context else msgspec.to_builtins(request)
    found = _result(built, rule, given)
    if found is None and built.parses_times:
        found = _result(built, rule, _with_offsets(given))  # the engine reads `+00:00` and not `Z`
    if found is None:
        return _unknown(errors=(f"the engine failed while evaluating `data.{rule.replace('/', '.')}`",))
    answer = answer_of(rule, msgspec.UNSET if found == [] else found[0], ())
    if isinstance(answer, Skipped):
        return _unknown(errors=(answer.reason,))
    name = f"data.{rule.replace('/', '.')}"
    return Evaluation(effect="permit" if answer == "allow" else "deny", determining=(name,))


def _result(built: _Built, rule: str, given: Any) -> list[Any] | None:
    """The rule's value in a list, none in it where it is undefined; None where the engine failed."""
    try:
        built.engine.set_input_term(msgspec.json.encode(given).decode())
        output = built.engine.query_bundle_entrypoint(built.bundle, rule)
        if not output.ok():
            return None
        return [] if str(output) == "undefined" else [msgspec.json.decode(str(output))["expressions"][0]]
    except (regopy.RegoError, msgspec.DecodeError, *_ERRORS, IndexError):
        return None


def _with_offsets(value: Any) -> Any:
    if isinstance(value, str):
        return f"{value[:-1]}+00:00" if _ZULU.fullmatch(value) else value
    if isinstance(value, dict):
        return {name: _with_offsets(one) for name, one in value.items()}
    return [_with_offsets(one) for one in value] if isinstance(value, list) else value


# ---- documents -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _documents(documents: tuple[Policy, ...]) -> tuple[tuple[Module, ...], str]:
    """Modules, and all data as one JSON object."""
    modules: list[Module] = []
    data: dict[str, Any] = {}
    for document in documents:
        if document.text.lstrip("\ufeff \t\r\n").startswith("{"):
            value = msgspec.json.decode(document.text)
            if data.keys() & value.keys():
                raise _Unusable(f"`{document.name}` gives data that another document gives")
            data |= value
            continue
        found = module_of(document.name, document.text)
        if found is None:
            raise _Unusable(f"`{document.name}` is not a module of Rego")
        modules.append(found)
    return tuple(modules), msgspec.json.encode(data).decode()


def _rule(modules: Sequence[Module], request: Request) -> tuple[str | None, list[str]]:
    """The rule to ask, as a path, and what is lacking."""
    if not modules:
        return None, ["policies"]
    path = request.context.get(_PATH)
    if isinstance(path, str) and path.strip("/"):
        return path.strip("/").replace(".", "/"), []
    found = sorted({f"{module.package}/allow" for module in modules if "allow" in module.rules})
    return (found[0], []) if len(found) == 1 else (None, ["which rule decides"])


@lru_cache(maxsize=256)
def _built(modules: tuple[Module, ...], data: str, rule: str) -> _Built:
    engine = regopy.Interpreter()
    engine.strict_built_in_errors = True  # else an error is undefined, and `not` of it true
    undecided = sorted(set(_undecided(engine, modules, data, rule)))
    if undecided:
        return _Built(None, None, tuple(undecided), False)
    try:
        for module in modules:
            engine.add_module(module.name, module.text)
        engine.add_data_json(data)
        bundle = engine.build("x := 1", [rule])
    except (regopy.RegoError, *_ERRORS):
        raise _Unusable("the policies are not Rego that the engine takes") from None
    if not bundle.ok():
        raise _Unusable("the policies are not Rego that the engine takes")
    return _Built(engine, bundle, (), any("time.parse_rfc3339_ns" in module.calls for module in modules))


_IMPURE = (
    *("time.now_ns", "opa.runtime", "rand.intn", "uuid.rfc4122", "http.send", "net.lookup_ip_addr", "print", "trace"),
    *("io.jwt.decode_verify", "rego.metadata.rule", "rego.metadata.chain", "rego.parse_module"),
)
_UNTRUSTED = ("net.", "http.", "graphql.", "providers.", "rego.", "crypto.x509.", "json.match_schema", "json.verify_")


def _undecided(engine: Any, modules: Sequence[Module], data: str, rule: str) -> Iterator[str]:
    package, _, name = rule.rpartition("/")
    homes = [module for module in modules if module.package == package]
    if not any(name in module.rules for module in homes) and rule not in {module.package for module in modules}:
        yield f"the rule `data.{rule.replace('/', '.')}`"
    packages = {module.package for module in modules}
    given = msgspec.json.decode(data, type=dict[str, Any]).keys()
    for module in modules:
        if module.old:
            yield f"`{module.name}` in Rego v1 (it is written for v0)"
        for path in module.data:
            if path.split("/")[0] not in given and not any(_meet(path, package) for package in packages):
                yield f"what is called `data.{path.replace('/', '.')}`"
        if module.whole_data:
            yield "all data (a module refers to `data` as a whole)"
        for call in module.calls:
            if call in _IMPURE or call.startswith(_UNTRUSTED) or not engine.is_builtin(call):
                yield f"the built-in `{call}`"


def _meet(path: str, package: str) -> bool:
    """Whether one lies within the other."""
    return f"{path}/".startswith(f"{package}/") or f"{package}/".startswith(f"{path}/")
