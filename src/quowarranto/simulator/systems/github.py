"""GitHub: the organisation's audit log as it is streamed, and what is logged of the tokens that jobs get.

Source    GitHub documentation, "Audit log events for your organization" and "OpenID Connect reference"
"""

from __future__ import annotations

from typing import Any

import msgspec

from quowarranto.records import Instant
from quowarranto.simulator.scene import MINUTE, Scene

_json = msgspec.json.Encoder().encode
ISSUER = "https://token.actions.githubusercontent.com"
_ORGANISATION = "quo-example"
_WORKFLOW = "quo-example/storefront/.github/workflows/deploy.yml@refs/heads/main"
REPOSITORY = "quo-example/storefront"
ENVIRONMENT = "production"


def audit(scene: Scene, at: Instant, action: str, actor: str, **fields: Any) -> str:
    """Write an entry of the audit log and return the id of the action."""
    document = scene.hex(22)
    stamp = at // 1000
    entry = {
        "@timestamp": stamp,
        "_document_id": document,
        "action": action,
        "actor": actor,
        "created_at": stamp,
        "org": _ORGANISATION,
        "repo": REPOSITORY,
        **fields,
    }
    scene.logs.github.add(at, _json(entry).decode())
    return f"github/{document}"


def run_started(scene: Scene, at: Instant, run: int, actor: str) -> str:
    """A workflow was set off."""
    return audit(scene, at, "workflows.created_workflow_run", actor, workflow_run_id=run, event="push")


def reviewed(scene: Scene, at: Instant, run: int, actor: str, comment: str) -> str:
    """Somebody let the run go on to the environment."""
    fields = {"workflow_run_id": run, "env_name": ENVIRONMENT, "comment": comment}
    return audit(scene, at, "workflows.approve_workflow_job", actor, **fields)


def job_began(scene: Scene, at: Instant, run: int, actor: str) -> str:
    """A job of the run reached the environment."""
    fields = {"workflow_run_id": run, "run_attempt": 1, "job_name": "deploy", "environment_name": ENVIRONMENT}
    return audit(scene, at, "workflows.prepared_workflow_job", actor, job_workflow_ref=_WORKFLOW, **fields)


def run_over(scene: Scene, at: Instant, run: int, actor: str) -> str:
    """The run ended, and with it what was reviewed."""
    fields = {"workflow_run_id": run, "run_attempt": 1, "conclusion": "success"}
    return audit(scene, at, "workflows.completed_workflow_run", actor, **fields)


def token(scene: Scene, at: Instant, run: int, actor: str) -> str:
    """What is logged of a job's token, which lives for ten minutes; returns its subject.

    The organisation has put the run into its subjects (`include_claim_keys`), so that who accepts a token can tell runs
    apart by what GitHub signed.
    """
    subject = f"repo:{REPOSITORY}:environment:{ENVIRONMENT}:run_id:{run}"
    seconds = at // 1_000_000
    claims = {
        "iss": ISSUER,
        "aud": "sts.amazonaws.com",
        "sub": subject,
        "jti": scene.uuid(),
        "iat": seconds,
        "nbf": seconds - 300,
        "exp": seconds + 10 * MINUTE // 1_000_000,
        "repository": REPOSITORY,
        "environment": ENVIRONMENT,
        "workflow_ref": _WORKFLOW,
        "job_workflow_ref": _WORKFLOW,
        "run_id": str(run),
        "run_attempt": "1",
        "actor": actor,
        "event_name": "push",
        "runner_environment": "github-hosted",
    }
    scene.logs.tokens.add(at, _json(claims).decode())
    return subject
