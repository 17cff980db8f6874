"""From a recorded decision to the question to ask again: which language, what was asked, and of which policies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from quowarranto.case.rereading import Rereader
from quowarranto.replay.decisions import Decision, PolicyFact, attributes_of
from quowarranto.replay.isolated import Question
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.languages import LANGUAGES, Language, language_of_file, language_of_source
from quowarranto.replay.named import Named
from quowarranto.replay.state import Seen, State
from quowarranto.replay.texts import Found, Texts


class Plan(msgspec.Struct, frozen=True):
    """What is to be asked of a decision; without a question, `missing` says why not."""

    decision: Decision
    language: str | None = None
    policy: str | None = None
    """The first policy version that it cites: findings are folded under it."""
    question: Question | None = None
    missing: tuple[str, ...] = ()
    who: tuple[str, str] = ("unknown", "unknown")
    asked: str = ""
    """The question as `user:ann read document:d`: of the record, which has no secrets."""


class _Recorded(msgspec.Struct, frozen=True):
    """A recorded request, read once however often it was asked."""

    value: Any
    who: tuple[str, str]
    asked: str


_NOTHING = _Recorded(None, ("unknown", "unknown"), "")
_REMEMBERED = 200_000


class Planner:
    """Plans the decisions of one case.

    Args:
        facts: policy versions by key and alias (`decisions.policies`).
        texts: where texts are that no record holds.
        language: of all decisions, where it is said.
        policies: ask these instead of those on record.
        seen: what the case tells of a source; without it, no documents are put together from observations.
    """

    def __init__(
        self,
        facts: Mapping[str, PolicyFact],
        texts: Texts,
        language: Language | None = None,
        policies: tuple[Policy, ...] | None = None,
        seen: Callable[[str], Seen] | None = None,
    ) -> None:
        self._facts = facts
        self._texts = texts
        self._language = language
        self._policies = policies
        self._seen = seen
        self._states: dict[str, State | None] = {}
        self._by_name: dict[str, Named] = {}
        self._reread = Rereader()
        self._same: dict[tuple[Policy, ...], tuple[Policy, ...]] = {}
        self._by_source: dict[str | None, Language | None] = {}
        self._recorded: dict[str, _Recorded] = {}
        self._requests: dict[tuple[str, str], Request | None] = {}
        self._cited: dict[tuple[str | None, str, tuple[str, ...]], tuple[Policy, ...]] = {}

    def plan(self, decision: Decision) -> Plan | None:
        """What to ask; None where the decision's record keeps no question."""
        recorded = self._read(decision.request)
        found = self._planned(decision, recorded)
        kind, name = decision.principal
        who = recorded.who if kind is None or name is None else (kind, name)
        return None if found is None else msgspec.structs.replace(found, who=who, asked=recorded.asked)

    def _read(self, request: str | None) -> _Recorded:
        if not request:
            return _NOTHING
        found = self._recorded.get(request)
        if found is None:
            if len(self._recorded) >= _REMEMBERED:
                self._recorded.clear()
                self._requests.clear()
            found = self._recorded[request] = _recorded(msgspec.json.decode(request))
        return found

    def _planned(self, decision: Decision, recorded: _Recorded) -> Plan | None:
        said = attributes_of(decision.attributes)
        cited = (self._facts.get(key) for key in decision.cites)
        facts = [fact for fact in cited if fact is not None and fact.established]
        policy = facts[0].key if facts else None
        language = self._language or self._told(decision, said, facts)
        state = None if facts or said.get("policy_set") else self._state(language)
        policies, lacking = ((), []) if state else self._asked(decision, said, facts, language)
        language = language or _by_names(policies)
        if language is None:
            return None if decision.request is None else Plan(decision, None, policy, missing=_sorted(lacking, _WHICH))
        request = self._request(decision, recorded, language)
        if request is None:
            if decision.request is None:
                return None
            return Plan(decision, language.name, policy, missing=_sorted(lacking, "the whole question"))
        named = language.named_by(request) if self._policies is None else None
        if named is not None:
            policies, lacking = self._named(decision, language, named), []
        if state is not None:
            policies, request = state.asked(request, decision.time)
        lacking += _removed(said)
        if lacking:
            return Plan(decision, language.name, policy, missing=_sorted(lacking))
        return Plan(decision, language.name, policy, Question(language.name, policies, request))

    def _state(self, language: Language | None) -> State | None:
        """What the case holds of a language whose decisions cite no policy; made when it is first asked for."""
        if language is None or self._policies is not None or self._seen is None:
            return None
        if language.name not in self._states:
            self._states[language.name] = language.state_of(self._seen, self._texts.versions(language))
        return self._states[language.name]

    def _told(self, decision: Decision, said: Mapping[str, Any], facts: list[PolicyFact]) -> Language | None:
        """The language that the source tells, or the records."""
        kind = decision.kind_of_source
        if kind not in self._by_source:
            self._by_source[kind] = language_of_source(kind or "")
        named = [said.get("language"), *(fact.language for fact in facts)]
        known = (LANGUAGES[name] for name in named if isinstance(name, str) and name in LANGUAGES)
        return self._by_source[kind] or next(known, None)

    def _request(self, decision: Decision, recorded: _Recorded, language: Language) -> Request | None:
        if decision.kind_of_source in language.sources:
            return language.request_of(recorded.value, self._reread(decision.origin))
        key = (language.name, decision.request or "")
        if key not in self._requests:
            self._requests[key] = language.request_of(recorded.value)
        return self._requests[key]

    def _asked(
        self, decision: Decision, said: Mapping[str, Any], facts: list[PolicyFact], language: Language | None
    ) -> tuple[tuple[Policy, ...], list[str]]:
        """The documents that decided, and what of them is lacking."""
        if self._policies is not None:
            return self._policies, []
        which = said.get("policy_set")
        key = (language.name if language else None, which if isinstance(which, str) else "", decision.cites)
        if key in self._cited:
            return self._cited[key], []
        out: list[Policy] = []
        lacking: list[str] = []
        every: Sequence[PolicyFact | None] = facts or [None]
        for fact in every:
            try:
                out += self._documents(decision, fact, key[1], language)
            except Found as error:
                lacking.append(str(error))
        documents = tuple(dict.fromkeys(out))
        documents = self._same.setdefault(documents, documents)
        if not lacking and not self._texts.by_time:
            self._cited[key] = documents
        return documents, lacking

    def _documents(
        self, decision: Decision, fact: PolicyFact | None, which: str, language: Language | None
    ) -> tuple[Policy, ...]:
        """The documents of one policy version, or of what was in force where none is cited.

        Raises:
            Found: what is lacking.
        """
        texts, at = self._texts, decision.time
        fact = fact or self._facts.get(which)
        if fact is None:
            if which:
                found = texts.by_digest(which) or texts.by_name([which], language)
                found = found or texts.in_force([which], at, language)
                what = f"text of the policies `{which}`"
            else:
                whole = language is not None and language.whole
                found = texts.all_in_force(at, language) if whole else texts.in_force([], at, language)
                what = "the policies that decided (the decision names none)"
        else:
            found = self._of(fact, language) or texts.in_force(fact.names, at, language)
            what = f"text of the policy `{fact.key}`"
        if not found:
            raise Found(what)
        return found

    def _named(self, decision: Decision, language: Language, named: tuple[tuple[str, ...], ...]) -> tuple[Policy, ...]:
        if language.name not in self._by_name:
            held = partial(self._of, language=language)
            self._by_name[language.name] = Named(self._facts, held, self._texts, language)
        found = self._by_name[language.name].documents(named, decision.time)
        return self._same.setdefault(found, found)

    def _of(self, fact: PolicyFact, language: Language | None) -> tuple[Policy, ...] | None:
        if fact.text is not None:
            return (Policy(fact.key, fact.text),)
        for digest in (fact.digest, *fact.names):
            by_digest = self._texts.by_digest(digest) if digest else None
            if by_digest:
                return by_digest
        if language is not None and fact.kind_of_source in language.sources:
            for origin in fact.origins:
                held = language.documents_of(self._reread(origin))
                if held:
                    return tuple(Policy(one.name or fact.label, one.text) for one in held)
        found = self._texts.by_name(fact.names, language)
        if found and len(found) == 1 and fact.digest and not _has(found[0], fact.digest):
            raise Found(f"text of the policy `{fact.key}` (the file of that name has another digest)")
        return found


def _recorded(value: Any) -> _Recorded:
    asked = value if isinstance(value, dict) else {}
    subject, verb, what = (asked.get(part) for part in ("subject", "action", "resource"))
    who, whom = _entity(subject), _entity(what)
    name = verb.get("name") if isinstance(verb, dict) else None
    text = " ".join(part for part in (":".join(who or ()), str(name or ""), ":".join(whom or ())) if part)
    return _Recorded(value, who or ("unknown", "unknown"), text[:_LONGEST])


def _entity(named: Any) -> tuple[str, str] | None:
    if not isinstance(named, dict) or named.get("id") is None:
        return None
    return str(named.get("type")), str(named["id"])


_LONGEST = 500
_WHICH = "the language of the policies"


def _by_names(policies: tuple[Policy, ...]) -> Language | None:
    found = {language.name: language for policy in policies if (language := language_of_file(policy.name))}
    return next(iter(found.values())) if len(found) == 1 else None


def _removed(said: Mapping[str, Any]) -> list[str]:
    """Parts of the question that were removed for being secret: with another value the answer may differ."""
    removed = said.get("removed")
    fields = [str(one.get("field")) for one in removed if isinstance(one, dict)] if isinstance(removed, list) else []
    return [f"`{name}` (removed as a secret)" for name in fields if name.startswith("request")]


def _sorted(lacking: list[str], *more: str) -> tuple[str, ...]:
    return tuple(sorted({*lacking, *more}))


def _has(document: Policy, digest: str) -> bool:
    return digest.lower().endswith(hashlib.sha256(document.text.encode()).hexdigest())
