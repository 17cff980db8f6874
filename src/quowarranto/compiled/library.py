"""`cutter.c` opened: its functions and structures, or None where it was not made."""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, c_char_p, c_int32, c_int64, c_uint64, c_void_p
from functools import cache
from typing import Any

from quowarranto.compiled import build

MOST_MEMBERS, MOST_PARTS, MOST_OWN, MOST_MOMENTS = 60, 8, 12, 4
VERSION = 5
"""Of what stands between the two; a library of another one is not used."""
IN_PYTHON = "QUO_IN_PYTHON"
"""A variable of the environment: if it is set, everything is done in Python."""


class Field(Structure):
    """`field_t`"""

    _fields_ = (
        ("name", c_char_p),
        ("kind", c_int32),
        ("required", c_int32),
        ("parent", c_int32),
        ("values", c_char_p),
        ("count", c_int32),
    )


class PartOf(Structure):
    """`part_t`"""

    _fields_ = (
        ("fields", c_int32 * MOST_MEMBERS),
        ("unless", c_int32 * MOST_MEMBERS),
        ("count", c_int32),
    )


class Sha256(Structure):
    """`sha256_t`: addresses of OpenSSL's functions."""

    _fields_ = (("whole", c_void_p), ("begin", c_void_p), ("add", c_void_p), ("end", c_void_p))


class Span(Structure):
    """`span_t`"""

    _fields_ = (("begin", c_int32), ("end", c_int32))


class Fresh(Structure):
    """`fresh_t`"""

    _fields_ = (("part", c_int32), ("number", c_int32), ("row", c_int32))


class Piece(Structure):
    """`piece_t`"""

    _fields_ = (("kind", c_int32), ("number", c_int32), ("text", c_char_p), ("ends", POINTER(c_int64)))


class ArrowSchema(Structure):
    """Of Arrow's C data interface."""

    _fields_ = (
        ("format", c_char_p),
        ("name", c_char_p),
        ("metadata", c_char_p),
        ("flags", c_int64),
        ("n_children", c_int64),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    )


class ArrowArray(Structure):
    """Of Arrow's C data interface."""

    _fields_ = (
        ("length", c_int64),
        ("null_count", c_int64),
        ("offset", c_int64),
        ("n_buffers", c_int64),
        ("n_children", c_int64),
        ("buffers", c_void_p),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    )


_ARROW = (POINTER(ArrowArray), POINTER(ArrowSchema))
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "qw_version": (c_int32, ()),
    "qw_new": (
        c_void_p,
        (POINTER(Field), c_int32, POINTER(PartOf), c_int32, c_int32, c_char_p, c_int32, c_uint64, POINTER(Sha256)),
    ),
    "qw_free": (None, (c_void_p,)),
    "qw_scan_lines": (c_int32, (c_void_p, c_char_p, c_int64, c_int64, c_int64, c_int32)),
    "qw_newlines": (c_int64, (c_void_p, c_int64, c_int64)),
    "qw_scan_entries": (c_int32, (c_void_p, c_char_p, *(POINTER(c_int64),) * 3, c_int64, c_int32)),
    "qw_fresh": (POINTER(Fresh), (c_void_p,)),
    "qw_fresh_spans": (POINTER(Span), (c_void_p,)),
    "qw_assign": (None, (c_void_p, c_int32, c_int32, c_int32, c_int32)),
    "qw_doubtful": (c_int32, (c_void_p, c_char_p, c_int64)),
    "qw_take": (c_int32, (c_void_p,)),
    "qw_left": (POINTER(c_int32), (c_void_p,)),
    "qw_entries": (c_int64, (c_void_p,)),
    "qw_begin": (c_int64, (c_void_p, c_int32)),
    "qw_end": (c_int64, (c_void_p, c_int32)),
    "qw_waiting": (c_int64, (c_void_p,)),
    "qw_known": (c_int64, (c_void_p, c_int32)),
    "qw_forget": (None, (c_void_p, c_int32)),
    "qw_begin_anew": (None, (c_void_p,)),
    "qw_choose": (c_int64, (c_void_p, c_int32)),
    "qw_unite": (
        c_int64,
        (c_void_p, c_int32, POINTER(c_int32), POINTER(POINTER(c_int32)), c_int32, c_int32, POINTER(c_int64)),
    ),
    "qw_part_at": (c_int32, (c_void_p, c_int32, c_int32, c_int64)),
    "qw_has_at": (c_int32, (c_void_p, c_int32, c_int64)),
    "qw_numbers": (c_int32, (c_void_p, c_int32, c_int32, *_ARROW)),
    "qw_texts": (c_int32, (c_void_p, c_int32, POINTER(Piece), c_int32, c_int32, c_int32, *_ARROW)),
    "qw_lists": (
        c_int32,
        (
            *(c_void_p, c_int32, POINTER(Piece), c_int32, c_int32, POINTER(c_int32), POINTER(c_char_p)),
            *(POINTER(POINTER(c_int64)),) * 2,
            *(c_int32, *_ARROW, *_ARROW),
        ),
    ),
    "qw_own_lists": (c_int32, (c_void_p, c_int32, c_int32, *_ARROW, *_ARROW)),
    "qw_has_lists": (c_int32, (c_void_p, c_int32, c_int32, *_ARROW)),
    "qw_range": (c_int32, (c_void_p, c_int32, c_int64, *_ARROW)),
    "qw_moments": (c_int32, (c_void_p, c_int32, c_int32, *_ARROW)),
}


@cache
def sha256_of_openssl() -> Sha256 | None:
    """The functions that Python's own `hashlib` is made of."""
    try:
        import _hashlib

        found = ctypes.CDLL(_hashlib.__file__)
        whole = ctypes.cast(found.SHA256, c_void_p).value
    except (ImportError, AttributeError, OSError):
        return None
    try:
        steps = [ctypes.cast(getattr(found, f"SHA256_{step}"), c_void_p).value for step in ("Init", "Update", "Final")]
    except AttributeError:  # they are deprecated
        steps = [None, None, None]
    return Sha256(whole, *steps)


@cache
def library() -> Any:
    """The library, or None where it was not made, is not wanted, or this Python has no OpenSSL that it could use."""
    path = build.HERE / build.NAME
    if os.environ.get(IN_PYTHON) or not path.exists() or sha256_of_openssl() is None:
        return None
    try:
        found = ctypes.CDLL(str(path))
        if found.qw_version() != VERSION:
            return None
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):  # of another machine, or an older one
        return None
    return found


def capsules(array: ArrowArray, schema: ArrowSchema) -> tuple[Any, Any]:
    """What a library that takes Arrow is handed: (schema, array). The structures must live until it has taken them."""
    made = ctypes.pythonapi.PyCapsule_New
    made.restype, made.argtypes = ctypes.py_object, (c_void_p, c_char_p, c_void_p)
    return made(ctypes.addressof(schema), b"arrow_schema", None), made(ctypes.addressof(array), b"arrow_array", None)
