"""Policies of strangers, evaluated in child processes that have nothing to lose: no environment, files or network.

A policy is a program that somebody else wrote, and an engine may fall over one that was written to make it. What
happens to the child, happens to the evaluation alone: a child that dies or is late makes it `indeterminate` with an
error, and another child goes on with the rest. What a child gives up: `confined.py`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Self

import msgspec

from quowarranto.errors import EngineError
from quowarranto.replay.confined import LENGTH, Batch, Ready, Start
from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Policy, Request
from quowarranto.replay.languages import LANGUAGES

_BEGIN = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from quowarranto.replay.confined import main; main()"
_WINDOW = 65_536
"""Questions that are looked at together, so that those about the same policies travel together."""
_BATCH = 512
_KEPT = 2_000_000
"""Answers that are remembered; more are forgotten all at once, and what is asked again is evaluated again."""
_DEATHS = 3
"""So many children may one set of policies cost; its other evaluations are given up."""
_SETS = 256
"""After so many sets of policies a child makes way for a fresh one: what it remembers is not endless."""
_START_S = 60.0


class Limits(msgspec.Struct, frozen=True):
    """What one batch, and where that fails one evaluation, may use."""

    wall_s: float = 10.0
    cpu_s: int = 5
    memory_bytes: int = 2 << 30


class Question(msgspec.Struct, frozen=True):
    """One evaluation that is wanted."""

    language: str
    policies: tuple[Policy, ...]
    request: Request


class _Failed(Exception):
    """A child died or was late; the message says how."""


_Set = tuple[str, int]
"""Language, and number of a set of policies."""


class Pool:
    """Child processes that evaluate; use it in a `with` block.

    Args:
        workers: processes; default one per core.
        limits: of each batch and evaluation.
    """

    def __init__(self, workers: int | None = None, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._count = workers or os.cpu_count() or 1
        self._children: SimpleQueue[_Child] = SimpleQueue()
        for _ in range(self._count):
            self._children.put(_Child(self._limits))
        self._threads = ThreadPoolExecutor(self._count)
        self._numbers: dict[tuple[Policy, ...], int] = {}
        self._deaths: dict[_Set, int] = {}
        self._known: dict[bytes, Evaluation] = {}
        self.distinct = 0
        """Evaluations made so far; all others were the same as one of these."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for _ in range(self._count):
            self._children.get().stop()

    def evaluate(self, questions: Iterable[Question]) -> Iterator[Evaluation]:
        """The answers in the order of the questions; what is asked twice is evaluated once."""
        remaining = iter(questions)
        while window := list(islice(remaining, _WINDOW)):
            if len(self._known) > _KEPT:
                self._known.clear()
            yield from self._window(window)

    def _window(self, window: Sequence[Question]) -> list[Evaluation]:
        keys: list[bytes] = []
        wanted: dict[_Set, dict[bytes, bytes]] = {}
        texts: dict[int, tuple[Policy, ...]] = {}
        encode = msgspec.msgpack.Encoder(order="sorted").encode
        for question in window:
            number = self._numbers.setdefault(question.policies, len(self._numbers))
            request = encode(question.request)
            head = f"{question.language}\0{number}\0".encode()
            key = blake2b(head + request, digest_size=16).digest()
            keys.append(key)
            if key not in self._known:
                texts[number] = question.policies
                wanted.setdefault((question.language, number), {})[key] = request
        list(self._threads.map(lambda batch: self._batch(batch[0], batch[1], texts[batch[0][1]]), list(_cut(wanted))))
        return [self._known[key] for key in keys]

    def _batch(self, which: _Set, part: list[tuple[bytes, bytes]], policies: tuple[Policy, ...]) -> None:
        child = self._children.get()
        try:
            for (key, _), answer in zip(part, self._answers(child, which, policies, part), strict=True):
                self._known[key] = answer
            self.distinct += len(part)
        finally:
            self._children.put(child)

    def _answers(
        self, child: _Child, which: _Set, policies: tuple[Policy, ...], part: Sequence[tuple[bytes, bytes]]
    ) -> list[Evaluation]:
        """A batch at once; where that fails, one by one, so that only what is at fault is lost."""
        if len(part) > 1 and which not in self._deaths:
            try:
                return child.ask(*which, policies, [request for _, request in part])
            except _Failed:
                self._deaths.setdefault(which, 0)
        return [self._single(child, which, policies, request) for _, request in part]

    def _single(self, child: _Child, which: _Set, policies: tuple[Policy, ...], request: bytes) -> Evaluation:
        if self._deaths.get(which, 0) >= _DEATHS:
            return _lost("the policies ended their process too often; this was not tried")
        try:
            return child.ask(*which, policies, [request])[0]
        except _Failed as failure:
            self._deaths[which] = self._deaths.get(which, 0) + 1
            return _lost(str(failure))


def _cut(wanted: Mapping[_Set, Mapping[bytes, bytes]]) -> Iterator[tuple[_Set, list[tuple[bytes, bytes]]]]:
    for which, requests in wanted.items():
        remaining = iter(requests.items())
        while part := list(islice(remaining, _BATCH)):
            yield which, part


def _lost(why: str) -> Evaluation:
    return Evaluation(effect="indeterminate", errors=(why,))


class _Child:
    """One child process, started when it is first asked, and again after it died."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._sent: set[int] = set()
        self._languages: set[str] = set()
        self._decode = msgspec.msgpack.Decoder(list[Evaluation]).decode

    def ask(
        self, language: str, number: int, policies: tuple[Policy, ...], requests: Sequence[bytes]
    ) -> list[Evaluation]:
        """The answers to encoded requests.

        Raises:
            _Failed: the child died, or gave no answer in time.
        """
        if len(self._sent) >= _SETS or language not in self._languages:
            self._languages.add(language)  # each is imported before anything is given up
            self.stop()
        process = self._process or self._started()
        told = None if number in self._sent else list(policies)
        self._sent.add(number)
        batch = Batch(language, number, [msgspec.Raw(request) for request in requests], told)
        try:
            _write(process, msgspec.msgpack.encode(batch), time.monotonic() + self._limits.wall_s)
            answers = self._decode(_read(process, time.monotonic() + self._limits.wall_s))
        except _Failed as failure:
            raise _Failed(self._ended(process, str(failure))) from None
        except msgspec.DecodeError:
            raise _Failed(self._ended(process, "the evaluating process gave no answer that can be read")) from None
        if len(answers) != len(requests):
            raise _Failed(self._ended(process, "the evaluating process gave too few answers"))
        return answers

    def _started(self) -> subprocess.Popen[bytes]:
        paths = msgspec.json.encode([path for path in sys.path if path]).decode()
        process = subprocess.Popen(  # noqa: S603 - this interpreter, with our own module
            [sys.executable, "-I", "-c", _BEGIN, paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            close_fds=True,
        )
        self._process, self._sent = process, set()
        modules = {name: LANGUAGES[name].module for name in sorted(self._languages)}
        start = Start(modules, self._limits.cpu_s, self._limits.memory_bytes)
        try:
            _write(process, msgspec.msgpack.encode(start), time.monotonic() + _START_S)
            msgspec.msgpack.decode(_read(process, time.monotonic() + _START_S), type=Ready)
        except (_Failed, msgspec.DecodeError) as failure:
            self.stop()
            raise EngineError(
                "no process for evaluating policies could be started",
                need="a child process of this Python, and memory for it",
            ) from failure
        return process

    def _ended(self, process: subprocess.Popen[bytes], how: str) -> str:
        """What became of the child, which is gone afterwards."""
        late = process.poll() is None and how == _LATE
        if not late:
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                late = True
        code = process.returncode
        self.stop()
        if late:
            return f"no answer within {self._limits.wall_s:g} s"
        if code == -signal.SIGXCPU:
            return f"the evaluation took more than {self._limits.cpu_s} s of processor time"
        if code is not None and code < 0:
            return f"the evaluating process was ended by {signal.Signals(-code).name}"
        return how if code is None else f"the evaluating process ended with code {code}"

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process, self._sent = self._process, None, set()
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # there may be something that nobody read any more
                    stream.close()


_LATE = "late"


def _write(process: subprocess.Popen[bytes], data: bytes, until: float) -> None:
    """Write one message; a child that does not read is late."""
    assert process.stdin is not None
    remaining = memoryview(LENGTH.pack(len(data)) + data)
    os.set_blocking(process.stdin.fileno(), False)
    while remaining:
        _wait(process.stdin, selectors.EVENT_WRITE, until)
        try:
            remaining = remaining[os.write(process.stdin.fileno(), remaining) :]
        except BlockingIOError:
            continue
        except OSError:
            raise _Failed("the evaluating process ended") from None


def _read(process: subprocess.Popen[bytes], until: float) -> bytes:
    (length,) = LENGTH.unpack(_exactly(process, LENGTH.size, until))
    return _exactly(process, length, until)


def _exactly(process: subprocess.Popen[bytes], size: int, until: float) -> bytes:
    assert process.stdout is not None
    held = bytearray()
    while len(held) < size:
        _wait(process.stdout, selectors.EVENT_READ, until)
        block = os.read(process.stdout.fileno(), min(size - len(held), 1 << 20))
        if not block:
            raise _Failed("the evaluating process ended")
        held += block
    return bytes(held)


def _wait(stream: IO[bytes], what: int, until: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, what)
        if not selector.select(max(0.0, until - time.monotonic())):
            raise _Failed(_LATE)


def evaluate_one(question: Question, limits: Limits | None = None) -> Evaluation:
    """One evaluation in a child of its own."""
    with Pool(1, limits) as pool:
        return next(iter(pool.evaluate([question])))
