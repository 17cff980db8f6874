"""The codes of SPEC 8: name, severity and the bit that stands for each in the engine.

A bit never changes its meaning: verdicts keep the bits of their codes in one integer.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")

RootCause = Literal[
    "telemetry-gap",
    "unmanaged-exception",
    "weak-approval",
    "secret-sprawl",
    "stale-authority",
    "detached-system",
    "enforcement-bypass",
    "unknown",
]


class Code(msgspec.Struct, frozen=True):
    """One code: its bit in the engine (0: no verdict bears it), its name, how grave it is, what it says in a clause."""

    code: str
    bit: int
    severity: Severity
    name: str
    clause: str
    """Completes the sentence "… because …" in a verdict."""


def _code(position: int, code: str, severity: Severity, name: str, clause: str) -> Code:
    return Code(code, 1 << position, severity, name, clause)


def _about(code: str, severity: Severity, name: str, clause: str) -> Code:
    """A code about an authority itself, found over the whole case (`findings/standing.py`): no verdict bears it."""
    return Code(code, 0, severity, name, clause)


def _replayed(code: str, severity: Severity, name: str, clause: str) -> Code:
    """A code about a decision, found by deciding it again (`replay/`): it is laid over the verdicts that rest on it."""
    return Code(code, 0, severity, name, clause)


CODES: dict[str, Code] = {
    entry.code: entry
    for entry in (
        _code(0, "QW101", "high", "no authority found", "no authority for it is on record"),
        _code(1, "QW102", "medium", "inferred only", "its authority was inferred, not named by the record"),
        _code(2, "QW103", "high", "ambiguous authorities", "several sessions could have carried it"),
        _code(3, "QW104", "medium", "dangling citation", "it rests on a key of which there is no record"),
        _code(4, "QW105", "low", "control log not covering this moment", "no control records cover that time"),
        _code(5, "QW107", "medium", "chain cut", "its chain runs in a circle or too deep"),
        _code(6, "QW108", "medium", "not covered by known entitlements", "none of the principal's grants covers it"),
        _code(7, "QW109", "low", "decision names no ground", "the decision that allowed it names no ground"),
        _code(8, "QW201", "high", "expired", "an authority in its chain had expired"),
        _code(9, "QW202", "critical", "revoked", "an authority in its chain had been revoked or closed"),
        _code(10, "QW203", "high", "stale policy", "a superseded version decided"),
        _code(11, "QW204", "high", "not yet valid", "an authority in its chain was not yet valid"),
        _code(12, "QW205", "critical", "denied, yet it happened", "its chain holds a denial"),
        _code(13, "QW206", "critical", "outside the granted scope", "it lies outside a scope in its chain"),
        _code(14, "QW207", "critical", "wrong principal", "an authority in its chain empowers another principal"),
        _code(15, "QW208", "critical", "unauthorised origin", "an authority in its chain was obtained unauthorised"),
        _code(16, "QW301", "high", "self-approved", "the approval was given by its own requester"),
        _code(17, "QW302", "high", "approved afterwards", "the approval came after the fact"),
        _code(18, "QW304", "high", "exception past its end", "the exception it relies on had ended"),
        _code(19, "QW305", "medium", "exception without owner or end", "its exception lacks an owner or an end"),
        _code(20, "QW306", "low", "approval without reason", "its approval gives neither justification nor ticket"),
        _code(21, "QW401", "info", "rotated credential in grace", "its credential was rotated and in grace"),
        _code(22, "QW402", "high", "delayed consumer", "its credential had been rotated and was past its grace"),
        _code(
            23,
            "QW403",
            "critical",
            "rotated credential from an unseen origin",
            "its rotated credential came from an origin never seen with it before",
        ),
        _code(24, "QW406", "critical", "revocation not propagated", "a revoked instrument was still accepted"),
        _code(25, "QW604", "info", "holds only within the clock tolerance", "it holds only within the clock tolerance"),
        _code(26, "QW606", "medium", "two records bear one id", "another record bears the same id"),
        _code(27, "QW303", "high", "expected control missing", "a control that is demanded of it is not in its chain"),
        _code(28, "QW405", "medium", "credential lives too long", "its credential lives longer than is allowed"),
        _code(29, "QW503", "high", "standing grant", "a standing grant carries it where none may"),
        _about("QW404", "high", "secret sprawl", "its credential was used from many origins in a short time"),
        _about("QW407", "medium", "human use of a non-human identity", "a person used the credential of a workload"),
        _about("QW501", "medium", "grant never used", "nothing that was done needed the grant"),
        _about("QW502", "medium", "grant much wider than its use", "a much narrower scope would have sufficed"),
        _replayed(
            "QW601",
            "critical",
            "replay disagrees with the recorded decision",
            "the policy, asked again, says otherwise than the decision on record",
        ),
        _replayed(
            "QW605",
            "info",
            "decision made without the inputs needed to replay it",
            "the decision it rests on lacks what is needed to decide it again",
        ),
        _about("QW602", "medium", "gap in an enforcement log", "records of an enforcement log are missing"),
    )
}

GUILTY: tuple[str, ...] = (
    *("QW201", "QW202", "QW203", "QW204", "QW205", "QW206", "QW207", "QW208"),
    *("QW302", "QW304", "QW402", "QW403"),
)
"""Codes that make a `proven` or `partial` action unauthorised (SPEC 6)."""

PRINCIPAL_CODES: tuple[str, ...] = ("QW101", "QW102", "QW103", "QW104", "QW105", "QW108", "QW303", "QW606")
"""Codes that are about no authority: their findings are folded under the principal."""

REPLAYED: tuple[str, ...] = ("QW601", "QW605")
"""Codes of decisions that were decided again."""

ABOUT_AUTHORITIES: tuple[str, ...] = tuple(
    code for code, entry in CODES.items() if not entry.bit and code not in REPLAYED
)
"""Codes that no verdict bears."""

ROOT_CAUSES: tuple[tuple[RootCause, tuple[str, ...]], ...] = (
    ("telemetry-gap", ("QW105",)),
    ("unmanaged-exception", ("QW304", "QW305")),
    ("weak-approval", ("QW301", "QW302", "QW306")),
    ("secret-sprawl", ("QW402", "QW403", "QW405")),
    ("stale-authority", ("QW201", "QW202", "QW203", "QW204")),
    ("detached-system", ("QW102", "QW104", "QW108", "QW109")),
    ("enforcement-bypass", ("QW205", "QW206", "QW207", "QW208")),
)
"""The first that applies (SPEC 8); `secret-sprawl` also has a rule on dangling keys that needs more than codes,
and `weak-approval` counts QW303 only where what is missing is an approval."""


UNAPPROVED = 1 << 31
"""Stands beside the bits of codes where QW303 is about an approval (SPEC 8, `weak-approval`)."""


def mask(codes: tuple[str, ...] | list[str]) -> int:
    """The bits of these codes."""
    return sum(CODES[code].bit for code in codes)


def names(bits: int) -> tuple[str, ...]:
    """The codes in these bits, sorted."""
    return tuple(sorted(code for code, entry in CODES.items() if bits & entry.bit))
