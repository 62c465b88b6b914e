"""Opaque, prefixed, time-ordered ids: `crd_01hx…`. Never a secret, never an ObjectId."""

import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_LENGTH = 26


def new_id(prefix: str, now: datetime, place: int = 0) -> str:
    """A new id: 48 bits of milliseconds, 10 of its place, 72 random bits, so that ids sort by when they were made.

    `place` counts those of one moment that should keep their order.
    """
    number = int(now.timestamp() * 1000) << 82 | min(place, 1_023) << 72 | secrets.randbits(72)
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def is_id(value: str, prefix: str) -> bool:
    """Whether a text has the shape of an id with this prefix."""
    start, digits = value[: len(prefix) + 1], value[len(prefix) + 1 :]
    return start == f"{prefix}_" and len(digits) == _LENGTH and set(digits) <= set(_ALPHABET)


def prefix_of(value: str) -> str:
    """The part that names the kind: `crd` of `crd_01hx…`; empty when there is none."""
    prefix, separator, _ = value.partition("_")
    return prefix if separator else ""
