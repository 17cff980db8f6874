"""What an export is asked for, and names that stay the same from run to run."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import msgspec

from quowarranto.case.query import Filters

_NAMESPACE = uuid.UUID("8d1f2f0e-5f0a-5d0c-9a55-6a3b5f1f9b1e")
"""Of every UUID that this project makes from a name (version 5)."""


class Wanted(msgspec.Struct, frozen=True):
    """Which actions and findings an export holds; findings also by severity."""

    filters: Filters = Filters()
    severity: tuple[str, ...] = ()


def subject_of(row: dict[str, Any]) -> tuple[str, str]:
    """What a finding is about, as (kind, name): an authority and its key, or `principal` and `type:id`."""
    if row["key"] is not None:
        return row["kind"], row["key"]
    return "principal", f"{row['principal_type']}:{row['principal_id']}"


def fingerprint(row: dict[str, Any]) -> str:
    """The same for the same code and subject in every run and every case: SHA-256, in hexadecimal."""
    return hashlib.sha256("\0".join((row["code"], *subject_of(row))).encode()).hexdigest()


def name_uuid(*names: object) -> str:
    """A UUID (version 5) of these names: the same names give the same one."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(map(str, names))))
