"""The keys under which GitHub's authorities are cited, and those by which they are found."""

from __future__ import annotations

from quowarranto.sources import keys as shared


def review_key(run: str, environment: str | None) -> str:
    """The review of a run's deployment to an environment; older entries do not say to which."""
    return f"github/deployment_review/{run}/{environment}" if environment else f"github/deployment_review/{run}"


def bypass_key(run: str, environment: str | None) -> str:
    return f"github/bypass/{run}/{environment}" if environment else f"github/bypass/{run}"


def waiting_for(run: str, environment: str | None) -> str:
    """By what a job that waited for an environment finds the review that let it go on."""
    return shared.github_deployment(run, environment)


def token_key(hashed: str) -> str:
    """A token by the SHA-256 of it, which the log has in base64."""
    return f"github/token/{shared.maybe(shared.fingerprint, hashed) or hashed}"


def fine_grained_key(token: str) -> str:
    """A fine-grained personal access token by its id; other tokens have ids of their own series."""
    return f"github/pat/{token}"


def override_key(document: str) -> str:
    return f"github/override/{document}"


def ruleset_key(ruleset: str) -> str:
    return f"github/ruleset/{ruleset}"


def member_key(repository: str, user: str) -> str:
    return f"github/member/{repository}/{user}"


def installation_key(owner: str, app: str) -> str:
    return f"github/installation/{owner}/{app}"


def claims_key(jti: str) -> str:
    return f"github/oidc/{jti}"
