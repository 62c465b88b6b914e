"""Opaque, prefixed, time-ordered ids: `crd_01hx…`. Never a secret, never an ObjectId."""

import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_LENGTH = 26


def new_id(prefix: str, now: datetime) -> str:
    """A new id: 48 bits of milliseconds, then 82 random bits, so that ids sort by the time they were made."""
    number = int(now.timestamp() * 1000) << 82 | secrets.randbits(82)
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def prefix_of(value: str) -> str:
    """The part that names the kind: `crd` of `crd_01hx…`; empty when there is none."""
    prefix, separator, _ = value.partition("_")
    return prefix if separator else ""
