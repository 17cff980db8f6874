"""A job of GitHub Actions that gets into a cloud, Vault or Teleport by its token: what joins, and what only looks so.

What joins is what GitHub signed and the other side checked: the subject where it has the run and the environment
(`include_claim_keys` with `repo`, `context`, `run_id`: GitHub documentation, "OpenID Connect reference"), the token's
id, or claims that Vault and Teleport put into their logs. The name that a caller gives its session joins nothing.

CloudTrail: AWS documentation, "CloudTrail userIdentity element" (`WebIdentityUser`) and "Auditing cross-partition
identity federation" (`webIdentityTokenId`). Google Cloud: "Example logs for workload identity federation". All ids are
made up.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sources.sampled import read, together
from tests.sources.test_across_systems import of, only

from quowarranto.records import Action, Record
from quowarranto.sources import Entry, keys
from quowarranto.sources.gcp import SOURCE as GCP

ISSUER = "token.actions.githubusercontent.com"
RUN, OTHER = "9011", "9012"
SUBJECT = f"repo:acme/shop:environment:production:run_id:{RUN}"
PROVIDER = "projects/123456789012/locations/global/workloadIdentityPools/ci/providers/github"


def entry(action: str, minute: int, run: str = RUN, **more: Any) -> dict[str, Any]:
    """An entry of GitHub's audit log, minutes after nine."""
    at = 1772442000000 + minute * 60_000
    return {
        "@timestamp": at,
        "_document_id": f"{action}-{run}-{minute}",
        "action": f"workflows.{action}",
        "actor": "ada",
        "org": "acme",
        "repo": "acme/shop",
        "workflow_run_id": int(run),
        **more,
    }


def reviewed(minute: int, run: str = RUN, environment: str = "production") -> list[dict[str, Any]]:
    """A run that somebody else let go on, over after an hour."""
    approved = entry("approve_workflow_job", minute, run, actor="grace", env_name=environment, comment="ok")
    return [entry("created_workflow_run", 0, run), approved, entry("completed_workflow_run", 60, run)]


def claims(jti: str = "4b1d7c1e-0000-4000-8000-000000000001", subject: str = SUBJECT, run: str = RUN) -> dict[str, Any]:
    return {
        "iss": f"https://{ISSUER}",
        "sub": subject,
        "jti": jti,
        "iat": 1772442000 + 300,
        "exp": 1772442000 + 900,
        "environment": "production",
        "run_id": run,
        "run_attempt": "1",
    }


def assumed(
    subject: str = SUBJECT, session: str = "GitHubActions", provider: str = ISSUER, **asked: Any
) -> dict[str, Any]:
    """AssumeRoleWithWebIdentity, seven minutes after nine."""
    arn = f"arn:aws:iam::111122223333:oidc-provider/{provider}"
    return {
        "eventVersion": "1.11",
        "eventID": "assumed-1",
        "eventTime": "2026-03-02T09:07:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRoleWithWebIdentity",
        "awsRegion": "eu-west-1",
        "userIdentity": {
            "type": "WebIdentityUser",
            "principalId": f"{arn}:sts.amazonaws.com:{subject}",
            "userName": subject,
            "identityProvider": arn,
        },
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/deploy", "roleSessionName": session, **asked},
        "responseElements": {"subjectFromWebIdentityToken": subject, "provider": arn, "audience": "sts.amazonaws.com"},
    }


def verdict(records: list[Record], action: str) -> str:
    found = only(records, action)
    return " ".join((found.verdict, found.linkage, *found.codes))


UNKNOWN = "unproven missing QW101"
IN_AWS = {
    # what GitHub logged, what CloudTrail logged, the verdict of the role's assumption
    "the subject names a reviewed run": (reviewed(5), assumed(), "authorised proven"),
    "the review came afterwards": (reviewed(20), assumed(), "unauthorised proven QW204 QW302"),
    "the subject names a run that was over": (
        [*reviewed(5)[:2], entry("completed_workflow_run", 6)],
        assumed(),
        "unauthorised proven QW202",
    ),
    "another run was reviewed": (reviewed(5, OTHER), assumed(), UNKNOWN),
    "another environment was reviewed": (reviewed(5, environment="staging"), assumed(), UNKNOWN),
    "the default subject names no run": (
        reviewed(5),
        assumed("repo:acme/shop:environment:production", f"run-{RUN}"),
        UNKNOWN,
    ),
    "a session that calls itself after a reviewed run": (
        reviewed(5),
        assumed("repo:acme/shop:ref:refs/heads/main", f"run-{RUN}"),
        UNKNOWN,
    ),
    "the same subject from another issuer": (reviewed(5), assumed(provider="id.acme.example"), UNKNOWN),
    "an issuer whose host only begins like GitHub's": (
        reviewed(5),
        assumed(provider=f"{ISSUER}.acme.example"),
        UNKNOWN,
    ),
    "the issuer of one enterprise": (reviewed(5), assumed(provider=f"{ISSUER}/acme"), "authorised proven"),
    "two runs in one subject": (reviewed(5), assumed(f"{SUBJECT}:run_id:{OTHER}"), UNKNOWN),
    "a workflow whose name is like a claim": (
        reviewed(5),
        assumed(f"repo:acme/shop:workflow:environment:production:run_id:{RUN}"),
        UNKNOWN,
    ),
    "a colon in the name of the environment": (
        reviewed(5, environment="production:eu"),
        assumed(f"repo:acme/shop:environment:production%3Aeu:run_id:{RUN}"),
        "authorised proven",
    ),
    "STS tells the id of the token": (
        [*reviewed(5), claims()],
        assumed("repo:acme/shop:environment:production", webIdentityTokenId=claims()["jti"])
        | {"eventTime": "2026-03-02T09:07:00Z"},
        "unauthorised proven QW207",
    ),
    "STS tells the id of the token, and the subject is that token's": (
        [*reviewed(5), claims()],
        assumed(webIdentityTokenId=claims()["jti"]),
        "authorised proven",
    ),
    "STS tells the id of a token that had expired": (
        [*reviewed(5), claims() | {"exp": 1772442000 + 360}],
        assumed(webIdentityTokenId=claims()["jti"]),
        "unauthorised proven QW201",
    ),
}


@pytest.mark.parametrize("case", IN_AWS)
def test_a_role_in_aws_is_joined_by_what_github_signed_and_by_nothing_else(case: str) -> None:
    logged, event, expected = IN_AWS[case]
    assert verdict([*of("github", *logged), *of("cloudtrail", event)], "aws/assumed-1") == expected


def test_what_the_session_does_then_rests_on_the_key_and_its_origin() -> None:
    """The review came too late, so what was got by it is worth nothing (QW208)."""
    event = assumed()
    event["responseElements"]["credentials"] = {
        "accessKeyId": "ASIAEXAMPLEKEY234567",
        "expiration": "Mar 2, 2026, 10:07:00 AM",
    }
    used = {
        "eventVersion": "1.11",
        "eventID": "used-1",
        "eventTime": "2026-03-02T09:08:00Z",
        "eventSource": "ecs.amazonaws.com",
        "eventName": "UpdateService",
        "awsRegion": "eu-west-1",
        "userIdentity": {
            "type": "AssumedRole",
            "accessKeyId": "ASIAEXAMPLEKEY234567",
            "arn": f"arn:aws:sts::111122223333:assumed-role/deploy/run-{RUN}",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/deploy"},
                "webIdFederationData": {
                    "federatedProvider": f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}",
                    "attributes": {},
                },
            },
        },
    }
    found = of("cloudtrail", event, used)
    assert verdict([*of("github", *reviewed(20)), *found], "aws/used-1") == "unauthorised partial QW208"
    (action,) = (one for one in found if isinstance(one, Action) and one.id == "aws/used-1")
    assert action.attributes["identity_provider"].endswith(ISSUER)


def test_a_token_of_one_account_of_aws_is_known_again_in_another_partition() -> None:
    """`webIdentityTokenId` is in the answer to GetWebIdentityToken and in the request that shows the token."""
    asked = {
        "eventVersion": "1.11",
        "eventID": "asked-1",
        "eventTime": "2026-03-02T09:00:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "GetWebIdentityToken",
        "awsRegion": "eu-west-1",
        "userIdentity": {
            "type": "IAMUser",
            "arn": "arn:aws:iam::111122223333:user/a",
            "accessKeyId": "AKIAEXAMPLEKEY2345",
        },
        "requestParameters": {"audience": ["sts.amazonaws.com"], "signingAlgorithm": "RS256"},
        "responseElements": {"webIdentityTokenId": "w-1", "expiration": "Mar 2, 2026, 9:05:00 AM"},
    }
    shown = assumed(
        "arn:aws:iam::111122223333:user/a", provider="1.tokens.sts.global.api.aws", webIdentityTokenId="w-1"
    )
    shown["additionalEventData"] = {"crossPartitionData": {"sourceRegion": "eu-west-1"}}
    assert verdict(of("cloudtrail", asked, shown), "aws/assumed-1") == "unauthorised partial QW201"
    in_time = shown | {"eventTime": "2026-03-02T09:04:00Z"}
    assert verdict(of("cloudtrail", asked, in_time), "aws/assumed-1") == "presumed partial"
    elsewhere = {name: value for name, value in in_time.items() if name != "additionalEventData"}
    assert "QW104" not in verdict(of("cloudtrail", asked, elsewhere), "aws/assumed-1")


# ---- Google Cloud ----------------------------------------------------------------------------------------------------


def exchanged(subject: str = SUBJECT, provider: str = PROVIDER) -> dict[str, Any]:
    """ExchangeToken of Google's Security Token Service (a Data Access log)."""
    pool = provider.partition("/providers/")[0]
    return {
        "insertId": "x1",
        "logName": "projects/shop/logs/cloudaudit.googleapis.com%2Fdata_access",
        "timestamp": "2026-03-02T09:07:00Z",
        "resource": {"type": "audited_resource", "labels": {"project_id": "shop"}},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": "sts.googleapis.com",
            "methodName": "google.identity.sts.v1.SecurityTokenService.ExchangeToken",
            "resourceName": f"//iam.googleapis.com/{provider}",
            "authenticationInfo": {"principalSubject": subject},
            "metadata": {"mapped_principal": f"principal://iam.googleapis.com/{pool}/subject/{subject}"},
            "status": {},
        },
    }


IN_GOOGLE_CLOUD = {
    "a provider that the settings say is GitHub's": ([PROVIDER], exchanged(), "authorised proven"),
    "a provider of which nothing is said": ([], exchanged(), UNKNOWN),
    "another provider of the same pool": ([PROVIDER], exchanged(provider=f"{PROVIDER}-2"), UNKNOWN),
    "a subject that names no run": (
        [PROVIDER],
        exchanged("repo:acme/shop:environment:production"),
        UNKNOWN,
    ),
}


@pytest.mark.parametrize("case", IN_GOOGLE_CLOUD)
def test_an_exchange_at_google_is_joined_where_the_settings_name_the_provider(case: str) -> None:
    """The entry says which provider checked the token, and not whose issuer that is."""
    providers, line, expected = IN_GOOGLE_CLOUD[case]
    assert GCP.configure is not None
    source = GCP.configure({"github_providers": providers})

    found = together(source, read(source, Entry(json.dumps(line).encode())))
    assert verdict([*of("github", *reviewed(5)), *found], "gcp/") == expected
    (action,) = (one for one in found if isinstance(one, Action))
    assert action.principal.type == "workload"


# ---- Vault, Teleport -------------------------------------------------------------------------------------------------


def login(said: dict[str, str], method: str = "jwt") -> dict[str, Any]:
    auth = {"accessor": "hmac-sha256:0b57", "display_name": "jwt-ci", "entity_id": "e-1", "metadata": said}
    return {
        "time": "2026-03-02T09:07:00Z",
        "type": "response",
        "auth": auth,
        "request": {"id": "login-1", "operation": "update", "path": f"auth/{method}/login", "mount_type": method},
        "response": {"auth": auth},
    }


MAPPED = {"iss": f"https://{ISSUER}", "sub": "repo:acme/shop:environment:production"}
IN_VAULT = {
    "the run and the environment are mapped": (
        MAPPED | {"run_id": RUN, "environment": "production"},
        "authorised proven",
    ),
    "the subject holds them": (MAPPED | {"sub": SUBJECT}, "authorised proven"),
    "the run of somebody else": (MAPPED | {"run_id": OTHER, "environment": "production"}, UNKNOWN),
    "the issuer is not mapped": ({"run_id": RUN, "environment": "production"}, UNKNOWN),
    "the issuer is another": (
        {"iss": "https://id.acme.example", "run_id": RUN, "environment": "production"},
        UNKNOWN,
    ),
    "the environment is not mapped": (MAPPED | {"run_id": RUN, "sub": "x"}, UNKNOWN),
}


@pytest.mark.parametrize("case", IN_VAULT)
def test_a_login_to_vault_is_joined_by_the_claims_that_its_role_maps(case: str) -> None:
    said, expected = IN_VAULT[case]
    found = verdict([*of("github", *reviewed(5)), *of("vault", login(said))], "vault/login-1")
    assert found == expected


def test_a_login_to_vault_by_the_id_of_the_token_rests_on_the_token_and_its_review() -> None:
    token = claims()
    said = MAPPED | {"sub": SUBJECT, "jti": token["jti"]}
    records = [*of("github", *reviewed(5), token), *of("vault", login(said))]
    assert verdict(records, "vault/login-1") == "authorised proven"
    assert {"github/oidc/" + token["jti"], f"github/deployment_review/{RUN}/production"} <= {
        key for key, _ in only(records, "vault/login-1").authorities
    }
    late = [*of("github", *reviewed(20), token), *of("vault", login(said))]
    assert verdict(late, "vault/login-1") == "unauthorised proven QW204 QW302"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"run_id": RUN, "run_attempt": "1", "environment": "production"}, "authorised proven"),
        ({"run_id": OTHER, "run_attempt": "1", "environment": "production"}, UNKNOWN),
        ({"run_id": RUN, "run_attempt": "1"}, UNKNOWN),
    ],
)
def test_a_bot_that_joins_teleport_from_a_run_rests_on_the_review_of_that_run(
    attributes: dict[str, str], expected: str
) -> None:
    """`bot.join` shows the claims of the token that Teleport checked (gravitational/teleport, `lib/githubactions`)."""
    line = {
        "event": "bot.join",
        "code": "TJ001I",
        "uid": "join-1",
        "time": "2026-03-02T09:07:00Z",
        "bot_name": "deployer",
        "method": "github",
        "success": True,
        "attributes": attributes,
    }
    found = verdict([*of("github", *reviewed(5)), *of("teleport", line)], "teleport/bot.join/")
    assert found == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"https://{ISSUER}", True),
        (f"https://{ISSUER}/", True),
        (f"https://{ISSUER}/acme", True),
        (f"arn:aws:iam::1:oidc-provider/{ISSUER}", True),
        (ISSUER.upper(), True),
        (f"https://{ISSUER}.evil.example", False),
        (f"https://evil.example/{ISSUER}", False),
        (f"https://{ISSUER}@evil.example", False),
        (f"https://evil.example/:oidc-provider/{ISSUER}", False),
        ("", False),
    ],
)
def test_only_githubs_own_host_is_its_issuer(name: str, expected: bool) -> None:
    assert keys.is_github_issuer(name) is expected
