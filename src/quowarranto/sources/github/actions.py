"""One entry as an action, and what it brought about by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from quowarranto.records import Action, AuthorityFact, Instant, Outcome, Principal, Rule
from quowarranto.records.secret_shapes import holds_a_secret
from quowarranto.sources import keys as shared
from quowarranto.sources.github import keys
from quowarranto.sources.github.wire import Claims, Event, actor, person, resource_of, workflow_of

OVERRIDE = "protected_branch.policy_override"
_REFUSED = frozenset(("protected_branch.rejected_ref_update", "user.failed_login", "business.failed_login"))
_FINE_GRAINED = "fine-grained personal access token"
_MILLISECOND = 1000
_POLICIES = frozenset(("create", "update", "destroy"))
_NOT_ENFORCED = frozenset(("disabled", "evaluate"))
"""A ruleset with such an enforcement stops nothing."""
_INSTALLED = {"create": True, "unsuspend": True, "suspend": False, "destroy": False}


def action_of(event: Event, at: Instant, document: str) -> Action:
    verb = f"{event.action}:{event.request_method}" if event.request_method else event.action
    return Action(
        id=f"github/{document}",
        time=at,
        principal=actor(event),
        action=verb,
        resource=resource_of(event),
        outcome=_outcome(event),
        origin=event.actor_ip or None,
        cites=_cites(event, document),
        correlates=_correlates(event),
        attributes=_attributes(event),
    )


def facts_of(event: Event, action: Action, document: str) -> Iterator[AuthorityFact]:
    """Overrides, rulesets, fine-grained tokens, members and apps, begun or ended."""
    if action.outcome != "success":
        return
    group, _, step = event.action.partition(".")
    if event.action == OVERRIDE:
        yield _override(event, action, document)
    elif group == "repository_ruleset" and step in _POLICIES and event.ruleset_id is not None:
        yield _ruleset(event, action, str(event.ruleset_id), step)
    elif group == "personal_access_token" and event.user_programmatic_access_id is not None:
        yield from _fine_grained(event, action, str(event.user_programmatic_access_id), step)
    elif event.action in ("repo.add_member", "repo.remove_member") and event.user and event.in_repository:
        yield _member(event, action, event.in_repository, event.user, step)
    elif group == "integration_installation" and step in _INSTALLED and (event.integration or event.name):
        yield _installation(event, action, event.integration or event.name or "", step)


def claims_of(claims: Claims) -> AuthorityFact:
    """A job's token: what it rests on is the review that let the job reach its environment.

    It empowers its subject, which is how whoever accepts the token (a cloud, Vault) calls the caller.
    """
    workflow = workflow_of(claims.job_workflow_ref or claims.workflow_ref)
    run = shared.maybe(lambda text: shared.github_run(text, claims.run_attempt), claims.run_id)
    token = shared.maybe(lambda jti: shared.token_of_issuer(claims.iss, jti), claims.jti)
    needs_review = claims.environment and claims.run_id
    return AuthorityFact(
        kind="credential",
        id=keys.claims_key(claims.jti),
        aliases=(token,) if token else (),
        time=claims.iat * 1_000_000,
        # GitHub dates `nbf` back, for the sake of slow clocks; before `iat` there was no token.
        valid_from=claims.nbf * 1_000_000 if claims.nbf is not None and claims.nbf > claims.iat else None,
        valid_until=claims.exp * 1_000_000,
        principal=Principal("workload", claims.sub),
        cites=(keys.review_key(claims.run_id, claims.environment),) if needs_review else (),
        correlates=(run,) if run else (),
        attributes={name: value for name in _CLAIMS if (value := getattr(claims, name))}
        | ({"workflow": workflow.id} if workflow else {}),
    )


_CLAIMS = ("sub", "repository", "actor", "sha", "event_name", "environment", "runner_environment", "run_id")


def _outcome(event: Event) -> Outcome:
    if event.action in _REFUSED:
        return "denied"
    status = str(event.status_code or "")
    if re.fullmatch(r"[45]\d\d", status):
        return "denied" if status in ("401", "403") else "failure"
    return "success"


def _cites(event: Event, document: str) -> tuple[str, ...]:
    """The token that the entry names, and the override that it is."""
    cites: list[str] = []
    if (event.programmatic_access_type or "").lower() == _FINE_GRAINED and event.token_id:
        cites.append(keys.fine_grained_key(str(event.token_id)))
    elif event.hashed_token:
        cites.append(keys.token_key(event.hashed_token))
    if event.action == OVERRIDE:
        cites.append(keys.override_key(document))
    return tuple(cites)


def _correlates(event: Event) -> tuple[str, ...]:
    """A job that reaches an environment shares that with its review."""
    run, environment = event.workflow_run_id, event.at_environment
    if event.action != "workflows.prepared_workflow_job" or run is None or not environment:
        return ()
    return keys.waiting_for(str(run), environment), keys.waiting_for(str(run), None)


def _attributes(event: Event) -> dict[str, Any]:
    named = {
        "access": event.programmatic_access_type,
        "user": event.user,
        "external_identity": event.external_identity_nameid,
        "run": event.workflow_run_id,
        "attempt": event.run_attempt,
        "job": event.job_name,
        "environment": event.at_environment,
        "branch": event.branch,
        "request": event.request_id,
        "ruleset": event.ruleset_name,
    }
    return {name: value for name, value in named.items() if value}


def _override(event: Event, action: Action, document: str) -> AuthorityFact:
    """It covers the one push; whoever may override decides on it alone, which QW301 is to see."""
    return AuthorityFact(
        kind="exception",
        id=keys.override_key(document),
        time=action.time,
        valid_until=action.time + _MILLISECOND,
        principal=action.principal,
        scope=(Rule(resources=(f"{action.resource.type}:{action.resource.id}",)),),
        owner=action.principal,
        requested_by=action.principal,
        decided_by=(action.principal,),
        attributes={"overridden": event.overridden_codes} if event.overridden_codes else {},
    )


def _ruleset(event: Event, action: Action, ruleset: str, step: str) -> AuthorityFact:
    ended = step == "destroy" or event.ruleset_enforcement in _NOT_ENFORCED
    return AuthorityFact(
        kind="policy",
        id=keys.ruleset_key(ruleset),
        time=action.time,
        fact="ended" if ended else "established",
        end="revoked" if ended else None,
        issued_by=None if ended else action.id,
        attributes={"name": event.ruleset_name or "", "enforcement": event.ruleset_enforcement or ""},
    )


def _fine_grained(event: Event, action: Action, token: str, step: str) -> Iterator[AuthorityFact]:
    """A token's access to what an organisation has.

    Where none is asked to approve, its holder grants it, and QW301 shows that. It is no grant: what a token may do is
    not to be put down to its holder's other acts by inference.
    """
    if step in ("access_revoked", "destroy"):
        yield AuthorityFact(
            kind="approval",
            id=keys.fine_grained_key(token),
            time=action.time,
            fact="ended",
            end="revoked",
            attributes={"ended_by": action.id},
        )
    elif step == "access_granted":
        holder = person(event.user) if event.user else None
        yield AuthorityFact(
            kind="approval",
            id=keys.fine_grained_key(token),
            time=action.time,
            principal=holder or action.principal,
            scope=_selected(event),
            issued_by=action.id,
            requested_by=holder,
            decided_by=(action.principal,),
        )


def _selected(event: Event) -> tuple[Rule, ...] | None:
    """The repositories that were named, if they were, else those of the organisation that let the token in.

    What is not about a repository is not limited by them.
    """
    named = [one for one in event.repositories or () if isinstance(one, str) and "/" in one]
    owner = event.in_organisation
    if event.repository_selection in (None, "all") or not named:
        if owner is None or "*" in owner or "?" in owner:
            return None
        return (Rule(resources=_BEYOND_REPOSITORIES), Rule(resources=(f"repository:{owner}/*",)))
    return (Rule(resources=_BEYOND_REPOSITORIES), Rule(resources=tuple(f"repository:{one}" for one in named)))


_BEYOND_REPOSITORIES = tuple(f"{kind}:*" for kind in ("organization", "enterprise", "user", "path"))


def _member(event: Event, action: Action, repository: str, user: str, step: str) -> AuthorityFact:
    ended = step == "remove_member"
    return AuthorityFact(
        kind="grant",
        id=keys.member_key(repository, user),
        time=action.time,
        fact="ended" if ended else "established",
        end="revoked" if ended else None,
        principal=person(user),
        scope=(Rule(resources=(f"repository:{repository}",)),),
        issued_by=None if ended else action.id,
    )


def _installation(event: Event, action: Action, app: str, step: str) -> AuthorityFact:
    """An app acts under its name in lower case, with dashes, and `[bot]` behind it."""
    ended = not _INSTALLED[step]
    slug = app if holds_a_secret(app) else re.sub(r"[^a-z0-9]+", "-", app.lower()).strip("-")
    owner = event.in_organisation or event.user or event.actor or "unknown"
    return AuthorityFact(
        kind="grant",
        id=keys.installation_key(owner, slug),
        time=action.time,
        fact="ended" if ended else "established",
        end="revoked" if ended else None,
        principal=Principal("app", f"{slug}[bot]"),
        scope=(Rule(resources=(f"repository:{owner}/*", f"organization:{owner}")),),
        issued_by=None if ended else action.id,
        attributes={"repository_selection": event.repository_selection} if event.repository_selection else {},
    )
