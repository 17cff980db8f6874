"""From what was used to the scope that would have sufficed: patterns, not a list of a thousand names.

A part of a name that goes on taking new values (dates, ids of builds) has to be left open, or the scope breaks
tomorrow; one that has taken the same few values all along can be written out. Which it is, the uses themselves tell:
if of N uses f had a value that was seen only once, the chance that the next use brings a new value is about f / N (Good
and Turing).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from quowarranto.records import Rule

CHANCE = 0.0005
"""A part of a name is left open where the chance that the next use brings a new value is greater."""
_MOST = 12
"""More patterns than this of one kind of resource become one that covers them."""
_AFFIX = 3
"""Characters that all values of an open part must share to be written out."""

Parts = tuple[str, ...]


class Use(msgspec.Struct, frozen=True):
    """So many uses of one verb on one resource."""

    verb: str
    resource_type: str
    resource_id: str
    count: int


def proposed(uses: Iterable[Use]) -> tuple[Rule, ...]:
    """The narrowest rules that cover these uses and those that are to be expected after them.

    Verbs are those that were used. Resources are patterns of `type:id`; a `*` that stands for a part of a name also
    covers deeper names (SPEC 2).
    """
    of_type: dict[str, list[Use]] = defaultdict(list)
    for use in uses:
        of_type[use.resource_type].append(use)
    rules = []
    for kind, mine in sorted(of_type.items()):
        names: Counter[str] = Counter()
        for use in mine:
            names[use.resource_id] += use.count
        verbs_of: dict[Parts, list[str]] = defaultdict(list)
        for verb in sorted({use.verb for use in mine}):
            own = Counter({name: names[name] for name in {use.resource_id for use in mine if use.verb == verb}})
            verbs_of[patterns(own)].append(verb)
        for found, verbs in verbs_of.items():
            rules.append(Rule(actions=tuple(verbs), resources=tuple(f"{kind}:{pattern}" for pattern in found)))
    return tuple(rules)


def patterns(names: Mapping[str, int]) -> Parts:
    """Patterns that cover names, each used so often, and those to be expected after them; sorted."""
    counted: Counter[Parts] = Counter()
    for name, count in names.items():
        counted[tuple(name.split("/"))] += count
    found = sorted(_opened(counted))
    if len(found) <= _MOST:
        return tuple(found)
    return (_begin(found) + "*",)


def _opened(names: Counter[Parts]) -> set[str]:
    """Patterns of names by their parts, from the first part on."""
    heads: Counter[str] = Counter()
    tails: dict[str, Counter[Parts]] = defaultdict(Counter)
    for (head, *tail), count in names.items():
        heads[head] += count
        tails[head][tuple(tail)] += count
    if len(heads) > 1 and _goes_on(heads):
        together: Counter[Parts] = Counter()
        for of_head in tails.values():
            together.update(of_head)
        tails = {_open(heads): together}
    out: set[str] = set()
    for head, below in tails.items():
        deeper = Counter({tail: count for tail, count in below.items() if tail})
        if len(deeper) < len(below):
            out.add(head)
        if deeper:
            out |= {f"{head}/{rest}" for rest in _opened(deeper)}
    return out


def _goes_on(values: Counter[str]) -> bool:
    """Whether the next use is likely enough to bring a value that was not seen."""
    once = sum(count == 1 for count in values.values())
    return once / values.total() > CHANCE


def _open(values: Iterable[str]) -> str:
    """What all values begin and end with, around a `*`."""
    known = list(values)
    head = _begin(known)
    tail = _begin([value[len(head) :][::-1] for value in known])[::-1]
    return (head if len(head) >= _AFFIX else "") + "*" + (tail if len(tail) >= _AFFIX else "")


def _begin(texts: list[str]) -> str:
    """What all of them begin with."""
    low, high = min(texts), max(texts)
    same = next((at for at, pair in enumerate(zip(low, high, strict=False)) if pair[0] != pair[1]), len(low))
    return low[:same]
