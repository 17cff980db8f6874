"""What a policy does to its process stays there, and is never a permit."""

from __future__ import annotations

import platform
import sys

import pytest

from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.isolated import Limits, Pool, Question, evaluate_one
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.languages import LANGUAGES, Language

LIMITS = Limits(wall_s=60.0, cpu_s=2, memory_bytes=1 << 29)
HURRIED = Limits(wall_s=2.0)
"""For what does nothing; all else has time enough on a busy machine."""
filtered = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="system calls are filtered on Linux, on x86-64 and ARM64",
)


@pytest.fixture(autouse=True)
def _hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LANGUAGES, "hostile", Language("hostile", "tests.replay.hostile"))
    monkeypatch.setenv("SECRET_TOKEN", "in the parent's environment")


def asked(deed: str, subject: str = "ann") -> Question:
    request = Request(subject={"type": "user", "id": subject}, action={"name": "a"}, resource={"type": "b", "id": "c"})
    return Question("hostile", (Policy("policy", deed),), request)


def test_what_a_policy_needs_it_gets() -> None:
    assert evaluate_one(asked("")) == Evaluation(effect="permit", determining=("ann",))


# deed, and what the error has to say; sources: setrlimit(2), seccomp(2), signal(7)
LOST = [
    ("spin", "processor time"),
    ("sleep", "no answer within 2 s"),
    ("fill", "the evaluator failed (MemoryError)"),
    ("gorge", "the evaluator failed (MemoryError)"),
    ("leave", "ended with code 7"),
    ("die", "ended by SIGSEGV"),
    ("raise", "the evaluator failed (RuntimeError)"),
    ("open", "the evaluator failed (PermissionError)"),
    ("connect", "the evaluator failed (PermissionError)"),
    ("run", "the evaluator failed (PermissionError)"),
]


@pytest.mark.parametrize("deed, said", LOST)
def test_an_evaluation_that_is_stopped_is_indeterminate_and_says_why(deed: str, said: str) -> None:
    answer = evaluate_one(asked(deed), HURRIED if deed == "sleep" else LIMITS)
    assert answer.effect == "indeterminate"
    assert answer.determining == ()
    assert said in answer.errors[0]
    assert "secret" not in answer.errors[0]


def test_nothing_of_the_parents_environment_is_seen() -> None:
    """What regopy's `opa.runtime()` would give away (G4)."""
    assert evaluate_one(asked("environment")).determining[0] in ("", "LC_CTYPE")


@filtered
@pytest.mark.parametrize("deed", ["open natively", "socket natively", "fork natively", "kill natively"])
def test_what_python_does_not_see_the_kernel_refuses(deed: str) -> None:
    assert evaluate_one(asked(deed)).determining == ("refused", "ann")


def test_what_an_engine_prints_is_no_answer() -> None:
    assert evaluate_one(asked("say")).determining == ("said", "ann")


def test_a_child_that_dies_takes_no_other_evaluation_along() -> None:
    questions = [asked("", "ann"), asked("die", "bob"), asked("", "cid"), asked("leave", "dan"), asked("", "eve")]
    with Pool(1, LIMITS) as pool:
        answers = list(pool.evaluate(questions))
    assert [answer.effect for answer in answers] == ["permit", "indeterminate", "permit", "indeterminate", "permit"]
    assert [answer.determining for answer in answers[::2]] == [("ann",), ("cid",), ("eve",)]


def test_policies_that_keep_ending_their_process_are_given_up() -> None:
    with Pool(2, LIMITS) as pool:
        answers = list(pool.evaluate(asked("leave", f"user-{number}") for number in range(40)))
    assert {answer.effect for answer in answers} == {"indeterminate"}
    assert any("too often" in answer.errors[0] for answer in answers)


def test_what_is_asked_twice_is_evaluated_once() -> None:
    with Pool(2) as pool:
        answers = list(pool.evaluate(asked("", f"user-{number % 7}") for number in range(2000)))
        assert pool.distinct == 7
    assert [answer.determining for answer in answers] == [(f"user-{number % 7}",) for number in range(2000)]


def test_languages_and_policies_are_not_mixed_up() -> None:
    cedar = Question("cedar", (Policy("p", "forbid(principal, action, resource);"),), asked("").request)
    with Pool(1) as pool:
        effects = [answer.effect for answer in pool.evaluate([asked(""), cedar, asked("", "bob"), cedar])]
    assert effects == ["permit", "deny", "permit", "deny"]


def test_a_policy_that_breaks_the_engine_itself_is_survived() -> None:
    """Two hundred thousand brackets end Cedar's parser with a full stack."""
    deep = "permit(principal, action, resource) when {" + "(" * 200_000 + "true" + ")" * 200_000 + "};"
    answer = evaluate_one(Question("cedar", (Policy("deep", deep),), asked("").request))
    assert answer.effect == "indeterminate"
    assert answer.errors
