"""How bills are written: comma-separated lines, each cell of data behind a backtick, money in yuan."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from scripts.simulator.wire_time import CHINA

BOM = "\ufeff"
FEE_PER_MILLE = 6
RATE = "0.60%"


def bill_text(header: Sequence[str], rows: Iterable[Sequence[str]], totals: dict[str, str]) -> str:
    """The whole bill: its columns, its rows, the names of its totals, and those."""
    data = [",".join(f"`{cell}" for cell in row) for row in [*rows, list(totals.values())]]
    lines = [",".join(header), *data[:-1], ",".join(totals), data[-1]]
    return "".join(f"{line}\r\n" for line in lines)


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def fee_fen(amount_fen: int) -> int:
    """What the provider keeps of a payment, and gives back with a refund: six per mille, rounded to the fen."""
    return (amount_fen * FEE_PER_MILLE + 500) // 1000


def fee_yuan(fen: int) -> str:
    """With five decimals, as fees are written."""
    return f"{'-' if fen < 0 else ''}{yuan(abs(fen))}000"


def bill_time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), CHINA).strftime("%Y-%m-%d %H:%M:%S")
