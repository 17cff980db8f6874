"""Vault: what is ended many at a time is out of force, one by one."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from tests.quo import quo, rows
from tests.sources.logs import judged, of, said

_numbers = itertools.count(1)
Line = dict[str, Any]
POLICY = {"allowed": True, "granting_policies": [{"name": "payments", "namespace_id": "root", "type": "acl"}]}


def line(operation: str, path: str, time: str, *, response: Line | None = None, **request: Any) -> Line:
    """An answered call made with the administrator's token, unless told otherwise."""
    number = f"00000000-0000-4000-8000-{next(_numbers):012d}"
    asked = {"id": number, "operation": operation, "path": path, "client_token_accessor": "admin"} | request
    who = {"accessor": asked["client_token_accessor"], "entity_id": "e-1", "policy_results": POLICY}
    return {
        "type": "response",
        "time": f"2026-03-02T{time}Z",
        "auth": who,
        "request": asked,
        "response": response or {},
    }


def login(path: str = "auth/userpass/login/ada", time: str = "09:00:00") -> Line:
    return line("update", path, time, response={"auth": {"accessor": "ada", "entity_id": "e-1", "token_ttl": 36000}})


def lease(time: str = "09:00:00", lease_id: str = "database/creds/ro/abc") -> Line:
    secret = {"lease_id": lease_id, "lease_duration": 36000}
    return line("read", "database/creds/ro", time, response={"secret": secret, "data": {"username": "v-ro-1"}})


def read(time: str) -> Line:
    return line("read", "secret/data/a", time, client_token_accessor="ada", id="use")


def policy() -> Line:
    return line("update", "sys/policies/acl/payments", "08:00:00")


ENDS_THE_TOKEN = [
    ("update", "sys/leases/revoke-prefix/auth/userpass"),
    ("update", "sys/leases/revoke-prefix/auth/userpass/login/ada"),
    ("update", "sys/leases/revoke-force/auth/userpass/"),
    ("update", "sys/revoke-prefix/auth/userpass"),
    ("delete", "sys/auth/userpass"),
    ("delete", "identity/entity/id/e-1"),
]


@pytest.mark.parametrize(("operation", "path"), ENDS_THE_TOKEN)
def test_a_token_ends_with_the_prefix_that_made_it(operation: str, path: str) -> None:
    bulk = line(operation, path, "10:00:00")
    assert said(judged(of("vault", policy(), login(), bulk, read("09:30:00"))), "use").startswith("authorised")
    found = said(judged(of("vault", policy(), login(), bulk, read("10:30:00"))), "use")
    assert found.startswith("unauthorised proven QW202")


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("update", "sys/leases/revoke-prefix/auth/user"),  # a prefix ends at a slash
        ("update", "sys/leases/revoke-prefix/auth/userpass/login/adam"),
        ("update", "sys/leases/revoke-prefix/database"),
        ("delete", "sys/mounts/userpass"),
        ("read", "sys/auth/userpass"),
        ("delete", "identity/entity/id/e-2"),
        ("update", "identity/entity/id/e-1"),
    ],
)
def test_another_prefix_ends_nothing(operation: str, path: str) -> None:
    bulk = line(operation, path, "10:00:00")
    assert said(judged(of("vault", policy(), login(), bulk, read("10:30:00"))), "use").startswith("authorised")


def test_a_bulk_end_that_failed_ends_nothing() -> None:
    bulk = line("update", "sys/leases/revoke-prefix/auth/userpass", "10:00:00") | {"error": "1 error occurred"}
    assert said(judged(of("vault", policy(), login(), bulk, read("10:30:00"))), "use").startswith("authorised")


def test_a_token_that_was_made_after_the_bulk_end_is_in_force() -> None:
    bulk = line("update", "sys/leases/revoke-prefix/auth/userpass", "08:30:00")
    assert said(judged(of("vault", policy(), login(), bulk, read("10:30:00"))), "use").startswith("authorised")


@pytest.mark.parametrize("path", ["sys/leases/revoke-prefix/database/creds/ro", "sys/leases/revoke-force/database"])
def test_a_database_user_ends_with_the_prefix_of_its_lease(path: str) -> None:
    """The database itself may not have heard of it: then QW406 says so."""
    statement = {"kind": "action", "id": "use", "time": "2026-03-02T10:30:00Z", "action": "SELECT"}
    who = {"principal": {"type": "database_role", "id": "v-ro-1"}, "resource": {"type": "table", "id": "t"}}
    used = statement | who | {"cites": ["database/user/v-ro-1"]}
    found = judged(of("vault", login(), lease(), line("update", path, "10:00:00")), of("native", used))
    codes = said(found, "use").split()
    assert codes[0] == "unauthorised"
    assert {"QW202", "QW406"} <= set(codes)


def test_a_role_ends_with_its_auth_method_but_not_with_its_leases() -> None:
    role = line("update", "auth/userpass/users/ada", "08:00:00", mount_type="userpass")
    again = login(time="11:00:00")
    again["request"] |= {"mount_type": "userpass", "client_token_accessor": None, "id": "use"}
    again["auth"] = None
    by_prefix = line("update", "sys/leases/revoke-prefix/auth/userpass", "10:00:00")
    assert said(judged(of("vault", role, by_prefix, again)), "use").startswith("authorised")
    removed = line("delete", "sys/auth/userpass", "10:00:00")
    assert said(judged(of("vault", role, removed, again)), "use").startswith("unauthorised proven QW202")


def test_a_prefix_is_one_of_its_own_namespace() -> None:
    space = {"id": "n1", "path": "n/"}
    elsewhere = line("update", "sys/leases/revoke-prefix/auth/userpass", "10:00:00", namespace=space)
    assert said(judged(of("vault", policy(), login(), elsewhere, read("10:30:00"))), "use").startswith("authorised")
    there = login()
    there["request"]["namespace"] = space
    removed = line("delete", "sys/namespaces/n", "10:00:00")
    found = said(judged(of("vault", policy(), there, removed, read("10:30:00"))), "use")
    assert found.startswith("unauthorised proven QW202")


def test_a_bulk_end_that_arrives_later_ends_what_the_case_holds(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (policy(), login(), read("10:30:00"))))
    bulk = line("update", "sys/leases/revoke-prefix/auth/userpass", "10:00:00")
    (tmp_path / "b.jsonl").write_text(json.dumps(bulk) + "\n")
    for file, verdict in (("a.jsonl", "authorised"), ("b.jsonl", "unauthorised")):
        assert quo(tmp_path, "link", f"vault={file}").code == 0
        assert [one["verdict"] for one in rows(tmp_path, "verdicts") if one["action"] == "vault/use"] == [verdict]
