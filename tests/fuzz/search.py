"""Trying a target with one changed input after the other, and making what it fails on small."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.fuzz.mutations import Mutator
from tests.fuzz.targets import OWN, Target

FOUND = Path(__file__).parents[1] / "fuzz_found"
"""Inputs that some parser once failed on, `<target>/<digest>`; the tests try them again."""
_POOL = 4_000
"""Seeds that are remembered at most."""
_SLOW_S = 5.0
"""An input of 64 KiB that takes longer is a failure as well."""


class Failure(msgspec.Struct, frozen=True):
    """An input and what came of it: the exception and the innermost place in the project."""

    data: bytes
    what: str


def search(target: Target, seconds: float, seed: int, *, most: int = 20) -> tuple[int, list[Failure]]:
    """Try for so long; how many inputs that were, and failures, each place once, made small."""
    dice = random.Random(f"{target.name} {seed}")
    mutator = Mutator(dice, target.seeds())
    answers: set[str] = set()
    failures: dict[str, Failure] = {}
    tried, until = 0, time.monotonic() + seconds
    while time.monotonic() < until and len(failures) < most:
        data = mutator.next()
        tried += 1
        answer, what = attempt(target, data)
        if what is not None:
            failures.setdefault(what, Failure(data, what))
        elif answer not in answers and len(mutator.pool) < _POOL:
            answers.add(answer)
            mutator.pool.append(data)
    return tried, [Failure(small(target, one), one.what) for one in failures.values()]


def attempt(target: Target, data: bytes) -> tuple[str, str | None]:
    """What the target answers, or what it raised that is none of the project's own errors."""
    began = time.process_time()  # whatever else the machine does
    try:
        answer = target.run(data)
    except OWN as error:
        answer = type(error).__name__ + str(error)[:60]
    except MemoryError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return "", f"{type(error).__name__} at {_place(error)}"
    if time.process_time() - began > _SLOW_S:
        return "", f"it took longer than {_SLOW_S:g} s"
    return answer, None


def _place(error: BaseException) -> str:
    """The innermost line in the project's own code."""
    found, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "quowarranto" in file or "targets.py" in file:
            found = f"{Path(file).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def small(target: Target, failure: Failure, seconds: float = 5.0) -> bytes:
    """The input with as much taken away as still fails in the same place."""
    data, until = failure.data, time.monotonic() + seconds
    if failure.what.startswith("it took"):
        return data
    for size in _halves(len(data)):
        begin = 0
        while begin < len(data) and time.monotonic() < until:
            shorter = data[:begin] + data[begin + size :]
            if attempt(target, shorter)[1] == failure.what:
                data = shorter
            else:
                begin += size
    return data


def _halves(size: int) -> Iterator[int]:
    while size > 1:
        size = (size + 1) // 2
        yield size


def keep(target: Target, failure: Failure, folder: Path = FOUND) -> Path:
    """Write the input where the tests find it."""
    path = folder / target.name.replace("/", "-") / hashlib.sha256(failure.data).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(failure.data)
    return path


def kept(name: str, folder: Path = FOUND) -> list[Path]:
    """What was once found for a target."""
    return sorted((folder / name.replace("/", "-")).glob("*"))
