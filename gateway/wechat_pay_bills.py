"""WeChat Pay's trade bill of a day: applied for, downloaded, compared with its hash, read."""

import hashlib
import hmac
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlsplit

from gateway.bill_text import BillInvalid, fen_of, read_bill, unpacked
from gateway.outgoing import Answer
from resolvers.ports import OutsideFault
from resolvers.ports_payment import BillRow

NO_BILL = "NO_STATEMENT_EXIST"  # what WeChat Pay answers for a day on which no money moved
DOWNLOAD_PATH = "/v3/billdownload/"
_COLUMNS = (
    "商户号",
    "微信订单号",
    "商户订单号",
    "交易状态",
    "商户退款单号",
    "退款状态",
    "订单金额",
    "申请退款金额",
)
_NO_NUMBER = ("", "0")


class SignedCall(Protocol):
    """A signed call of WeChat Pay; `signed` says whether the answer must be."""

    async def __call__(
        self, method: str, path: str, content: dict[str, Any] | None, *, signed: bool = True
    ) -> Answer: ...


async def fetch_bill(call: SignedCall, url: str, mchid: str, day: date) -> list[BillRow]:
    """The rows of a China day's bill; none if it has no bill because no money moved.

    Raises OutsideFault, also when the file is not what its hash or its totals say.
    """
    applied = await call("GET", f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP", None)
    said = applied.json()
    if applied.status >= 300:
        if said.get("code") == NO_BILL:
            return []
        raise OutsideFault(f"trade bill: {applied.status} {said.get('code')}")
    # The file itself carries no signature: the hash in the signed answer is what proves it.
    file = await call("GET", _download_path(said.get("download_url"), url), None, signed=False)
    if file.status != 200:
        raise OutsideFault(f"bill download: {file.status}")
    plain = unpacked(file.body)
    digest = hashlib.sha1(plain, usedforsecurity=False).hexdigest()
    if said.get("hash_type") != "SHA1" or not hmac.compare_digest(
        str(said.get("hash_value")).encode(), digest.encode()
    ):
        raise BillInvalid("the file does not fit its hash")
    return read_trade_bill(plain, mchid)


def read_trade_bill(plain: bytes, mchid: str) -> list[BillRow]:
    """The rows of a bill of type ALL: a payment and each refund of it have one each. Raises BillInvalid."""
    bill = read_bill(plain, _COLUMNS, "总交易单数")
    bill.check_total("订单总金额", "订单金额")
    bill.check_total("申请退款总金额", "申请退款金额")
    if any(row["商户号"] != mchid for row in bill.rows):
        raise BillInvalid("another merchant's bill")
    return [_bill_row(row) for row in bill.rows]


def _bill_row(row: dict[str, str]) -> BillRow:
    is_refund = row["交易状态"] == "REFUND" or row["商户退款单号"] not in _NO_NUMBER
    status = row["退款状态" if is_refund else "交易状态"]
    number = row["商户退款单号" if is_refund else "商户订单号"]
    if number in _NO_NUMBER:
        raise BillInvalid("a row without a number")
    return BillRow(
        number=number,
        payment_number=row["商户订单号"],
        is_refund=is_refund,
        amount_fen=fen_of(row["申请退款金额" if is_refund else "订单金额"]),
        settled=status == "SUCCESS",
        status=status,
        transaction_id=row["微信订单号"],
    )


def _download_path(address: object, url: str) -> str:
    """Path and query of a download address, to be asked of the host that we know and of no other."""
    try:
        parts = urlsplit(address if isinstance(address, str) else "")
    except ValueError as error:
        raise OutsideFault("a trade bill without an address") from error
    path = parts.path.removeprefix(urlsplit(url).path.rstrip("/"))
    if not path.startswith(DOWNLOAD_PATH):
        raise OutsideFault("a trade bill without a download address of WeChat Pay")
    return f"{path}?{parts.query}"
