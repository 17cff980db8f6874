"""Every registered language keeps the contract."""

from __future__ import annotations

import pytest

from quowarranto.replay.language import Policy, Request
from quowarranto.replay.languages import LANGUAGES, Language, language_of_file, language_of_source
from quowarranto.sources import SOURCES

ASKED = Request(subject={"type": "user", "id": "ann"}, action={"name": "read"}, resource={"type": "file", "id": "f"})


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.name)
@pytest.mark.parametrize("text", ["", "\x00", "{", "[]", "null", "é" * 100, "a: &a [*a]", "1e999", '{"a": {}}'])
def test_a_language_answers_anything_and_never_permits_what_it_cannot_read(language: Language, text: str) -> None:
    said = language.evaluate([Policy("p", text)], ASKED)
    assert said.effect != "permit"
    assert language.evaluate([], ASKED).effect != "permit"
    nothing = Request(subject={}, action={}, resource={})
    assert language.evaluate([Policy("p", text)], nothing).effect != "permit"
    assert language.request_of(None) is None
    assert language.request_of({"subject": 1}, text) is None


def test_sources_and_endings_name_one_language_each() -> None:
    sources = [source for language in LANGUAGES.values() for source in language.sources]
    suffixes = [suffix for language in LANGUAGES.values() for suffix in language.suffixes]
    assert len(set(sources)) == len(sources)
    assert len(set(suffixes)) == len(suffixes)
    assert set(sources) <= {source.name for source in SOURCES}
    for language in LANGUAGES.values():
        assert all(language_of_source(source) is language for source in language.sources)
        assert all(language_of_file(f"a{suffix}") is language for suffix in language.suffixes)
    assert language_of_file("a.txt") is None
