"""Groups of regular expressions that give nothing back once they have matched.

Python's own, `(?>…)` and `(?:…)*+`, match wrongly before 3.11.5 where what stands in them can itself be matched in more
than one way (CPython issue 106052), and Debian 12 ships 3.11.2. What is looked ahead for gives nothing back either, and
does so in every version. Repeats of a single character, as `[a-z]*+`, are sound everywhere.
"""

from __future__ import annotations

from itertools import count

_numbers = count()


def atomic(pattern: str) -> str:
    """The pattern as a group that gives nothing back. It makes a named group: every use needs a call of its own."""
    name = f"atomic_{next(_numbers)}"
    return f"(?=(?P<{name}>{pattern}))(?P={name})"
