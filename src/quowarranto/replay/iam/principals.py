"""`Principal` and `NotPrincipal`: whether they name who asks, and how closely.

How closely matters within one account: what is granted to a user or session itself, no boundary or session policy
narrows; what is granted to a role, those do; what is granted to an account, its own policies must pass on.
Source: IAM user guide, "Principal", "NotPrincipal", "Evaluating policies within a single account".
"""

from __future__ import annotations

from typing import Literal

from quowarranto.replay.answer import Answer, either
from quowarranto.replay.iam.asked import Asked
from quowarranto.replay.iam.documents import Statement

Closeness = Literal["itself", "role", "account", "everyone"]
PEOPLE = ("user", "role", "session", "federated-user", "root")


def named(principal: tuple[str, str], asked: Asked) -> tuple[Closeness, Answer]:
    """Whether one principal of a list is who asks."""
    kind, value = principal
    if value == "*":
        return "everyone", True
    if kind == "Service":
        return "itself", asked.type == "service" and asked.arn == value
    if kind == "Federated":
        return "itself", _vouched(value, asked)
    if kind == "CanonicalUser":
        return "account", _is(asked.canonical_user, value, "subject.properties.canonicalUser", asked)
    if value.isdigit():
        return "account", _of_account(value, asked)
    parts = value.split(":", 5)
    if len(parts) < 6:
        role = value.startswith("AROA")
        return "role" if role else "itself", _is(asked.unique_id, value, "subject.properties.uniqueId", asked)
    if parts[5] == "root":
        return "account", _of_account(parts[4], asked)
    if parts[5].startswith("role/"):
        return "role", _of_role(value, asked)
    if parts[5].startswith("user/") and asked.type == "federated-user":
        return "role", _of_user_behind(value, asked)
    if asked.type == "role" and parts[5].startswith(f"assumed-role/{(asked.arn or '').rpartition('/')[2]}/"):
        return "itself", frozenset({"subject.id as the ARN of the session"})
    return "itself", asked.type in PEOPLE and asked.arn == value


def _of_account(account: str, asked: Asked) -> Answer:
    if asked.type not in PEOPLE:
        return False
    return frozenset({"subject.properties.account"}) if asked.account is None else asked.account == account


def _of_role(role: str, asked: Asked) -> Answer:
    if asked.type == "role":
        return asked.arn == role
    if asked.type != "session":
        return False
    if asked.role is not None:
        return asked.role == role
    parts = (asked.arn or "").split(":", 5)
    ours, theirs = parts[-1].split("/")[1:2], role.split(":", 5)
    same = len(parts) == 6 and parts[4] == theirs[4] and ours == [theirs[5].rpartition("/")[2]]
    return frozenset({"subject.properties.role"}) if same else False  # a session's ARN leaves out the role's path


def _of_user_behind(user: str, asked: Asked) -> Answer:
    """A federated session has the rights of a user of its account, as far as its session policies reach."""
    if asked.role is not None:
        return asked.role == user
    same = asked.account is None or asked.account == user.split(":", 5)[4]
    return frozenset({"subject.properties.user"}) if same else False


def _vouched(provider: str, asked: Asked) -> Answer:
    if asked.type not in ("federated", "session"):
        return False
    return frozenset({"subject.properties.provider"}) if asked.provider is None else asked.provider == provider


def _is(ours: str | None, theirs: str, name: str, asked: Asked) -> Answer:
    if asked.type not in PEOPLE:
        return False
    return frozenset({name}) if ours is None else ours == theirs


def speaks_of(statement: Statement, asked: Asked, bounded: Answer) -> dict[Closeness, Answer]:
    """By closeness, whether a statement is about who asks. `bounded`: whether they have a permissions boundary."""
    if statement.principals is None:
        return {"itself": True}
    found = [named(principal, asked) for principal in statement.principals]
    if not statement.beside_principals:
        closeness: tuple[Closeness, ...] = ("itself", "role", "account", "everyone")
        return {how: either(said for one, said in found if one == how) for how in closeness}
    if statement.allow:
        listed = either(said for _, said in found)
        return {"everyone": not listed if isinstance(listed, bool) else listed}
    return {"everyone": _not_spared(found, asked, bounded)}


def _not_spared(found: list[tuple[Closeness, Answer]], asked: Asked, bounded: Answer) -> Answer:
    """Whether a `Deny` beside some principals denies: they are spared with certainty only where every name is listed.

    AWS checks the account, then the role, then the session, "depending on the service"; and who has a permissions
    boundary is denied whoever is listed.
    """
    if bounded is True and asked.type in ("user", "role", "session"):
        return True
    how = {one: either(said for other, said in found if other == one) for one, _ in found}
    if how.get("everyone") is True:
        return False
    needed: tuple[Closeness, ...] = ("itself",)
    if asked.type == "root":
        needed = ("account",)
    elif asked.type in PEOPLE:
        needed = ("account", "role") if asked.type == "role" else ("account", "itself")
        needed = (*needed, "role") if asked.type == "session" else needed
    answers = [how.get(one, False) for one in needed]
    closest = [how.get(one, False) for one in needed if one != "account" or asked.type == "root"]
    if all(answer is True for answer in answers):
        return False if bounded is False or asked.type not in ("user", "role", "session") else bounded
    if all(answer is False for answer in closest):
        return True
    unsure = frozenset({"whether NotPrincipal spares who is listed in part"})
    return unsure.union(*(answer for answer in answers if not isinstance(answer, bool)))
