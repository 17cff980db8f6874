"""A proposed scope in the language of the system that is to hold it: Kubernetes, Vault, AWS, Cedar, Terraform.

Reads     one row of `quo privileges --format json`.
Writes    text to be reviewed by a person. What the proposal says and the language cannot is widened to the nearest that
          it can, and a comment says so. Names from logs are quoted; nothing of them is read as syntax.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from quowarranto.export.words import plural

Row = dict[str, Any]

_GROUPS = {
    "apps": "deployments daemonsets statefulsets replicasets controllerrevisions",
    "batch": "jobs cronjobs",
    "autoscaling": "horizontalpodautoscalers",
    "networking.k8s.io": "ingresses networkpolicies ingressclasses",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "roles rolebindings clusterroles clusterrolebindings",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "storage.k8s.io": "storageclasses volumeattachments csidrivers csinodes",
    "apiextensions.k8s.io": "customresourcedefinitions",
}
_GROUP_OF = {resource: group for group, resources in _GROUPS.items() for resource in resources.split()}
_CORE = frozenset(
    (
        *("pods", "configmaps", "secrets", "services", "endpoints", "serviceaccounts", "namespaces", "nodes", "events"),
        *("persistentvolumeclaims", "persistentvolumes", "replicationcontrollers", "resourcequotas", "limitranges"),
    )
)
_CAPABILITIES = frozenset(("create", "read", "update", "delete", "list", "patch"))


def kubernetes(row: Row) -> str:
    """Roles, one per namespace, and a ClusterRole for what lies in none (YAML)."""
    rules: dict[str, list[str]] = defaultdict(list)
    for verbs, patterns in _rules(row):
        for pattern in patterns:
            kind, _, name = pattern.partition(":")
            namespace, slash, rest = name.partition("/")
            if "*" in namespace or not slash:
                namespace, rest = "", name
            rules[namespace] += _kubernetes_rule(kind, rest, [verb.partition(" ")[0] for verb in verbs])
    return "---\n".join(_role(row, namespace, found) for namespace, found in sorted(rules.items()))


def _kubernetes_rule(kind: str, name: str, verbs: list[str]) -> list[str]:
    group = "" if kind.partition("/")[0] in _CORE else _GROUP_OF.get(kind.partition("/")[0])
    named = f"  resourceNames: [{json.dumps(name)}]\n" if name and "*" not in name and "create" not in verbs else ""
    widened = f"  # narrower than RBAC can say: {json.dumps(name)}\n" if not named and name != "*" else ""
    unknown = "  # the API group is not in the records: name it\n" if group is None else ""
    return [
        f"- apiGroups: [{json.dumps('*' if group is None else group)}]\n{unknown}"
        f"  resources: [{json.dumps(kind)}]\n{named}{widened}  verbs: {json.dumps(sorted(set(verbs)))}\n"
    ]


def _role(row: Row, namespace: str, rules: list[str]) -> str:
    name = json.dumps(re.sub(r"[^a-z0-9.-]+", "-", row["grant"].lower()).strip("-.")[-63:])
    where = f"  namespace: {json.dumps(namespace)}\n" if namespace else ""
    head = "apiVersion: rbac.authorization.k8s.io/v1\n"
    kind = "Role" if namespace else "ClusterRole"
    return f"{head}kind: {kind}\nmetadata:\n  name: {name}\n{where}rules:\n{''.join(rules)}"


def vault(row: Row) -> str:
    """An ACL policy (HCL). Vault's `*` stands at the end only, `+` for one part of a path."""
    capabilities: dict[str, set[str]] = defaultdict(set)
    for verbs, patterns in _rules(row):
        for pattern in patterns:
            path = _vault_path(pattern.partition(":")[2])
            capabilities[path] |= {verb.rpartition(":")[2] for verb in verbs} & _CAPABILITIES
    blocks = [
        f"path {json.dumps(path)} {{\n  capabilities = {json.dumps(sorted(found))}\n}}\n"
        for path, found in sorted(capabilities.items())
        if found
    ]
    return "\n".join(blocks)


def _vault_path(pattern: str) -> str:
    *parts, last = pattern.split("/")
    kept: list[str] = []
    for part in parts:
        if part != "*" and "*" in part:
            return "/".join([*kept, part.partition("*")[0] + "*"])
        kept.append("+" if part == "*" else part)
    return "/".join([*kept, last.partition("*")[0] + "*" if "*" in last else last])


def iam(row: Row) -> str:
    """An identity policy (JSON)."""
    return json.dumps({"Version": "2012-10-17", "Statement": _statements(row)}, indent=2) + "\n"


def _statements(row: Row) -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Action": sorted(verbs), "Resource": list(patterns)} for verbs, patterns in _rules(row)]


def cedar(row: Row) -> str:
    """Permit policies; the resource's own name is expected in its attribute `name`."""
    principal = row["principal"]
    who = "principal"
    if principal["id"]:
        exact = f"principal == {_entity(principal['type'], principal['id'])}"
        who = f"principal is {_type(principal['type'])}" if "*" in principal["id"] else exact
    policies = []
    for verbs, patterns in _rules(row):
        actions = ", ".join(_entity("Action", verb) for verb in sorted(verbs))
        for kind in sorted({pattern.partition(":")[0] for pattern in patterns}):
            names = [pattern.partition(":")[2] for pattern in patterns if pattern.partition(":")[0] == kind]
            like = " ||\n  ".join(f"resource.name like {_cedar_text(name)}" for name in names)
            head = f"permit (\n  {who},\n  action in [{actions}],\n  resource is {_type(kind)}\n)"
            policies.append(f"{head} when {{\n  {like}\n}};\n")
    return "\n".join(policies)


def _entity(kind: str, name: str) -> str:
    return f"{_type(kind)}::{_cedar_text(name)}"


def _type(name: str) -> str:
    return re.sub(r"\W", "_", name) or "_"


def _cedar_text(text: str) -> str:
    """A text, or a pattern of `like`, where `*` is a wildcard too. Cedar writes code points in braces."""
    return re.sub(r"\\\\u([0-9a-f]{4})", r"\\\\u{\1}", json.dumps(text))


def terraform(row: Row) -> str:
    """A resource of the provider that the grant's key names; without one, the rules as a local value."""
    name = re.sub(r"\W+", "_", row["grant"]).strip("_").lower()[-60:] or "grant"
    system = row["grant"].partition("/")[0]
    if system == "aws":
        policy = _hcl(json.dumps({"Version": "2012-10-17", "Statement": _statements(row)}))
        return f'resource "aws_iam_policy" "{name}" {{\n  name   = "{name}"\n  policy = {policy}\n}}\n'
    if system == "vault":
        return f'resource "vault_policy" "{name}" {{\n  name   = "{name}"\n  policy = {_hcl(vault(row))}\n}}\n'
    if system == "kubernetes":
        return f'resource "kubernetes_manifest" "{name}" {{\n  manifest = yamldecode({_hcl(kubernetes(row))})\n}}\n'
    rules = _hcl(json.dumps(row["proposed"]))
    return f"locals {{\n  {name} = jsondecode({rules})\n}}\n"


def _hcl(text: str) -> str:
    """A quoted template without anything that is expanded."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")


LANGUAGES: dict[str, Callable[[Row], str]] = {
    "kubernetes": kubernetes,
    "vault": vault,
    "iam": iam,
    "cedar": cedar,
    "terraform": terraform,
}
"""What `quo privileges --as` takes."""
_OF_SYSTEM = {"kubernetes": "kubernetes", "vault": "vault", "iam": "aws"}
"""Languages that only say what grants of one system mean, by how the keys of these begin."""


def sayable(row: Row, language: str) -> bool:
    """Whether there is a proposal for a grant and the language can say it."""
    system = _OF_SYSTEM.get(language)
    return bool(row["proposed"]) and (system is None or row["grant"].startswith(f"{system}/"))


def scopes(found: list[Row], language: str) -> Iterator[str]:
    """The proposals in one language, each behind a comment that says whose it is and what it was held against."""
    comment = {"cedar": "//", "iam": None}.get(language, "#")
    for row in found:
        if not sayable(row, language):
            continue
        principal = row["principal"]
        whose = f" of {principal['type']}:{principal['id']}" if principal["id"] else ""
        seen = f"{plural(row['uses'], 'use')} in {row['watched_days']:g} days"
        said = f"{row['grant']}{whose}: {seen}; would have refused {row['would_have_refused']:,} of them"
        line = "" if comment is None else f"{comment} {''.join(c if c.isprintable() else '?' for c in said)}\n"
        yield line + LANGUAGES[language](row)


def _rules(row: Row) -> list[tuple[list[str], list[str]]]:
    return [(rule["actions"] or ["*"], rule["resources"] or ["*:*"]) for rule in row["proposed"]]
