"""QQ Wallet: XML calls signed with MD5, as WeChat Pay's second version was, and what its notifications say."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from xml.sax.saxutils import escape

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from gateway.outgoing import BILL, Answer, Bounds, Outgoing
from gateway.qq_wallet_bills import PATH as BILL_PATH
from gateway.qq_wallet_bills import check_no_bill, is_statement, read_statement, wanted_bill
from resolvers.ports import OutsideFault
from resolvers.ports_payment import (
    AlreadyPaid,
    BillRow,
    PrepayRequest,
    ProviderPayment,
    ProviderRefund,
    ProviderRefused,
    ProviderState,
    RefundRequest,
    RefundState,
)

NOTICE_PATH = "/webhooks/qq-wallet"
MAXIMUM_BODY_BYTES = 128  # of `body`, the description
MAXIMUM_XML = 32 * 1024  # bytes; a real notification has about one kilobyte
CHINA = timezone(timedelta(hours=8))
SERVER_ADDRESS = "127.0.0.1"  # QQ wants an address of the caller and does nothing with it

_STATES = {
    "SUCCESS": ProviderState.SUCCEEDED,
    "REFUND": ProviderState.SUCCEEDED,
    "NOTPAY": ProviderState.PENDING,
    "USERPAYING": ProviderState.PENDING,
    "CLOSED": ProviderState.CLOSED,
    "REVOKED": ProviderState.CLOSED,
}
_REFUND_STATES = {
    "SUCCESS": RefundState.SETTLED,
    "PROCESSING": RefundState.PROCESSING,
    "FAIL": RefundState.ABNORMAL,
    "CHANGE": RefundState.ABNORMAL,
}


class FormInvalid(Exception):
    """Not XML of the expected shape, or not signed with our key."""


def sign_form(fields: Mapping[str, str], key: str) -> str:
    """Upper-case hex MD5 over the sorted non-empty fields and the key."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name != "sign")
    return hashlib.md5(f"{text}&key={key}".encode(), usedforsecurity=False).hexdigest().upper()


def write_form(fields: Mapping[str, str]) -> bytes:
    """The fields as XML. A parser reads a bare CR as LF, and the sign would not hold."""
    kept = {"\r": "&#13;"}
    inner = "".join(f"<{name}>{escape(value, kept)}</{name}>" for name, value in fields.items() if value)
    return f"<xml>{inner}</xml>".encode()


def read_form(body: bytes, key: str) -> dict[str, str]:
    """The fields of signed XML; no entities, bounded size. Raises FormInvalid."""
    if len(body) > MAXIMUM_XML:
        raise FormInvalid("too large")
    try:
        root = ElementTree.fromstring(body, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:  # of an unknown encoding
        raise FormInvalid("not XML") from error
    fields = {child.tag: child.text or "" for child in root}
    if root.tag != "xml" or len(fields) != len(root) or any(len(child) for child in root):
        raise FormInvalid("not a form")
    if not hmac.compare_digest(fields.get("sign", "").encode(), sign_form(fields, key).encode()):
        raise FormInvalid("signature")
    return fields


class QQWallet:
    """A merchant's view of QQ Wallet. Implements resolvers.ports.PaymentProvider."""

    def __init__(
        self,
        outgoing: Outgoing,
        url: str,
        api_url: str,
        app_id: str,
        mch_id: str,
        key: str,
        operator: str,
        operator_password: str,
        public_url: str,
    ) -> None:
        self._outgoing = outgoing
        self._url = url.rstrip("/") + "/cgi-bin/pay/"
        self._bill_url = url.rstrip("/") + BILL_PATH
        self._api_url = api_url.rstrip("/") + "/cgi-bin/pay/"
        self._app_id = app_id
        self._mch_id = mch_id
        self._key = key
        self._operator = operator
        self._operator_password = operator_password
        self._notify_url = public_url.rstrip("/") + NOTICE_PATH

    async def prepay(self, request: PrepayRequest) -> str:
        """Unified order. Raises ProviderRefused, OutsideFault."""
        answer = await self._call(
            self._url + "qpay_unified_order.cgi",
            {
                "appid": self._app_id,
                "body": request.description.encode()[:MAXIMUM_BODY_BYTES].decode(errors="ignore"),
                "out_trade_no": request.out_trade_no,
                "fee_type": "CNY",
                "total_fee": str(request.amount_fen),
                "spbill_create_ip": SERVER_ADDRESS,
                "time_expire": request.expires_at.astimezone(CHINA).strftime("%Y%m%d%H%M%S"),
                "notify_url": self._notify_url,
                "trade_type": "JSAPI",
            },
        )
        if answer.get("result_code") != "SUCCESS":
            raise ProviderRefused(answer.get("err_code", ""))
        if not answer.get("prepay_id"):
            raise OutsideFault("unified order answered without prepay_id")
        return answer["prepay_id"]

    async def query(self, out_trade_no: str) -> ProviderPayment:
        """Raises OutsideFault."""
        answer = await self._call(self._url + "qpay_order_query.cgi", {"out_trade_no": out_trade_no})
        if answer.get("result_code") != "SUCCESS":
            if answer.get("err_code") in ("ORDERNOTEXIST", "ORDER_NOT_EXIST"):
                return ProviderPayment(out_trade_no, ProviderState.ABSENT, 0, None, None, self._app_id)
            raise OutsideFault(f"query: {answer.get('err_code')}")
        payment = self._read_payment(answer)
        if payment.out_trade_no != out_trade_no:
            raise OutsideFault("query answered for another payment")
        return payment

    async def close(self, out_trade_no: str) -> None:
        """Raises AlreadyPaid, OutsideFault."""
        answer = await self._call(self._url + "qpay_close_order.cgi", {"out_trade_no": out_trade_no})
        if answer.get("result_code") == "SUCCESS":
            return
        match answer.get("err_code"):
            case "ORDERPAID" | "ORDER_PAID":
                raise AlreadyPaid
            case "ORDERCLOSED" | "ORDER_CLOSED" | "ORDERNOTEXIST" | "ORDER_NOT_EXIST":
                return
            case code:
                raise OutsideFault(f"close: {code}")

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Refund; needs the operator. Raises ProviderRefused, OutsideFault."""
        password = hashlib.md5(self._operator_password.encode(), usedforsecurity=False).hexdigest()
        answer = await self._call(
            self._api_url + "qpay_refund.cgi",
            {
                "out_trade_no": request.out_trade_no,
                "transaction_id": request.transaction_id or "",  # without it nothing older than 30 days is refunded
                "out_refund_no": request.out_refund_no,
                "refund_fee": str(request.amount_fen),
                "op_user_id": self._operator,
                "op_user_passwd": password,
            },
        )
        if answer.get("result_code") != "SUCCESS":
            raise ProviderRefused(answer.get("err_code", ""))
        return ProviderRefund(request.out_refund_no, RefundState.PROCESSING, request.amount_fen)

    async def query_refund(self, out_refund_no: str) -> ProviderRefund:
        """Raises OutsideFault. Fields of the one refund asked for carry the index 0."""
        answer = await self._call(self._url + "qpay_refund_query.cgi", {"out_refund_no": out_refund_no})
        if answer.get("result_code") != "SUCCESS":
            if answer.get("err_code") in ("REFUNDNOTEXIST", "REFUND_NOT_EXIST", "ORDERNOTEXIST"):
                return ProviderRefund(out_refund_no, RefundState.ABSENT, 0)
            raise OutsideFault(f"refund query: {answer.get('err_code')}")
        try:
            state = _REFUND_STATES[answer["refund_status_0"]]
            return ProviderRefund(out_refund_no, state, _fen(answer["refund_fee_0"]))
        except (KeyError, ValueError) as error:
            raise OutsideFault("refund without what it must have") from error

    async def bill(self, day: date) -> list[BillRow]:
        """The statement of a day. Raises OutsideFault."""
        answer = await self._send(self._bill_url, wanted_bill(self._app_id, day), BILL)
        if is_statement(answer.body):
            return read_statement(answer.body)
        check_no_bill(self._read(answer))
        return []

    def client_parameters(self, prepay_id: str, now: datetime) -> Mapping[str, str]:
        """The arguments of qq.requestPayment; it wants no signature."""
        return {"package": f"prepay_id={prepay_id}", "bargainor_id": self._mch_id}

    def read_notice(self, body: bytes) -> ProviderPayment:
        """What a notification says. Raises FormInvalid for anything that was not signed with our key."""
        fields = read_form(body, self._key)
        if fields.get("mch_id") != self._mch_id:
            raise FormInvalid("another merchant")
        try:
            return self._read_payment(fields)
        except OutsideFault as error:
            raise FormInvalid(str(error)) from error

    def _read_payment(self, fields: Mapping[str, str]) -> ProviderPayment:
        try:
            state = _STATES[fields["trade_state"]]
            return ProviderPayment(
                out_trade_no=fields["out_trade_no"],
                state=state,
                amount_fen=_fen(fields["total_fee"]) if state is ProviderState.SUCCEEDED else 0,
                payer_openid=fields.get("openid") or None,
                transaction_id=fields.get("transaction_id") or None,
                app_id=fields.get("appid") or self._app_id,
            )
        except (KeyError, ValueError) as error:
            raise OutsideFault("payment without what it must have") from error

    async def _call(self, url: str, fields: dict[str, str]) -> dict[str, str]:
        read = self._read(await self._send(url, fields))
        if read.get("return_code") != "SUCCESS":
            raise OutsideFault(f"return_code: {read.get('return_msg')}")
        return read

    async def _send(self, url: str, fields: dict[str, str], bounds: Bounds | None = None) -> Answer:
        fields = {**fields, "mch_id": self._mch_id, "nonce_str": secrets.token_hex(16)}
        fields["sign"] = sign_form(fields, self._key)
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        answer = await self._outgoing.call("POST", url, headers=headers, body=write_form(fields), bounds=bounds)
        if answer.status != 200:
            raise OutsideFault(f"status {answer.status}")
        return answer

    def _read(self, answer: Answer) -> dict[str, str]:
        try:
            return read_form(answer.body, self._key)
        except FormInvalid as error:
            raise OutsideFault(f"answer: {error}") from error


def _fen(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("an amount must be whole fen")
    return int(text)
