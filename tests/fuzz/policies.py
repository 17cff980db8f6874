"""Readers of policies and of what was asked of them: texts, recorded requests, raw lines, roles through time.

Seeds are the tables of documented cases, which hold a bit of everything, and the samples of sources.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from types import ModuleType
from typing import Any

import msgspec
import yaml

from quowarranto.errors import RejectedEntry
from quowarranto.records import AuthorityFact
from quowarranto.replay import cedar, iam, rbac, rego, vault_acl
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.iam.recorded import request_of_action
from quowarranto.replay.language import Policy, Request, in_shape
from quowarranto.replay.rbac.state import Roles
from quowarranto.replay.rego_reading import module_of
from quowarranto.replay.state import Seen, Told
from quowarranto.sources import SOURCES, Entry, Observation, Skipped
from tests.replay.iam import test_iam_cases
from tests.replay.rbac import test_rbac_cases
from tests.replay.vault_acl import test_vault_acl_cases
from tests.sources import golden
from tests.sources.sampled import ALL, entries

Seeds = Callable[[], list[bytes]]
Run = Callable[[bytes], str]
SOURCE_BY_NAME = {source.name: source for source in SOURCES}
_REQUEST = Request(
    subject={"type": "user", "id": "arn:aws:iam::111122223333:user/ann", "properties": {"groups": ["g"]}},
    action={"name": "get"},
    resource={"type": "pods", "id": "default/a", "properties": {"namespace": "default", "resource": "pods"}},
    context={"aws:SourceIp": "192.0.2.1", "aws:CurrentTime": "2026-03-01T09:00:00Z"},
)
_LOOKS = 'permit (principal, action, resource) when { principal has a && context has b && resource.c like "*" };'
_SOURCES = {"cedar": "cedar", "iam": "cloudtrail", "rbac": "kubernetes", "rego": "opa", "vault_acl": "vault"}
_LANGUAGES: dict[str, ModuleType] = {"cedar": cedar, "iam": iam, "rbac": rbac, "rego": rego, "vault_acl": vault_acl}


def policies() -> dict[str, tuple[Seeds, Run]]:
    """Targets by name: what each is tried with at first, and what it makes of bytes."""
    texts: dict[str, Seeds] = {"cedar": _cedar, "iam": _iam, "rbac": _rbac, "vault_acl": _vault_acl}
    found: dict[str, tuple[Seeds, Run]] = {
        f"policy/{name}": (seeds, partial(_policy, name)) for name, seeds in texts.items()
    }
    found["policy/rego"] = (_rego, _module)
    for name in texts.keys() - {"cedar"}:
        found[f"policy/{name}-asked"] = (partial(_cases, name), partial(_asked, name))
    for name, source in _SOURCES.items():
        found[f"policy/{name}-recorded"] = (partial(_lines, source), partial(_recorded, name, source))
    found["policy/rbac-standing"] = (partial(_lines, "kubernetes"), _standing)
    return dict(sorted(found.items()))


# ---- texts of policies -----------------------------------------------------------------------------------------------


def _policy(language: str, data: bytes) -> str:
    """A policy file, alone and beside one that is sound."""
    text = data.decode("utf-8", "replace")
    evaluate = _LANGUAGES[language].evaluate
    said = [evaluate([Policy("x", text)], _REQUEST)]
    said.append(evaluate([Policy("x", text), Policy("y", "permit (principal, action, resource);")], _REQUEST))
    return _told(said)


def _told(said: Iterable[Evaluation]) -> str:
    """Effects and the beginning of the first error; an answer that lacks something says what."""
    out = []
    for one in said:
        assert one.effect != "indeterminate" or one.missing or one.errors, "indeterminate without a reason"
        out.append(f"{one.effect} {one.errors[0][:40] if one.errors else ''}")
    return " ".join(out)


def _module(data: bytes) -> str:
    """A module of Rego as the reader without an engine sees it."""
    found = module_of("x", data.decode("utf-8", "replace"))
    return "none" if found is None else f"{found.old} {found.whole_data} {len(found.rules)} {len(found.calls)}"


# ---- what was asked --------------------------------------------------------------------------------------------------


def _asked(language: str, data: bytes) -> str:
    """Policies and a request, of which anything may be changed."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not JSON"
    if not isinstance(value, dict) or not isinstance(given := value.get("policies"), dict):
        return "no policies"
    texts = [Policy(name, one if isinstance(one, str) else json.dumps(one)) for name, one in given.items()]
    request = in_shape(value.get("request"))
    return "nothing asked" if request is None else _told([_LANGUAGES[language].evaluate(texts, request)])


def _recorded(language: str, source: str, data: bytes) -> str:
    """A line of a log: what its decisions ask, by the record and the line, and the policies that it holds."""
    module, raw = _LANGUAGES[language], data.decode("utf-8", "replace")
    recorded: list[Any] = [None, *_requests(source, data)]
    told = [str(len(module.documents_of(raw)))] if hasattr(module, "documents_of") else []
    for one in recorded:
        request = module.request_of(one, raw)
        if request is None:
            told.append("none")
        elif language != "rego":
            told.append(_told([module.evaluate([Policy("x", _LOOKS)], request)]))
    return " ".join(told)


def _requests(source: str, data: bytes) -> Iterator[dict[str, Any]]:
    try:
        outcome = SOURCE_BY_NAME[source].read(Entry(data, "x.json"))
    except RejectedEntry:
        return
    for item in () if isinstance(outcome, Skipped) else outcome:
        if isinstance(item, AuthorityFact) and item.request is not None:
            yield msgspec.json.decode(msgspec.json.encode(item.request))
        elif source == "cloudtrail" and not isinstance(item, (Observation, AuthorityFact)):
            request_of_action(item)


_seen: deque[Told] = deque(maxlen=12)


def _standing(data: bytes) -> str:
    """Roles and bindings through time, of this entry and those before it."""
    try:
        outcome = SOURCE_BY_NAME["kubernetes"].read(Entry(data, "rbac@2026-03-01T00:00:00Z.json"))
    except RejectedEntry:
        return "no"
    if not isinstance(outcome, Skipped):
        _seen.extend(Told(one.name, one.at, one.data, "x") for one in outcome if isinstance(one, Observation))
    moments = sorted({one.at for one in _seen})
    state = Roles([Seen(list(_seen), [(moments[0], moments[-1])] if moments else [])], {})
    out = []
    for at in moments[-2:]:
        found, request = state.asked(_REQUEST, at)
        out.append(f"{rbac.evaluate(found, request).effect}{len(found)}")
    return " ".join(out)


# ---- seeds -----------------------------------------------------------------------------------------------------------


def _samples(*endings: str) -> list[bytes]:
    """Sample files of sources with these endings."""
    logs = sorted(path for case in golden.cases() for path in (case / "logs").rglob("*") if path.is_file())
    return [path.read_bytes() for path in logs if path.name.endswith(endings)]


def _lines(source: str) -> list[bytes]:
    """Entries of a source's samples; of Kubernetes those of its own tests too, which change roles and bindings."""
    found = [entry.data for case in ALL if case.parent.name == source for entry in entries(case)]
    more = sorted((golden.HERE / source).glob("*/input.jsonl"))
    return found + [line for path in more for line in path.read_bytes().splitlines()]


@cache
def _scenes(language: str) -> list[tuple[list[Policy], Request]]:
    if language == "rbac":
        table: Any = test_rbac_cases
    else:
        table = test_iam_cases if language == "iam" else test_vault_acl_cases
    found = []
    for scene, case in table.CASES:
        given: Sequence[Policy] = table.policies_of(scene["policies"] if language == "iam" else scene)
        found.append((list(given), table.request_of({**scene.get("ask", {}), **case.get("ask", {})})))
    return found


def _cases(language: str) -> list[bytes]:
    """The documented cases as JSON, whose texts are JSON too where they can be."""
    return [
        json.dumps(
            {"policies": {one.name: _value(one.text) for one in given}, "request": msgspec.to_builtins(ask)}
        ).encode()
        for given, ask in _scenes(language)
    ]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _texts(language: str) -> list[bytes]:
    return sorted({one.text.encode("utf-8", "surrogatepass") for given, _ in _scenes(language) for one in given})


def _iam() -> list[bytes]:
    return _texts("iam")


def _rbac() -> list[bytes]:
    return _texts("rbac") + [
        yaml.safe_dump(json.loads(text)).encode() for text in _texts("rbac")[:20] if text[:1] == b"{"
    ]


def _vault_acl() -> list[bytes]:
    return _texts("vault_acl") + _samples(".hcl")


def _rego() -> list[bytes]:
    """Modules with a bit of everything, in both versions of the language."""
    return [
        b'package a.b\nimport rego.v1\ndefault allow := false\nallow if {\n  input.x == "y" # no\n  not data.z[_]\n}\n',
        b"package a\nallow { input.x }\nelse = true { data.b.c }\nf(x) = y { y := net.cidr_contains(x, `a\nb`) }\n",
        b'package a["b"]\nimport data.c as d\ns contains x if some x in d.e\nt := {x | x := d[_]}\n',
    ]


def _cedar() -> list[bytes]:
    """Texts and entities that hold a bit of everything, since the samples of the source are decisions."""
    return [
        b'@id("a") permit (principal == User::"ann", action in [Action::"get"], resource is Photo in Album::"x") '
        b'when { principal.age > 3 && context.ip.isInRange(ip("10.0.0.0/8")) } unless { resource.tags.contains("y") };',
        b"forbid (principal, action, resource); permit (principal == ?principal, action, resource);",
        b'[{"uid": {"type": "User", "id": "ann"}, "attrs": {"age": 3}, "parents": [{"type": "Group", "id": "g"}]}]',
        b'{"staticPolicies": {"p": {"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, '
        b'"resource": {"op": "All"}, "conditions": []}}}',
        b'{"": {"entityTypes": {"User": {"shape": {"type": "Record", "attributes": {}}}}, "actions": {}}}',
    ]
