"""How Google Cloud names things, and the keys, principals and resources that we make of it.

Calls          `gcp/<parent>/<log>/<insertId>`, those that go on `gcp/operation/<producer>/<id>`
Decisions      `gcp/decision/<entry>/<number>`
Keys           `gcp/key/<key id>`: the id is a digest of the public key, the same by whatever name the account goes
Grants         `gcp/grant/<resource>/<role>/<member>`, with a condition `#<digest of it>`
Impersonation  `gcp/delegation/<service account>/<type>:<id>`
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from quowarranto.records import Principal, Resource
from quowarranto.sources import keys
from quowarranto.sources.folding import folded
from quowarranto.sources.gcp.wire import Delegate, LogEntry, part, text_of

PREFIX = "gcp/"
_ROOTS = ("projects/", "organizations/", "folders/", "billingAccounts/")
_POOL = re.compile(r"principal(?P<set>Set)?://iam\.googleapis\.com/(?P<pool>.+?Pools/[^/]+)/(?P<rest>.+)")
_KEY = re.compile(r"serviceAccounts/[^/]+/keys/(?P<id>[A-Za-z0-9_-]{6,128})")
_WORKLOAD = re.compile(r"(?P<pool>[^\s\[\]]+\.svc\.id\.goog)\[(?P<account>[^\]]+)\]")
_BUCKET = re.compile(r"projects/[^/]+/(?P<rest>buckets/.+)")
_ACCOUNT = re.compile(r"projects/[^/]+/serviceAccounts/(?P<name>[^/]+)(?P<rest>/.*)?")


class Whom(NamedTuple):
    """One principal of a member: `allUsers` has several, and each must be a grant of its own."""

    principal: Principal
    several: bool = False


# ---- principals ------------------------------------------------------------------------------------------------------


def principal_of_email(email: str) -> Principal:
    """A service account by its e-mail; else a person. Names of Kubernetes and federated identities come so as well."""
    if (account := keys.maybe(keys.google_service_account, email)) is not None:
        return Principal("service_account", account)
    if _WORKLOAD.fullmatch(email):
        return Principal("workload", email)
    if "://" in email:
        return principal_of_subject(email) or Principal("unknown", email)
    if email.startswith("system:serviceaccount:"):
        return Principal("service_account", email)
    return Principal("user", folded(email) if "@" in email else email)


def principal_of_subject(subject: str) -> Principal | None:
    """`user:…`, `serviceAccount:…`, `principal://…`; None for what is none of these."""
    if found := _POOL.fullmatch(subject):
        if found["set"]:
            return None
        return Principal("user" if "workforcePools" in found["pool"] else "workload", subject)
    kind, colon, name = subject.partition(":")
    if not colon or not name:
        return None
    if kind == "serviceAccount" and _WORKLOAD.fullmatch(name):
        return Principal("workload", name)
    if kind in ("serviceAccount", "user"):
        return principal_of_email(name)
    return None


def caller(entry: LogEntry) -> Principal:
    """Who called. Google leaves it out for outsiders whose call was refused, and for what it does by itself."""
    said = entry.call.authenticationInfo
    mapped = text_of(part(entry.call.metadata), "mapped_principal", "mappedPrincipal")
    if mapped and (one := principal_of_subject(mapped)) is not None:
        return one  # whoever exchanged a token acts under this name from then on
    if said is not None:
        if said.principalEmail:
            return principal_of_email(said.principalEmail)
        if said.principalSubject:
            return principal_of_subject(said.principalSubject) or Principal("unknown", said.principalSubject)
    if entry.log == "system_event" and entry.call.serviceName:
        return Principal("service", entry.call.serviceName)
    return Principal("anonymous", origin(entry) or "unknown")


def delegates(entry: LogEntry) -> tuple[Principal, ...]:
    """On whose behalf a service account acts, nearest first; the log has them in the order of lending."""
    said = entry.call.authenticationInfo
    found = [_delegate(one) for one in (said.serviceAccountDelegationInfo if said else None) or ()]
    return tuple(dict.fromkeys(one for one in reversed(found) if one is not None))


def _delegate(one: Delegate) -> Principal | None:
    if one.firstPartyPrincipal is not None and one.firstPartyPrincipal.principalEmail:
        return principal_of_email(one.firstPartyPrincipal.principalEmail)
    return principal_of_subject(one.principalSubject) if one.principalSubject else None


def members_of(member: str) -> tuple[Whom, ...]:
    """The principals that a member of a binding stands for; none where it names a group or what is not told.

    A name in which `*` or `?` stands would be a pattern here, so it is nobody.
    """
    if member in ("allUsers", "allAuthenticatedUsers"):
        kinds = ("user", "service_account", "workload") + (("anonymous",) if member == "allUsers" else ())
        return tuple(Whom(Principal(kind, "*"), True) for kind in kinds)
    if ("*" in member and not member.startswith("principalSet://")) or "?" in member.partition("?uid=")[0]:
        return ()
    if member.startswith("domain:"):
        return (Whom(Principal("user", f"*@{folded(member.removeprefix('domain:'))}")),)
    if (found := _POOL.fullmatch(member)) and found["set"]:
        kind = "user" if "workforcePools" in found["pool"] else "workload"
        everyone = f"principal://iam.googleapis.com/{found['pool']}/subject/*"
        return (Whom(Principal(kind, everyone)),) if found["rest"] == "*" else ()
    if member.startswith("deleted:"):
        return ()
    one = principal_of_subject(member)
    return (Whom(one),) if one is not None else ()


def origin(entry: LogEntry) -> str | None:
    metadata = part(entry.call.requestMetadata)
    return text_of(metadata, "callerIp", "callerIP") or None


# ---- keys ------------------------------------------------------------------------------------------------------------


def key_of(name: str | None) -> str | None:
    """The key of a service account's key by its resource name, whichever name the account has in it."""
    found = _KEY.search(name or "")
    return f"{PREFIX}key/{found['id'].lower()}" if found else None


def account_in(name: str) -> str | None:
    """The service account in a resource name, by e-mail or unique id."""
    found = re.search(r"serviceAccounts/(?P<name>[^/]+)", name)
    return keys.maybe(keys.google_service_account, f"x/serviceAccounts/{found['name']}") if found else None


def delegation_key(account: str, lender: Principal) -> str:
    return f"{PREFIX}delegation/{account}/{lender.type}:{lender.id}"


def grant_key(resource: str, role: str, member: str, expression: str) -> str:
    digest = f"#{hashlib.sha256(expression.encode()).hexdigest()[:12]}" if expression else ""
    return f"{PREFIX}grant/{resource}/{role}/{member}{digest}"


# ---- resources -------------------------------------------------------------------------------------------------------


def resource_of(entry: LogEntry) -> Resource:
    """What the call was on; its id begins with the project wherever that is known, as scopes do."""
    call = entry.call
    name = call.resourceName or next((one.on for one in call.authorizationInfo or () if one.on), "") or ""
    return Resource(entry.kind, placed(name, entry) or entry.parent or call.serviceName or "unknown")


def placed(name: str, entry: LogEntry) -> str:
    """A resource name with its project written out, and a service account by its e-mail."""
    name, place, parent = bare(name), entry.place, entry.parent
    project = place.get("project_id") or (parent.removeprefix("projects/") if parent.startswith("projects/") else "")
    head, _, tail = name.partition("/")
    if head == "projects" and project and tail.startswith(("_/", "-/")):
        name = f"projects/{project}/{tail[2:]}"
    elif name and not name.startswith(_ROOTS):
        name = f"{parent}/{name}" if parent else name
    found = _ACCOUNT.fullmatch(name)
    email, unique = place.get("email_id", ""), place.get("unique_id", "")
    if found and email and found["name"] in (unique, email):
        account = keys.maybe(keys.google_service_account, email) or email
        return f"{name[: found.start('name')]}{account}{found['rest'] or ''}"
    return name


def bare(name: str) -> str:
    """A full resource name (`//storage.googleapis.com/b`) as the services write it themselves."""
    name = name.strip()
    if name.startswith("//"):
        service, _, path = name[2:].partition("/")
        if service == "storage.googleapis.com" and not path.startswith("projects/"):
            bucket, slash, rest = path.partition("/")
            return f"projects/_/buckets/{bucket}" + (f"/{rest}" if slash else "")
        name = path
    return name.replace("projectnumbers/", "projects/", 1) if name.startswith("projectnumbers/") else name


def canonical(name: str) -> str:
    """The one name of a resource: buckets and service accounts are unique without their project."""
    if found := _BUCKET.fullmatch(name):
        return f"projects/_/{found['rest']}"
    if (found := _ACCOUNT.fullmatch(name)) and not found["rest"]:
        account = keys.maybe(keys.google_service_account, f"x/serviceAccounts/{found['name']}")
        return f"projects/-/serviceAccounts/{account or found['name']}"
    return name


def covering(name: str) -> tuple[str, ...]:
    """Patterns for a resource (by its canonical name) and all that is below it."""
    pattern = re.sub(r"^projects/[_-]/", "projects/*/", name)
    return (pattern, f"{pattern}/*")
