"""Tables show whole names at any width, so that what they show can be given to the next command."""

from __future__ import annotations

import pytest

from quowarranto.cli.tables import cells, laid_out

HEADINGS = ("TIME", "ACTION", "VERDICT", "WHAT")
ID = "vault/accessor/hmac-sha256:8a932327df89f1dbbfcc76c8b5315ce243b7790af511a7c9fbcc84340f386832"
ROWS = [
    ("2026-03-01T09:00:00.123456Z", "pam/1", "unauthorised", "user:kim ssh:exec host:erp-02"),
    ("2026-03-01T09:00:00Z", ID, "refused", "user:李 get 部署 in a namespace with rather a long name"),
    ("", "", "", ""),
]


def _bare(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("width", [1, 20, 40, 80, 100, 132, 200, None])
def test_no_cell_is_cut_and_no_line_is_wider_than_the_terminal(width: int | None) -> None:
    """Of a terminal of one cell too: wide characters aside, which no such terminal has room for."""
    printed = laid_out(HEADINGS, ROWS, width)
    assert sorted(_bare("".join(printed))) == sorted(_bare("".join("".join(row) for row in (HEADINGS, *ROWS))))
    if width is not None and width > 10:
        assert max(map(cells, printed)) <= width


def test_a_row_is_one_line_where_there_is_room_or_no_terminal() -> None:
    """For `grep` and for wide screens."""
    assert len(laid_out(HEADINGS, ROWS, None)) == len(laid_out(HEADINGS, ROWS, 300)) == 1 + len(ROWS)


def test_an_id_stays_in_one_piece_as_long_as_it_fits_a_line() -> None:
    """The key is 87 characters long."""
    assert any(ID in line for line in laid_out(HEADINGS, ROWS, 100))


def test_columns_without_room_go_to_further_lines_each_further_in() -> None:
    """Words are folded under their heading, the first column of a row is the only one at the margin."""
    assert laid_out(("CODE", "NAME", "MEANS"), [("QW101", "no authority found", "nothing is on record of it")], 34) == [
        "CODE   NAME",
        "  MEANS",
        "QW101  no authority found",
        "  nothing is on record of it",
    ]
    assert laid_out(("CODE", "MEANS"), [("QW101", "no authority for it is on record anywhere")], 40) == [
        "CODE   MEANS",
        "QW101  no authority for it is on record",
        "       anywhere",
    ]


def test_a_short_column_fills_the_line_that_a_long_one_had_no_room_on() -> None:
    """So that the time, the verdict and the codes of an action stand together."""
    headings, row = (
        ("TIME", "ACTION", "VERDICT", "WHAT"),
        ("2026-03-01T09:00:00Z", "a" * 30, "refused", "kim " + "b" * 34),
    )
    assert laid_out(headings, [row], 40) == [
        "TIME                  VERDICT",
        "  ACTION",
        "    WHAT",
        "2026-03-01T09:00:00Z  refused",
        "  " + "a" * 30,
        "    kim",
        "    " + "b" * 34,
    ]


def test_no_line_ends_in_blanks() -> None:
    """Which would be wrapped, and copied."""
    for width in (40, 80, None):
        assert all(line == line.rstrip() for line in laid_out(HEADINGS, ROWS, width))
