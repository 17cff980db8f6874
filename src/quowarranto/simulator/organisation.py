"""Who works here and what they may do: the standing state of the clusters, Vault and the AWS account.

Some of it is only in snapshots (`rbac.yaml`, Vault's policy files, the account's authorization details), which were
taken when the thirty days began.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from quowarranto.records import Instant
from quowarranto.simulator.scene import DAY
from quowarranto.simulator.stamps import second_stamp
from quowarranto.simulator.systems import aws
from quowarranto.simulator.systems.kubernetes import Account, Target, allowed_by

RBAC = "rbac.authorization.k8s.io"


class Workload(NamedTuple):
    """A service account with one binding; `rights` are (group, resources, verbs)."""

    account: Account
    role: str
    rights: tuple[tuple[str, str, str], ...]
    cluster_wide: bool = False

    def reason(self) -> str:
        """What the authorizer says when it allows."""
        return allowed_by(self.role, self.role, self.account, "" if self.cluster_wide else self.account.namespace)


def _workload(namespace: str, name: str, role: str, *rights: tuple[str, str, str], wide: bool = False) -> Workload:
    return Workload(Account(namespace, name, f"{name}-5d8c7b-x4k2p"), role, rights, wide)


FLUX = Account("flux-system", "kustomize-controller", "kustomize-controller-77c9")
VAULT = Account("vault", "vault", "vault-0")
CHECKOUT = _workload("shop", "checkout", "app-reader", ("", "configmaps endpoints", "get list watch"))
ROUTINE: tuple[Workload, ...] = (
    CHECKOUT,
    _workload("shop", "cart", "cart-reader", ("", "configmaps endpoints", "get list")),
    _workload("payments", "payments-api", "payments-reader", ("", "configmaps secrets", "get")),
    _workload("payments", "refunds", "refund-jobs", ("batch", "jobs", "create get delete"), ("", "pods", "get list")),
    _workload("data", "etl-orders", "etl-jobs", ("batch", "jobs cronjobs", "create get"), ("", "pods", "list")),
    _workload("data", "report-builder", "report-reader", ("", "configmaps", "get list")),
    _workload(
        "monitoring", "prometheus", "metrics-reader", ("", "pods nodes endpoints services", "get list"), wide=True
    ),
    _workload("logging", "log-shipper", "log-reader", ("", "pods namespaces", "get list"), wide=True),
    _workload("ci", "runner", "ci-runner", ("", "pods", "create get delete"), ("", "secrets", "get")),
    _workload("platform", "cert-renewer", "cert-renewer", ("", "secrets", "get update")),
    _workload("platform", "config-sync", "config-sync", ("", "configmaps", "get create update")),
    _workload("ops", "autoscaler", "autoscaler", ("apps", "deployments", "get list patch")),
)
_ADMINS: tuple[Workload, ...] = (
    Workload(VAULT, "vault-token-creator", (("", "serviceaccounts/token", "create"),), cluster_wide=True),
    Workload(Account("shop", "deployer", ""), "deployer", (("apps", "deployments", "get patch"),)),
)

NAMES = {
    "configmaps": ("feature-flags", "prices", "routing", "app-config"),
    "endpoints": ("storefront", "catalogue", "ledger"),
    "secrets": ("psp-key", "tls-wildcard", "registry", "smtp"),
    "jobs": ("nightly-28410", "nightly-28411", "retry-991"),
    "cronjobs": ("nightly", "hourly"),
    "pods": ("storefront-5d8c7b-x4k2p", "ledger-0", "worker-9f6-qm2"),
    "nodes": ("ip-10-20-1-17", "ip-10-20-2-40"),
    "services": ("storefront", "ledger"),
    "namespaces": ("shop", "data"),
    "deployments": ("storefront", "ledger", "catalogue"),
}


def routine(actions: int) -> list[Workload]:
    """The workloads of a world of that size: the first dozen, and copies of them where there is more to do."""
    copies = min(40, actions // 20_000)
    more = [_copy(work, number) for number in range(1, copies + 1) for work in ROUTINE]
    return [*ROUTINE, *more]


def _copy(work: Workload, number: int) -> Workload:
    account = work.account
    name, pod = f"{account.name}-{number}", f"{account.name}-{number}-6b9f-0"
    return work._replace(account=account._replace(name=name, pod=pod), role=f"{work.role}-{number}")


def requests(work: Workload) -> list[tuple[str, Target]]:
    """Everything that its binding allows, as (verb, target); a watch is left to the scenarios."""
    namespace = "shop" if work.cluster_wide else work.account.namespace
    out = []
    for group, resources, verbs in work.rights:
        for resource in resources.split():
            where = "" if resource in ("nodes", "namespaces") else namespace
            for verb in verbs.replace("watch", "").split():
                names = ("",) if verb == "list" else NAMES[resource]
                out += [(verb, Target(resource, where, name, group)) for name in names]
    return out


def rules(*rights: tuple[str, str, str]) -> list[dict[str, Any]]:
    """RBAC rules from (group, resources, verbs)."""
    return [
        {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}
        for group, resources, verbs in rights
    ]


def role_and_binding(
    account: Account, name: str, granted: list[dict[str, Any]], *, wide: bool = False, made: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A role and the binding of the account to it, both of one name."""
    prefix = "Cluster" if wide else ""
    meta = {"name": name, **({} if wide else {"namespace": account.namespace})}
    if made:
        meta["creationTimestamp"] = made
    role = {"apiVersion": f"{RBAC}/v1", "kind": f"{prefix}Role", "metadata": meta, "rules": granted}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{prefix}RoleBinding",
        "metadata": dict(meta),
        "roleRef": {"apiGroup": RBAC, "kind": f"{prefix}Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}],
    }
    return role, binding


def _rbac_objects(workloads: list[Workload], begin: Instant) -> list[dict[str, Any]]:
    made = second_stamp(begin - 120 * DAY)
    out: list[dict[str, Any]] = []
    for work in (*workloads, *_ADMINS):
        out += role_and_binding(work.account, work.role, rules(*work.rights), wide=work.cluster_wide, made=made)
    admin, flux = role_and_binding(FLUX, "cluster-admin", rules(("*", "*", "*")), wide=True, made=made)
    flux["metadata"]["name"] = "flux-admin"
    return [*out, admin, flux]


VAULT_POLICIES = {
    "payments-read": {"kv/data/payments/*": ["read", "list"]},
    "shop-read": {"kv/data/shop/*": ["read", "list"]},
    "data-read": {"kv/data/data/*": ["read"], "database/creds/warehouse-ro": ["read"]},
    "ops-read": {"kv/data/ops/*": ["read"]},
    "ci-deploy": {"kv/data/ci/*": ["read"], "kubernetes/creds/deployer": ["update"]},
    "vault-admin": {
        "sys/policies/acl/*": ["create", "read", "update", "delete"],
        "auth/*": ["create", "update", "sudo"],
    },
}


def _hcl(paths: dict[str, list[str]]) -> str:
    blocks = []
    for path, capabilities in paths.items():
        listed = ", ".join(f'"{name}"' for name in capabilities)
        blocks.append(f'path "{path}" {{\n  capabilities = [{listed}]\n}}\n')
    return "\n".join(blocks)


ETL = aws.Role("etl-orders", "AROAW7ETLORDERS2Q4K5X")
REPORTS = aws.Role("report-builder", "AROAW7REPORTS6T3M8Z2P")
DEPLOY = aws.Role("ci-deploy", "AROAW7CIDEPLOY9V4R6YH")
ACCOUNTS = aws.Role("ci-accounts", "AROAW7CIACCOUNT3B8N2L")
RELEASE = aws.Role("ci-release", "AROAW7CIRELEASE5H1D9K")
ROLES: dict[aws.Role, tuple[list[str], list[str]]] = {
    ETL: (
        ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
        ["arn:aws:s3:::qw-orders-raw", "arn:aws:s3:::qw-orders-raw/*"],
    ),
    REPORTS: (["s3:GetObject", "dynamodb:GetItem", "dynamodb:Query"], ["*"]),
    DEPLOY: (["ecr:*", "ecs:UpdateService", "ecs:DescribeServices", "ssm:SendCommand"], ["*"]),
    ACCOUNTS: (["iam:CreateAccessKey", "iam:DeleteAccessKey"], ["*"]),
    RELEASE: (["ecs:UpdateService", "ecs:DescribeServices"], ["*"]),
}
CLUSTER_ISSUER = f"oidc.eks.{aws.HOME}.amazonaws.com/id/7D3A91C0"
_CI_ISSUER = "token.actions.githubusercontent.com"
TRUST: dict[aws.Role, tuple[str, str]] = {
    ETL: (CLUSTER_ISSUER, "system:serviceaccount:data:etl-orders"),
    REPORTS: (CLUSTER_ISSUER, "system:serviceaccount:data:report-builder"),
    DEPLOY: (_CI_ISSUER, "repo:quo-example/storefront:ref:refs/heads/main"),
    ACCOUNTS: (_CI_ISSUER, "repo:quo-example/accounts:ref:refs/heads/main"),
    RELEASE: (_CI_ISSUER, "repo:quo-example/storefront:environment:production:run_id:*"),
}
"""Whose token may assume the role: the OIDC provider and the subject."""
EXPORTER = ("legacy-exporter", "AIDAW7LEGACYEXP5J2N4Q")


def _account_details(begin: Instant) -> dict[str, Any]:
    """What `aws iam get-account-authorization-details` prints."""
    made = second_stamp(begin - 150 * DAY)
    users = [
        {
            "Path": "/",
            "UserName": EXPORTER[0],
            "UserId": EXPORTER[1],
            "Arn": f"arn:aws:iam::{aws.ACCOUNT}:user/{EXPORTER[0]}",
            "CreateDate": made,
            "UserPolicyList": [_inline("export", ["s3:PutObject"], ["arn:aws:s3:::qw-exports/*"])],
            "GroupList": [],
            "AttachedManagedPolicies": [],
        }
    ]
    roles = [
        {
            "Path": "/",
            "RoleName": role.name,
            "RoleId": role.role_id,
            "Arn": role.arn,
            "CreateDate": made,
            "AssumeRolePolicyDocument": _trust(role),
            "InstanceProfileList": [],
            "RolePolicyList": [_inline(f"{role.name}-inline", *granted)],
            "AttachedManagedPolicies": [],
        }
        for role, granted in ROLES.items()
    ]
    return {"UserDetailList": users, "GroupDetailList": [], "RoleDetailList": roles, "Policies": []}


def _trust(role: aws.Role) -> dict[str, Any]:
    issuer, subject = TRUST[role]
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{aws.ACCOUNT}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike" if "*" in subject else "StringEquals": {f"{issuer}:sub": subject}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _inline(name: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}


def write_snapshots(root: Path, begin: Instant, actions: int) -> None:
    """Write the state of the three systems as it was when the thirty days began (the files' own times say so)."""
    objects = _rbac_objects(routine(actions), begin)
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    _write(root / "kubernetes" / "rbac.yaml", yaml.dump(listed, Dumper=yaml.CSafeDumper, sort_keys=False), begin)
    for name, paths in VAULT_POLICIES.items():
        _write(root / "vault" / "policies" / f"{name}.hcl", _hcl(paths), begin)
    details = json.dumps(_account_details(begin), indent=2)
    _write(root / "iam" / "account-authorization-details.json", details, begin)


def _write(path: Path, text: str, at: Instant) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(at * 1000, at * 1000))
