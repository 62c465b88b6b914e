"""Bills that are wrong on demand: what a reconciliation is there to find.

A lie has `provider`, `kind` and perhaps `number`, and holds for every bill of that provider until all are cleared.
`number` is the out_trade_no or out_refund_no whose row is meant; without it, the first row of the bill is.

- `omit`: the row is left out.
- `invent`: a row of 12.34 yuan for an order that nobody placed is added; `number` is what it is called.
- `amount`: the row says one fen more.
- `status`: a paid order's row says that it was closed, a refund's that it failed.
- `hash`: the hash does not fit the file (WeChat Pay only: QQ Wallet's bill carries none).
- `cut`: the file ends in the middle.

Totals, and hashes but for `hash`, are those of the wrong rows: the bill is wrong, not damaged.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time
from typing import Any

from scripts.simulator.bill_rows import BillRow
from scripts.simulator.crypto import random_digits
from scripts.simulator.wire_time import CHINA

KINDS = ("omit", "invent", "amount", "status", "hash", "cut")
INVENTED_FEN = 1234
MAX_LIES = 100


@dataclass(frozen=True)
class BillLie:
    """One lie in force."""

    provider: str
    kind: str
    number: str


class BillLies:
    """The lies in force, oldest first."""

    def __init__(self) -> None:
        self._lies: list[BillLie] = []

    def add(self, lie: BillLie) -> None:
        """Put a lie in force; raises ValueError with a readable message when it is none."""
        if lie.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        if lie.kind == "hash" and lie.provider == "qq":
            raise ValueError("QQ Wallet's bill carries no hash")
        if len(self._lies) >= MAX_LIES:
            raise ValueError(f"no more than {MAX_LIES} lies at a time; DELETE /_control/bill_lies clears them")
        if lie.kind == "invent" and not lie.number:
            lie = replace(lie, number="NOBODY" + random_digits(20))
        self._lies.append(lie)

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(lie) for lie in self._lies]

    def clear(self) -> None:
        self._lies.clear()

    def has(self, provider: str, kind: str) -> bool:
        return any(lie.provider == provider and lie.kind == kind for lie in self._lies)

    def told(self, provider: str, day: date, app_id: str, rows: list[BillRow]) -> list[BillRow]:
        """The rows as the bill tells them."""
        told = rows.copy()
        for lie in self._lies:
            if lie.provider != provider:
                continue
            if lie.kind == "invent":
                told.append(_invented(lie.number, day, app_id))
            else:
                _twist(told, lie)
        return told


def _twist(rows: list[BillRow], lie: BillLie) -> None:
    meant = next((index for index, row in enumerate(rows) if lie.number in ("", row.number)), None)
    if meant is None:
        return
    row = rows[meant]
    if lie.kind == "omit":
        del rows[meant]
    elif lie.kind == "amount":
        rows[meant] = replace(row, amount_fen=row.amount_fen + 1)
    elif lie.kind == "status":
        rows[meant] = replace(row, refund_status="FAIL") if row.is_refund else replace(row, status="CLOSED")


def _invented(number: str, day: date, app_id: str) -> BillRow:
    noon = datetime.combine(day, time(12), CHINA).timestamp()
    return BillRow(noon, number, "4200" + "0" * 24, app_id, "", "无", "", INVENTED_FEN, "SUCCESS")
