"""The policy languages that can be replayed: one line each.

A module of a language offers `evaluate` (`replay.language.Evaluate`, a pure function). It may also offer
`request_of(recorded, raw)`: the question in the language's own terms, from what the decision's record keeps under
`request` (SPEC 2) and the raw line behind it (given where one of the language's own sources read it); the default takes
the recorded request as it stands. And `documents_of(raw)`: the policies that the raw line behind a policy's fact holds.
And `named_by(request)`: names (the key first) of all policies that count, where the question says them.
And `state_of(seen, given)`: a `state.State`, where what decides is all that was in force, whatever a decision cites.
Raw lines hold whatever their system logged, secrets too: nothing of them belongs into an error or a name.
Modules are imported only where they are used: most bring an engine along.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Evaluate, Policy, Request, in_shape
from quowarranto.replay.state import Seen, State, Versions


class Language(msgspec.Struct, frozen=True):
    """One policy language."""

    name: str
    module: str
    """What to import for it."""
    suffixes: tuple[str, ...] = ()
    """How names of files end that are in no other language."""
    sources: tuple[str, ...] = ()
    """Sources (names in `quowarranto.sources`) of which the decisions are in this language."""
    whole: bool = False
    """Whether what decides is everything in force at the time (role bindings), not only what the decision cites."""

    def evaluate(self, policies: list[Policy], request: Request) -> Evaluation:
        """What these policies say of a request."""
        ask: Evaluate = importlib.import_module(self.module).evaluate
        return ask(policies, request)

    def request_of(self, recorded: Mapping[str, Any] | None, raw: str | None = None) -> Request | None:
        """The question behind a decision; None where its record does not keep it."""
        module = importlib.import_module(self.module)
        own = getattr(module, "request_of", None)
        return own(recorded, raw) if own else in_shape(recorded)

    def named_by(self, request: Request) -> tuple[tuple[str, ...], ...] | None:
        """The policies that the question itself names, each by all its names; None where what is cited is all."""
        own = getattr(importlib.import_module(self.module), "named_by", None)
        return own(request) if own else None

    def state_of(self, seen: Callable[[str], Seen], given: Versions) -> State | None:
        """The documents as they stood, from what is seen of the language's sources; None where it keeps none.

        Args:
            seen: what the case tells of a source, by its name.
            given: documents that somebody says to have stood so.
        """
        own = getattr(importlib.import_module(self.module), "state_of", None)
        return own([seen(source) for source in self.sources], given) if own else None

    def documents_of(self, raw: str | None) -> tuple[Policy, ...]:
        """The policies in the raw line behind a policy's fact; none where it holds no text."""
        own = getattr(importlib.import_module(self.module), "documents_of", None)
        return tuple(own(raw)) if own and raw is not None else ()


_ALL: tuple[Language, ...] = (
    # one line per language, in the order of the alphabet
    Language("cedar", "quowarranto.replay.cedar", (".cedar", ".cedarschema"), ("cedar",)),
    Language("iam", "quowarranto.replay.iam", whole=True),
    Language("rbac", "quowarranto.replay.rbac", sources=("kubernetes",), whole=True),
    Language("rego", "quowarranto.replay.rego", (".rego",), ("opa",)),
    Language("vault_acl", "quowarranto.replay.vault_acl", (".hcl",), ("vault",), whole=True),
)
LANGUAGES: dict[str, Language] = {language.name: language for language in _ALL}


def language_of_source(source: str) -> Language | None:
    """The language of a source's decisions."""
    return next((one for one in LANGUAGES.values() if source in one.sources), None)


def language_of_file(name: str) -> Language | None:
    """The language that a file's name tells, where it tells any."""
    return next((one for one in LANGUAGES.values() if name.endswith(one.suffixes or ("\0",))), None)
