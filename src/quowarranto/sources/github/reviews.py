"""What several entries tell: reviews of deployments until their run is over, and tokens of removed members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from quowarranto.records import Action, AuthorityFact, Principal, Record
from quowarranto.sources.entry import Observation
from quowarranto.sources.github import keys
from quowarranto.sources.github.wire import Event

_STEPS = {
    "workflows.created_workflow_run": "begun",
    "workflows.completed_workflow_run": "over",
    "workflows.approve_workflow_job": "approved",
    "workflows.reject_workflow_job": "rejected",
    "workflows.bypass_protection_rules": "bypassed",
}


_REMOVED = ("org.remove_member", "org.remove_outside_collaborator")
_LET_IN = "personal_access_token.access_granted"


def observations_of(event: Event, action: Action) -> Iterator[Observation]:
    step = _STEPS.get(event.action)
    if event.user and event.in_organisation and event.action in (_LET_IN, *_REMOVED):
        token = event.user_programmatic_access_id
        data = {"token": None if token is None else str(token), "by": action.id}
        kind = "let in" if event.action == _LET_IN else "removed"
        yield Observation(f"{kind}/{event.in_organisation}/{event.user}", action.time, data)
    if step is None or event.workflow_run_id is None:
        return
    yield Observation(
        f"run/{event.workflow_run_id}",
        action.time,
        {
            "step": step,
            "run": str(event.workflow_run_id),
            "who": [action.principal.type, action.principal.id],
            "team": event.team or "",
            "environment": event.at_environment or "",
            "comment": event.comment or "",
            "by": action.id,
        },
    )


def derive(observations: Sequence[Observation]) -> Iterable[tuple[Record, Observation]]:
    runs: dict[str, list[Observation]] = defaultdict(list)
    for one in sorted(observations, key=lambda one: (one.at, str(one.data["by"]))):
        runs[one.name].append(one)
    for name, steps in runs.items():
        kind, _, member = name.partition("/")
        if kind == "run":
            yield from _reviews(steps)
        elif kind == "let in":
            yield from _left_behind(steps, runs.get(f"removed/{member}", []))


def _left_behind(let_in: list[Observation], removed: list[Observation]) -> Iterator[tuple[Record, Observation]]:
    """Whoever is removed from an organisation loses the tokens that it had let in."""
    for one in removed:
        tokens = {str(seen.data["token"]) for seen in let_in if seen.data["token"] and seen.at <= one.at}
        for token in sorted(tokens):
            yield (
                AuthorityFact(
                    kind="approval",
                    id=keys.fine_grained_key(token),
                    time=one.at,
                    fact="ended",
                    end="revoked",
                    attributes={"ended_by": one.data["by"]},
                ),
                one,
            )


def _reviews(steps: list[Observation]) -> Iterator[tuple[Record, Observation]]:
    """Each decision counts until the run is over: a later attempt is reviewed anew."""
    begun: Observation | None = None
    decided: list[AuthorityFact] = []
    for one in steps:
        step = one.data["step"]
        if step == "begun":
            begun = one
        elif step == "over":
            for fact in decided:
                yield _over(fact, one), one
            decided = []
        else:
            fact = _bypass(one) if step == "bypassed" else _review(one, begun)
            decided.append(fact)
            yield fact, one


def _review(one: Observation, begun: Observation | None) -> AuthorityFact:
    data = one.data
    environment = data["environment"] or None
    decider = Principal(*data["who"])
    return AuthorityFact(
        kind="approval",
        id=keys.review_key(data["run"], environment),
        time=one.at,
        effect="deny" if data["step"] == "rejected" else None,
        correlates=(keys.waiting_for(data["run"], environment),),
        issued_by=data["by"],
        requested_by=Principal(*begun.data["who"]) if begun else None,
        decided_by=(decider,),
        justification=data["comment"] or None,
        attributes={"team": data["team"]} if data["team"] else {},
    )


def _bypass(one: Observation) -> AuthorityFact:
    """Somebody let the job go on without the review that its environment asks for."""
    data = one.data
    return AuthorityFact(
        kind="exception",
        id=keys.bypass_key(data["run"], data["environment"] or None),
        time=one.at,
        correlates=(keys.waiting_for(data["run"], data["environment"] or None),),
        issued_by=data["by"],
        decided_by=(Principal(*data["who"]),),
        owner=Principal(*data["who"]),
        justification=data["comment"] or None,
    )


def _over(fact: AuthorityFact, one: Observation) -> AuthorityFact:
    return AuthorityFact(kind=fact.kind, id=fact.id, time=one.at, fact="ended", end="closed")
