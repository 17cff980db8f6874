"""The bars of one row: terms, grace, lapses, the instants tested, and the words that go with them."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from quowarranto.export.canvas import Canvas, Shelf
from quowarranto.export.hover import term_text, test_text
from quowarranto.export.rows import Row, Term, Test
from quowarranto.export.svg import hint, joined, tag
from quowarranto.export.words import clock, code_label, pixels, span, tail_cut

_HALF = 6.0
_FADE = 26.0
_MOST_TERMS = 80  # of one row; a token renewed every minute is one band, not ten thousand shapes
_SEAMS = ("renewed", "rotated", "superseded")


def bars(row: Row, y: float, canvas: Canvas, hover: int) -> Markup:
    """All terms of the row, those in the window as bars, those outside as an arrow."""
    middle = y + canvas.bar
    if row.missing:
        return _no_record(middle, canvas)
    terms = _worth_drawing(row, canvas)
    return joined(*(_term(row, term, middle, canvas, hover) for term in terms if not term.point))


def marks(row: Row, y: float, canvas: Canvas, hover: int) -> Markup:
    """Diamonds, dots and crosses, and the words beside and below them."""
    middle = y + canvas.bar
    shapes = [_diamond(row, term, middle, canvas, hover) for term in row.terms if term.point]
    shapes += [part for test in row.tests for part in _lapse(test, middle, canvas)]
    shapes += [_mark(test, middle, canvas, hover) for test in row.tests]
    return joined(*shapes, *_failures(row, middle, canvas), *_bounds(row, y + canvas.note, canvas))


def _worth_drawing(row: Row, canvas: Canvas) -> list[Term]:
    if len(row.terms) <= _MOST_TERMS:
        return list(row.terms)
    ats = [test.at for test in row.tests] or [canvas.acted_at]
    tested = [term for term in row.terms if row.state(term) != "idle"]
    near = sorted(row.terms, key=lambda term: min(abs((term.start or term.end or at) - at) for at in ats))
    kept = {id(term) for term in tested + near[:_MOST_TERMS]}
    return [term for term in row.terms if id(term) in kept]


def _term(row: Row, term: Term, middle: float, canvas: Canvas, hover: int) -> Markup:
    state = row.state(term)
    window = canvas.window
    before = term.end is not None and term.end <= window.start
    after = term.start is not None and term.start >= window.end
    if before or after:
        return _outside(row, term, middle, canvas, hover, "l" if before else "r")
    left = canvas.left if term.start is None else canvas.x(term.start)
    right = canvas.right if term.end is None else canvas.x(term.end)
    right = max(right, left + 2)
    cut_left = term.start is not None and term.start < window.start
    cut_right = term.end is not None and term.end > window.end
    parts = [_solid(left, right, middle, state, term, cut_left, cut_right)]
    if term.end is not None and term.ended_by in _SEAMS and not cut_right:
        parts.append(tag("path", d=_line(right, middle - 9, right, middle + 9), class_="sep seam"))
    grace = _grace(term, middle, canvas)
    return tag("g", hint(term_text(row, term, hover), hover), *parts, *grace)


def _solid(left: float, right: float, middle: float, state: str, term: Term, cut_left: bool, cut_right: bool) -> Markup:
    """The bar: arrow tips where it runs on to a known end outside, fades where no end is known."""
    parts = []
    solid_left, solid_right = left, right
    room = (right - left) / 2
    if term.start is None:
        solid_left = left + min(_FADE, room)
        parts.append(_fade(left, solid_left, middle, state, "l"))
    if term.end is None:
        solid_right = right - min(_FADE, room)
        parts.append(_fade(solid_right, right, middle, state, "r"))
    outline = _outline(solid_left, solid_right, middle, cut_left, cut_right)
    parts.append(tag("path", d=outline, class_=state))
    if state == "bad":
        parts.append(tag("path", d=outline, fill="url(#p-cross)"))
    return joined(*parts)


def _outline(left: float, right: float, middle: float, tip_left: bool, tip_right: bool) -> str:
    top, bottom = middle - _HALF, middle + _HALF
    inner_left = min(left + _HALF, right) if tip_left else left
    inner_right = max(right - _HALF, inner_left) if tip_right else right
    points = [(inner_left, top), (inner_right, top), (right, middle) if tip_right else None, (inner_right, bottom)]
    points += [(inner_left, bottom), (left, middle) if tip_left else None]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (point for point in points if point)) + "Z"


def _fade(left: float, right: float, middle: float, state: str, side: str) -> Markup:
    size = {"x": left, "y": middle - _HALF, "width": max(right - left, 0.1), "height": 2 * _HALF}
    return tag("rect", fill=f"url(#f-{state}-{side})", **size)


def _outside(row: Row, term: Term, middle: float, canvas: Canvas, hover: int, side: str) -> Markup:
    """A term that the window does not reach: an arrow at that edge."""
    state = row.state(term)
    left = canvas.left if side == "l" else canvas.right - 14
    outline = _outline(left, left + 14, middle, side == "l", side == "r")
    cross = [tag("path", d=outline, fill="url(#p-cross)")] if state == "bad" else []
    return tag("g", hint(term_text(row, term, hover), hover), tag("path", d=outline, class_=state), *cross)


def _grace(term: Term, middle: float, canvas: Canvas) -> Iterator[Markup]:
    if term.grace_until is None or term.end is None or term.grace_until <= canvas.window.start:
        return
    left, right = canvas.x(term.end), canvas.x(term.grace_until)
    size = {"x": left, "y": middle - _HALF + 0.5, "width": max(right - left, 0.5), "height": 2 * _HALF - 1}
    yield tag("rect", fill="url(#p-hatch)", **size)
    yield tag("rect", class_="edge grace", **size)


def _no_record(middle: float, canvas: Canvas) -> Markup:
    size = {"x": canvas.left + 0.5, "y": middle - _HALF, "width": canvas.right - canvas.left - 1, "height": 2 * _HALF}
    words = tag("text", "no record", x=canvas.left + 10, y=middle + 4, class_="amber strong halo")
    return joined(tag("rect", fill="none", class_="sep soft none", **size), words)


def _diamond(row: Row, term: Term, middle: float, canvas: Canvas, hover: int) -> Markup:
    """A decision is a moment; how long it may be relied on is a thin line after it."""
    if term.start is None:
        return Markup("")
    x = canvas.x(term.start)
    state = row.state(term)
    parts = [hint(term_text(row, term, hover), hover)]
    if term.end is not None:
        parts.append(tag("rect", x=x, y=middle - 2, width=max(canvas.x(term.end) - x, 1), height=4, class_=state))
    shape = f"M{x:.1f} {middle - 8:g}L{x + 8:.1f} {middle:g}L{x:.1f} {middle + 8:g}L{x - 8:.1f} {middle:g}Z"
    parts.append(tag("path", d=shape, class_="dia bad" if state == "bad" else "dia"))
    return tag("g", *parts)


def _lapse(test: Test, middle: float, canvas: Canvas) -> Iterator[Markup]:
    if test.gap is not None:
        left, right = (canvas.x(at) for at in test.gap)
        yield tag("path", d=_line(left, middle, right, middle), class_="gap")


def _mark(test: Test, middle: float, canvas: Canvas, hover: int) -> Markup:
    x = canvas.x(test.at)
    title = hint(test_text(test), hover)
    if test.held:
        return tag("g", title, tag("circle", cx=x, cy=middle, r=4.5, class_="dot"))
    cross = f"M{x - 3.2:.1f} {middle - 3.2:.1f}l6.4 6.4m0-6.4l-6.4 6.4"
    return tag("g", title, tag("circle", cx=x, cy=middle, r=8, class_="ring"), tag("path", d=cross, class_="x"))


def _failures(row: Row, middle: float, canvas: Canvas) -> Iterator[Markup]:
    """Beside each mark what it says: the code, and how far outside the term the instant was."""
    if row.missing:
        return
    shelf = Shelf(canvas.left, canvas.right)
    for test in row.tests:
        if not test.codes and test.held:
            continue
        words, x = _verdict_words(test), canvas.x(test.at)
        left_room, right_room = x - 24 - canvas.left, canvas.right - x - 24
        rightwards = right_room >= pixels(words) * 1.08 or right_room >= left_room
        words = tail_cut(words, max(left_room, right_room) / 1.08)
        left = shelf.room(x + (12 if rightwards else -12), pixels(words) * 1.08 + 12, "start" if rightwards else "end")
        if left is not None:
            yield _chip(test, words, left, middle)


def _chip(test: Test, words: str, left: float, middle: float) -> Markup:
    """Words on a plate of their own, legible over any bar."""
    colour = "red" if not test.held else "amber" if test.failed else "mut"
    wide = pixels(words) * 1.08 + 12
    plate = tag(
        "rect",
        x=left,
        y=middle - 8.5,
        width=wide,
        height=17,
        rx=3,
        class_="chip note" if test.held and not test.failed else "chip",
    )
    text = tag("text", words, x=left + wide / 2, y=middle + 4, text_anchor="middle", class_=f"{colour} strong")
    return joined(plate, text)


def _verdict_words(test: Test) -> str:
    codes = sorted(test.failed or test.codes)
    words = code_label(codes[0]) if codes else "did not hold"
    words += "".join(f", {code}" for code in codes[1:])
    if test.gap is None:
        return words
    length = span(test.gap[1] - test.gap[0])
    return f"{words} · {length} {'before its start' if test.gap[0] == test.at else 'after its end'}"


def _bounds(row: Row, y: float, canvas: Canvas) -> Iterator[Markup]:
    """Below the bar, when the tested terms began and how they ended; of a row without tests, all terms."""
    shelf = Shelf(canvas.left, canvas.right)
    told = [term for term in row.terms if row.state(term) != "idle"] or list(row.terms[-3:])
    for term in told:
        colour = "red" if row.state(term) == "bad" else "mut"
        for words, x, anchor in _bound_words(term, canvas):
            wide = pixels(words)
            left = shelf.room(x, wide, anchor)
            if left is not None:
                shift = {"start": 0.0, "middle": wide / 2, "end": wide}[anchor]
                kind = None if anchor == "start" else anchor
                yield tag("text", words, x=left + shift, y=y, class_=f"{colour} halo", text_anchor=kind)


def _bound_words(term: Term, canvas: Canvas) -> Iterator[tuple[str, float, str]]:
    """The end first: where only one finds room, it is the one that matters."""
    window = canvas.window
    if term.point:
        if term.start is not None:
            yield _decided(term.start, canvas), canvas.x(term.start), "middle"
        return
    if term.end is None:
        yield "no end", canvas.right, "end"
    else:
        how = term.ended_by or "ends"
        words = f"{how} {_at(term.end, canvas)}"
        if term.grace_until is not None:
            words += f", grace until {_at(term.grace_until, canvas)}"
        if term.end > window.end:
            yield f"{words} ▸", canvas.right, "end"
        elif term.end <= window.start:
            yield f"◂ {words}", canvas.left, "start"
        else:
            yield words, canvas.x(term.end), "end" if term.grace_until is None else "middle"
    if term.start is None:
        yield "start unknown", canvas.left, "start"
    elif term.start < window.start:
        yield f"◂ {_at(term.start, canvas)}", canvas.left, "start"
    elif term.start >= window.end:
        yield f"from {_at(term.start, canvas)} ▸", canvas.right, "end"
    else:
        yield _at(term.start, canvas), canvas.x(term.start), "start"


def _decided(at: int, canvas: Canvas) -> str:
    distance = canvas.acted_at - at
    if distance == 0:
        return "decided at that moment"
    return f"decided {_at(at, canvas)}, {span(abs(distance))} {'before' if distance > 0 else 'after'}"


def _at(at: int, canvas: Canvas) -> str:
    return clock(at, canvas.window.across, canvas.acted_at)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
