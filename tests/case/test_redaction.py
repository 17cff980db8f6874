"""No secret reaches the case; what only looks like one does; what joined two records still does."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quowarranto.case import redaction
from quowarranto.case.redaction import are_clean, is_clean, redact, redact_json, redact_text
from quowarranto.records import Action, AuthorityFact, Principal, Resource, Rule, secret_shapes

HEX = "0123456789abcdef" * 4
SECRETS = {
    "JSON web token": "eyJhbGciOiJSUzI1NiJ9." + "eyJzdWIiOiJ4In0." + "c2lnbmF0dXJlLW9mLWl0",
    "vault token": "hvs." + "CAESIJ0123456789abcdefghij",
    "vault batch token": "hvb." + "AAAAAQ0123456789abcdefghij",
    "old vault token": "s." + "Ab3dEfGh1jKlMn0pQrStUvWx",
    "github token": "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345",
    "github fine token": "github_pat_" + "11ABCDEFG0abcdefghijkl_0123456789",
    "gitlab token": "glpat-" + "0123456789abcdefghij",
    "slack token": "xoxb-" + "0123456789-abcdefghij",
    "okta token": "SSWS " + "00abcdefghijKLMNOPQRST0123456789",
    "openai key": "sk-" + "proj0123456789abcdefghij",
    "stripe key": "sk_live_" + "0123456789abcdefghij",
    "google key": "AIza" + "SyA0123456789abcdefghijklmnopqrstuv",
    "AWS session token": "IQoJb3JpZ2lu" + "X2VjEAAaCXVzLWVhc3QtMSJHMEUC",
    "private key": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END RSA PRIVATE " + "KEY-----",
    "PGP key": "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----\nlQOYBGRz\n-----END PGP PRIVATE " + "KEY BLOCK-----",
}
SPOKEN = {
    "a bearer header": "Bearer 0123456789abcdef",
    "a basic header": "Basic dXNlcjpodW50ZXIy",
    "a connection string": "postgres://app:hunter2hunter@db:5432/x",
    "a connection string of key and value": "Server=db;User Id=app;Password=hunter2hunter;",
    "an environment variable": "MYSQL_ROOT_PASSWORD=hunter2hunter",
    "a quoted password": 'password = "hunter2 hunter"',
    "a spoken password": "the password: hunter2hunter",
    "a flag": "psql --password hunter2hunter",
    "a query": "https://x/y?access_token=hunter2hunter&z=1",
    "an AWS key in text": "aws_secret_access_key = kT7vQz2mXr9LsW4cYh8NbJp1DgFa6ReUoZi3Ktbx",
    "JSON in text": json.dumps({"password": 'hunter2"hunter'}),
    "JSON in JSON in text": json.dumps({"log": json.dumps({"client_token": "hunter2hunter"})}),
}
CORE = ("hunter2", "dXNlcjpodW50ZXIy", "0123456789abcdef", "kT7vQz2mXr9LsW4")
HARMLESS = (
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "vault/accessor/hmac-sha256:" + HEX,
    "hmac-sha256:" + HEX,
    "sha256:" + HEX,
    "arn:aws:iam::123456789012:role/secret-reader",
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf",
    "secret:kv/prod/*",
    "api_key:payments-exporter",
    "get secrets",
    "list secrets",
    "token_type=bearer",
    "kubernetes/secrets: payments",
    "Basic authentication was used",
    "bearer credentials",
    "basic monitoring",
    "system:serviceaccount:ci:token-controller",
    "https://console.aws.amazon.com/iam",
    "task-0123456789abcdefghijklmn",
    "disk-0123456789abcdefghijklmn",
    "kubernetes/decision/0c1d2e3f-0000-4000-8000-0123456789ab",
    "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTIzfQ",
    "users.organisation.example",
    "password-rotation-job",
    "s.example.com",
)
PLACES = ("id", "cites", "aliases", "correlates", "principal", "resource", "scope", "request", "attributes", "source",
          "justification", "owner", "series", "issued_by", "origin", "on_behalf_of", "nested", "name", "decided_by",
          )  # fmt: skip


def record(place: str, text: str) -> Action | AuthorityFact:
    """A record that carries a text in one place."""
    who, what = Principal("user", "u"), Resource("kv", "r")
    act: dict[str, Any] = {"id": "a", "time": 1, "principal": who, "action": "read", "resource": what}
    fact: dict[str, Any] = {"kind": "grant", "id": "g", "time": 1}
    in_action: dict[str, dict[str, Any]] = {
        "resource": {"resource": Resource("kv", text)},
        "origin": {"origin": text},
        "on_behalf_of": {"on_behalf_of": (Principal("user", text),)},
        "nested": {"attributes": {"a": [{"b": ["x", text]}]}},
        "name": {"attributes": {text: 1}},
    }
    if place in in_action:
        return Action(**act | in_action[place])
    in_fact: dict[str, Any] = {
        "cites": (text,),
        "aliases": (text,),
        "correlates": (text,),
        "principal": Principal("user", text),
        "scope": (Rule(actions=("x", text)), Rule(resources=(text,))),
        "request": {"subject": {"type": "user", "id": text, "properties": {"x": text}}},
        "attributes": {"note": text},
        "decided_by": (who, Principal("user", text)),
    }
    return AuthorityFact(**fact | {place: in_fact.get(place, text)})


def shown(value: Any) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_by_its_shape_is_removed_from_every_place(kind: str, place: str) -> None:
    """Alone, and in the middle of a text after a line break; the record says so."""
    secret = SECRETS[kind]
    core = secret.split("\n")[1] if "\n" in secret else secret
    for text in (secret, f"see\n{secret} there", f"vault/{secret}"):
        if kind == "old vault token" and text.startswith("vault/"):
            pass
        clean = redact(record(place, text))
        assert core not in shown(clean)
        assert clean.attributes["removed"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", SPOKEN)
def test_a_secret_by_what_stands_before_it_is_removed_from_every_place(kind: str, place: str) -> None:
    """Passwords leave no digest: it could be turned back by trying."""
    clean = shown(redact(record(place, SPOKEN[kind])))
    assert not [core for core in CORE if core in clean]
    if kind not in ("a bearer header", "an AWS key in text"):
        assert "removed:" not in clean.replace("[removed:", "")


NAMES = ("password", "masterUserPassword", "client_token", "clientToken", "secretAccessKey", "Authorization",
         "X-Vault-Token", "x_api_key", "SAMLAssertion", "otp", "newPassword", "db_password", "private-key")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["short", 4711, ["one", "two"], "hmac-sha256:not-one"], ids=str)
def test_the_value_of_a_field_named_like_a_secret_is_removed(name: str, value: Any) -> None:
    """However short; in records, in observations and in raw lines."""
    held = {"outer": [{name: value, "kept": "yes"}]}
    action = redact(msgspec.structs.replace(record("origin", "x"), attributes=held))
    raw = json.dumps({"type": "request", **held})
    nested = json.dumps({"log": json.dumps(held)})
    for text in (shown(action), shown(redact_json(held)), redact_text(raw), redact_text("syslog: " + raw)):
        assert "short" not in text
        assert "4711" not in text
        assert '"one"' not in text
        assert '"yes"' in text.replace("\\", "")
    if isinstance(value, str):
        assert value not in redact_text(nested).replace("hmac-sha256:not-one", value if value == "short" else "")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    """Identifiers, digests, patterns, prose and tokens that only turn pages."""
    for place in PLACES:
        one = record(place, text)
        assert redact(one) is one
    assert redact_text(text) == text
    assert redact_text(json.dumps({"a": text})) == json.dumps({"a": text})


@pytest.mark.parametrize(
    "held",
    [
        {"nextToken": "AAAAExample"}, {"token_type": "service"}, {"pageToken": "x"}, {"continue": "eyJ2Ijoi"},
        {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}, {"client_token": "hmac-sha256:" + HEX}, {"password": ""},
        {"accessor": "8f3c"}, {"secretName": "db"}, {"requirePassword": True}, {"PasswordLastUsed": "2026"},
        {"token": None}, {"secret": {"name": "db"}}, {"password": "[removed: secret field]"},
    ],
    ids=str,
)  # fmt: skip
def test_fields_that_only_sound_like_secrets_stay(held: dict[str, Any]) -> None:
    """As they are."""
    assert redact_json(held) is held
    assert redact_text(json.dumps(held)) == json.dumps(held)


def test_a_token_that_joins_two_records_still_does() -> None:
    """Its digest stands in the id, the citation, the scope and the resource alike."""
    token = SECRETS["vault token"]
    texts = {
        redact(record("id", token)).id,
        redact(record("cites", token)).cites[0],  # type: ignore[index]
        redact(record("resource", token)).resource.id,  # type: ignore[union-attr]
        redact(record("scope", token)).scope[1].resources[0],  # type: ignore[union-attr, index]
        redact(record("request", token)).request["subject"]["id"],  # type: ignore[union-attr, index]
    }
    assert len(texts) == 1
    assert texts.pop().startswith("removed:")


def test_a_text_too_long_or_nested_too_deeply_to_be_searched_is_left_out() -> None:
    """Rather than kept unseen."""
    secret = SECRETS["vault token"]
    deep: Any = secret
    for _ in range(300):
        deep = [deep]
    for value in ({"a": "x" * 2_000_000 + secret}, {"a": deep}):
        clean = redact(msgspec.structs.replace(record("origin", "x"), attributes=value))
        assert secret not in shown(clean)
        assert len(shown(clean)) < 5000


def test_a_raw_line_without_secrets_is_shown_to_the_letter() -> None:
    """Spaces and the order of keys included."""
    for text in ('{"b": 1,  "a" : "x"}', "kind: Role\nname: a\n", '{"broken": ', "", "plain"):
        assert redact_text(text) == text


@given(
    st.sampled_from(sorted(SECRETS)),
    st.sampled_from(PLACES),
    st.text(alphabet="ab /:\n\"'{}=,", max_size=12),
    st.text(alphabet="\n /:\"'{},", max_size=12),
)
def test_no_secret_survives_whatever_stands_around_it(kind: str, place: str, before: str, after: str) -> None:
    """Letters right before it excepted, where a shape needs a boundary."""
    secret = SECRETS[kind]
    core = secret.split("\n")[1] if "\n" in secret else secret
    text = before.rstrip("ab") + " " + secret + after
    assert core not in shown(redact(record(place, text)))
    assert core not in redact_text(text)
    assert core not in redact_text(json.dumps({"x": text}))


def test_every_hint_of_a_secret_is_also_known_without_its_digits() -> None:
    """Names are judged without their digits, unless a dot stands in them."""
    for hint in secret_shapes.HINTS:
        assert "." in hint or hint.translate(redaction._WITHOUT_DIGITS) in secret_shapes.HINTS, hint


@given(st.sampled_from([*SECRETS.values(), *SPOKEN.values()]), st.text("0123456789", max_size=3), st.integers(0, 200))
def test_a_secret_among_digits_is_found_whatever_names_were_judged_before(secret: str, digits: str, at: int) -> None:
    """Names without a secret that have the same letters do not hide it."""
    letters = "".join(char for char in secret if char not in "0123456789")
    redact_json({"a": letters, "b": letters[: at % (len(letters) + 1)]})
    text = f"{digits}x {secret} y{digits}"
    assert all(core not in json.dumps(redact_json({"a": text})) for core in CORE if core in secret)


def _forget() -> None:
    for known in (redaction._known_clean, redaction._clean_stems, redaction._clean_alone):
        known.clear()


_STEM = st.lists(
    st.one_of(
        st.sampled_from(["bearer ", "basic ", "token/", "password: ", "s.", "hvs.", "eyJhbGciOiJ9.", "://u:"]),
        st.sampled_from(["kubernetes/credential/JTI=", "?sig=", "dG9rZW46IGh1bnRlcjI", "%3D", "sk-", "secret"]),
        st.text("abcXYZ019./=-_:@ ", max_size=6),
    ),
    max_size=4,
).map("".join)


@given(_STEM, st.lists(st.uuids().map(str), min_size=2, max_size=4), st.booleans())
def test_what_was_judged_before_changes_no_answer_about_a_uuid(stem: str, uuids: list[str], lettered: bool) -> None:
    if lettered:
        uuids = [uuid.translate(str.maketrans("0123456789", "abcdefabcd")) for uuid in uuids]
    _forget()
    together = [is_clean(stem + uuid) for uuid in uuids]
    alone = []
    for uuid in uuids:
        _forget()
        alone.append(is_clean(stem + uuid))
    assert together == alone


def test_many_texts_are_clean_if_each_of_them_is() -> None:
    """A secret is found wherever it stands, also one that only shows across the lines of a text, or by its digits."""
    harmless = ["pod-17", "pod-18", "", "10.0.0.1", "two\nlines", "é", "9" * 50]
    secrets = [
        "hvs.CAESIJ0123456789abcdef0123",
        "s." + "a1b2" * 6,
        "password:\nhunter2hunter2",
        "Bearer abcdef0123456789ab",
    ]
    for _ in range(2):  # once new, once known
        assert are_clean(harmless)
        assert are_clean([])
        assert are_clean(harmless + harmless)
        for secret in secrets:
            for place in range(len(harmless) + 1):
                assert not are_clean([*harmless[:place], secret, *harmless[place:]]), secret
            assert not are_clean([secret])


def encodings(secret: str) -> dict[str, str]:
    """As logs carry secrets on: in base64 of both alphabets, padded or not, and URL-encoded, some more, some less."""
    url = quote(secret, safe="")
    return {
        "base64": base64.b64encode(secret.encode()).decode(),
        "base64url": base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
        "url": url,
        "url, plus": quote_plus(secret),
        "every character": "".join(f"%{byte:02X}" for byte in secret.encode()),
    }


@pytest.mark.parametrize("how", ("base64", "base64url", "url", "url, plus", "every character"))
@pytest.mark.parametrize("name", [*SECRETS, *SPOKEN])
def test_an_encoded_secret_is_removed_too(name: str, how: str) -> None:
    """Alone, in a text and in a structure; what hides it goes as a whole."""
    secret = (SECRETS | SPOKEN)[name]
    hidden = encodings(secret)[how]
    for text in (hidden, f"x {hidden} y", f"https://h/p?state={hidden}"):
        record = Action(
            id="a", time=0, principal=Principal("u", "u"), action="x", resource=Resource("t", "t"), origin=text,
            attributes={"note": [text]},
        )  # fmt: skip
        told = json.dumps(msgspec.to_builtins(redact(record)))
        assert hidden not in told
        assert not [core for core in CORE if core in told]
        assert hidden not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        *HARMLESS,
        "arn:aws:iam::123456789012:role/aws-service-role/AWSServiceRoleForAmazonEKSNodegroup",
        base64.b64encode(b"just a sentence that somebody encoded").decode(),
        "s3://bucket/a%20file%20with%20spaces%2Band%20more.txt",
        "ip-10-20-1-17.eu-central-1.compute.internal/Kubelet/VeryLongCamelCaseNameOfSomething",
    ],
)
def test_what_is_encoded_and_no_secret_stays(text: str) -> None:
    assert redact_json([text]) == [text]


@pytest.mark.parametrize("before", ["opa/decision/", "a/", "ab/", "abc/", "x-", "trace_", ""])
@pytest.mark.parametrize("after", ["", "/get", "-1", "_x"])
def test_a_secret_in_base64_is_found_inside_an_identifier(before: str, after: str) -> None:
    """As in the key of a record, where base64 cannot be told from what stands before it."""
    secret = "password=correct-horse-battery-staple"
    encoded = base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")
    (found,) = redact_json([f"{before}{encoded}{after}"])
    assert encoded not in found


LONG = {
    "letters without an end": "Xx9" * 20_000,
    "URL-encoded": "Xx%41" * 12_000,
    "URL-encoded at the end only": "X9x" * 20_000 + "%41",
    "beginnings of tokens": "eyJ" * 20_000,
    "beginnings of addresses": "://a:" * 12_000,
    "beginnings of keys": "-----BEGIN " + "A " * 30_000,
    "beginnings of fields": '"password":"x' * 5_000,
    "quotes of quotes": '\\"' * 30_000,
    "names and spaces": "password" + " " * 60_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_text_is_searched_in_time_that_grows_with_it_alone(text: str) -> None:
    """Found by tests.fuzz: a line of 8 KiB took a second, one of 64 KiB as much as it liked."""
    began = time.process_time()
    redact_text(text)
    assert time.process_time() - began < 3
