"""A token of a service account that opens a session in Vault: what the logs of both say together, and what they do not.

The lines follow the formats of `audit.k8s.io/v1` (TokenRequest: `issued-credential-id`; 1.30 and later) and of Vault's
audit device; the metadata of logins is what vault-plugin-auth-kubernetes and vault-plugin-auth-jwt put into it. All
names, ids and digests are made up.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from tests.model import Judgement
from tests.sources.test_across_systems import of, only

from quowarranto.records import Action, AuthorityFact, Record

TOKEN = "7f1c2b64-0f3e-4d0e-9d0a-51f5f0a8d101"
OTHER_TOKEN = "7f1c2b64-0f3e-4d0e-9d0a-51f5f0a8d102"
UID = "0d3f1d67-0000-4000-8000-000000000001"
OTHER_UID = "0d3f1d67-0000-4000-8000-000000000002"
ACCOUNT = {"service_account_name": "payments", "service_account_namespace": "prod"}
SUBJECT = "system:serviceaccount:prod:payments"


def cluster(verb: str, time: str, resource: str = "serviceaccounts", **changed: Any) -> dict[str, Any]:
    """An event about the service account `prod/payments`; the node's kubelet asks for its tokens."""
    reference = {"resource": resource, "namespace": "prod", "name": "payments", "apiVersion": "v1"}
    named = changed.pop("named", "payments")
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": hashlib.sha256(f"{verb} {time} {named}".encode()).hexdigest()[:32],
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/prod/serviceaccounts",
        "verb": verb,
        "user": {"username": "system:node:n1"},
        "objectRef": reference | {"name": named},
        "responseStatus": {"code": 200 if verb == "delete" else 201},
        "requestReceivedTimestamp": f"2026-03-02T{time}.000001Z",
        "stageTimestamp": f"2026-03-02T{time}.000002Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    } | changed


def made(time: str, uid: str | None = None, **changed: Any) -> dict[str, Any]:
    body = {"kind": "ServiceAccount", "metadata": {"name": "payments", "namespace": "prod", "uid": uid}}
    return cluster("create", time, **changed) | ({"responseObject": body} if uid else {})


def issued(time: str, token: str = TOKEN, *, seconds: int | None = None, **changed: Any) -> dict[str, Any]:
    """A TokenRequest; how long the token lasts is in the body, which the log should not hold."""
    event = cluster("create", time, **changed)
    event["objectRef"]["subresource"] = "token"
    event["annotations"] |= {"authentication.kubernetes.io/issued-credential-id": f"JTI={token}"}
    return event | (
        {"requestObject": {"kind": "TokenRequest", "spec": {"expirationSeconds": seconds}}} if seconds else {}
    )


def deleted(time: str) -> dict[str, Any]:
    return cluster("delete", time)


def vault(time: str, method: str, said: dict[str, str], display: str = "kubernetes-prod-payments") -> dict[str, Any]:
    """The answer to a login; `method` is the type of the mount, which also has that name."""
    auth = {
        "accessor": "hmac-sha256:0b57",
        "client_token": "hmac-sha256:77aa",
        "display_name": display,
        "entity_id": "e-1",
        "metadata": {"role": "payments"} | said,
        "token_ttl": 3600,
    }
    return {
        "time": f"2026-03-02T{time}.5Z",
        "type": "response",
        "auth": auth,
        "request": {
            "id": "login-1",
            "operation": "update",
            "path": f"auth/{method}/login",
            "mount_point": f"auth/{method}/",
            "mount_type": method,
            "data": {"jwt": "hmac-sha256:fc93", "role": "hmac-sha256:df38"},
            "remote_address": "10.20.0.5",
        },
        "response": {"mount_type": method, "auth": auth},
    }


def role(method: str) -> dict[str, Any]:
    """The role of the auth method, written before anybody logs in."""
    return {
        "time": "2026-03-02T07:00:00Z",
        "type": "response",
        "auth": {"entity_id": "admin", "accessor": "hmac-sha256:ad", "policies": ["root"]},
        "request": {
            "id": f"role-{method}",
            "operation": "update",
            "path": f"auth/{method}/role/payments",
            "mount_type": method,
            "client_token_accessor": "hmac-sha256:ad",
        },
        "response": {"mount_type": method},
    }


def login(*records: Record) -> tuple[str, Judgement]:
    """Verdict, linkage and codes of the login in one line, and all of it."""
    found = only(list(records), "vault/login-1")
    return " ".join((found.verdict, found.linkage, *found.codes)), found


NAMED = ACCOUNT | {"service_account_uid": UID}
MAPPED = {"iss": "https://kubernetes.default.svc", "sub": SUBJECT, "jti": TOKEN}
KUBERNETES = "kubernetes"

BY_NAME = {
    # what the two logs say, and how the login is judged: (events of the cluster, the login, verdict)
    "no log of the cluster": ([], NAMED, "unproven missing QW101 QW104"),
    "the account was given a token": ([issued("08:00:00")], NAMED, "presumed partial QW104"),
    "the account was made, and has a uid": ([made("07:59:00", UID)], NAMED, "presumed partial QW104"),
    "the account was deleted before": (
        [issued("08:00:00"), deleted("08:30:00")],
        NAMED,
        "unauthorised partial QW104 QW202",
    ),
    "all that is known of the account is its end": ([deleted("08:30:00")], NAMED, "unauthorised partial QW104 QW202"),
    "the account was deleted afterwards": ([issued("08:00:00"), deleted("09:30:00")], NAMED, "presumed partial QW104"),
    "the account was made anew under its name, and the token is of the old one": (
        [made("07:00:00", UID), deleted("08:30:00"), made("08:40:00", OTHER_UID)],
        NAMED,
        "unauthorised partial QW104 QW202",
    ),
    "the account was made anew, and the token is of the new one": (
        [made("07:00:00", OTHER_UID), deleted("08:30:00"), made("08:40:00", UID)],
        NAMED,
        "presumed partial QW104",
    ),
    "another account has tokens": ([issued("08:00:00", named="ledger")], NAMED, "unproven missing QW101 QW104"),
    "an account that was made after the login": ([made("09:30:00", UID)], NAMED, "unauthorised partial QW104 QW204"),
}


@pytest.mark.parametrize("case", BY_NAME)
def test_a_login_by_the_method_kubernetes_is_held_against_the_account_and_never_proven_by_it(case: str) -> None:
    """The method names the account and not the token, so no token is taken for the one that was shown."""
    events, said, expected = BY_NAME[case]
    told, found = login(*of("kubernetes", *events), *of("vault", vault("09:00:00", KUBERNETES, said)))
    assert told == expected
    assert not [key for key, kind in found.authorities if kind == "credential"]


BY_TOKEN = {
    "the token is on record": ([issued("08:58:00")], MAPPED, "authorised proven"),
    "the token had expired": ([issued("08:00:00", seconds=600)], MAPPED, "unauthorised proven QW201"),
    "its account was deleted, and the method asks nobody": (
        [issued("08:00:00"), deleted("08:30:00")],
        MAPPED,
        "unauthorised proven QW202 QW406",
    ),
    "the token was issued before the log began": (
        [issued("08:58:00", OTHER_TOKEN)],
        MAPPED,
        "authorised proven QW104",
    ),
    "the token is of another account than the subject says": (
        [issued("08:58:00", named="ledger")],
        MAPPED,
        "unauthorised proven QW207",
    ),
    "the id is not mapped: the role alone": ([issued("08:58:00")], {"sub": SUBJECT}, "authorised proven"),
}


@pytest.mark.parametrize("case", BY_TOKEN)
def test_a_login_by_the_method_jwt_is_held_against_the_token_where_its_role_maps_the_id(case: str) -> None:
    """`claim_mappings` of the role put `jti` and `sub` of the verified token into the metadata."""
    events, said, expected = BY_TOKEN[case]
    line = vault("09:00:00", "jwt", said, f"jwt-{SUBJECT}")
    told, found = login(*of("kubernetes", *events), *of("vault", role("jwt"), line))
    assert told == expected
    cited = f"kubernetes/credential/JTI={TOKEN}" in {key for key, _ in found.authorities}
    assert cited == ("jti" in said and "QW104" not in found.codes)


def test_a_token_that_was_got_by_an_unauthorised_request_opens_nothing_rightly() -> None:
    """The TokenRequest was made with a token that had expired: QW208 goes on into Vault."""
    stolen = f"JTI={OTHER_TOKEN}"
    thief = {"username": SUBJECT, "extra": {"authentication.kubernetes.io/credential-id": [stolen]}}
    first = issued("07:00:00", OTHER_TOKEN, seconds=600)
    binding = cluster("create", "06:00:00", named="tokens")
    binding["objectRef"] = {
        "resource": "clusterrolebindings",
        "name": "tokens",
        "apiGroup": "rbac.authorization.k8s.io",
    }
    second = issued("08:58:00", user=thief)
    reason = 'RBAC: allowed by ClusterRoleBinding "tokens" of ClusterRole "t" to ServiceAccount "payments/prod"'
    second["annotations"]["authorization.k8s.io/reason"] = reason
    events = of("kubernetes", binding, first, second)
    told, _ = login(*events, *of("vault", role("jwt"), vault("09:00:00", "jwt", MAPPED, f"jwt-{SUBJECT}")))
    assert told == "unauthorised proven QW208"


@pytest.mark.parametrize("kind", ["approle", "userpass", "cert", "aws", ""])
def test_metadata_of_a_method_that_checks_no_signature_names_nobody(kind: str) -> None:
    """Who may make an AppRole's secret id may write any metadata into it; a mount's name says nothing of its type."""
    line = vault("09:00:00", KUBERNETES, NAMED | MAPPED)
    line["request"]["mount_type"] = line["response"]["mount_type"] = kind
    (action,) = (one for one in of("vault", line) if isinstance(one, Action))
    assert action.correlates in ((), None)
    assert not [key for key in action.cites if "delegation" in key]


def test_a_token_made_by_a_token_carries_no_claims_whatever_its_metadata_say() -> None:
    line = vault("09:00:00", "jwt", MAPPED)
    line["request"] |= {"path": "auth/token/create", "mount_type": "token", "client_token_accessor": "hmac-sha256:ad"}
    facts = [one for one in of("vault", line) if isinstance(one, AuthorityFact)]
    assert not [key for one in facts for key in one.cites or () if key.startswith("kubernetes/")]


def test_an_account_of_the_same_name_in_another_cluster_is_not_taken_for_this_one() -> None:
    """One Vault serves several clusters: where uids were logged, an account that was deleted here is not that one."""
    here = [made("07:00:00", OTHER_UID), deleted("08:30:00")]
    told, _ = login(*of("kubernetes", *here), *of("vault", vault("09:00:00", KUBERNETES, NAMED)))
    assert told == "unproven missing QW101 QW104"


def test_where_logs_name_several_clusters_an_account_counts_by_its_uid_alone() -> None:
    """Two clusters of AKS: the account was deleted in one, and a login by its name may be of the other."""

    def wrapped(cluster: str, event: dict[str, Any]) -> dict[str, Any]:
        place = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/{cluster}"
        return {
            "time": "2026-03-02T09:00:00Z",
            "category": "kube-audit",
            "resourceId": place,
            "properties": {"log": json.dumps(event)},
        }

    here, there = made("07:00:00", OTHER_UID), deleted("08:30:00")
    other = issued("08:00:00", auditID="another")
    events = of("kubernetes", wrapped("a", here), wrapped("a", there), wrapped("b", other))
    line = vault("09:00:00", "jwt", {"sub": SUBJECT}, f"jwt-{SUBJECT}")
    assert login(*events, *of("vault", line))[0] == "unproven missing QW101 QW104"
    old = vault("09:00:00", KUBERNETES, ACCOUNT | {"service_account_uid": OTHER_UID})
    assert login(*events, *of("vault", old))[0] == "unauthorised partial QW104 QW202"
