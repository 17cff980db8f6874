"""The authority timeline: a drawing that says what the chain says, whatever the chain contains."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from quowarranto.export.timeline import timeline_svg
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
