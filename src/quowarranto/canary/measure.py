"""One measurement: a credential made for it is used, revoked and used on until it is refused.

Durations are of a clock that never jumps; the times in records are those of the machine that measures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal, Protocol

import msgspec

from quowarranto.errors import QuoWarrantoError
from quowarranto.records import Action, AuthorityFact, Instant, Principal, Record, Resource

Answer = Literal["accepted", "refused", "unclear"]
WHO = Principal("workload", "quo-canary")
REFUSALS = 3
"""So many refusals in a row end a measurement: behind several servers one may know before another."""


class CanaryError(QuoWarrantoError):
    """The system did not do what a measurement needs; the message holds no secret."""


class Target(Protocol):
    """A system in which a credential can be issued, used and revoked."""

    verb: str
    """What a use is, as an action of a record."""
    resource: Resource

    def issue(self) -> str:
        """Make a credential and give its key in records, which is no secret."""

    def use(self) -> Answer:
        """Present it once."""

    def revoke(self) -> None:
        """Take it away; returns when the system has said that it did. Doing it twice is no error."""


class Use(msgspec.Struct, frozen=True):
    """One use: when it was sent and when it was answered, microseconds after the revocation was acknowledged."""

    sent_us: int
    answered_us: int
    answer: Answer


class Measured(msgspec.Struct, frozen=True):
    """What came of it. Times are instants, durations microseconds."""

    key: str
    verb: str
    resource: Resource
    issued_at: Instant
    usable_after_us: int
    """From the issue to the first use that was accepted."""
    revoked_at: Instant
    """When the system had acknowledged the revocation."""
    before: tuple[Use, ...]
    uses: tuple[Use, ...]
    """After the revocation, in order."""
    ended: bool
    """Whether it was refused for good before the time was up."""

    @property
    def last_accepted_us(self) -> int:
        """The last use that was accepted, after the acknowledgement; 0: none was."""
        return max((use.sent_us for use in self.uses if use.answer == "accepted"), default=0)

    @property
    def resolution_us(self) -> int:
        """How far the end of acceptance may lie behind the last accepted use: until the next refusal was sent."""
        later = [use.sent_us for use in self.uses if use.answer == "refused" and use.sent_us >= self.last_accepted_us]
        return min(later, default=self.uses[-1].answered_us if self.uses else 0) - self.last_accepted_us


def measure(
    target: Target,
    *,
    interval_s: float,
    timeout_s: float,
    clock: Callable[[], int] = time.monotonic_ns,
    now: Callable[[], int] = time.time_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> Measured:
    """Measure once; the credential is revoked whatever happens.

    Args:
        interval_s: seconds between the starts of two uses, at least.
        timeout_s: seconds after which to give up, before and after the revocation.
    Raises:
        CanaryError: the system refuses to issue or revoke, or never accepts what it issued.
    """
    issued, issued_at = clock(), now() // 1000
    key = target.issue()
    try:
        before = list(_uses(target, issued, interval_s, timeout_s, clock, sleep, until="accepted"))
        if before[-1].answer != "accepted":
            raise CanaryError("what was issued is never accepted", need="one use that succeeds before it is revoked")
    finally:
        target.revoke()
    revoked, revoked_at = clock(), now() // 1000
    after = list(_uses(target, revoked, interval_s, timeout_s, clock, sleep, until="refused"))
    ended = [use.answer for use in after[-REFUSALS:]] == ["refused"] * REFUSALS
    offset = (issued - revoked) // 1000
    shifted = [Use(use.sent_us + offset, use.answered_us + offset, use.answer) for use in before]
    return Measured(
        key=key,
        verb=target.verb,
        resource=target.resource,
        issued_at=issued_at,
        usable_after_us=before[-1].answered_us,
        revoked_at=revoked_at,
        before=tuple(shifted),
        uses=tuple(after),
        ended=ended,
    )


def _uses(
    target: Target,
    start: int,
    interval_s: float,
    timeout_s: float,
    clock: Callable[[], int],
    sleep: Callable[[float], None],
    *,
    until: Answer,
) -> Iterator[Use]:
    """Use it again and again: until it is accepted once, or refused `REFUSALS` times in a row, or the time is up."""
    wanted, row = (1 if until == "accepted" else REFUSALS), 0
    while True:
        sent = clock()
        answer = target.use()
        answered = clock()
        yield Use((sent - start) // 1000, (answered - start) // 1000, answer)
        row = row + 1 if answer == until else 0
        if row >= wanted or answered - start >= timeout_s * 1e9:
            return
        sleep(max(0.0, interval_s - (answered - sent) / 1e9))


def records(measured: Measured) -> Iterator[Record]:
    """The measurement as native records, for `quo link`: the credential, each use, the revocation."""
    yield AuthorityFact(kind="credential", id=measured.key, time=measured.issued_at, principal=WHO)
    yield AuthorityFact(
        kind="credential", id=measured.key, time=measured.revoked_at, fact="ended", end="revoked", principal=WHO
    )
    for number, use in enumerate((*measured.before, *measured.uses)):
        if use.answer != "unclear":
            yield Action(
                id=f"quo-canary/{measured.key}/{measured.issued_at}/{number}",
                time=measured.revoked_at + use.sent_us,
                principal=WHO,
                action=measured.verb,
                resource=measured.resource,
                outcome="success" if use.answer == "accepted" else "denied",
                cites=(measured.key,),
            )
