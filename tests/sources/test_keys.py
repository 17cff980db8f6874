"""Names that two systems spell differently come to one form, both ways."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quowarranto.sources import keys

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


@given(st.integers(0, 2**64 - 1))
def test_a_serial_is_one_number_however_it_is_written(number: int) -> None:
    """`sshd` writes it in decimal, Vault in hexadecimal, OpenSSL with colons."""
    pairs = number.to_bytes(8, "big").hex(":")
    spelled = {keys.serial_of_hex(text) for text in (f"{number:x}", f"{number:X}", f"0x{number:x}", pairs)}
    assert spelled == {keys.serial_of_decimal(str(number))} == {str(number)}
    assert keys.hex_of_serial(str(number)) == f"{number:x}"


@given(st.uuids())
def test_the_id_of_a_token_is_one_as_guid_and_as_base64url(value: uuid.UUID) -> None:
    uti = keys.base64url_of_guid(str(value))
    assert keys.guid_of_base64url(uti) == str(value)
    padded = base64.b64encode(value.bytes_le).decode()
    upper = f"{{{str(value).upper()}}}"
    as_text = base64.urlsafe_b64encode(str(value).encode()).rstrip(b"=").decode()
    assert len({keys.entra_token(text) for text in (uti, str(value), upper, padded, as_text)}) == 1


@given(st.binary(min_size=32, max_size=32))
def test_a_fingerprint_is_one_as_hexadecimal_and_as_base64(digest: bytes) -> None:
    short = base64.b64encode(digest).decode().rstrip("=")
    spelled = (f"SHA256:{short}", digest.hex(), digest.hex(":").upper(), f"sha256:{digest.hex()}", short)
    assert {keys.fingerprint(text) for text in spelled} == {digest.hex()}


@given(NAMES, NAMES)
def test_a_service_account_is_one_in_the_cluster_and_as_a_workload(namespace: str, name: str) -> None:
    spelled = (
        f"system:serviceaccount:{namespace}:{name}",
        f"{namespace}/{name}",
        f"spiffe://cluster.local/ns/{namespace}/sa/{name}",
    )
    assert {keys.service_account(text) for text in spelled} == {spelled[0]}
    assert keys.service_account(keys.service_account(spelled[1])) == spelled[0]


@given(NAMES, NAMES)
def test_a_role_is_one_with_and_without_its_session(role: str, session: str) -> None:
    plain = f"arn:aws:iam::123456789012:role/{role}"
    assert keys.role_of_session(f"arn:aws:sts::123456789012:assumed-role/{role}/{session}") == plain
    assert keys.role_without_path(f"arn:aws:iam::123456789012:role/team/{role}") == plain
    assert keys.role_without_path(plain) == plain


@pytest.mark.parametrize(
    ("of", "text", "form"),
    [
        (keys.spiffe_id, "SPIFFE://Example.ORG/Web", "spiffe://example.org/Web"),
        (keys.spiffe_id, "spiffe://example.org/", "spiffe://example.org"),
        (keys.google_service_account, "serviceAccount:Ci@p.iam.gserviceaccount.com", "ci@p.iam.gserviceaccount.com"),
        (
            keys.google_service_account,
            "//iam.googleapis.com/projects/p/serviceAccounts/ci@p.iam.gserviceaccount.com/keys/1",
            "ci@p.iam.gserviceaccount.com",
        ),
        (keys.google_service_account, "projects/-/serviceAccounts/103131110000000000001", "103131110000000000001"),
        (keys.trace, f"00-{'AB' * 16}-{'cd' * 8}-01", f"trace/{'ab' * 16}"),
        (keys.ssh_certificate, "0", None),
        (keys.ssh_certificate, "007", "ssh/certificate/7"),
    ],
)
def test_a_name_has_one_form(of: Callable[[str], str | None], text: str, form: str | None) -> None:
    assert of(text) == form


EVERY: tuple[Callable[[str], str | None], ...] = (
    *(keys.serial_of_decimal, keys.serial_of_hex, keys.hex_of_serial, keys.ssh_certificate, keys.x509_certificate),
    *(keys.fingerprint, keys.guid, keys.guid_of_base64url, keys.base64url_of_guid, keys.entra_token, keys.trace),
    *(keys.role_of_session, keys.role_without_path, keys.service_account, keys.spiffe_id, keys.request),
    *(keys.google_service_account, keys.database_user),
)


@pytest.mark.parametrize("of", EVERY, ids=lambda of: of.__name__)
@given(text=st.text())
def test_what_is_no_such_name_is_refused(of: Callable[[str], str | None], text: str) -> None:
    """With a `ValueError`, whatever it is; `maybe` makes None of it."""
    found = keys.maybe(of, text)
    assert found is None or isinstance(found, str)


@given(st.integers(1, 10**15), st.integers(1, 100))
def test_an_attempt_of_a_run_is_one_however_it_is_written(run: int, attempt: int) -> None:
    assert keys.github_run(str(run), str(attempt)) == keys.github_run(f"0{run}", f"{attempt:03}")
    assert keys.github_run(str(run), str(attempt)) != keys.github_run(str(run), str(attempt + 1))
    assert keys.maybe(lambda text: keys.github_run(text, "1"), "not a number") is None


@given(
    st.from_regex(r"[a-z]{1,8}\.example(/[A-Za-z]{1,5})?", fullmatch=True),
    st.from_regex(r"[!-~]{1,40}", fullmatch=True),
)
def test_a_token_has_one_key_however_its_issuer_is_spelled(issuer: str, token: str) -> None:
    """Host in any case, with a slash at the end or without; a path tells upper case from lower."""
    host, slash, path = issuer.partition("/")
    key = keys.token_of_issuer(f"https://{issuer}", token)
    assert key == keys.token_of_issuer(f"HTTPS://{host.upper()}{slash}{path}/", token)
