"""Texts of policies in a folder, found by digest, by name, or by name and time.

    policies/
      v7.cedar                    a version by its name: a policy's key, alias, name or revision
      v8/*.cedar, entities.json   a folder is one version of several documents
      shop@2026-03-01T00:00:00Z/  a name and the time from which it was in force; colons may be left out

A file is also found by the SHA-256 of its bytes, whatever it is called. In names, `/` and `:` may be written `-`.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from quowarranto.errors import ConfigError
from quowarranto.records import Instant
from quowarranto.replay.language import Policy
from quowarranto.replay.languages import LANGUAGES, Language
from quowarranto.sources.dated import dated

_LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is read; policies are texts that people wrote."""
_MOST = 100_000
_DATA = (".json", ".yaml", ".yml")
"""What may lie beside the policies of any language: entities, data, a schema."""
_DIGEST = re.compile(r"(?:sha256[:-])?([0-9a-f]{64})")


class Found(Exception):
    """Why no text can be named for certain; the message says what is lacking."""


class Texts:
    """The documents under a folder; without one there are none.

    Raises:
        ConfigError: the folder is none, or holds too many files.
    """

    def __init__(self, folder: Path | None) -> None:
        self._documents: dict[str, Policy] = {}
        self._by_digest: dict[str, str] = {}
        self._entries: defaultdict[str, set[str]] = defaultdict(set)
        """Name of an entry: paths of files, or folders (which end in `/`), that bear it."""
        self._dated: defaultdict[str, list[tuple[Instant, str]]] = defaultdict(list)
        self.unread: list[str] = []
        """Files that are no text, or too large."""
        for path, place in _files(folder):
            self._read(path, place)
        for entries in self._dated.values():
            entries.sort()

    def _read(self, path: Path, place: str) -> None:
        try:
            data = path.read_bytes() if path.stat().st_size <= _LARGEST else None
            text = None if data is None else data.decode()
        except (OSError, UnicodeDecodeError):
            data = text = None
        if data is None or text is None:
            self.unread.append(place)
            return
        self._documents[place] = Policy(place, text)
        self._by_digest.setdefault(hashlib.sha256(data).hexdigest(), place)
        parts = place.split("/")
        for depth in range(1, len(parts)):
            self._enter("/".join(parts[:depth]) + "/")
        self._enter(place)

    def _enter(self, place: str) -> None:
        whole = place.rstrip("/")
        for name in {whole, _stem(whole), whole.rpartition("/")[2], _stem(whole.rpartition("/")[2])}:
            if place in self._entries[name]:
                continue
            self._entries[name].add(place)
            found = dated(name)
            if found is not None:
                self._dated[found[0]].append((found[1], place))

    @property
    def by_time(self) -> bool:
        """Whether any entry says from when it was in force."""
        return bool(self._dated)

    def by_digest(self, digest: str) -> tuple[Policy, ...] | None:
        """The file with this SHA-256, written plainly or after `sha256:`."""
        found = _DIGEST.fullmatch(digest.lower())
        place = self._by_digest.get(found[1]) if found else None
        return None if place is None else (_named(self._documents[place], place),)

    def by_name(self, names: Iterable[str], language: Language | None = None) -> tuple[Policy, ...] | None:
        """The file or folder of one of these names.

        Raises:
            Found: several that differ bear them.
        """
        places = {place for name in names for one in (name, as_file(name)) for place in self._entries.get(one, ())}
        return self._one(places, language)

    def in_force(
        self, names: Sequence[str], at: Instant, language: Language | None = None
    ) -> tuple[Policy, ...] | None:
        """Of the entries with a time, the last that began by then of one of these names; of the only name, without any.

        Raises:
            Found: none had begun by then, or there are several names to choose from.
        """
        wanted = [one for name in names for one in (name, as_file(name)) if one in self._dated]
        if not wanted and not names and len(self._dated) == 1:
            wanted = list(self._dated)
        if not wanted:
            return None
        begun = [entry for name in wanted for entry in self._dated[name] if entry[0] <= at]
        if not begun:
            raise Found("a version of the policies from before that time")
        last = max(begun)[0]
        return self._one({place for when, place in begun if when == last}, language)

    def everything(self) -> tuple[Policy, ...]:
        """All documents."""
        return tuple(self._documents.values())

    def all_in_force(self, at: Instant, language: Language | None = None) -> tuple[Policy, ...]:
        """Of every name with a time, the last that began by then."""
        out: list[Policy] = []
        for name in sorted(self._dated):
            if any(when <= at for when, _ in self._dated[name]):
                out += self.in_force([name], at, language) or ()
        return tuple(out)

    def versions(self, language: Language | None = None) -> dict[str, list[tuple[Instant, tuple[Policy, ...]]]]:
        """Of every name with a time, its versions and from when each was in force, in that order.

        Where several texts bear one name and time, all of them count.
        """
        found: dict[str, list[tuple[Instant, tuple[Policy, ...]]]] = {}
        for name, entries in sorted(self._dated.items()):
            together: defaultdict[Instant, list[Policy]] = defaultdict(list)
            for at, place in entries:
                together[at] += self._under(place, language) if place.endswith("/") or belongs(place, language) else ()
            found[name] = [(at, tuple(dict.fromkeys(held))) for at, held in sorted(together.items())]
        return found

    def _one(self, places: set[str], language: Language | None) -> tuple[Policy, ...] | None:
        versions = {self._under(place, language) for place in places} - {()}
        if len(versions) > 1:
            raise Found(f"which of several texts it was ({', '.join(f'`{place}`' for place in sorted(places)[:4])})")
        return versions.pop() if versions else None

    def _under(self, place: str, language: Language | None) -> tuple[Policy, ...]:
        if not place.endswith("/"):
            return (_named(self._documents[place], place),)
        inside = [name for name in self._documents if name.startswith(place) and belongs(name, language)]
        return tuple(Policy(name[len(place) :], self._documents[name].text) for name in sorted(inside))


def belongs(name: str, language: Language | None) -> bool:
    """Whether a file of this name may be a document of a language (of any, where it is not known)."""
    suffixes = [suffix for one in ([language] if language else LANGUAGES.values()) for suffix in one.suffixes]
    return name.endswith((*suffixes, *_DATA))


def _named(document: Policy, place: str) -> Policy:
    return Policy(place.rpartition("/")[2], document.text)


def _files(folder: Path | None) -> Iterator[tuple[Path, str]]:
    """Files, with their place as a posix path below the folder; hidden ones are left out, links are not followed."""
    if folder is None:
        return
    if not folder.is_dir():
        raise ConfigError(
            f"`{folder}` is not a folder", need="a folder with the texts of policies", hint="name it with `--policies`"
        )
    count = 0
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_symlink() or not path.is_file() or any(part.startswith(".") for part in place.parts):
            continue
        count += 1
        if count > _MOST:
            raise ConfigError(f"`{folder}` holds more than {_MOST:,} files", hint="name the folder of policies alone")
        yield path, place.as_posix()


def _stem(name: str) -> str:
    """Without the ending, unless what looks like one is a part of a version (`v1.2`)."""
    head, dot, tail = name.rpartition(".")
    return head if dot and head and tail.isalpha() else name


def as_file(name: str) -> str:
    """A name as a file may bear it."""
    return name.replace("/", "-").replace(":", "-")
