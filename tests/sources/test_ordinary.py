"""Ordinary entries are read many at a time, with the answer of reading them one by one; doubtful ones never are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sources.ordinary_entries import EXAMPLES

from quowarranto.case import ordinary
from quowarranto.case.columns import Located, action_table, fact_table, json_text
from quowarranto.case.cutting import Piece
from quowarranto.case.ordinary import Alternatives, Place
from quowarranto.case.ordinary_compiled import _Machine
from quowarranto.case.redaction import is_clean, redact, redact_json
from quowarranto.compiled.library import library
from quowarranto.errors import RejectedEntry
from quowarranto.records import Action, Origin, instants, parse_instant
from quowarranto.simulator import simulate_cloudtrail, simulate_kubernetes, simulate_native
from quowarranto.sources import by_name
from quowarranto.sources.entry import Entry, Observation, Source
from quowarranto.sources.layout import Layout

Rows = list[dict[str, Any]]
_NOT_COMPARED = ("rec", "line", "byte_offset", "sha256", "file", "source", "read_at")
"""Where a record was read is compared by itself, below."""
NAMES = tuple(EXAMPLES)


@pytest.fixture(autouse=True, params=["in Python", "compiled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything here holds for both ways of cutting."""
    compiled = request.param == "compiled"
    if compiled and library() is None:
        pytest.skip("the compiled part was not made: no C compiler was there")
    monkeypatch.setattr(ordinary, "COMPILED", compiled)


def source(name: str) -> Source:
    found = by_name(name)
    assert found is not None
    assert found.ordinary
    return found


def together(of: Source, entries: Sequence[bytes]) -> tuple[Rows, list[int]]:
    """Rows of the entries that are ordinary, and the numbers of the others."""
    ordinaries = Alternatives(of.ordinary, {})
    ordinaries.enter(Place("log", "log"))
    left = [piece.line for piece in ordinaries.of_pieces([Piece(entry, 0, at) for at, entry in enumerate(entries)])]
    assert ordinaries.count == len(entries) - len(left)
    found: Rows = []
    for *both, observed in ordinaries.tables(0, 0):
        found += [row for table in both if table is not None for row in rows(table)]
        found += [{"observed": name, "at": at, "data": data} for name, at, data, *_ in observed]
    return found, left


def tables(ordinaries: Alternatives, first: int = 0, read_at: int = 0) -> list[Any]:
    return [table for *both, _ in ordinaries.tables(first, read_at) for table in both if table is not None]


def one_by_one(of: Source, entries: Sequence[bytes]) -> Rows:
    actions: list[Located] = []
    facts: list[Located] = []
    observed: Rows = []
    for entry in entries:
        outcome = of.read(Entry(entry))
        assert isinstance(outcome, (tuple, list))
        for record in outcome:
            if isinstance(record, Observation):
                data = json_text(redact_json(record.data))
                observed.append({"observed": redact_json(record.name), "at": record.at, "data": data})
                continue
            row = Located(redact(record), Origin("", 0, 0, ""), "", 0)
            (actions if isinstance(record, Action) else facts).append(row)
    return rows(action_table(actions, 0)) + rows(fact_table(facts, 0)) + observed


def rows(table: Any, leave_out: Sequence[str] = _NOT_COMPARED) -> Rows:
    columns = {name: table[name].to_pylist() for name in table.column_names if name not in leave_out}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def in_order(found: Rows) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in found)


def without_earlier_stages(found: Rows) -> Rows:
    """Of the actions of one id only those of the highest stage (what `Ordinaries` may leave out)."""
    last: dict[str, int] = {}
    for row in found:
        if "stage" in row:
            last[row["id"]] = max(last.get(row["id"], 0), row["stage"])
    return [row for row in found if "stage" not in row or row["stage"] == last[row["id"]]]


def check(of: Source, entries: Sequence[bytes]) -> int:
    """Both ways agree on all entries that are taken together; returns how many those are."""
    found, left = together(of, entries)
    taken = [entry for number, entry in enumerate(entries) if number not in set(left)]
    assert in_order(without_earlier_stages(found)) == in_order(without_earlier_stages(one_by_one(of, taken)))
    return len(taken)


def test_a_log_of_thousands_of_events_is_read_alike_both_ways(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    simulate_kubernetes(log, 3_000_000)
    entries = log.read_bytes().splitlines()
    assert check(source("kubernetes"), entries) > len(entries) * 0.9


def test_trail_files_of_thousands_of_events_are_read_alike_both_ways(tmp_path: Path) -> None:
    simulate_cloudtrail(tmp_path, 3_000_000)
    for file in tmp_path.glob("*eu-central-1*.json"):
        entries = [msgspec.json.encode(event) for event in msgspec.json.decode(file.read_bytes())["Records"]]
        assert check(source("cloudtrail"), entries) > len(entries) * 0.9


def test_native_records_are_read_alike_both_ways(tmp_path: Path) -> None:
    simulate_native(tmp_path / "log", 3000, 1200)
    entries = (tmp_path / "log").read_bytes().splitlines()
    assert check(source("native"), entries) > len(entries) * 0.9


@pytest.mark.parametrize("name", NAMES)
def test_entries_of_the_fixtures_are_read_alike_both_ways(name: str) -> None:
    """As the vendors write them, in the shortest way, with all their oddities."""
    of = source(name)
    entries = [text(one) for one in _fixtures(of)]
    sound = [entry for entry in entries if not _refused(of, entry)]
    check(of, sound)
    assert len(together(of, entries)[1]) >= len(entries) - len(sound), "one was taken that is rejected one by one"


def _fixtures(of: Source) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    for path in sorted(Path(__file__).parent.glob(f"{of.name}/*/logs/*")):
        whole, at = path.read_text(encoding="utf-8", errors="replace"), 0
        while (at := whole.find("{", at)) >= 0:
            try:
                value, at = decoder.raw_decode(whole, at)
            except ValueError:
                at += 1
                continue
            inner = next((value[key] for key in of.wrappers if isinstance(value.get(key), list)), [value])
            yield from inner


def _refused(of: Source, entry: bytes) -> bool:
    try:
        of.read(Entry(entry))
    except RejectedEntry:
        return True
    return False


def test_many_times_are_read_at_once_as_each_is_by_itself() -> None:
    """Whatever stands among them, and whether or not it exists."""
    usual = ["2026-03-01T09:14:07.123456Z", "2026-02-28T23:59:60.000001Z", "0001-01-01t00:00:00.999999Z"]
    odd = [
        *("2026-02-30T09:14:07.123456Z", "2026-03-01T24:00:00.123456Z", "2026-03-01T09:14:07.12345٣Z", "", "Z" * 27),
        *("2026-03-01T09:14:07.+12345Z", "2026-03-01T09:14:07.1_2345Z", "2026-03-01T09:14:07,123456Z"),
        *(
            "2026-03-01T09:14:07.123456z",
            "2026-03-01T09:14:07Z",
            "2026-03-01T09:14:07.12+02:00",
            "2026-03-01T09:14:071234567Z",
        ),
    ]
    for texts in (usual, *([*usual, text] for text in odd), *([text] for text in odd), usual + odd, []):
        assert instants(texts) == [alone(text) for text in texts], texts


def alone(text: str) -> int | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


@pytest.mark.parametrize("name", NAMES)
def test_the_ordinary_entry_is_taken(name: str) -> None:
    """Else the tests below would prove nothing."""
    for example in EXAMPLES[name]:
        assert check(source(name), [text(example)]) == 1, example


def text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _members(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of all members of all objects in a value."""
    if not isinstance(value, dict):
        return []
    return [found for key, inner in value.items() for found in [(*path, key), *_members(inner, (*path, key))]]


def _changed(value: dict[str, Any], path: tuple[str, ...], members: dict[str, Any], *, keep: bool = False) -> Any:
    """A copy with these members in place of the one at the path, or beside it."""
    out = json.loads(json.dumps(value))
    holder = out
    for key in path[:-1]:
        holder = holder[key]
    if not keep:
        del holder[path[-1]]
    holder.update(members)
    return out


_ODD: tuple[Any, ...] = (
    None, "", 0, 1, -1, 1.5, True, [], {}, [None], ["a", "b"], {"a": 1}, "é", 'quo"ted', "back\\slash", "a\nb", "*",
    "x" * 5000, "X" * 24, "1" * 24, "a\x7fb", "s.0123456789abcdefghijklmn", "a.0123456789abcdefghijklmn", "a%20b",
    ["a", ""], ["a", 1], ["é"], ["a\\b"], [["a"]], ["X" * 24, "AKIAIOSFODNN7EXAMPLE"], {"type": "user", "id": "ben"},
    {"mapped_principal": "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s"},
    {"policyViolationInfo": {"a": 1}}, {"policyDelta": {"bindingDeltas": [{"action": "ADD", "role": "r"}]}}, "k8s.io",
    "google.identity.sts.v1.SecurityTokenService.ExchangeToken", "user.session.clear", "user.lifecycle.suspend",
    [{"id": "u", "type": "User"}], [{"id": "t", "type": "Token"}],
    "password=hunter2hunter2", "Bearer abcdef0123456789abcdef", "hvs.CAESIJ0123456789abcdef0123", "\u2028",
    ["hvs.CAESIJ0123456789abcdef0123"],
    "0" * 36, "-" * 36, "2026-13-01T09:00:00.000000Z", "2026-03-01T09:00:00.00000aZ", "2026-03-01T09:00:00.0000000",
    "2026-03-01T09:00:00Z", "2026-03-01T09:00:00.123456+02:00", "2026-03-01 09:00:00", "Panic", "RequestReceived",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_with_one_member_changed_is_read_alike_or_left(name: str) -> None:
    """Every member of every example, replaced by every odd value, left out, and one unknown member beside it."""
    of = source(name)
    tried = 0
    for example in EXAMPLES[name]:
        for path in _members(example):
            variants = [_changed(example, path, {path[-1]: odd}) for odd in _ODD]
            for variant in (*variants, _changed(example, path, {}), _changed(example, path, {"unknown": 1}, keep=True)):
                tried += 1
                _same_or_left(of, text(variant))
    assert tried > 500


def _same_or_left(of: Source, entry: bytes) -> None:
    """An entry that is rejected one by one must not be taken."""
    found, left = together(of, [entry])
    if left:
        return
    try:
        expected = one_by_one(of, [entry])
    except RejectedEntry as error:
        pytest.fail(f"taken although it is rejected ({error}): {entry!r}")
    assert in_order(found) == in_order(expected), entry


@pytest.mark.parametrize("name", NAMES)
def test_the_tables_have_their_columns_as_all_others_have(name: str) -> None:
    """In number, name, type and order: files of one table are read as one."""
    of = source(name)
    ordinaries = Alternatives(of.ordinary, {})
    ordinaries.enter(Place("log", "log"))
    assert list(ordinaries.of_pieces([Piece(text(example), 0, 1) for example in EXAMPLES[name]])) == []
    schemas = {str(action_table([], 0).schema), str(fact_table([], 0).schema)}
    assert {str(table.schema) for table in tables(ordinaries)} <= schemas


@pytest.mark.parametrize("name", NAMES)
def test_a_key_that_stands_twice_anywhere_is_never_taken(name: str) -> None:
    """Two readers could understand it differently."""
    of = source(name)
    for example in EXAMPLES[name]:
        whole = text(example)
        for path in _members(example):
            key = json.dumps(path[-1]).encode() + b":"
            at = whole.find(key)
            while at >= 0:
                doubled = whole[:at] + key + b'"x",' + whole[at:]
                assert together(of, [doubled])[1] == [0], doubled
                at = whole.find(key, at + 1)


@pytest.mark.parametrize("name", NAMES)
def test_bytes_that_are_doubtful_are_never_taken(name: str) -> None:
    of = source(name)
    for example in EXAMPLES[name]:
        whole = text(example)
        for doubtful in (
            whole[:-1],
            whole + b"}",
            whole + whole,
            b"[" + whole + b"]",
            whole[:40] + b"\xff" + whole[40:],
            b"",
        ):
            assert together(of, [doubtful])[1] == [0], doubtful


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_bytes_changed_at_random_are_read_alike_or_left(name: str, data: st.DataObject) -> None:
    whole = bytearray(text(data.draw(st.sampled_from(EXAMPLES[name]))))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b'"', b",", b":", b"{", b"a", b"0", b" "])
        )
    _same_or_left(source(name), bytes(whole))


@pytest.mark.parametrize("name", NAMES)
def test_records_say_where_they_were_read(name: str) -> None:
    """File, line, offset and digest of the very bytes, also of an entry in the middle of a block."""
    import hashlib

    of = source(name)
    entries = [text(example) for example in EXAMPLES[name]]
    block = b"\n".join([entries[0], b"not json", *entries, b""])
    ordinaries = Alternatives(of.ordinary, {})
    ordinaries.enter(Place("/logs/a.log", "a"))
    left = list(ordinaries.lines(block, 1000, 7))
    assert [(piece.data, piece.offset, piece.line) for piece in left] == [(b"not json", 1000 + len(entries[0]) + 1, 8)]
    numbers = []
    for table in tables(ordinaries, 5, 9):
        for row in rows(table, ()):
            at = row["byte_offset"] - 1000
            entry = block[at : block.index(b"\n", at)]
            assert row["sha256"] == hashlib.sha256(entry).hexdigest()
            assert row["line"] == 7 + block.count(b"\n", 0, at)
            assert (row["file"], row["source"], row["read_at"]) == ("/logs/a.log", "a", 9)
            numbers.append(row["rec"])
    assert len({*numbers}) == len(numbers)
    assert min(numbers) >= 5


@pytest.mark.parametrize("name", ["kubernetes", "cloudtrail", "native"])
def test_both_ways_of_cutting_make_the_same_tables(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row by row, where they were read included; over several tables, so that what is remembered is met again."""
    of = source(name)
    log = tmp_path / "log"
    if name == "kubernetes":
        simulate_kubernetes(log, 2_000_000)
    elif name == "native":
        simulate_native(log, 3000, 1200)
    else:
        simulate_cloudtrail(tmp_path, 2_000_000)
        events = msgspec.json.decode(next(tmp_path.glob("*eu-central-1*.json")).read_bytes())["Records"]
        log.write_bytes(b"\n".join(map(msgspec.json.encode, events)))
    block = log.read_bytes().rstrip(b"\n")
    found = []
    for compiled in (False, True):
        monkeypatch.setattr(ordinary, "COMPILED", compiled)
        found.append(_in_tables(of, block))
    assert found[0] == found[1]


def _in_tables(of: Source, block: bytes) -> list[Any]:
    memory: dict[Any, Any] = {}
    out: list[Any] = []
    for number in range(3):
        ordinaries = Alternatives(of.ordinary, memory)
        ordinaries.enter(Place("a", "b"))
        # lines of one block are looked at together, so stages of one request must not be parted differently
        out += [(piece.data, piece.offset, piece.line) for piece in ordinaries.lines(block, number, 1)]
        out += [
            [row for row in rows(table, ()) if row.get("stage", 0) in (0, 3, 4)]
            for table in tables(ordinaries, number, 9)
        ]
    return out


_SECRETS = (
    *(
        "hvs.CAESIJ0123456789abcdef0123",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "Bearer abcdef0123456789",
        "%3Dpwd",
    ),
    *(
        "postgres://ada:hunter2@db",
        "?sig=abcdefgh",
        "s.0123456789abcdefghijklmn",
        "AKIAIOSFODNN7EXAMPLE0",
        "pAssWord: a",
    ),
    *("ghp_0123456789abcdefghij", "xoxb-0123456789ab", "sk-0123456789abcdefghij", "1" * 20, "--token abcd", "npm_abc"),
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.sampled_from(_SECRETS).flatmap(lambda whole: st.integers(1, len(whole)).map(lambda end: whole[:end]))
        | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7F, exclude_characters='"\\'), max_size=12),
        max_size=4,
    )
)
def test_a_text_without_doubt_holds_no_secret(pieces: list[str]) -> None:
    """What the library does not show to anybody, `redaction` would not have removed; so too with other digits."""
    if library() is None:
        pytest.skip("the compiled part was not made")
    machine = _Machine(Layout(members=(), parts=()), True)
    whole = "".join(pieces)
    if not machine.library.qw_doubtful(machine.handle, whole.encode(), len(whole)):
        assert is_clean(whole), whole


def test_every_kind_of_secret_is_in_doubt() -> None:
    if library() is None:
        pytest.skip("the compiled part was not made")
    machine = _Machine(Layout(members=(), parts=()), True)
    doubtful = [one for one in _SECRETS if machine.library.qw_doubtful(machine.handle, one.encode(), len(one))]
    assert doubtful == list(_SECRETS)
    assert not machine.library.qw_doubtful(machine.handle, b"tenant-104/130", 14)
    assert machine.library.qw_doubtful(machine.handle, b"x" * 5000, 5000)


def test_a_secret_in_a_part_is_met_anew_in_every_table() -> None:
    """What was found to be unusual once stays so."""
    of = source("kubernetes")
    entry = text(EXAMPLES["kubernetes"][0] | {"userAgent": "hvs.CAESIJ0123456789abcdef0123"})
    ordinaries = Alternatives(of.ordinary, {})
    for _ in range(3):
        ordinaries.enter(Place("a", "b"))
        assert len(list(ordinaries.of_pieces([Piece(entry, 0, 1), Piece(entry, 1, 2)]))) == 2
        assert tables(ordinaries) == []


def test_what_is_set_up_for_a_source_holds_for_its_ordinary_entries_too() -> None:
    """Which rules mean allow, say."""
    plain = source("opa")
    assert plain.configure is not None
    entry = text(EXAMPLES["opa"][0] | {"path": "shop/may"})
    assert together(plain, [entry]) == ([], [0])
    found, left = together(plain.configure({"allow": ["shop/may"]}), [entry])
    assert left == []
    assert found[0]["effect"] == "allow"
