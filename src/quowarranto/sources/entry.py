"""What a source is, and what it makes of one entry: the contract between vendor formats and everything after them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from quowarranto.records import Instant, Kind, Linkage, Record
from quowarranto.sources.layout import Layout


class Entry(msgspec.Struct, frozen=True):
    """One line, array element or document of an input, as bytes.

    `file` is the path as the user gave it, `modified_at` the file's own time (for formats that carry none).
    """

    data: bytes
    file: str = ""
    modified_at: Instant = 0


class Skipped(msgspec.Struct, frozen=True):
    """The entry was understood and carries nothing to record; the reason is counted and shown."""

    reason: str


class Observation(msgspec.Struct, frozen=True):
    """A piece of control state that only makes a record together with others (a role's rules, a binding of that role).

    Observations are kept in the case; `Source.derive` turns all of them into facts, so that neither the order nor the
    file in which they arrive matters. What only several entries together tell of an action (who a session had become
    when it ran a statement) goes the same way: `derive` then gives the action.

    Args:
        name: what it is about, e.g. `clusterrole/admin`.
        at: when it took effect, by the source's clock.
        data: whatever `derive` needs; plain JSON values, no secrets.
    """

    name: str
    at: Instant
    data: dict[str, Any]


Outcome = Sequence[Record | Observation] | Skipped
"""What becomes of one entry. A source raises `RejectedEntry(reason)` for an entry that is not what it should be."""


Fields = tuple[dict[str, Any], dict[str, Any] | None]
"""What a part of an entry says of its action and of its fact, as `records.model` names it."""


OBSERVED = "observed"
"""Under this name a part that decides fields of the fact may give observations too: names with their data, at the
entry's time."""


class Part(msgspec.Struct, frozen=True):
    """Some members of an entry that are read together, since one look at them serves for all entries that share them.

    Args:
        read: from the members, as `Ordinary.cut` gave them, to fields of the action and of the fact, by name; no fields
            of a fact where these members make none; None where the entry must be looked at as a whole. A part that
            decides no field is only looked at for being sound.
        action: fields of the action that this part decides; `attributes` of all parts are put together. Of the `id` it
            decides what stands before the entry's name. It must be such that no secret shows where the two meet.
        fact: fields of the fact, likewise; `request.subject`, `request.action` and `request.resource` one by one.
    """

    read: Callable[[Any], Fields | None]
    action: tuple[str, ...]
    fact: tuple[str, ...] = ()


class Cut(msgspec.Struct, frozen=True):
    """Entries cut into their parts, column by column; all columns are as long as the list of entries.

    Args:
        ordinary: which entries are; of the others nothing here counts.
        names, times, stages: what an entry has for itself; times in microseconds.
        members: per part, what it is read from.
        said: attributes of the action that an entry has for itself, by name; "" where it has none. Letters, digits and
            dashes only: nothing that is escaped, and nothing that could be a secret.
        own: fields of the record that an entry has for itself, by name (`principal.id`): texts, "" where there is none,
            lists of texts, or moments; None where there is none. These and the names beside them are searched for
            secrets; an entry that holds one is not ordinary.
    """

    ordinary: Sequence[bool]
    names: Sequence[str]
    times: Sequence[Instant | None]
    stages: Sequence[int]
    members: tuple[Sequence[Any], ...]
    said: dict[str, Sequence[str]] = {}
    own: dict[str, Sequence[Any]] = {}
    any_names: bool = False
    """Names may be any text, so that they have to be searched even where there is nothing else."""


class Ordinary(msgspec.Struct, frozen=True, kw_only=True):
    """How the ordinary entries of a source are read many at a time: as parts, each different one of which is read once.

    An ordinary entry makes one action and at most one fact, which that action cites, or a fact alone. Whatever
    makes an entry unusual sends it to `Source.read`, and both ways must agree to the last byte
    (tests/sources/test_ordinary.py).

    Args:
        cut: into their parts, those entries that are proven ordinary: every byte of them is accounted for by the
            members named, so that nothing is repeated, unknown or lost.
        parts: in the order of the members.
        action_id, fact_id: what the ids begin with, before what a part decides of them and the entry's name; both
            records bear its time. Without an `action_id` there is no action, and fields that entries have for
            themselves are those of the fact.
        fact_tail: what follows the entry's name in the id of the fact.
        cited_last: the action cites the fact after all else, not before.
        fact_kind: the kind of the fact.
        layout: by which entries are cut, where that is all that `cut` does: it is done in machine code then.
    """

    cut: Callable[[Sequence[bytes | memoryview]], Cut]
    parts: tuple[Part, ...]
    layout: Layout | None = None
    action_id: str | None
    fact_id: str = ""
    fact_tail: str = ""
    cited_last: bool = False
    fact_kind: Kind = "decision"


class Sample(msgspec.Struct, frozen=True):
    """The beginning of an input, for telling its type.

    `documents` holds the first entries that could be decoded (JSON or YAML, wrappers already opened), `text` the first
    kilobytes as text, `wrapper` the key under which a wrapped file keeps its entries (`Records`, `items`, …) if any.
    """

    file: str
    text: str
    documents: tuple[Any, ...] = ()
    wrapper: str | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A system whose records can be read: one of these per module in `sources/`, listed in `sources/__init__.py`."""

    name: str
    title: str
    reads: tuple[str, ...]
    """Kinds of input, each in a few words, for `quo sources`."""
    recognise: Callable[[Sample], int]
    """0 (not mine) to 100 (certainly mine); the highest wins."""
    read: Callable[[Entry], Outcome]
    ordinary: tuple[Ordinary, ...] = ()
    """A faster way for most entries, each tried on what those before it leave; all others go through `read`."""
    derive: Callable[[Sequence[Observation]], Iterable[tuple[Record, Observation]]] | None = None
    """Facts, or actions, each with the observation whose entry it is shown with. An action's id must come of entries
    that are never taken back: more observations may change what an action is, not whether there was one."""
    derive_with: str = ""
    """How the name of an observation begins without which nothing is derived: a case that has none does not load the
    others."""
    derive_also: str = ""
    """How the names of observations of other sources begin that `derive` sees too."""
    wrappers: tuple[str, ...] = ()
    """Keys of a top-level object whose list holds the entries, e.g. `Records`."""
    documents: tuple[str, ...] = ()
    """File endings (`.hcl`, `.yaml`) that this source reads as whole documents rather than JSON entries."""
    csv: Literal["header", "bare"] | None = None
    """It reads CSV (RFC 4180) too: an entry is a JSON object of texts by the names in the first row, or, where no row
    names the columns, a JSON array of texts."""
    no_row: tuple[bytes, ...] = ()
    """What, in the first line of a file, shows that it holds no rows although the source reads CSV."""
    configure: Callable[[Mapping[str, Any]], Source] | None = None
    """The source as `[source.NAME]` of `quo.toml` makes it; raises a `ConfigError` that names the setting."""
    chosen: frozenset[str] = frozenset()
    """Attributes that whoever acts writes as they like (a session's name, a user agent): nothing is joined by them."""
    ceiling: Linkage
    """The best linkage that this system's logs can give."""
    raise_it: str
    """The one setting that would raise what the logs usually give, in a sentence."""
