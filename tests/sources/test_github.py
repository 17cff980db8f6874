"""GitHub: names that could be taken for others, and what ends a token or a policy besides its own event."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from tests.sources.logs import judged, of, said

from quowarranto.records import AuthorityFact

_numbers = itertools.count(1)
MINUTE = 60_000
NINE = 1_772_442_000_000
FINE_GRAINED = "Fine-grained personal access token"
Event = dict[str, Any]


def event(action: str, minutes: int, **fields: Any) -> Event:
    common = {"@timestamp": NINE + minutes * MINUTE, "_document_id": f"doc-{next(_numbers):04d}", "action": action}
    return common | {"actor": "ada", "org": "octo"} | fields


def review(environment: str | None) -> Event:
    named = {"environment_name": environment} if environment else {}
    return event("workflows.approve_workflow_job", 0, actor="mallory", workflow_run_id=101, **named)


def job(environment: str) -> Event:
    ref = "octo/shop/.github/workflows/deploy.yml@refs/heads/main"
    told = {"workflow_run_id": 101, "job_workflow_ref": ref, "environment_name": environment}
    return event("workflows.prepared_workflow_job", 1, _document_id="job", **told)


@pytest.mark.parametrize(("environment", "verdict"), [("production", "authorised"), (None, "authorised")])
def test_a_job_rests_on_the_review_of_its_environment_and_on_one_that_names_none(
    environment: str | None, verdict: str
) -> None:
    assert said(judged(of("github", review(environment), job("production"))), "job").startswith(verdict)


# Whoever may write workflows makes environments by naming them (docs.github.com, "Managing environments").
@pytest.mark.parametrize("environment", ["any", "None", "*", "", "staging"])
def test_no_name_of_another_environment_stands_for_all_of_them(environment: str) -> None:
    told = review("x") | {"environment_name": environment}
    if not environment:  # as good as none, like entries of old
        assert said(judged(of("github", told, job("production"))), "job").startswith("authorised")
        return
    assert not said(judged(of("github", told, job("production"))), "job").startswith("authorised")


def let_in(**fields: Any) -> Event:
    told = {"actor": "grace", "user": "ada", "user_programmatic_access_id": 501} | fields
    return event("personal_access_token.access_granted", 0, **told)


def used(minutes: int, **fields: Any) -> Event:
    told = {"repo": "octo/shop", "token_id": 501, "programmatic_access_type": FINE_GRAINED, "_document_id": "use"}
    return event("git.clone", minutes, **(told | fields))


@pytest.mark.parametrize("selection", ["all", "subset", None])
def test_what_one_organisation_lets_in_reaches_no_repository_of_another(selection: str | None) -> None:
    granted = let_in(repository_selection=selection)
    assert said(judged(of("github", granted, used(5))), "use").startswith("authorised")
    elsewhere = used(5, repo="acme/payroll", org="acme")
    assert said(judged(of("github", granted, elsewhere)), "use").startswith("unauthorised proven QW206")


@pytest.mark.parametrize("how", ["org.remove_member", "org.remove_outside_collaborator"])
def test_the_tokens_of_a_member_who_was_removed_are_out_of_force(how: str) -> None:
    removed = event(how, 10, actor="grace", user="ada")
    assert said(judged(of("github", let_in(), removed, used(5))), "use").startswith("authorised")
    assert said(judged(of("github", let_in(), removed, used(15))), "use").startswith("unauthorised proven QW202")


def test_the_removal_of_somebody_else_or_from_elsewhere_ends_nothing() -> None:
    others = event("org.remove_member", 10, user="tim"), event("org.remove_member", 10, user="ada", org="acme")
    assert said(judged(of("github", let_in(), *others, used(15))), "use").startswith("authorised")


def test_a_token_that_is_let_in_again_after_the_removal_is_in_force_again() -> None:
    again = let_in(**{"@timestamp": NINE + 20 * MINUTE})
    removed = event("org.remove_member", 10, actor="grace", user="ada")
    assert said(judged(of("github", let_in(), removed, again, used(25))), "use").startswith("authorised")


@pytest.mark.parametrize("enforcement", ["disabled", "evaluate"])
def test_a_ruleset_that_is_not_enforced_is_not_in_force(enforcement: str) -> None:
    facts = of("github", event("repository_ruleset.update", 0, ruleset_id=7, ruleset_enforcement=enforcement))
    assert [one.fact for one in facts if isinstance(one, AuthorityFact)] == ["ended"]


def test_an_app_that_is_suspended_loses_what_its_installation_gave() -> None:
    steps = [event(f"integration_installation.{step}", 0, name="Robot") for step in ("create", "suspend", "unsuspend")]
    facts = [one for one in of("github", *steps) if isinstance(one, AuthorityFact)]
    assert [one.fact for one in facts] == ["established", "ended", "established"]
