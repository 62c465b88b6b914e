"""Money is whole fen; this file is the only place where it is divided.

Splitting by largest remainder over what *remains* of each part never takes more from a part than it has, which giving
the odd fen to the last part does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAXIMUM_FEN = 2**53 - 1  # the largest integer a JSON number carries exactly


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in fen (1/100 yuan). Refuses everything that is not an int, so that no float ever enters."""

    amount_fen: int

    def __post_init__(self) -> None:
        check_fen(self.amount_fen)

    @property
    def display(self) -> str:
        """The amount as a diner reads it: `¥38.00`, `-¥0.05`."""
        return display(self.amount_fen)


def check_fen(amount_fen: object) -> int:
    """Answer the amount if it is a whole number of fen within ±2^53-1, else raise TypeError or ValueError."""
    if type(amount_fen) is not int:
        raise TypeError(f"money must be an int of fen, got {type(amount_fen).__name__}")
    if abs(amount_fen) > MAXIMUM_FEN:
        raise ValueError("money is beyond 2^53-1 fen")
    return amount_fen


def display(amount_fen: int) -> str:
    """`3800` → `¥38.00`."""
    sign = "-" if amount_fen < 0 else ""
    yuan, fen = divmod(abs(amount_fen), 100)
    return f"{sign}¥{yuan}.{fen:02d}"


def split(total_fen: int, remaining: Sequence[int]) -> list[int]:
    """Share `total_fen` over parts in proportion to what remains of each, by largest remainder, ties to the first.

    The shares sum to `total_fen` exactly and none is above its part. Raises ValueError when the parts together have
    less than `total_fen`.
    """
    whole = sum(remaining)
    if total_fen < 0 or any(part < 0 for part in remaining):
        raise ValueError("cannot split a negative amount")
    if total_fen > whole:
        raise ValueError(f"cannot take {total_fen} from parts that hold {whole}")
    if total_fen == 0:
        return [0] * len(remaining)
    shares = [total_fen * part // whole for part in remaining]
    remainders = [total_fen * part % whole for part in remaining]
    left = total_fen - sum(shares)
    # A part with a remainder has a share below its size, so one more fen never overdraws it.
    for index in sorted(range(len(remaining)), key=lambda i: (-remainders[i], i))[:left]:
        shares[index] += 1
    return shares


def share_of_units(total_fen: int, quantity: int, before: int, count: int) -> int:
    """The part of a line's `total_fen` that `count` of its `quantity` units carry when `before` are already settled.

    Cumulative floor: settling unit by unit, in any grouping, always sums to `total_fen`.
    """
    return total_fen * (before + count) // quantity - total_fen * before // quantity
