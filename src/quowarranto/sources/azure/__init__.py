"""Azure and Entra: what was called in subscriptions, vaults, storage and Graph, by which token, and what let it.

Reads     records of diagnostic settings (`records` of an event hub or storage account, lines): activity log, Key
          Vault, storage, sign-ins, directory audit, Graph activity, audit logs of AKS; activity log events as the REST
          interface and the portal give them; sign-ins and audits as Graph gives them; role assignments and definitions.
Yields    an Action per call, sign-in and change; Decisions that name their role assignment; tokens and secrets;
          observations of which `derive` makes calls of several records, assignments, and requests of PIM as approvals.
Time      RFC 3339; of a sign-in or change its own time; where a collector has cut off a zone, the next time with one.
Not seen  members of groups; when a token ends; what a role excludes (`notActions`); conditions of assignments.
Source    learn.microsoft.com: "Azure activity log event schema", "Azure resource logs common schema", "Key Vault
          logging", "Storage log schema", Graph `signIn`, `directoryAudit`, "Microsoft Graph activity logs".
"""

from __future__ import annotations

from typing import Any

from quowarranto.errors import RejectedEntry
from quowarranto.sources import kubernetes
from quowarranto.sources.azure import assignments
from quowarranto.sources.azure.calls import managed, storage, vault
from quowarranto.sources.azure.directory import changed
from quowarranto.sources.azure.history import derive
from quowarranto.sources.azure.tokens import asked_graph, signed_in
from quowarranto.sources.azure.wire import Event, named, part, spelled, text_of, understood
from quowarranto.sources.entry import Entry, Outcome, Sample, Skipped, Source
from quowarranto.sources.strict import strict_object

__all__ = ["SOURCE", "derive", "read", "recognise"]

_SIGN_INS = frozenset(
    (
        *("signinlogs", "noninteractiveusersigninlogs", "serviceprincipalsigninlogs"),
        *("managedidentitysigninlogs", "adfssigninlogs"),
    )
)
_STORAGE = frozenset(("storageread", "storagewrite", "storagedelete"))
_NOT_DONE = {
    "policy": "an evaluation of Azure Policy: nothing was done by it",
    "recommendation": "a recommendation: nothing was done",
    "servicehealth": "a notice about the health of a service",
    "resourcehealth": "a notice about the health of a resource",
    "alert": "an alert: nothing was done",
    "security": "an alert: nothing was done",
    "autoscale": "a scaling by Azure itself",
}
_AUDIT = frozenset(("auditlogs",))
_TENANT = "/providers/microsoft.aadiam"


def read(entry: Entry) -> Outcome:
    """The records of one record of Azure, or an observation of what an export shows."""
    value = strict_object(entry.data)
    if assignments.is_assignment(value):
        return assignments.assignment_shown(value, entry.modified_at) or Skipped("a role assignment without an id")
    if assignments.is_definition(value):
        return assignments.definition_shown(value, entry.modified_at) or Skipped("a role without an id")
    value = spelled(value)
    category = named(value.get("category")).lower()
    if category.startswith("kube-audit"):
        return kubernetes.read(entry)
    if not _is_record(value):
        raise RejectedEntry("neither a record of Azure or Entra nor a role assignment")
    return _recorded(understood(value, entry.data))


def _recorded(event: Event) -> Outcome:
    category = event.category.lower()
    if category in _NOT_DONE and "identity" not in event.properties:
        return Skipped(_NOT_DONE[category]) if category != "policy" or not _of_directory(event) else changed(event)
    if category in _SIGN_INS:
        return signed_in(event)
    if category == "microsoftgraphactivitylogs":
        return asked_graph(event)
    if category in _AUDIT or _of_directory(event):
        return changed(event)
    if category in _STORAGE or (not category and event.said("accountName")):
        return storage(event)
    if category == "auditevent" and "/providers/microsoft.keyvault/" in f"{event.resource.lower()}/":
        return vault(event)
    if category in ("administrative", "") and event.operation:
        return managed(event)
    return Skipped("a record of a category that tells nothing of who did what")


def _of_directory(event: Event) -> bool:
    """A change in the directory, by what it says: some collectors put the change's own category at the top."""
    return "activityDateTime" in event.properties or "activityDisplayName" in event.properties


def _is_record(value: dict[str, Any]) -> bool:
    """The envelope of Azure, an event of the REST interface, or what Microsoft Graph gives."""
    if "operationName" in value and any(name in value for name in ("resourceId", "category", "eventTimestamp", "uri")):
        return True
    if "category" in value and "properties" in value and ("time" in value or "resourceId" in value):
        return True
    return _bare(value) is not None


def _bare(value: dict[str, Any]) -> str | None:
    """A sign-in or a change as Microsoft Graph has it."""
    if "activityDisplayName" in value and "activityDateTime" in value:
        return "change"
    if "createdDateTime" in value and "appId" in value and "conditionalAccessStatus" in value:
        return "sign-in"
    return None


def recognise(sample: Sample) -> int:
    """Records by their envelope and a category or resource that only Azure has; exports by their type."""
    return max((_likeness(document) for document in sample.documents if isinstance(document, dict)), default=0)


def _likeness(document: dict[str, Any]) -> int:
    if assignments.is_assignment(document) or assignments.is_definition(document):
        return 92
    value = spelled(document)
    if named(value.get("category")).lower().startswith("kube-audit"):
        return 80  # the reader of Kubernetes takes a file of nothing else
    if _bare(value) is not None:
        return 88
    if not _is_record(value):
        return 0
    resource = (named(value.get("resourceId")) or named(value.get("resourceUri"))).lower()
    named_so = resource.startswith(("/subscriptions/", "/tenants/", "/providers/microsoft."))
    category = named(value.get("category")).lower()
    known = category in _SIGN_INS or category in _STORAGE or category in _AUDIT or category in _NOT_DONE
    known = known or category in ("administrative", "auditevent", "microsoftgraphactivitylogs")
    if named_so:
        return 93 if known else 80
    of_rest = "eventDataId" in value or bool(text_of(part(value, "authorization"), "action"))
    return 85 if known and (of_rest or "callerIpAddress" in value or "correlationId" in value) else 0


SOURCE = Source(
    name="azure",
    title="Azure activity, Key Vault, storage, and Entra",
    reads=(
        "records of diagnostic settings: activity log, Key Vault, storage, sign-ins, directory audit, Graph activity",
        "activity log events (REST, portal), sign-ins and audits (Microsoft Graph)",
        "`az role assignment list`, `az role definition list`",
    ),
    recognise=recognise,
    read=read,
    derive=derive,
    wrappers=("records", "value"),
    chosen=frozenset(("user_agent",)),
    ceiling="proven",
    raise_it="send sign-ins of service principals and managed identities, directory audits and Graph activity to the "
    "same place as the activity log, and add `az role assignment list --all`",
)
