"""Google Cloud: what was called, which permissions were checked, with which key or whose loan; policies and roles.

Reads     entries of Cloud Audit Logs (`LogEntry`) as lines, arrays, messages of Pub/Sub and rows exported to BigQuery,
          those of GKE clusters among them; policies, roles, keys and service accounts as `gcloud` prints them; Cloud
          Asset Inventory.
Yields    an Action per call, a Decision per permission checked; credentials for keys of service accounts; observations
          of policies, roles and tokens, of which `derive` makes grants, delegations and calls over several entries.
Time      `timestamp`, RFC 3339; where a collector has cut off its zone, the request's own time.
Not seen  which binding allowed a call (no entry says); reads, unless Data Access logs are on; members of groups; with
          which token of a lent account a call was made; conditions other than on time; deny policies.
Source    cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry; google/cloud/audit/audit_log.proto;
          google/iam/v1/logging/audit_data.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import Action, Record
from quowarranto.sources.entry import Entry, Observation, Outcome, Sample, Skipped, Source
from quowarranto.sources.gcp import gke, policies
from quowarranto.sources.gcp.calls import called
from quowarranto.sources.gcp.federation import exchanged_by, is_provider
from quowarranto.sources.gcp.history import derive
from quowarranto.sources.gcp.issuance import effects, listed_accounts, listed_key
from quowarranto.sources.gcp.ordinary import ORDINARY
from quowarranto.sources.gcp.wire import LogEntry, spelled, text_of, time_of, understood, unwrapped
from quowarranto.sources.strict import strict_json

__all__ = ["SOURCE", "derive", "read", "recognise"]

_PARENTS = ("projects/", "organizations/", "folders/", "billingAccounts/")
_NOTHING = Skipped("an export that lists nothing")


def read(entry: Entry, resources: Mapping[str, str] | None = None, github: frozenset[str] = frozenset()) -> Outcome:
    """The records of one log entry, or what an export shows.

    Args:
        resources: by the name of a file, the resource whose policy it holds.
        github: the providers of workload identity pools whose issuer is GitHub Actions.
    """
    value = unwrapped(strict_json(entry.data))
    if not isinstance(value, dict):
        raise RejectedEntry("not a JSON object")
    value = spelled(value)
    if "protoPayload" in value:
        return _logged(understood(value), entry.data, github)
    if _is_log_entry(value):
        return Skipped("a log entry that is not of an audit log")
    shown = _exported(value, entry, resources or {})
    if shown is None:
        raise RejectedEntry("neither an entry of an audit log nor an export")
    return shown or _NOTHING


def _logged(entry: LogEntry, raw: bytes, github: frozenset[str]) -> list[Record | Observation]:
    at = time_of(entry)
    if gke.is_of_cluster(entry):
        return gke.records(entry, at, raw)
    found = called(entry, at, raw)
    action = found[0]
    if isinstance(action, Observation):
        acted = msgspec.convert(action.data["action"], Action)
    else:
        assert isinstance(action, Action)
        shares = exchanged_by(entry, action.principal, github)
        found[0] = acted = msgspec.structs.replace(action, correlates=action.correlates + shares) if shares else action
    return found + (effects(entry, acted) if acted.outcome == "success" else [])


def _exported(value: dict[str, Any], entry: Entry, resources: Mapping[str, str]) -> list[Record | Observation] | None:
    """What an export shows; None where it is none that is known."""
    name, at = text_of(value, "name"), entry.modified_at
    if _is_asset(value):
        return policies.asset_shown(value, at)
    if "/serviceAccounts/" in name and "/keys/" in name:
        return listed_key(value, at)
    if "uniqueId" in value and "email" in value:
        return listed_accounts(value, at)
    if _is_role(value):
        return [policies.role_shown(value, at)] if isinstance(value.get("includedPermissions"), list) else []
    if policies.is_policy(value):
        return [policies.policy_shown(value, resources.get(Path(entry.file).name, ""), at, None)]
    return None


def _is_log_entry(value: dict[str, Any]) -> bool:
    """An entry with another payload: text, JSON, or the request that a load balancer had."""
    resource = value.get("resource")
    typed = isinstance(resource, dict) and isinstance(resource.get("type"), str)
    named = text_of(value, "logName").startswith(_PARENTS)
    payloads = {name.lower() for name in value} & {"jsonpayload", "textpayload", "httprequest"}
    return (typed or named) and (bool(payloads) or (typed and named))


def _is_asset(value: dict[str, Any]) -> bool:
    kind = text_of(value, "assetType", "asset_type")
    return ".googleapis.com/" in kind and bool(text_of(value, "name", "resource"))


def _is_role(value: dict[str, Any]) -> bool:
    name = text_of(value, "name")
    return (name.startswith("roles/") or "/roles/" in name) and ("includedPermissions" in value or "stage" in value)


def recognise(sample: Sample) -> int:
    """Audit entries by their payload; log entries of other kinds; exports by what only they have."""
    return max((_likeness(document) for document in sample.documents), default=0)


def _likeness(document: Any) -> int:
    try:
        value = unwrapped(document)
    except RejectedEntry:
        return 0
    if not isinstance(value, dict):
        return 0
    value = spelled(value)
    payload = value.get("protoPayload")
    if isinstance(payload, dict):
        told = any(name in payload for name in ("methodName", "authorizationInfo", "authenticationInfo"))
        return 95 if told else 60
    if _is_log_entry(value):
        return 45  # something else may stand in it, which another source knows
    if _is_asset(value):
        return 92
    name = text_of(value, "name")
    if "/serviceAccounts/" in name and ("uniqueId" in value or "validAfterTime" in value):
        return 92
    if _is_role(value):
        return 85
    return 80 if policies.is_policy(value) else 0


def configure(settings: Mapping[str, Any]) -> Source:
    """`[source.gcp]` in `quo.toml`: of which resource a file holds the policy, and which providers are GitHub's."""
    for name in settings:
        if name not in ("policies", "github_providers"):
            raise ConfigError(f"`source.gcp` has no setting `{name}`", need="`policies` or `github_providers`")
    providers = settings.get("github_providers", [])
    if not isinstance(providers, list) or not all(isinstance(one, str) and is_provider(one) for one in providers):
        raise ConfigError(
            "`source.gcp.github_providers` is not a list of providers",
            need='names such as "projects/123456789012/locations/global/workloadIdentityPools/ci/providers/github"',
        )
    named = settings.get("policies", {})
    if not isinstance(named, Mapping) or not all(isinstance(one, str) and one for one in named.values()):
        raise ConfigError(
            "`source.gcp.policies` does not say of which resource a file holds the policy",
            need='names of files with resources, such as "shop.json" = "projects/shop"',
        )
    return msgspec.structs.replace(SOURCE, read=partial(read, resources=dict(named), github=frozenset(providers)))


SOURCE = Source(
    name="gcp",
    title="Google Cloud audit logs, policies and roles",
    reads=(
        "Cloud Audit Logs (lines, arrays, Pub/Sub messages, BigQuery rows), GKE included",
        "`gcloud … get-iam-policy`, `iam roles describe`, `iam service-accounts list`, `… keys list`",
        "Cloud Asset Inventory exports",
    ),
    recognise=recognise,
    read=read,
    ordinary=(ORDINARY,),
    derive=derive,
    documents=(".yaml", ".yml"),
    configure=configure,
    chosen=frozenset(("user_agent",)),
    ceiling="proven",
    raise_it="turn on Data Access logs, those of IAM included, and add policies and custom roles as Cloud Asset "
    "Inventory exports them; still only entries of GKE name the binding that allowed them, all others stay `partial`",
)
