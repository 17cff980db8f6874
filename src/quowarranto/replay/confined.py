"""The child process in which policies of strangers are evaluated: what it gives up, and how it answers.

It imports what a language needs, then gives up files, network, other processes and all but a little memory and time,
and only then reads the first policy. Messages go through the standard streams it was started with: 4 bytes of length
(little-endian), then MessagePack.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import resource
import struct
import sys
from typing import Any, BinaryIO

import msgspec

from quowarranto.replay.evaluation import Evaluation
from quowarranto.replay.language import Evaluate, Policy, Request
from quowarranto.replay.seccomp import refuse_system_calls

LENGTH = struct.Struct("<I")
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_NOTHING = Request(subject={"type": "", "id": ""}, action={"name": ""}, resource={"type": "", "id": ""})


class Start(msgspec.Struct, frozen=True):
    """How a child begins: modules of languages, and what it may use."""

    modules: dict[str, str]
    cpu_s: int
    memory_bytes: int


class Batch(msgspec.Struct, frozen=True):
    """Requests for one set of policies; `policies` is there the first time that a child hears of the set."""

    language: str
    number: int
    requests: list[msgspec.Raw]
    policies: list[Policy] | None = None


class Ready(msgspec.Struct, frozen=True):
    """What the child gave up before it read a policy."""

    filtered: bool
    """System calls are filtered."""
    unplugged: bool
    """It stands in a network of its own, with nobody else in it."""


def send(stream: BinaryIO, message: Any) -> None:
    """Write one message."""
    data = msgspec.msgpack.encode(message)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def main() -> None:
    """Serve batches until the parent closes the stream."""
    incoming = sys.stdin.buffer
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what an engine prints is no answer
    start = msgspec.msgpack.decode(_received(incoming), type=Start)
    evaluators = {name: _prepared(module) for name, module in start.modules.items()}
    send(outgoing, confine(start))
    decode = msgspec.msgpack.Decoder(Batch).decode
    known: dict[int, list[Policy]] = {}
    while data := _received(incoming):
        batch = decode(data)
        if batch.policies is not None:
            known[batch.number] = batch.policies
        _allow_time(start.cpu_s)
        send(outgoing, _answers(evaluators[batch.language], known[batch.number], batch.requests))


def confine(start: Start) -> Ready:
    """Give up, for good, what an evaluation does not need."""
    unplugged = _unplug()
    resource.setrlimit(resource.RLIMIT_AS, (start.memory_bytes, start.memory_bytes))
    for what in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(what, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    filtered = refuse_system_calls()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # those that are open stay open, and there are no others
    sys.addaudithook(_refuse)
    return Ready(filtered, unplugged)


def _unplug() -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK) == 0)
    except (OSError, AttributeError):
        return False


_REFUSED = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.spawn")


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    """What the filter would refuse too, said in Python's words; the only guard where there is no filter."""
    if event == "open" or event.startswith(_REFUSED):
        raise PermissionError(f"an evaluation may not use `{event}`")


def _allow_time(cpu_s: int) -> None:
    """So many seconds of processor time more; beyond, the kernel ends the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _prepared(module: str) -> Evaluate:
    """A language's evaluator, with everything imported that it imports when it is first used."""
    evaluate: Evaluate = importlib.import_module(module).evaluate
    for policies in ([], [Policy("nothing", "")], [Policy("nothing", "{}")]):
        with contextlib.suppress(Exception):
            evaluate(policies, _NOTHING)
    return evaluate


def _answers(evaluate: Evaluate, policies: list[Policy], requests: list[msgspec.Raw]) -> list[Evaluation]:
    decode = msgspec.msgpack.Decoder(Request).decode
    return [_answer(evaluate, policies, decode(request)) for request in requests]


def _answer(evaluate: Evaluate, policies: list[Policy], request: Request) -> Evaluation:
    try:
        return evaluate(policies, request)
    except Exception as error:  # an evaluator raises nothing; where one does, its text might quote the request
        return Evaluation(effect="indeterminate", errors=(f"the evaluator failed ({type(error).__name__})",))


def _received(stream: BinaryIO) -> bytes:
    """One message; empty where the stream has ended."""
    head = stream.read(LENGTH.size)
    return stream.read(*LENGTH.unpack(head)) if len(head) == LENGTH.size else b""
