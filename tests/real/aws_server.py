"""AWS's interfaces as moto imitates them, on a loopback port, with a trail of events written as CloudTrail shapes them.

    python tests/real/aws_server.py PORT TRAIL

What is not authorised is refused after the first `INITIAL_NO_AUTH_ACTION_COUNT` calls (a setting of moto). Whose a key
is, is known from the calls that made it. Source of the shape: AWS CloudTrail user guide, "record contents".
"""

from __future__ import annotations

import io
import json
import re
import sys
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

ACCOUNT = "123456789012"
_CREDENTIAL = re.compile(r"Credential=([A-Za-z0-9]+)/\d+/([a-z0-9-]+)/([a-z0-9]+)/")
_S3 = {
    "PUT": ("CreateBucket", "PutObject"),
    "GET": ("ListObjects", "GetObject"),
    "DELETE": ("DeleteBucket", "DeleteObject"),
}


class Trail:
    """A WSGI application around another one; each call becomes a line."""

    def __init__(self, inner: Any, file: Path) -> None:
        self.inner, self.file, self.lock = inner, file, threading.Lock()
        self.identities: dict[str, dict[str, Any]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        status: list[str] = []

        def started(line: str, headers: Any, info: Any = None) -> Any:
            status.append(line)
            return start_response(line, headers, info)

        answer = b"".join(self.inner(environ, started))
        if signed := _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", "")):
            self._write(environ, body, int(status[0].split()[0]), answer.decode("utf-8", "replace"), signed)
        return [answer]

    def _write(self, environ: dict[str, Any], body: bytes, status: int, answer: str, signed: re.Match[str]) -> None:
        key, region, service = signed[1], signed[2], signed[3]
        asked = dict(parse_qsl(body.decode("utf-8", "replace"))) if service != "s3" else {}
        event, parameters = _called(service, environ, asked)
        line = {
            "eventVersion": "1.08",
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventID": str(uuid.uuid4()),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": event,
            "awsRegion": region,
            "sourceIPAddress": environ.get("REMOTE_ADDR", "127.0.0.1"),
            "userAgent": environ.get("HTTP_USER_AGENT", ""),
            "recipientAccountId": ACCOUNT,
            "userIdentity": self.identities.get(key, _root()) | {"accessKeyId": key},
            "requestParameters": parameters or None,
            "responseElements": self._answered(event, answer, parameters) if status < 400 else None,
        }
        if status >= 400:
            line["errorCode"] = _tag(answer, "Code") or str(status)
        with self.lock, self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _answered(self, event: str, answer: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """What CloudTrail keeps of an answer; secrets are not in it. Remembers whose a key is."""
        made = _tag(answer, "AccessKeyId")
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if event == "CreateAccessKey":
            user = parameters["userName"]
            arn = f"arn:aws:iam::{ACCOUNT}:user/{user}"
            self.identities[made] = {
                "type": "IAMUser",
                "arn": arn,
                "accountId": ACCOUNT,
                "userName": user,
                "principalId": "AIDA" + user.upper(),
            }
            return {"accessKey": {"accessKeyId": made, "userName": user, "status": "Active", "createDate": now}}
        if event == "AssumeRole":
            role = {"arn": _tag(answer, "Arn"), "assumedRoleId": _tag(answer, "AssumedRoleId")}
            self.identities[made] = {
                "type": "AssumedRole",
                "arn": role["arn"],
                "principalId": role["assumedRoleId"],
                "accountId": ACCOUNT,
                "sessionContext": {
                    "sessionIssuer": {"type": "Role", "arn": parameters["roleArn"], "accountId": ACCOUNT},
                    "attributes": {"creationDate": now, "mfaAuthenticated": "false"},
                },
            }
            expires = datetime.fromisoformat(_tag(answer, "Expiration").replace("Z", "+00:00"))
            said = expires.strftime("%b %d, %Y, %I:%M:%S %p")  # as CloudTrail prints it
            return {"credentials": {"accessKeyId": made, "expiration": said}, "assumedRoleUser": role}
        if event in ("CreateRole", "CreateUser"):
            kind = event.removeprefix("Create").lower()
            return {kind: {"arn": _tag(answer, "Arn"), f"{kind}Name": parameters[f"{kind}Name"]}}
        return None


def _root() -> dict[str, Any]:
    return {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT, "principalId": ACCOUNT}


def _called(service: str, environ: dict[str, Any], asked: dict[str, str]) -> tuple[str, dict[str, Any]]:
    if service == "s3":
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        names = _S3.get(environ["REQUEST_METHOD"], ("HeadBucket", "HeadObject"))
        return names[bool(key)], {"bucketName": bucket} | ({"key": key} if key else {})
    action = asked.pop("Action", "Unknown")
    asked.pop("Version", None)
    return action, {name[0].lower() + name[1:]: value for name, value in asked.items()}


def _tag(text: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", text)
    return found[1] if found else ""


def main() -> None:
    """Serve until the process is ended."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    port, file = int(sys.argv[1]), Path(sys.argv[2])
    application = Trail(DomainDispatcherApplication(create_backend_app), file)
    make_server("127.0.0.1", port, application, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
