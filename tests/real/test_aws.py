"""AWS as moto imitates it: roles, keys and buckets are used for real, and the events of it link as they should."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.quo import quo, rows

ACCOUNT = "123456789012"
SETUP = 7
"""Calls before moto begins to ask whether they are authorised: those of `_prepared` and the user's key."""
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("moto") is None or importlib.util.find_spec("werkzeug") is None,
    reason="no moto: `pip install 'moto[server]'`",
)
OWN = {"AWS_ACCESS_KEY_ID": "AKIAROOTROOTROOTROOT", "AWS_SECRET_ACCESS_KEY": "root-secret"}


def document(action: str | list[str], resource: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    )


class Aws:
    """A server, its trail, and clients of it."""

    def __init__(self, folder: Path, free: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address, self.trail = f"http://127.0.0.1:{port}", folder / "trail.json"
        script = Path(__file__).with_name("aws_server.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(port), str(self.trail)],
            env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(free)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        self.process.kill()
        pytest.skip("moto does not come up")

    def client(self, service: str, key: str, secret: str, token: str | None = None) -> Any:
        session = importlib.import_module("botocore.session").get_session()
        config = importlib.import_module("botocore.config").Config(
            s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
        )
        return session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=self.address,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=config,
        )


@pytest.fixture
def aws(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Aws]:
    server = Aws(tmp_path, getattr(request, "param", SETUP))
    yield server
    server.process.kill()
    server.process.wait()


def refused(call: Any, **arguments: Any) -> str:
    """The code of a refusal."""
    errors = importlib.import_module("botocore.exceptions")
    with pytest.raises(errors.ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def _prepared(aws: Aws) -> tuple[str, str]:
    """A user who may assume a role that may read and write a bucket; a key of the user's."""
    iam, s3 = (aws.client(service, *OWN.values()) for service in ("iam", "s3"))
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    trust["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}  # type: ignore[index]
    iam.create_user(UserName="ann")
    iam.create_role(RoleName="pay", AssumeRolePolicyDocument=json.dumps(trust))
    may = document(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::ledger/*")
    iam.put_role_policy(RoleName="pay", PolicyName="ledger", PolicyDocument=may)
    assume = document("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/pay")
    iam.put_user_policy(UserName="ann", PolicyName="assume", PolicyDocument=assume)
    s3.create_bucket(Bucket="ledger")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    admin = document("*", "*")
    iam.put_user_policy(UserName="ann", PolicyName="keys", PolicyDocument=admin.replace('"*", "Res', '"iam:*", "Res'))
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_what_a_role_does_rests_on_its_policy_and_on_the_key_it_was_given(aws: Aws, tmp_path: Path) -> None:
    """Also: what it may not do is refused, and so is a user whose key is gone."""
    key, secret = _prepared(aws)
    given = aws.client("sts", key, secret).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/pay", RoleSessionName="run-7"
    )["Credentials"]
    s3 = aws.client("s3", given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    s3.put_object(Bucket="ledger", Key="march", Body=b"1")
    s3.get_object(Bucket="ledger", Key="march")
    assert refused(s3.delete_object, Bucket="ledger", Key="march") == "AccessDenied"
    aws.client("iam", key, secret).delete_access_key(UserName="ann", AccessKeyId=key)
    assert refused(aws.client("sts", key, secret).get_caller_identity) == "InvalidClientTokenId"

    assert quo(tmp_path, "link", "cloudtrail=trail.json").code == 0
    judged = {row["verb"]: row for row in rows(tmp_path, "verdicts")}
    for verb in ("s3:PutObject", "s3:GetObject"):
        said = (judged[verb]["verdict"], judged[verb]["linkage"], judged[verb]["codes"])
        assert said == ("presumed", "partial", ["QW102"]), "no event names the policy that allowed it"
        named = {one["key"] for one in judged[verb]["authorities"]}
        assert f"aws/key/{given['AccessKeyId']}" in named
        assert {one["kind"] for one in judged[verb]["authorities"]} >= {"credential", "grant"}
    assert judged["s3:DeleteObject"]["verdict"] == "refused"
    assert judged["sts:GetCallerIdentity"]["verdict"] == "refused"
    for hidden in (secret, given["SecretAccessKey"], given["SessionToken"]):
        assert hidden not in aws.trail.read_text()


@pytest.mark.parametrize("aws", [4], indirect=True, ids=["who measures has leave to"])
def test_a_canary_measures_a_key(aws: Aws, tmp_path: Path) -> None:
    """moto forgets a key at once: no use is accepted after it is deleted."""
    iam = aws.client("iam", *OWN.values())
    iam.create_user(UserName="canary")
    iam.create_user(UserName="operator")
    iam.put_user_policy(UserName="operator", PolicyName="keys", PolicyDocument=document("iam:*AccessKey", "*"))
    made = iam.create_access_key(UserName="operator")["AccessKey"]
    own = {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}
    options = ("--user", "canary", "--address", aws.address, "--record", "canary.jsonl", "--format", "json")
    ran = quo(tmp_path, "canary", "aws", *options, env=own)
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert (said["accepted_after_revocation"], said["polls"], said["refused_for_good"]) == (0, 3, True)
    assert quo(tmp_path, "link", "canary.jsonl", "cloudtrail=trail.json").code == 0
    for one in rows(tmp_path, "records", "--kind", "credential"):
        assert "secret" not in json.dumps(one).lower()
    keys = {one["id"] for one in rows(tmp_path, "records", "--kind", "credential") if one.get("fact") == "ended"}
    assert said["credential"] in keys


def test_who_may_not_make_a_key_is_told_so(aws: Aws, tmp_path: Path) -> None:
    _prepared(aws)
    ran = quo(tmp_path, "canary", "aws", "--user", "ann", "--address", aws.address, env=OWN)
    assert ran.code == 1
    assert "no access key was created (InvalidClientTokenId)" in ran.err
