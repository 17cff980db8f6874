"""One row of a register: its cells by the field they hold, whatever the columns are called and the times look like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from quowarranto.errors import ConfigError, RejectedEntry
from quowarranto.records import AuthorityFact, Instant, Kind, Principal, Rule
from quowarranto.sources.entry import Entry, Sample
from quowarranto.sources.folding import folded
from quowarranto.sources.strict import strict_json
from quowarranto.sources.times import instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}|UTC|Z")
_EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000}


class Layout(msgspec.Struct, frozen=True):
    """What `[source.NAME]` says of the columns and their contents."""

    columns: dict[str, str] = {}
    """Field to column; a field that is not here is in the column of its own name."""
    statuses: dict[str, tuple[str, ...]] = {}
    """What the register calls a status, by this project's word for it."""
    status: str | None = None
    """Of every row, in a register without a column for it."""
    time_format: str | None = None
    """As `datetime.strptime` knows it, or `epoch_s` or `epoch_ms`; RFC 3339 without one."""
    zone: str | None = None
    last_day: str | None = None
    """Whether a `valid_until` without a time of day means the end of that day (`included`) or its beginning."""
    separator: str | None = None
    principal_type: str | None = None
    person_type: str = "user"


def layout(name: str, settings: Mapping[str, Any], fields: tuple[str, ...], statuses: tuple[str, ...]) -> Layout:
    """The layout that the settings describe.

    Raises:
        ConfigError: a setting, field or status is unknown, or a value cannot be obeyed.
    """
    _known(f"source.{name}", settings, Layout.__struct_fields__)
    try:
        found = msgspec.convert(dict(settings), Layout)
    except msgspec.ValidationError as error:
        raise ConfigError(f"`source.{name}`: {error}") from None
    _known(f"source.{name}.columns", found.columns, fields)
    _known(f"source.{name}.statuses", found.statuses, statuses)
    if found.status is not None:
        _known(f"source.{name}.status", {found.status: None}, statuses)
    if found.last_day not in (None, "included", "excluded"):
        raise ConfigError(f"`source.{name}.last_day` is neither `included` nor `excluded`")
    if found.separator == "":
        raise ConfigError(f"`source.{name}.separator` is empty")
    if found.zone is not None and not _OFFSET.fullmatch(found.zone):
        try:
            ZoneInfo(found.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigError(
                f"`source.{name}.zone` is no time zone", need="a name such as `Europe/Berlin`, or `+02:00`"
            ) from None
    return found


def _known(where: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for one in given:
        if one not in known:
            near = get_close_matches(one, known, 1)
            raise ConfigError(
                f"`{where}` knows no `{one}`", need="one of " + ", ".join(known), hint=f"`{near[0]}`?" if near else None
            )


def column(field: str, layout: Layout) -> str:
    """The column of a field, in the spelling by which columns are compared."""
    return plain(layout.columns.get(field, field))


def plain(name: str) -> str:
    """A column's name without what spreadsheets do to it: case, spaces, dashes."""
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()


def stated(row: Row, kind: Kind, key: str, time: Instant) -> AuthorityFact:
    """What registers of all kinds state in the same columns."""
    ticket = row.text("ticket")
    return AuthorityFact(
        kind=kind,
        id=key,
        time=time,
        aliases=row.texts("aliases"),
        valid_from=row.time("valid_from"),
        valid_until=row.time("valid_until"),
        principal=row.principal(),
        scope=row.scope(),
        requested_by=row.person("requested_by"),
        decided_by=row.people("decided_by") or None,
        justification=row.text("justification"),
        ticket=ticket,
        correlates=(f"ticket/{ticket}",) if ticket else (),
    )


def with_its_end(row: Row, fact: AuthorityFact, *, revoked: bool) -> list[AuthorityFact]:
    """The fact, and its end where the row tells of one.

    Raises:
        RejectedEntry: it was revoked, and nobody knows when.
    """
    ended_at = row.time("ended_at")
    if ended_at is None and revoked:
        raise RejectedEntry("it was revoked, and `ended_at` is missing")
    if ended_at is None:
        return [fact]
    return [fact, AuthorityFact(kind=fact.kind, id=fact.id, time=ended_at, fact="ended", end="revoked")]


class Row:
    """A row; every reader raises `RejectedEntry` with a reason that names the field."""

    def __init__(self, entry: Entry, layout: Layout) -> None:
        value = strict_json(entry.data)
        if not isinstance(value, dict):
            raise RejectedEntry("not a row with named columns; a list in YAML stands under `items`")
        self._cells = {plain(name): cell for name, cell in value.items()}
        if len(self._cells) != len(value):
            raise RejectedEntry("two columns have one name")
        self._layout = layout

    def has(self, field: str) -> bool:
        """Whether the register has the column, filled or not."""
        return column(field, self._layout) in self._cells

    def text(self, field: str) -> str | None:
        """The text of a cell; None where it is empty or there is no such column."""
        cell = self._cells.get(column(field, self._layout))
        if cell is None or cell == "":
            return None
        if isinstance(cell, int) and not isinstance(cell, bool):
            return str(cell)
        if not isinstance(cell, str):
            raise RejectedEntry(f"`{field}` is not a text")
        return cell.strip() or None

    def needed(self, field: str) -> str:
        """The text of a cell that must be filled."""
        if (text := self.text(field)) is None:
            why = "" if self.has(field) else ": the register has no such column (`columns` in `quo.toml` names another)"
            raise RejectedEntry(f"`{field}` is missing{why}")
        return text

    def texts(self, field: str) -> tuple[str, ...]:
        """The items of a cell: a list, or a text parted by commas, semicolons or line ends."""
        cell = self._cells.get(column(field, self._layout))
        if isinstance(cell, list):
            if not all(isinstance(one, str) for one in cell):
                raise RejectedEntry(f"`{field}` holds what is not a text")
            return tuple(one.strip() for one in cell if one.strip())
        text = self.text(field)
        if text is None:
            return ()
        separator = self._layout.separator
        parts = text.split(separator) if separator else re.split(r"[;,\n]", text)
        return tuple(part.strip() for part in parts if part.strip())

    def scope(self) -> tuple[Rule, ...] | None:
        """What is covered. A register that has the column must fill it: an empty cell is not everything."""
        lists = {field: self.texts(field) for field in ("actions", "resources") if self.has(field)}
        for field, items in lists.items():
            if not items:
                raise RejectedEntry(f"`{field}` is empty: `*` would say everything")
        return (Rule(lists.get("actions"), lists.get("resources")),) if lists else None

    def principal(self) -> Principal | None:
        """Whom it empowers: `TYPE:ID`, an object, or an id alone where the settings give the type."""
        if not self.has("principal"):
            return None
        cell = self._cells[column("principal", self._layout)]
        if isinstance(cell, dict):
            kind, name = cell.get("type"), cell.get("id")
        elif kind := self._layout.principal_type:
            name = self.text("principal")
        else:
            kind, _, name = self.needed("principal").partition(":")
        if not (isinstance(kind, str) and isinstance(name, str) and kind and name):
            raise RejectedEntry("`principal` is not `TYPE:ID`")
        return Principal(kind, name)

    def people(self, field: str) -> tuple[Principal, ...]:
        """Persons by their names, or `TYPE:ID` for others; one mailbox in two spellings is one person (QW301)."""
        found = []
        for text in self.texts(field):
            kind, colon, name = text.partition(":")
            known = colon and name and re.fullmatch(r"[a-z_]+", kind)
            if known:
                found.append(Principal(kind, name))
            else:
                found.append(Principal(self._layout.person_type, folded(text) if "@" in text else text))
        return tuple(found)

    def person(self, field: str) -> Principal | None:
        """One of them."""
        found = self.people(field)
        if len(found) > 1:
            raise RejectedEntry(f"`{field}` names several")
        return found[0] if found else None

    def status(self, known: Mapping[str, tuple[str, ...]]) -> str:
        """The status in this project's word for it; a word that nobody has explained is never taken for consent."""
        if self._layout.status is not None:
            return self._layout.status
        text = self.needed("status").casefold()
        for words in (self._layout.statuses, known):
            for status, spellings in words.items():
                if text in (one.casefold() for one in spellings):
                    return status
        raise RejectedEntry("`status` is none of the known ones")

    def time(self, field: str) -> Instant | None:
        """A time; a date alone only where it bounds what is valid and the settings say in which zone."""
        text = self.text(field)
        if text is None:
            return None
        form, zone = self._layout.time_format, self._layout.zone
        if form in _EPOCHS:
            if not re.fullmatch(r"\d{1,16}", text):
                raise RejectedEntry(f"`{field}` is not a number of seconds or milliseconds")
            return int(text) * _EPOCHS[form]
        if form is None and zone is None:
            try:
                return instant(field, text)
            except RejectedEntry as error:
                raise RejectedEntry(f"{error} (`time_format` and `zone` in `quo.toml` tell of another)") from None
        try:
            at = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        except ValueError:
            raise RejectedEntry(f"`{field}` does not look as `time_format` says") from None
        whole_day = not re.search(r"%[HIcXsT]", form) if form else len(text) <= len("2026-03-02")
        return self._instant(field, at, whole_day)

    def _instant(self, field: str, at: datetime, whole_day: bool) -> Instant | None:
        if whole_day and field not in ("valid_from", "valid_until"):
            raise RejectedEntry(f"`{field}` has no time of day")
        if whole_day and field == "valid_until":
            if self._layout.last_day is None:
                raise RejectedEntry("`valid_until` has no time of day, and `last_day` is not set")
            try:
                at += timedelta(days=self._layout.last_day == "included")
            except OverflowError:
                return None  # the last day there is: how some write that there is no end
        if at.tzinfo is None:
            at = _in_zone(field, at, self._layout.zone)
        return (at - _EPOCH) // timedelta(microseconds=1)


def _in_zone(field: str, at: datetime, zone: str | None) -> datetime:
    if zone is None:
        raise RejectedEntry(f"`{field}`: a time without a zone")
    if _OFFSET.fullmatch(zone):
        return datetime.fromisoformat(f"{at.isoformat()}{'+00:00' if zone in ('UTC', 'Z') else zone}")
    first, second = (at.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        raise RejectedEntry(f"`{field}`: a time that its zone has twice or never, when clocks are changed")
    return first


def columns_of(sample: Sample) -> list[set[str]]:
    """The columns of the first entries, or of a header of CSV."""
    found = [{plain(name) for name in one} for one in sample.documents if isinstance(one, dict) and "kind" not in one]
    if sample.documents:
        return found
    header = sample.text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    return [{plain(name.strip().strip('"')) for name in header.split(delimiter)}] if delimiter in header else []
