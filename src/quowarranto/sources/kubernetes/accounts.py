"""Service accounts as other systems know them: from when to when an account of this name, and of this uid, was there.

Whoever lets somebody in by the token of a service account (Vault, a cloud) names the account and seldom the token. Such
an account is a `delegation` by it: to whom, is for the other side to say. It is no anchor, so by itself it proves
nothing; that it had been deleted is worth knowing all the same, as not everybody asks the API server about each token.

An account whose uid was logged is known by that as well, and then only who names no uid finds it by its name: another
cluster may have an account of the same name.

An account that the log shows in use before it shows its creation was there before: since 1970.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from quowarranto.records import AuthorityFact, Instant, Principal
from quowarranto.sources import keys as shared
from quowarranto.sources.entry import Observation
from quowarranto.sources.kubernetes.names import service_account

_ORDER = {"create": 0, "token": 1, "delete": 2}
_PREFIX = "serviceaccount/"
_BY_UID = "kubernetes/serviceaccount/uid/"


def facts(
    by_name: Mapping[str, Sequence[Observation]], *, several: bool
) -> Iterator[tuple[AuthorityFact, Observation]]:
    """The lives of all accounts that were made, deleted or given a token.

    Args:
        by_name: observations `serviceaccount/NAMESPACE/NAME` and `token/ID`, each once.
        several: there are other clusters too, so that an account's name may be that of another; only uids count then.
    """
    seen: defaultdict[str, list[tuple[str, Observation]]] = defaultdict(list)
    for name, found in by_name.items():
        if name.startswith("token/"):
            for one in found:
                seen[one.data["account"]].append(("token", one))
        elif name.startswith(_PREFIX) and not name.endswith("/*"):
            seen[name] += [(one.data["change"], one) for one in found]
    for account, moments in sorted(seen.items()):
        if account not in by_name:  # deletions of a whole collection are already with the others
            whole = by_name.get(f"{account.rpartition('/')[0]}/*", ())
            moments += [(one.data["change"], one) for one in whole]
        moments.sort(key=lambda moment: (moment[1].at, _ORDER.get(moment[0], 1), moment[1].name))
        for fact, one in _lives(account, moments):
            if not several or fact.id.startswith(_BY_UID):
                yield fact, one


def _lives(account: str, moments: Sequence[tuple[str, Observation]]) -> Iterator[tuple[AuthorityFact, Observation]]:
    namespace, name = account.removeprefix(_PREFIX).split("/", 1)
    key = shared.maybe(lambda text: shared.service_account_object(namespace, text), name)
    if key is None:
        return
    alive: dict[str, tuple[str, ...]] = {}  # the keys that are in force, each with what it shares
    unnamed: dict[str, tuple[str, ...]] = {key: (key, shared.service_account_without_uid(key))}
    first = True
    for what, one in moments:
        if what == "delete":
            for gone, shares in (alive or (unnamed if first else {})).items():
                yield _ended(gone, one, shares), one
            alive = {}
        elif what == "create" or (what == "token" and not alive):
            uid = shared.maybe(shared.service_account_uid, one.data.get("uid"))
            alive = {key: (key,), uid: (uid,)} if uid else unnamed
            since: Instant | None = 0 if what == "token" and first else None
            for begun, shares in alive.items():
                yield _established(begun, one, since, shares, service_account(namespace, name)), one
        first = False


def _ended(key: str, one: Observation, shares: tuple[str, ...]) -> AuthorityFact:
    """It shares what its beginning does: of an account from before the log the end may be all that is known."""
    attributes = {"ended_by": one.data["action"]}
    return AuthorityFact(
        kind="delegation",
        id=key,
        time=one.at,
        fact="ended",
        end="revoked",
        correlates=shares,
        attributes=attributes,
    )


def _established(
    key: str, one: Observation, since: Instant | None, shares: tuple[str, ...], account: Principal
) -> AuthorityFact:
    """It shares its own key: what names the account looks for it under that."""
    return AuthorityFact(
        kind="delegation",
        id=key,
        time=one.at,
        valid_from=since,
        by=account,
        correlates=shares,
        issued_by=one.data.get("action") if since is None else None,
    )
