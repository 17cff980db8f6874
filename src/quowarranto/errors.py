"""Every exception of Quo Warranto.

    QuoWarrantoError
    ├── ConfigError      `quo.toml` or a flag says something that cannot be obeyed
    ├── SourceError      an input as a whole cannot be read (one broken line is never an exception: it is quarantined)
    ├── CaseError        the case folder cannot be read or written
    ├── OutputError      a file that was asked for cannot be written
    ├── EngineError      the engine that was asked for cannot be had, or failed at its work
    └── RejectedEntry    one entry is not what its source says it is; ingest turns it into a quarantined line

A verdict is a value, an error is a failure to reach one: a grant that had expired is never an exception.
"""

from __future__ import annotations

from collections.abc import Iterable


class QuoWarrantoError(Exception):
    """Base of all errors; carries where it happened, what was needed and what to try.

    The message is lower case, without a full stop, names in backticks.
    """

    def __init__(
        self,
        message: str,
        *,
        at: str | None = None,
        need: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.need = need
        self.hint = hint

    def lines(self) -> list[str]:
        """The error as the command line prints it: message, then `at`, `need`, `try` where known."""
        out = [f"error: {self.message}"]
        for label, text in (("at", self.at), ("need", self.need), ("try", self.hint)):
            if text:
                out.append(f"{label:>5}: {text}")
        return out


def nearest(name: str, known: Iterable[str]) -> str | None:
    """What to try instead of a name that is none of the known ones."""
    import difflib

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0)
    return f"did you mean `{near[0]}`?" if near else None


class ConfigError(QuoWarrantoError):
    """A setting that cannot be obeyed."""


class SourceError(QuoWarrantoError):
    """An input that cannot be read as a whole."""


class CaseError(QuoWarrantoError):
    """The case folder cannot be read or written."""


class OutputError(QuoWarrantoError):
    """A file that was asked for cannot be written."""


class EngineError(QuoWarrantoError):
    """The engine that was asked for cannot be had, or failed at its work."""


class RejectedEntry(ValueError):
    """One entry is not what its source says it is; the reason never quotes the content."""
