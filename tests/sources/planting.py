"""Secrets planted into the sample logs of every source, one a line, and all that quo makes of such logs.

python -m tests.sources.planting [NAME ...]    every text of every sample with every secret in every form; minutes a
                                               source, so name those that you changed

A test plants a sample of these (`tests/sources/test_secrets_planted.py`).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import itertools
import json
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.sources.golden import HERE
from tests.sources.sampled import entries_of, source_of

from quowarranto.sources import SOURCES, Source

KINDS: dict[str, Callable[[str], str]] = {
    "vault token": lambda core: f"hvs.{core}",
    "github token": lambda core: f"ghp_{core}",
    "JSON web token": lambda core: f"eyJhbGciOiJSUzI1NiJ9.{core}.{core}",
    "bearer header": lambda core: f"Authorization: Bearer {core}",
    "password": lambda core: f"password={core}",
    "AWS secret key": lambda core: f"aws_secret_access_key={core}",
    "connection string": lambda core: f"postgres://app:{core}@db.example:5432/app",
    "private key": lambda core: f"-----BEGIN PRIVATE KEY-----\n{core}\n-----END PRIVATE KEY-----",
    "JSON in a text": lambda core: json.dumps({"client_token": core}),
}
"""A secret of each kind around what is secret in it: 40 letters and digits, as many as an AWS secret key has."""
WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "URL-encoded": lambda secret: quote(secret, safe=""),
}
PLACED: dict[str, Callable[[str, str], str]] = {
    "instead": lambda _, secret: secret,
    "behind": lambda text, secret: f"{text} {secret}",
    "within": lambda text, secret: f"{text}/{secret}",
}
NAMED = ("password", "clientSecret", "access_token", "Authorization")
"""Members that are added, with nothing but the secret as their value."""
FORMS = tuple(itertools.product(KINDS, WRITTEN, PLACED))
_RUN = re.compile(r"[a-z0-9+/_-]{14,}")
"""What a part of a secret can be in, plain or encoded."""
_WORD = re.compile(r"[^\s\"'=,;:{}\[\]()]+")


class Planted(NamedTuple):
    """An entry with a secret in it: its bytes, the ending of a file for it, what of it must not be found, and where."""

    data: bytes
    ending: str
    needles: tuple[str, ...]
    where: str


class Spot(NamedTuple):
    """A place for a text: its name, the text that stands there, and the entry with another one there."""

    name: str
    text: str
    put: Callable[[str], bytes]


def spots_of(data: bytes, ending: str) -> Iterator[Spot]:
    """The places in an entry: texts of its JSON, also of JSON in texts and behind a header; else its words."""
    begin = min((at for at in (data.find(b"{"), data.find(b"[")) if at >= 0), default=-1)
    try:
        value = json.loads(data[begin:]) if begin >= 0 else None
    except ValueError:
        value = None
    if isinstance(value, (dict, list)):
        head = data[:begin]
        for name, text, changed in _texts(value, ""):
            yield Spot(name, text, lambda new, changed=changed: head + json.dumps(changed(new)).encode())  # type: ignore[misc]
        return
    line = data.decode("utf-8", "replace")
    for number, found in enumerate(_WORD.finditer(line)):
        start, end = found.span()
        one_line = ending == ".log"

        def put(new: str, start: int = start, end: int = end, one_line: bool = one_line) -> bytes:
            return (line[:start] + (new.replace("\n", "\\n") if one_line else new) + line[end:]).encode()

        yield Spot(f"word {number}", found[0], put)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str, Callable[[str], Any]]]:
    """Every text in plain JSON values, with a way to the same values with another text there."""
    if isinstance(value, str):
        yield path, value, lambda new: new
        if value[:1] in ("{", "["):
            try:
                inner = json.loads(value)
            except ValueError:
                return
            for name, text, changed in _texts(inner, f"{path} as JSON"):
                yield name, text, lambda new, changed=changed: json.dumps(changed(new))  # type: ignore[misc]
    elif isinstance(value, (dict, list)):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in members:
            for name, text, changed in _texts(item, f"{path}.{'*' if isinstance(key, int) else key}"):
                yield name, text, lambda new, key=key, changed=changed: _with(value, key, changed(new))  # type: ignore[misc]
        if isinstance(value, dict):
            for named in NAMED:
                yield f"{path}+{named}", "", lambda new, named=named: {**value, named: new}  # type: ignore[misc]


def _with(value: Any, key: Any, item: Any) -> Any:
    changed = value.copy()
    changed[key] = item
    return changed


def planted(spot: Spot, ending: str, form: tuple[str, str, str], number: int, where: str) -> Planted:
    """The entry with a secret of its own at that spot."""
    kind, written, placed = form
    core = _core(f"{where} {number}")
    if "+" in spot.name:
        return Planted(spot.put(core), ending, _needles(core), f"{where}: a member")
    secret = KINDS[kind](core)
    text = WRITTEN[written](secret)
    needles = _needles(core)
    if written.startswith("base64"):
        begin = secret.index(core) * 4 // 3 + 4
        needles += _needles(text[begin : begin + 40])
    name = f"{where}: {kind}, {written}, {placed}"
    return Planted(spot.put(PLACED[placed](spot.text, text)), ending, needles, name)


def _core(seed: str) -> str:
    """40 letters and digits, of both cases, that stand nowhere else."""
    digest = hashlib.sha512(seed.encode()).digest()
    text = base64.b64encode(digest).decode().translate(str.maketrans("+/=", "xY7"))
    return f"{text[:38]}9Q"


def _needles(core: str) -> tuple[str, ...]:
    """Its ends, in small letters: a part of a secret, or one in other letters, is still too much."""
    return core[:14].lower(), core[-14:].lower()


class _Sample(NamedTuple):
    data: bytes
    ending: str
    case: str


def samples(source: Source) -> Iterator[_Sample]:
    """The sample entries of a source, each with the ending of a file that may hold it."""
    for path in sorted((HERE / source.name).glob("*/logs/**/*")) + sorted((HERE / source.name).glob("*/input.*")):
        if not path.is_file():
            continue
        case = path.relative_to(HERE / source.name).parts[0]
        shape, found = entries_of(path, source_of(HERE / source.name / case))
        ending = {"csv": ".csv", "yaml": ".yaml", "document": path.suffix}.get(shape, "")
        if shape == "yaml":
            yield _Sample(path.read_bytes(), ".yaml", case)
            continue
        for entry in found:
            yield _Sample(entry.data, ending or (".jsonl" if entry.data[:1] in b"{[" else ".log"), case)


def chosen(source: Source, most: int) -> list[Planted]:
    """At most so many entries with secrets: every place of every kind of entry before any place again."""
    places: dict[str, list[tuple[Spot, _Sample]]] = {}
    for sample in samples(source):
        for spot in spots_of(sample.data, sample.ending):
            places.setdefault(f"{spot.name} {sample.ending}", []).append((spot, sample))
    luck = random.Random(source.name)
    order = []
    for name in sorted(places):
        luck.shuffle(places[name])
        order += [(turn, luck.random(), *one) for turn, one in enumerate(places[name])]
    order.sort(key=lambda one: one[:2])
    forms = luck.sample(FORMS, len(FORMS))
    return [
        planted(spot, sample.ending, forms[number % len(forms)], number, f"{source.name}/{sample.case} {spot.name}")
        for number, (_, _, spot, sample) in enumerate(order[:most])
    ]


def everything(source: Source) -> Iterator[list[Planted]]:
    """Every place of every entry with every form, a form at a time."""
    found = [(spot, sample) for sample in samples(source) for spot in spots_of(sample.data, sample.ending)]
    for form in FORMS:
        yield [
            planted(spot, sample.ending, form, number, f"{source.name}/{sample.case} {spot.name}")
            for number, (spot, sample) in enumerate(found)
        ]


def write(folder: Path, source: Source, wanted: Sequence[Planted]) -> list[str]:
    """Files of logs with these entries; what `quo link` is to be given."""
    files: dict[Path, list[bytes]] = {}
    for number, one in enumerate(wanted):
        if one.ending in (".jsonl", ".log"):
            files.setdefault(folder / f"{source.name}{one.ending}", []).append(one.data)
        elif one.ending == ".csv":
            name, *header, row = _csv(one.data)
            files.setdefault(folder / f"{source.name}-{name.decode()}.csv", header).append(row)
        else:
            files[folder / f"{source.name}-{number}{one.ending}"] = [one.data]
    for path, lines in files.items():
        path.write_bytes(b"\n".join(lines) + b"\n")
    return [f"{source.name}={path}" for path in files]


def _csv(entry: bytes) -> list[bytes]:
    """A name for all that have the same header; the header, where there is one; the row."""
    value = json.loads(entry)
    rows = [list(value), list(value.values())] if isinstance(value, dict) else [value]
    lines = [hashlib.sha256(repr(rows[:-1]).encode()).hexdigest()[:8].encode()]
    for row in rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(row)
        lines.append(text.getvalue().encode())
    return lines


def leaked(texts: dict[str, str], wanted: Sequence[Planted]) -> list[str]:
    """Where which secrets are found; looked for among all different words first, since texts repeat each other."""
    words = "\n".join({word for text in texts.values() for word in _RUN.findall(text.lower())})
    found = [one for one in wanted if any(needle in words for needle in one.needles)]
    low = {name: text.lower() for name, text in texts.items()} if found else {}
    return [
        f"{name} shows {one.where}"
        for one in found
        for name, text in low.items()
        if any(needle in text for needle in one.needles)
    ]


def main() -> None:
    """Plant everything, tell what is found again."""
    from tests.sources.shown import all_that_is_shown

    names = sys.argv[1:] or [source.name for source in SOURCES]
    failed = False
    for source in (source for source in SOURCES if source.name in names):
        count, found = 0, []
        for wanted in everything(source):
            folder = Path(tempfile.mkdtemp())
            found += leaked(all_that_is_shown(folder, write(folder, source, wanted), {source.name}), wanted)
            count += len(wanted)
            shutil.rmtree(folder)
        print(f"{source.name}: {count} secrets planted, {len(found)} found again")
        print("".join(f"  {one}\n" for one in found[:20]), end="")
        failed = failed or bool(found)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
