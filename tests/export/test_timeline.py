"""The authority timeline: a drawing that says what the chain says, whatever the chain contains."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from quowarranto.export.axis import Window, ticks
from quowarranto.export.rows import rows_of, window_of
from quowarranto.export.timeline import timeline_svg
from quowarranto.export.words import DAY, SHORT, cells, clean, middle, span
from quowarranto.records import format_instant, parse_instant
from quowarranto.records.codes import CODES
from tests.export import examples

_EVERY = [*examples.everything(), examples.hostile(), examples.long_chain(1), examples.long_chain(40)]


@pytest.mark.parametrize("one", _EVERY, ids=lambda one: str(one["action"]["id"])[:20])
@pytest.mark.parametrize("width", (320, 960))
def test_every_chain_is_drawn_as_well_formed_svg_that_asks_for_nothing(one: dict[str, Any], width: int) -> None:
    """Hostile values can fill a text and nothing more; no reference leaves the file."""
    picture = timeline_svg(one, width=width)
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not names & {"script", "image", "foreignObject", "a", "img"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            if name.rpartition("}")[2] == "href":
                assert value.startswith("#")


@pytest.mark.parametrize("one", examples.everything(), ids=lambda one: str(one["action"]["id"])[:20])
def test_every_authority_and_every_dangling_key_has_a_row(one: dict[str, Any]) -> None:
    """A row's hover names the authority in full."""
    text = " ".join(ElementTree.fromstring(timeline_svg(one)).itertext())
    for link in one["chain"]:
        assert link["key"] in text
    for key in one["dangling"]:
        assert key in text


def test_what_did_not_hold_is_said_in_words_and_not_by_colour_alone() -> None:
    """The code stands beside the mark."""
    text = " ".join(ElementTree.fromstring(timeline_svg(examples.expired())).itertext())
    assert "QW201" in text
    assert "expired" in text


def test_every_code_has_a_short_form() -> None:
    """A mark never carries a bare number."""
    assert set(CODES) <= set(SHORT)


def test_what_rests_on_a_decision_is_tested_when_it_decided() -> None:
    """The dot of the policy stands at the decision's time, not at the action's (SPEC 5)."""
    text = "".join(ElementTree.fromstring(timeline_svg(examples.dangling())).itertext())
    assert "tested at 2026-03-01 11:20:05.1Z: held" in text
    assert "312 ms before" in text


def test_a_lapse_is_to_scale_and_terms_far_away_are_arrows_with_dates() -> None:
    """Four minutes are seen beside a grant of fourteen months."""
    rows = rows_of(examples.expired())
    window = window_of(parse_instant("2026-03-01T10:04:12.381Z"), rows)
    assert format_instant(window.start).startswith("2026-03-01T08:")
    assert format_instant(window.end).startswith("2026-03-01T12:")
    assert "◂ 2025-01-14" in timeline_svg(examples.expired())


def test_rows_stand_below_what_cites_them_and_each_stands_once() -> None:
    """A chain is a graph; its picture is a tree in which the first citation counts."""
    rows = rows_of(examples.revoked())
    assert [row.depth for row in rows] == [1, 2, 2]
    assert [row.parent for row in rows] == [None, 0, 0]
    ring = examples.revoked()
    ring["chain"][0]["cited_by"] = [ring["chain"][1]["key"]]
    assert len(rows_of(ring)) == 3


@pytest.mark.parametrize("links", (1, 2, 16, 40))
def test_a_chain_of_any_length_is_drawn(links: int) -> None:
    """A row each, and one for the action."""
    root = ElementTree.fromstring(timeline_svg(examples.long_chain(links)))
    assert int(root.attrib["height"]) > 46 * links


@pytest.mark.parametrize(
    ("start", "end"),
    (
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:00.004Z"),
        ("2026-03-01T00:00:00Z", "2026-03-01T00:00:40Z"),
        ("2026-02-27T22:00:00Z", "2026-03-01T09:00:00Z"),
        ("2025-11-30T00:00:00Z", "2026-03-20T00:00:00Z"),
        ("1970-01-01T00:00:00Z", "2026-03-20T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ),
)
def test_ticks_are_round_few_and_inside(start: str, end: str) -> None:
    """From milliseconds to millennia."""
    window = Window(parse_instant(start), parse_instant(end))
    found = ticks(window, 7)
    assert 2 <= len(found) <= 8
    assert all(window.start <= tick.at <= window.end for tick in found)
    assert [tick.at for tick in found] == sorted({tick.at for tick in found})


def test_invisible_characters_are_written_out() -> None:
    """A key that reads backwards, or that hides something, is seen to."""
    assert clean("a\u202eb\x00\u200b") == "a‹U+202E›b‹U+0000›‹U+200B›"
    assert middle("x" * 100, 9) == "xxxx…xxxx"
    assert cells("漢字") == 4


def test_spans_are_told_in_two_units() -> None:
    """As a person would say it."""
    told = [span(micros) for micros in (0, 250, 312_000, 1_500_000, 252_000_000, 3 * DAY)]
    assert told == ["0 µs", "250 µs", "312 ms", "1.5 s", "4 min 12 s", "3 d"]
