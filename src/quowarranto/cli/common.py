"""What commands share: the `--case` and `--format` options, output in four forms, and the filters of actions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from quowarranto.records import LINKAGES, VERDICTS, like_of, parse_instant

if TYPE_CHECKING:
    from quowarranto.case.query import Filters
    from quowarranto.case.store import Snapshot

_Function = TypeVar("_Function", bound=Callable[..., Any])
FORMATS = ("table", "jsonl", "json", "csv")
_SHOWN = 200
"""Rows of a table on a terminal; machines get all of them in the other formats."""


def case_option(function: _Function) -> _Function:
    """`--case DIR`."""
    return click.option(
        "--case",
        "case_folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("quo.case"),
        show_default=True,
        help="The case folder.",
    )(function)


def known_at_option(function: _Function) -> _Function:
    """`--known-at TIME`."""
    return click.option(
        "--known-at",
        metavar="TIME",
        help="Answer with what was known at this RFC 3339 time.  [default: all that is known]",
    )(function)


def format_option(default: str = "table", formats: Sequence[str] = FORMATS) -> Callable[[_Function], _Function]:
    """`--format`; the default is for people."""

    def decorate(function: _Function) -> _Function:
        return click.option(
            "--format",
            "form",
            type=click.Choice(list(formats)),
            default=default,
            show_default=True,
            help="How to print.",
        )(function)

    return decorate


def snapshot_of(folder: Path, known_at: str | None = None) -> Snapshot:
    """The newest complete state of the case, or the judged one of an RFC 3339 time; says so where the newest state was
    not judged since records were added.

    Raises:
        click.BadParameter: not a time. CaseError: nothing was judged by then.
    """
    from quowarranto.case.store import Case

    at = instant("--known-at", known_at)
    found = Case(folder).snapshot(at)
    if found.commit.judged and not found.files("verdicts"):
        click.echo("note: the case holds no action; `quo quarantine` lists what could not be read", err=True)
    if not found.commit.judged:
        click.echo("note: records were added since the last judgement; run `quo link` to judge them", err=True)
    return found


def filter_options(function: _Function) -> _Function:
    """Filters of actions, the same everywhere."""
    options = (
        click.option("--verdict", multiple=True, help=f"Only this verdict ({', '.join(VERDICTS)}); repeatable."),
        click.option("--linkage", multiple=True, help=f"Only this linkage ({', '.join(LINKAGES)}); repeatable."),
        click.option(
            "--code", multiple=True, metavar="QW…", help="Only actions with this code; repeatable: all of them."
        ),
        click.option("--source", multiple=True, help="Only this source, as `quo coverage` names it; repeatable."),
        click.option("--principal", metavar="PATTERN", help="Only principals that match, as `id` or `type:id`."),
        click.option("--resource", metavar="PATTERN", help="Only resources that match, as `id` or `type:id`."),
        click.option("--authority", metavar="KEY", help="Only actions whose chain holds this authority."),
        click.option("--action", multiple=True, metavar="ID", help="Only this action; repeatable."),
        click.option("--since", metavar="TIME", help="Not before this RFC 3339 time."),
        click.option("--until", metavar="TIME", help="Before this RFC 3339 time."),
        click.option("--limit", type=click.IntRange(min=0), help="At most so many."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def filters_of(values: dict[str, Any]) -> Filters:
    """The filters that the options of `filter_options` name.

    Raises:
        click.BadParameter: a verdict, linkage, code or time that does not exist.
    """
    from quowarranto.case.query import Filters
    from quowarranto.records.codes import CODES

    known("--verdict", values["verdict"], VERDICTS)
    known("--linkage", values["linkage"], LINKAGES)
    codes = tuple(code.upper() for code in values["code"])
    known("--code", codes, tuple(CODES))
    return Filters(
        verdict=values["verdict"],
        linkage=values["linkage"],
        code=codes,
        source=values["source"],
        principal_like=None if values["principal"] is None else like_of(values["principal"]),
        resource_like=None if values["resource"] is None else like_of(values["resource"]),
        authority=values["authority"],
        action=values["action"],
        since=instant("--since", values["since"]),
        until=instant("--until", values["until"]),
        limit=values["limit"],
    )


def known(option: str, given: Iterable[str], values: Sequence[str]) -> None:
    """Refuse what is none of an option's values.

    Raises:
        click.BadParameter: it lists them.
    """
    for value in given:
        if value not in values:
            raise click.BadParameter(f"`{value}` is not one of {', '.join(values)}", param_hint=option)


def instant(option: str, text: str | None) -> int | None:
    """The microseconds of an option's RFC 3339 time.

    Raises:
        click.BadParameter: it is none.
    """
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}; write it like 2026-03-01T09:00:00Z", param_hint=option) from None


def show(
    rows: Iterable[dict[str, Any]],
    form: str,
    columns: Sequence[tuple[str, Callable[[dict[str, Any]], str]]],
    *,
    empty: str | Callable[[], Iterable[str]],
) -> None:
    """Print rows as JSON lines, a JSON array, CSV, or a table that fits the terminal.

    Args:
        rows: consumed once; streamed in all forms but `table`.
        columns: heading and text of each column of the table.
        empty: the sentence to say where there is no row, or what makes some (tables only).
    """
    if form == "jsonl":
        _lines(rows)
    elif form == "json":
        _array(rows)
    elif form == "csv":
        _csv(rows)
    else:
        _table(rows, columns, empty)


def show_json(value: Any) -> None:
    """Print one value as JSON that a person can read too."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    sys.stdout.buffer.flush()


def _lines(rows: Iterable[dict[str, Any]]) -> None:
    encode = msgspec.json.Encoder().encode
    out = sys.stdout.buffer
    for row in rows:
        out.write(encode(row) + b"\n")
    out.flush()


def _array(rows: Iterable[dict[str, Any]]) -> None:
    encode = msgspec.json.Encoder().encode
    out = sys.stdout.buffer
    out.write(b"[")
    for number, row in enumerate(rows):
        out.write((b",\n " if number else b"") + encode(row))
    out.write(b"]\n")
    out.flush()


def _csv(rows: Iterable[dict[str, Any]]) -> None:
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    from quowarranto.export.formats.flat import cells, csv_writer

    writer = csv_writer(sys.stdout, list(cells(first)))
    writer.writeheader()
    for row in chain([first], iterator):
        writer.writerow(cells(row))


def _table(
    rows: Iterable[dict[str, Any]],
    columns: Sequence[tuple[str, Callable[[dict[str, Any]], str]]],
    empty: str | Callable[[], Iterable[str]],
) -> None:
    from quowarranto.cli.tables import print_table

    iterator: Iterator[dict[str, Any]] = iter(rows)
    shown = list(islice(iterator, _SHOWN + 1))
    if not shown:
        for sentence in [empty] if isinstance(empty, str) else empty():
            click.echo(printable(sentence))
        return
    print_table(
        [heading for heading, _ in columns],
        [[printable(text(row)) for _, text in columns] for row in shown[:_SHOWN]],
    )
    if len(shown) > _SHOWN:
        click.echo(f"… the first {_SHOWN}; narrow it with filters, or use `--format jsonl` for all", err=True)


def printable(text: str) -> str:
    """Text from a log made safe for a terminal: control and direction characters are shown, not obeyed."""
    return "".join(c if c.isprintable() or c == " " else f"\\u{ord(c):04x}" for c in text)


def console(stderr: bool = False) -> Any:
    """A rich console; plain, and 200 cells wide, when it is not a terminal."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # `main` ends quietly; the library would exit with 1

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 200
    return Piped(file=stream, width=width, highlight=False, soft_wrap=False, markup=False, emoji=False)


def who(principal: dict[str, str]) -> str:
    """A principal or resource as `type:id`."""
    return f"{principal['type']}:{principal['id']}"
