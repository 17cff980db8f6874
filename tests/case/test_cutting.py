"""Cutting: every entry with the place where it stands, whatever the shape of the file and whatever is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quowarranto.case.cutting import NO_ENTRY, Piece, cut_array, cut_lines, cut_stream, unwrap, without_bom
from quowarranto.case.cutting_yaml import cut_yaml
from quowarranto.case.sampling import sample_documents, shape_of

WRAPPERS = ("Records", "Events", "items", "records")


def pieces_of(data: bytes, name: str = "log.json") -> list[Piece]:
    """As a reader cuts a file whose source knows all wrappers."""
    shape = shape_of(name, data)
    text, mark = without_bom(data)
    if shape == "lines":
        cut = list(cut_lines(text, mark, 1))
    elif shape == "yaml":
        cut = list(cut_yaml(data))
    else:
        cut = list(cut_array(data) if shape == "array" else cut_stream(data))
    return [part for piece in cut for part in unwrap(piece, WRAPPERS)]


def check_places(data: bytes, pieces: list[Piece]) -> None:
    """Each piece stands where it says, in order, and none overlaps the next."""
    end, counted, line = 0, 0, 1
    for piece in pieces:
        raw = piece.data if piece.raw is None else piece.raw
        assert data[piece.offset : piece.offset + len(raw)] == raw
        line += data.count(b"\n", counted, piece.offset)
        counted = piece.offset
        assert piece.line == line
        assert piece.offset >= end
        end = piece.offset + len(raw)


def values(pieces: list[Piece]) -> list[Any]:
    return [value for piece in pieces if piece.nothing is None and (value := value_of(piece)) is not None]


def value_of(piece: Piece) -> Any:
    try:
        return None if piece.broken else json.loads(piece.data)
    except ValueError:
        return None


def broken(pieces: list[Piece]) -> list[str]:
    """Why pieces are broken; a reader finds the same of those that are not JSON."""
    found = [piece for piece in pieces if piece.nothing is None and value_of(piece) is None]
    return [piece.broken or "not JSON" for piece in found]


# ---- what is well formed ---------------------------------------------------------------------------------------------

ONE: dict[str, Any] = {"a": 1, "b": {"c": [{"d": "}{"}]}}
TWO: dict[str, Any] = {"a": 'ü " \\ {['}
THREE: dict[str, Any] = {"a": [], "e": {}}
ALL = [ONE, TWO, THREE]
LINES = "\n".join(map(json.dumps, ALL))

SHAPES = {
    "lines": LINES + "\n",
    "lines without the last newline": LINES,
    "lines that end in CR LF": LINES.replace("\n", "\r\n") + "\r\n",
    "lines after a byte order mark": "\ufeff" + LINES,
    "lines with blank ones between": "\n\n" + LINES.replace("\n", "\n \t\r\n\n") + "\n\n",
    "an array on one line": json.dumps(ALL),
    "an array over several lines": json.dumps(ALL, indent=2),
    "an array without indentation": json.dumps(ALL, indent=0),
    "an array after a byte order mark": "\ufeff \n" + json.dumps(ALL, indent=1),
    "a wrapped list on one line": json.dumps({"version": {"x": 1}, "Records": ALL, "next": None}),
    "a wrapped list over several lines": json.dumps({"kind": "List", "items": ALL, "metadata": {}}, indent=4),
    "one wrapped list a line": "\n".join(json.dumps({"Records": [one]}) for one in ALL) + "\n",
    "two lists in one object": json.dumps({"Records": [ONE, TWO], "Events": [THREE]}),
    "objects one after the other": "".join(json.dumps(one, indent=2) for one in ALL),
    "objects one after the other, on lines": "\n".join(json.dumps(one, indent="\t") for one in ALL),
    "objects without indentation": "\n".join(json.dumps(one, indent=0) for one in ALL),
    "objects one after the other on one line": "".join(map(json.dumps, ALL)),
    "objects with commas between": ",\n".join(json.dumps(one, indent=2) for one in ALL),
    "wrapped lists one after the other": "\n".join(json.dumps({"Events": [one]}, indent=2) for one in ALL),
}


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_gives_its_entries_where_they_stand(name: str) -> None:
    """The three objects, in order, with their offsets and lines."""
    data = SHAPES[name].encode()
    pieces = pieces_of(data)
    assert values(pieces) == ALL
    assert broken(pieces) == []
    check_places(data, pieces)


def test_a_list_without_entries_is_understood_and_holds_nothing() -> None:
    """It is one entry, skipped with a reason: it does not vanish."""
    for text in (b'{"Records":[]}', b"[]", b'{"kind": "List", "items": []}\n'):
        (piece,) = pieces_of(text)
        assert (piece.nothing, piece.broken) == (NO_ENTRY, None)


def test_an_entry_that_only_mentions_a_wrapper_is_no_list() -> None:
    """The key has to be one of the object's own, with a list."""
    for value in ({"a": {"Records": [1]}}, {"Records": None}, {"Records": {"a": 1}}, {"text": '"Records"'}):
        data = json.dumps(value).encode()
        assert [piece.data for piece in pieces_of(data)] == [data]


def test_equal_entries_before_the_list_do_not_shift_its_places() -> None:
    """An element that also stands in another field is found where it is an element."""
    data = b'{"first": [{"a":1}],\n"Records": [\n{"a":1},{"a":1}]}'
    pieces = pieces_of(data)
    check_places(data, pieces)
    assert [piece.line for piece in pieces] == [3, 3]
    assert pieces[0].offset == 34


def test_two_lists_under_one_key_are_refused_as_a_whole() -> None:
    """A decoder would keep the last of them, and the entries of the first would vanish."""
    (piece,) = pieces_of(b'{"Records":[{"a":1}],"Records":[{"b":2}]}')
    assert piece.broken == "a key stands twice in one object"


# ---- what is broken --------------------------------------------------------------------------------------------------


def test_a_truncated_array_gives_what_is_whole_and_one_broken_piece() -> None:
    """Cut within an element, and cut after one."""
    for text, found in ((json.dumps(ALL, indent=2)[:-30], 2), (json.dumps(ALL, indent=2)[:-2], 3)):
        data = text.encode()
        pieces = pieces_of(data)
        assert values(pieces) == ALL[:found]
        assert broken(pieces) == ["it ends too early"]
        check_places(data, pieces)


def test_a_truncated_wrapper_gives_what_is_whole_and_one_broken_piece() -> None:
    """On one line and over several."""
    for indent in (None, 2):
        data = json.dumps({"kind": "List", "metadata": {"a": "b"}, "items": ALL}, indent=indent)[:-14].encode()
        pieces = pieces_of(data)
        assert values(pieces) == [ONE, TWO]
        assert broken(pieces) == ["it ends too early"]
        check_places(data, pieces)


def test_a_bad_element_costs_only_itself() -> None:
    """In a wrapped list and in an array; the other fields of the wrapper are no entries."""
    for text in ('{"Records":[{"a":1},{"a":},{"a":3}],"next":"x"}', '[{"a":1},{"a":},{"a":3}]'):
        pieces = pieces_of(text.encode())
        assert [piece.data for piece in pieces] == [b'{"a":1}', b'{"a":}', b'{"a":3}']
        check_places(text.encode(), pieces)


@pytest.mark.parametrize("cut", ['"b"', '"c": [', '"d"', "}{", "1,"])
def test_a_broken_object_in_a_pretty_stream_costs_only_itself(cut: str) -> None:
    """Whatever it was cut off after: the next object begins in the margin."""
    whole = json.dumps(ONE, indent=2)
    data = "\n".join([json.dumps(TWO, indent=2), whole[: whole.index(cut) + len(cut)], json.dumps(THREE, indent=2)])
    pieces = pieces_of(data.encode())
    assert values(pieces) == [TWO, THREE]
    assert broken(pieces) == ["the object does not end"]
    check_places(data.encode(), pieces)


def test_a_broken_object_within_a_pretty_array_costs_only_itself() -> None:
    """It is told from a nested object by the indentation of the elements."""
    lines = json.dumps([ONE, TWO, THREE], indent=2).split("\n")
    data = "\n".join(lines[:3] + lines[lines.index("  {", 2) :]).encode()
    pieces = pieces_of(data)
    assert values(pieces) == [TWO, THREE]
    assert broken(pieces) == ["the object does not end"]
    check_places(data, pieces)


def test_text_between_objects_is_a_broken_piece() -> None:
    """Zero bytes too: they are what a crashed disk leaves."""
    data = b'{\n "a": 1\n}\nTraceback: oops\n{\n "a": 2\n}\n\x00\x00\x00\n'
    pieces = pieces_of(data)
    assert values(pieces) == [{"a": 1}, {"a": 2}]
    assert [piece.data for piece in pieces if piece.broken] == [b"Traceback: oops", b"\x00\x00\x00"]
    check_places(data, pieces)


def test_lines_that_are_all_broken_stay_lines() -> None:
    """None of the first fifty can be decoded, and still each is an entry."""
    data = b"".join(b'{"a": %d, "b": [\n' % number for number in range(200))
    assert len(pieces_of(data)) == 200


def test_a_whole_object_is_no_reason_to_look_into_the_lists_of_a_broken_event() -> None:
    """The items of a response that a truncated event carries are not entries of the log."""
    data = b'{"kind":"Event","responseObject":{"items":[{"kind":"Role"},{"kind":"Ro'
    assert [piece.data for piece in pieces_of(data)] == [data]


HOSTILE = (
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"Records":' * 50_000,
    b'\\"' * 500_000,
    b'{\n"' + b'\\"' * 300_000,
    b"{\n" * 200_000,
    b"[{\n" * 200_000,
    b'{"Records":[' + b'{"a":[' * 100_000,
    b"{" * 1_000_000,
    b'{"items": ["' + b"x" * 1_000_000,
    b"- " * 100_000,
    b"apiVersion: " + b"[" * 100_000,
)


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_nesting_is_cut_in_linear_time(data: bytes) -> None:
    """And comes out as broken pieces or as lines that a reader refuses."""
    for name in ("log.json", "log.yaml"):
        check_places(data, pieces_of(data, name))
        sample_documents(Path(name), data[:262_144], shape_of(name, data))


# ---- laws ------------------------------------------------------------------------------------------------------------

_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet='a"\\{}[],:\n ü', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
_objects = st.lists(st.dictionaries(st.sampled_from(["a", "b", "kind"]), _json, min_size=1, max_size=3), max_size=6)


@given(_objects, st.sampled_from(["lines", "array", "stream", "wrapped"]), st.sampled_from([None, 0, 1, 4]))
def test_what_was_written_is_what_is_cut(objects: list[Any], shape: str, indent: int | None) -> None:
    """For every shape and every indentation."""
    if shape == "lines":
        text = "".join(json.dumps(one) + "\n" for one in objects)
    elif shape == "stream":
        text = "\n".join(json.dumps(one, indent=indent) for one in objects)
    else:
        text = json.dumps(objects if shape == "array" else {"Records": objects}, indent=indent)
    pieces = pieces_of(text.encode())
    check_places(text.encode(), pieces)
    assert broken(pieces) == []
    assert values(pieces) == objects


@given(_objects, st.sampled_from([None, 0, 2]), st.data())
def test_a_cut_loses_nothing_before_it(objects: list[Any], indent: int | None, data: st.DataObject) -> None:
    """Every object that ends before the cut is there, and what comes after is told."""
    text = json.dumps({"items": objects}, indent=indent)
    cut = data.draw(st.integers(0, len(text) - 1))
    pieces = pieces_of(text[:cut].encode())
    check_places(text[:cut].encode(), pieces)
    found = values(pieces)
    assert found == objects[: len(found)]
    whole = 0
    for number in range(1, len(objects) + 1):
        begin = json.dumps({"items": objects[:number]}, indent=indent).rstrip("}] \n")
        whole = number if cut >= len(begin) + 1 else whole
    if indent is None:
        assert len(found) >= whole - 1
    if text[:cut].strip():
        assert broken(pieces)


@given(st.binary(max_size=300), st.sampled_from(["x.json", "x.yaml"]))
@example(b'{"Records":[{}', "x.json")
@example(b"[{}]x", "x.json")
@example(b"{\n}\n]", "x.json")
@example(b"items:\n- a: 1\n- b\n", "x.yaml")
@settings(max_examples=300)
def test_any_bytes_are_cut_without_an_exception(data: bytes, name: str) -> None:
    """Each piece stands where it says."""
    check_places(data, pieces_of(data, name))


@given(st.text(alphabet='{}[]",:\\ \n\tRecordsitems1-#&*', max_size=80), st.sampled_from(["x.json", "x.yaml"]))
@settings(max_examples=500)
def test_nothing_but_separators_is_dropped(text: str, name: str) -> None:
    """What is in no piece are brackets of lists and the fields beside them, commas and spaces."""
    data = text.encode()
    pieces = pieces_of(data, name)
    check_places(data, pieces)
    if name == "x.json" and shape_of(name, data) == "lines" and not any(w in text for w in WRAPPERS):
        rest = bytearray(data)
        for piece in reversed(pieces):
            del rest[piece.offset : piece.offset + len(piece.data)]
        assert not bytes(rest).strip()


# ---- YAML ------------------------------------------------------------------------------------------------------------

YAML = """\
# exported
%YAML 1.1
---
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {name: a, creationTimestamp: 2026-03-01T00:00:00Z}
- kind: RoleBinding
  subjects:
  - kind: User
    name: "*"
--- # the second
kind: Role
text: |
  --- not a mark
  * nor a reference
...
---
"""


def test_documents_and_items_of_yaml_come_out_one_by_one() -> None:
    """With the lines they were made of; comments and directives are no documents; times stay text."""
    data = YAML.encode()
    pieces = pieces_of(data, "roles.yaml")
    assert [value["kind"] for value in values(pieces)] == ["Role", "RoleBinding", "Role"]
    assert values(pieces)[0]["metadata"]["creationTimestamp"] == "2026-03-01T00:00:00Z"
    assert [piece.line for piece in pieces] == [7, 10, 14]
    check_places(data, pieces)


def test_a_document_may_begin_on_the_line_of_its_mark() -> None:
    """It is not taken for a comment."""
    assert values(pieces_of(b"--- {kind: Role}\n--- {kind: B}\n", "a.yaml")) == [{"kind": "Role"}, {"kind": "B"}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: &x [1]\nb: *x\n", "YAML references are not followed"),
        ("a: &x [1]\nb: {<<: *x}\n", "YAML references are not followed"),
        ("a: 1\na: 2\n", "a key stands twice in one object"),
        ("a: [1\n", "not YAML"),
        ("a: \x00\n", "not YAML"),
        ("? [1, 2]\n: 3\n", "not YAML"),
        ("a: !!python/object:os.system {}\n", "not YAML"),
        ("[" * 5000, "not YAML"),
    ],
)
def test_yaml_that_is_not_taken_says_why(text: str, why: str) -> None:
    """One broken piece, which is the whole document."""
    (piece,) = cut_yaml(text.encode())
    assert (piece.broken, piece.data) == (why, text.encode())


def test_invalid_utf8_in_yaml_is_a_broken_document() -> None:
    """And the other documents are read."""
    pieces = list(cut_yaml(b"kind: A\n---\nkind: \xff\n---\nkind: B\n"))
    assert values(pieces) == [{"kind": "A"}, {"kind": "B"}]
    assert broken(pieces) == ["not YAML"]
