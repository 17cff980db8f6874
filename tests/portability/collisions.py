"""Two names that share the fast hash of Spark, made by arithmetic: XXH64 is not meant to withstand that."""

from __future__ import annotations

from random import Random

_P1 = 0x9E3779B185EBCA87
_P2 = 0xC2B2AE3D27D4EB4F
_SEED = 42
_MASK = (1 << 64) - 1
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/"


def same_hash() -> tuple[str, str]:
    """Two texts of 64 letters each of which Spark's `xxhash64` is one and the same.

    The first of the four lanes takes in eight bytes of every 32. After other first eight bytes, the second eight are
    chosen so that they bring the lane to where it was.
    """
    rng = Random(7)
    rest = [_letters(rng, 24), _letters(rng, 24)]
    start = (_SEED + _P1 + _P2) & _MASK
    while True:
        first, second, other = _letters(rng, 8), _letters(rng, 8), _letters(rng, 8)
        apart = (_round(start, first) - _round(start, other)) * pow(_P2, -1, 1 << 64)
        back = ((_number(second) + apart) & _MASK).to_bytes(8, "little")
        if all(byte in _LETTERS for byte in back) and first != other:
            return (first + rest[0] + second + rest[1]).decode(), (other + rest[0] + back + rest[1]).decode()


def _letters(rng: Random, count: int) -> bytes:
    return bytes(rng.choice(_LETTERS) for _ in range(count))


def _number(word: bytes) -> int:
    return int.from_bytes(word, "little")


def _round(lane: int, word: bytes) -> int:
    lane = (lane + _number(word) * _P2) & _MASK
    return ((lane << 31 | lane >> 33) & _MASK) * _P1 & _MASK
