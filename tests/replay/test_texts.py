"""Texts of policies are found by digest, by name, and by name and time; where two would do, by none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from quowarranto.errors import ConfigError
from quowarranto.records import parse_instant
from quowarranto.replay.languages import LANGUAGES
from quowarranto.replay.texts import Found, Texts

NINE = parse_instant("2026-03-01T09:00:00Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place, text in {
        "v1.cedar": "one",
        "v1.2.cedar": "one point two",
        "set/a.cedar": "a",
        "set/b.cedar": "b",
        "set/entities.json": "[]",
        "set/README.md": "not a policy",
        "deep/down/v3.cedar": "three",
        "shop@2026-01-01T00:00:00Z.cedar": "january",
        "shop@20260301T090000Z/all.cedar": "march",
        "shop@2026-04-01T000000+0200.cedar": "april",
        "shop@2026-13-01T00:00:00Z.cedar": "no month",
        "policy-v5.cedar": "five",
        "twice/same.cedar": "x",
        "again/same.cedar": "y",
        ".hidden/v9.cedar": "hidden",
    }.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "broken.cedar").write_bytes(b"\xff\xfe")
    (tmp_path / "link.cedar").symlink_to(tmp_path / "v1.cedar")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("v1", {"v1.cedar": "one"}),
        ("v1.cedar", {"v1.cedar": "one"}),
        ("v1.2", {"v1.2.cedar": "one point two"}),
        ("v3", {"v3.cedar": "three"}),
        ("deep/down/v3", {"v3.cedar": "three"}),
        ("set", {"a.cedar": "a", "b.cedar": "b", "entities.json": "[]"}),
        ("policy/v5", {"policy-v5.cedar": "five"}),
        ("v9", None),
        ("link", None),
        ("broken", None),
        ("nothing", None),
    ],
)
def test_a_text_is_found_by_its_name(folder: Path, name: str, found: dict[str, str] | None) -> None:
    policies = Texts(folder).by_name([name], LANGUAGES["cedar"])
    assert (None if policies is None else {policy.name: policy.text for policy in policies}) == found


def test_two_texts_of_one_name_are_none(folder: Path) -> None:
    with pytest.raises(Found, match="which of several"):
        Texts(folder).by_name(["same"])


def test_a_text_is_found_by_its_digest_whatever_it_is_called(folder: Path) -> None:
    digest = hashlib.sha256(b"three").hexdigest()
    for written in (digest, f"sha256:{digest}", f"SHA256:{digest.upper()}"):
        found = Texts(folder).by_digest(written)
        assert found is not None
        assert found[0].text == "three"
    assert Texts(folder).by_digest("sha256:" + "0" * 64) is None
    assert Texts(folder).by_digest("v1") is None


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2026-01-01T00:00:00Z", "january"),
        ("2026-03-01T08:59:59.999999Z", "january"),
        ("2026-03-01T09:00:00Z", "march"),
        ("2026-03-31T21:59:59Z", "march"),
        ("2026-03-31T22:00:00Z", "april"),
    ],
)
def test_of_dated_texts_the_last_that_began_counts(folder: Path, time: str, text: str) -> None:
    found = Texts(folder).in_force(["shop"], parse_instant(time))
    assert found is not None
    assert [policy.text for policy in found] == [text]


def test_before_the_first_there_is_none(folder: Path) -> None:
    with pytest.raises(Found, match="before that time"):
        Texts(folder).in_force(["shop"], parse_instant("2025-12-31T23:59:59Z"))


def test_the_only_dated_name_needs_no_naming(folder: Path) -> None:
    assert [policy.text for policy in Texts(folder).in_force([], NINE) or ()] == ["march"]
    (folder / "bank@2026-01-01T00:00:00Z.cedar").write_text("bank")
    assert Texts(folder).in_force([], NINE) is None
    assert {policy.text for policy in Texts(folder).all_in_force(NINE)} == {"bank", "march"}


def test_what_is_no_text_is_told_of(folder: Path) -> None:
    assert Texts(folder).unread == ["broken.cedar"]


def test_no_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder"):
        Texts(tmp_path / "nowhere")
    assert Texts(None).everything() == ()
