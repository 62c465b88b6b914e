"""Reading the payment providers' bills: comma-separated lines with a backtick before each cell, money in yuan.

A bill is read whole or not at all: its totals must be those of its rows.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from resolvers.ports import OutsideFault

MAXIMUM_BILL = 64 * 1024 * 1024  # bytes once unpacked; 200 000 rows have about as much
# Of a product's name and a merchant's note, which stand side by side, either may hold what looks like two cells.
FREE_TEXT = "商品名称"
_YUAN = re.compile(r"(\d{1,12})(?:\.(\d{1,2})0*)?", re.ASCII)
_GZIP = 16 + zlib.MAX_WBITS


class BillInvalid(OutsideFault):
    """A bill that is damaged, or not of the form we know."""


@dataclass(frozen=True, slots=True)
class BillText:
    """Rows and totals by the names of their columns, without the unit that some names end with."""

    rows: list[dict[str, str]]
    totals: dict[str, str]

    def check_total(self, total: str, column: str) -> None:
        """Raises BillInvalid unless that total is the sum of that column."""
        if fen_of(self.totals.get(total, "")) != sum(fen_of(row[column]) for row in self.rows):
            raise BillInvalid(f"the rows do not sum to {total}")


def unpacked(content: bytes) -> bytes:
    """What was gzipped; as it is when it was not. Raises BillInvalid when it is damaged or too large."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    reader = zlib.decompressobj(_GZIP)
    try:
        plain = reader.decompress(content, MAXIMUM_BILL)
    except zlib.error as error:
        raise BillInvalid("damaged gzip") from error
    if not reader.eof or reader.unused_data:
        raise BillInvalid("gzip that is cut short, too large, or has something behind it")
    return plain


def read_bill(content: bytes, columns: Sequence[str], count: str) -> BillText:
    """The rows of a bill that has at least these columns; `count` names the total that counts them.

    Raises BillInvalid.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BillInvalid("not UTF-8") from error
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) < 3:
        raise BillInvalid("no header, no totals")
    header = _names(lines[0])
    if missing := [name for name in columns if name not in header]:
        raise BillInvalid(f"no column {missing[0]}")
    rows = [_row(header, line) for line in lines[1:-2]]
    totals = _row(_names(lines[-2]), lines[-1])
    if totals.get(count) != str(len(rows)):
        raise BillInvalid(f"{len(rows)} rows, but {count} is {totals.get(count)}")
    return BillText(rows, totals)


def fen_of(yuan: str) -> int:
    """Yuan as text in fen; "38", "38.8" and "38.80000" are all as exact. Raises BillInvalid."""
    found = _YUAN.fullmatch(yuan)
    if found is None:
        raise BillInvalid(f"not an amount: {yuan[:20]}")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _names(line: str) -> list[str]:
    return [name.strip().removesuffix("(元)").removesuffix("（元）") for name in line.split(",")]


def _row(header: list[str], line: str) -> dict[str, str]:
    """Cells by column; what is too much belongs to the free text, so that all else stays in its place."""
    cells = line[1:].split(",`") if line.startswith("`") else [cell.removeprefix("`") for cell in line.split(",")]
    spare = len(cells) - len(header)
    if spare > 0 and FREE_TEXT in header:
        at = header.index(FREE_TEXT)
        cells[at : at + spare + 1] = [",`".join(cells[at : at + spare + 1])]
    if len(cells) != len(header):
        raise BillInvalid(f"{len(cells)} cells for {len(header)} columns")
    return {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
