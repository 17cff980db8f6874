"""What roles permit, as patterns of permissions.

Custom roles are told by the log and by exports. Of Google's own some thousand roles the common ones stand here; any
other is taken from its name: `roles/SERVICE.…` permits things of that service, a viewer or reader only looks.
Source: Google Cloud, "IAM roles and permissions index" and "Basic roles".
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ACCOUNTS = "iam.serviceAccounts."
_LOOK = ("get", "list", "getIamPolicy")
_CHANGE = """
    create insert update patch delete use useReadOnly setMetadata setLabels setTags setCommonInstanceMetadata start stop
    reset resize attachDisk detachDisk call invoke run cancel publish consume write upload enable disable actAs
"""
_ARTIFACTS = "repositories packages versions tags files dockerimages"
_BASIC: dict[str, tuple[str, ...]] = {
    "roles/owner": ("*",),
    "roles/editor": (*(f"*.{verb}" for verb in _LOOK), *(f"*.{verb}" for verb in _CHANGE.split())),
    "roles/viewer": tuple(f"*.{verb}" for verb in _LOOK),
}
_KNOWN: dict[str, tuple[str, ...]] = {
    "roles/iam.serviceAccountTokenCreator": tuple(
        _ACCOUNTS + verb
        for verb in ("get", "getAccessToken", "getOpenIdToken", "implicitDelegation", "list", "signBlob", "signJwt")
    ),
    "roles/iam.serviceAccountUser": tuple(_ACCOUNTS + verb for verb in ("actAs", "get", "list")),
    "roles/iam.serviceAccountOpenIdTokenCreator": (_ACCOUNTS + "getOpenIdToken",),
    "roles/iam.workloadIdentityUser": tuple(
        _ACCOUNTS + verb for verb in ("get", "getAccessToken", "getOpenIdToken", "list")
    ),
    "roles/iam.serviceAccountKeyAdmin": ("iam.serviceAccountKeys.*", _ACCOUNTS + "get", _ACCOUNTS + "list"),
    "roles/iam.serviceAccountAdmin": (
        *(_ACCOUNTS + verb for verb in ("create", "delete", "disable", "enable", "get", "getIamPolicy", "list")),
        *(_ACCOUNTS + verb for verb in ("setIamPolicy", "undelete", "update")),
    ),
    "roles/storage.objectViewer": ("storage.objects.get", "storage.objects.list"),
    "roles/storage.objectCreator": ("storage.objects.create", "storage.multipartUploads.*"),
    "roles/storage.objectUser": tuple(
        f"storage.objects.{verb}" for verb in ("create", "delete", "get", "list", "move", "restore", "update")
    ),
    "roles/storage.objectAdmin": ("storage.objects.*", "storage.multipartUploads.*", "storage.managedFolders.*"),
    "roles/secretmanager.secretAccessor": ("secretmanager.versions.access",),
    "roles/bigquery.dataViewer": (
        *(
            f"bigquery.{kind}.{verb}"
            for kind in ("datasets", "tables", "routines", "models")
            for verb in ("get", "list")
        ),
        *("bigquery.datasets.getIamPolicy", "bigquery.tables.getData", "bigquery.tables.getIamPolicy"),
        *("bigquery.tables.export", "bigquery.models.getData", "bigquery.models.getMetadata"),
    ),
    "roles/bigquery.jobUser": ("bigquery.jobs.create", "bigquery.config.get"),
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": (
        "cloudkms.cryptoKeyVersions.useToEncrypt",
        "cloudkms.cryptoKeyVersions.useToDecrypt",
    ),
    "roles/cloudkms.cryptoKeyDecrypter": ("cloudkms.cryptoKeyVersions.useToDecrypt",),
    "roles/cloudkms.cryptoKeyEncrypter": ("cloudkms.cryptoKeyVersions.useToEncrypt",),
    "roles/run.invoker": ("run.routes.invoke", "run.jobs.run"),
    "roles/cloudfunctions.invoker": ("cloudfunctions.functions.invoke",),
    "roles/pubsub.publisher": ("pubsub.topics.publish",),
    "roles/pubsub.subscriber": (
        "pubsub.snapshots.seek",
        "pubsub.subscriptions.consume",
        "pubsub.topics.attachSubscription",
    ),
    "roles/logging.logWriter": ("logging.logEntries.create", "logging.logEntries.route"),
    "roles/artifactregistry.reader": (
        *(f"artifactregistry.{kind}.{verb}" for kind in _ARTIFACTS.split() for verb in ("get", "list")),
        "artifactregistry.repositories.downloadArtifacts",
    ),
    "roles/iap.tunnelResourceAccessor": ("iap.tunnelInstances.accessViaIAP", "iap.tunnelDestGroups.accessViaIAP"),
}
_NAMED = re.compile(r"roles/(?P<service>[a-z][a-zA-Z0-9]*)\.(?P<what>\w+)")


class Permits(NamedTuple):
    """Patterns of permissions, and a remark where they are not the whole truth."""

    permissions: tuple[str, ...]
    remark: str | None = None


def predefined(role: str) -> Permits | None:
    """What one of Google's roles permits; None for custom roles."""
    if role in _BASIC:
        return Permits(_BASIC[role], None if role == "roles/owner" else "approximately known")
    if role in _KNOWN:
        return Permits(_KNOWN[role])
    found = _NAMED.fullmatch(role)
    if found is None:
        return None
    looks = re.search(r"(?:viewer|reader)\Z", found["what"], re.IGNORECASE) is not None
    verbs = tuple(f"{found['service']}.*.{verb}" for verb in _LOOK) if looks else (f"{found['service']}.*",)
    return Permits(verbs, "taken from its name")
