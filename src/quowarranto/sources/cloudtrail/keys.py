"""The life of an access key: issued by STS, created, switched off and on, deleted by IAM.

A key is `aws/key/<access key id>`, which is an identifier and no secret. What asked for it is `issued_by`; what the
asker needed for that is the chain of that action. A fact that ends a key names its action as the attribute `ended_by`:
`issued_by` there would speak of how the key came about.
"""

from __future__ import annotations

import re

from quowarranto.records import Action, AuthorityFact, Instant, Principal, format_instant, parse_instant
from quowarranto.sources.cloudtrail.event import Event, part_of, text_of
from quowarranto.sources.cloudtrail.principals import acting, role_arn, session_key, web_identity_token

_SECOND = 1_000_000
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
# `Jul 30, 2021 12:53:52 AM` (to 2022) and `Jul 10, 2023, 12:09:47 PM` (since, sometimes with a narrow space before AM).
_PROSE = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}),? (\d{1,2}):(\d{2}):(\d{2})[ \u00a0\u202f]([AP])M", re.ASCII)
_ISSUING_SERVICES = ("sts", "cognito-identity")
_KEY_CHANGES = ("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey")


def key_facts(event: Event, action: Action) -> tuple[AuthorityFact, ...]:
    """What a successful event says about keys; nothing for most."""
    if event.eventName == "GetWebIdentityToken" and event.service == "sts":
        return _web_identity(event, action)
    if event.service in _ISSUING_SERVICES:
        return _issued(event, action)
    if event.service == "iam" and event.eventName in _KEY_CHANGES:
        return _changed(event, action)
    return ()


def issued_key(event: Event) -> str:
    """The id of the temporary key that STS answered with; empty if it did not."""
    return text_of(part_of(event.answered, "credentials"), "accessKeyId")


def empowered(event: Event) -> Principal | None:
    """Whom a temporary key empowers: the role, the federated user, or the caller of GetSessionToken."""
    if role := text_of(event.asked, "roleArn"):
        return Principal("role", role)
    if session := text_of(part_of(event.answered, "assumedRoleUser"), "arn"):
        return Principal("role", role_arn(session))
    if user := text_of(part_of(event.answered, "federatedUser"), "arn"):
        return Principal("user", user)
    return acting(event.userIdentity) if event.eventName == "GetSessionToken" else None


def parse_expiration(text: str) -> Instant | None:
    """RFC 3339, or the US prose that CloudTrail writes without a zone and means in UTC; `None` if neither."""
    found = _PROSE.fullmatch(text)
    if found is not None:
        month, day, year, hour, minute, second, half = found.groups()
        clock = int(hour) % 12 + (12 if half == "P" else 0)
        text = f"{year}-{_MONTHS.get(month, 0):02d}-{int(day):02d}T{clock:02d}:{minute}:{second}Z"
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _issued(event: Event, action: Action) -> tuple[AuthorityFact, ...]:
    key = issued_key(event)
    if not key:
        return ()
    fact = AuthorityFact(
        kind="credential",
        id=f"aws/key/{key}",
        time=action.time,
        valid_from=action.time,
        valid_until=_valid_until(event, action.time),
        principal=empowered(event),
        issued_by=action.id,
        correlates=_correlates(event, action.time),
        attributes=_issue_attributes(event),
    )
    return (fact,)


def _web_identity(event: Event, action: Action) -> tuple[AuthorityFact, ...]:
    """A signed token for services elsewhere. Whom it names is for its asker to choose, so it empowers nobody here.

    Source: AWS IAM User Guide, "Auditing cross-partition identity federation".
    """
    token = text_of(event.answered, "webIdentityTokenId")
    if not token:
        return ()
    fact = AuthorityFact(
        kind="credential",
        id=web_identity_token(token),
        time=action.time,
        valid_until=parse_expiration(text_of(event.answered, "expiration")),
        issued_by=action.id,
        attributes={"issued_through": event.eventName},
    )
    return (fact,)


def _valid_until(event: Event, issued_at: Instant) -> Instant | None:
    until = parse_expiration(text_of(part_of(event.answered, "credentials"), "expiration"))
    duration = event.asked.get("durationSeconds")
    if until is None and isinstance(duration, int) and 0 < duration <= 129_600:
        return issued_at + duration * _SECOND
    return until


def _correlates(event: Event, issued_at: Instant) -> tuple[str, ...]:
    """The uses repeat the moment of issue to the second, which may differ from the event's by one."""
    who = (
        text_of(part_of(event.answered, "assumedRoleUser"), "assumedRoleId")
        or text_of(part_of(event.answered, "federatedUser"), "federatedUserId")
        or (event.userIdentity.principalId if event.eventName == "GetSessionToken" else None)
    )
    near = (format_instant(issued_at + shift * _SECOND) for shift in (-1, 0, 1))
    return tuple(key for moment in near if (key := session_key(who, moment)))


def _issue_attributes(event: Event) -> dict[str, object]:
    asked, answered = event.asked, event.answered
    said = {
        "issued_through": event.eventName,
        "session": text_of(asked, "roleSessionName"),
        "source_identity": text_of(answered, "sourceIdentity") or text_of(asked, "sourceIdentity"),
        "subject": text_of(answered, "subjectFromWebIdentityToken", "subject"),
        "provider": text_of(answered, "provider", "issuer"),
        "audience": text_of(answered, "audience"),
        "session_policy": bool(asked.get("policy") or asked.get("policyArns")),
    }
    return {name: value for name, value in said.items() if value}


def _changed(event: Event, action: Action) -> tuple[AuthorityFact, ...]:
    answer = part_of(event.answered, "accessKey")
    key = text_of(answer, "accessKeyId") or text_of(event.asked, "accessKeyId")
    status = text_of(event.asked, "status")
    if not key or (event.eventName == "UpdateAccessKey" and status not in ("Active", "Inactive")):
        return ()
    holder = _holder(event, text_of(answer, "userName") or text_of(event.asked, "userName"))
    begins = event.eventName == "CreateAccessKey" or status == "Active"
    own = not begins and f"aws/key/{key}" in action.cites  # the call that ends its own key was made while it worked
    fact = AuthorityFact(
        kind="credential",
        id=f"aws/key/{key}",
        time=action.time + 1 if own else action.time,
        fact="established" if begins else "ended",
        end=None if begins else "revoked",
        principal=holder,
        issued_by=action.id if begins else None,
        attributes={"issued_through": event.eventName} if begins else {"ended_by": action.id},
    )
    return (fact,)


def _holder(event: Event, name: str) -> Principal | None:
    """The user of a long-lived key. The event gives the name without the path, so the path is left open."""
    caller = acting(event.userIdentity)
    if caller.type == "user" and (not name or caller.id.rpartition("/")[2] == name):
        return caller
    if not name or not event.account:
        return None
    return Principal("user", f"arn:{event.partition}:iam::{event.account}:user/*{name}")
