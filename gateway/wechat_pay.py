"""WeChat Pay API v3: JSAPI payments, refunds, and what its notifications say."""

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import orjson

from gateway.outgoing import BILL, Answer, Outgoing
from gateway.wechat_pay_bills import fetch_bill
from gateway.wechat_pay_crypto import Merchant, SignatureInvalid, Verifier, decrypt_resource
from resolvers.ports import Clock, OutsideFault
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

MAXIMUM_DESCRIPTION_BYTES = 127
NOTICE_PATH = "/webhooks/wechat-pay"

_STATES = {
    "SUCCESS": ProviderState.SUCCEEDED,
    "REFUND": ProviderState.SUCCEEDED,  # paid, and something of it was refunded
    "NOTPAY": ProviderState.PENDING,
    "USERPAYING": ProviderState.PENDING,
    "PAYERROR": ProviderState.PENDING,
    "CLOSED": ProviderState.CLOSED,
    "REVOKED": ProviderState.CLOSED,
}
_ABSENT = ("ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS")
_REFUND_STATES = {
    "SUCCESS": RefundState.SETTLED,
    "PROCESSING": RefundState.PROCESSING,
    "CLOSED": RefundState.CLOSED,
    "ABNORMAL": RefundState.ABNORMAL,
}


class WeChatPay:
    """A merchant's view of WeChat Pay. Implements resolvers.ports.PaymentProvider."""

    def __init__(
        self,
        outgoing: Outgoing,
        clock: Clock,
        url: str,
        app_id: str,
        mchid: str,
        merchant: Merchant,
        verifier: Verifier,
        api_v3_key: str,
        public_key_id: str,
        public_url: str,
    ) -> None:
        self._outgoing = outgoing
        self._clock = clock
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._mchid = mchid
        self._merchant = merchant
        self._verifier = verifier
        self._api_v3_key = api_v3_key
        self._public_key_id = public_key_id
        self._notify_url = public_url.rstrip("/") + NOTICE_PATH

    async def prepay(self, request: PrepayRequest) -> str:
        """JSAPI prepay. Raises ProviderRefused, OutsideFault."""
        content = {
            "appid": self._app_id,
            "mchid": self._mchid,
            "description": _shortened(request.description, MAXIMUM_DESCRIPTION_BYTES),
            "out_trade_no": request.out_trade_no,
            "notify_url": self._notify_url,
            "time_expire": request.expires_at.isoformat(timespec="seconds"),
            "amount": {"total": request.amount_fen, "currency": "CNY"},
            "payer": {"openid": request.openid},
        }
        answer = await self._call("POST", "/v3/pay/transactions/jsapi", content)
        prepay_id = _content(answer).get("prepay_id")
        if not isinstance(prepay_id, str) or not prepay_id:
            raise OutsideFault("prepay answered without prepay_id")
        return prepay_id

    async def query(self, out_trade_no: str) -> ProviderPayment:
        """Raises OutsideFault."""
        path = f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={self._mchid}"
        found = await self._look_up(path)
        if found is None:
            return ProviderPayment(out_trade_no, ProviderState.ABSENT, 0, None, None, self._app_id)
        payment = read_payment(found)
        if payment.out_trade_no != out_trade_no:
            raise OutsideFault("query answered for another payment")
        return payment

    async def close(self, out_trade_no: str) -> None:
        """Raises AlreadyPaid, OutsideFault."""
        path = f"/v3/pay/transactions/out-trade-no/{out_trade_no}/close"
        answer = await self._call("POST", path, {"mchid": self._mchid})
        if answer.status in (200, 204):
            return
        code = answer.json().get("code")
        if code == "ORDER_PAID":
            raise AlreadyPaid
        if code not in ("ORDER_CLOSED", *_ABSENT):
            raise OutsideFault(f"close: {answer.status} {code}")

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Raises ProviderRefused, OutsideFault."""
        content = {
            "out_trade_no": request.out_trade_no,
            "out_refund_no": request.out_refund_no,
            "reason": _shortened(request.reason, 80),
            "notify_url": self._notify_url,
            "amount": {"refund": request.amount_fen, "total": request.total_fen, "currency": "CNY"},
        }
        return _read_refund(_content(await self._call("POST", "/v3/refund/domestic/refunds", content)))

    async def query_refund(self, out_refund_no: str) -> ProviderRefund:
        """Raises OutsideFault."""
        found = await self._look_up(f"/v3/refund/domestic/refunds/{out_refund_no}")
        return ProviderRefund(out_refund_no, RefundState.ABSENT, 0) if found is None else _read_refund(found)

    async def bill(self, day: date) -> list[BillRow]:
        """The trade bill of a day. Raises OutsideFault."""
        return await fetch_bill(self._call, self._url, self._mchid, day)

    def client_parameters(self, prepay_id: str, now: datetime) -> Mapping[str, str]:
        """The arguments of wx.requestPayment."""
        timestamp, nonce, package = str(int(now.timestamp())), secrets.token_hex(16), f"prepay_id={prepay_id}"
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._merchant.pay_sign(self._app_id, timestamp, nonce, package),
        }

    def read_notice(self, headers: Mapping[str, str], body: bytes) -> ProviderPayment | ProviderRefund | None:
        """What a notification says: its signature first, its envelope after. None for a kind we have no use for.

        Raises SignatureInvalid for anything that WeChat Pay did not send to this merchant lately.
        """
        self._verifier.verify(headers, body, self._clock.now())
        try:
            notice = orjson.loads(body)
            event, resource = notice["event_type"], notice["resource"]
            plain = orjson.loads(decrypt_resource(self._api_v3_key, resource))
            if plain.get("mchid") != self._mchid:
                raise SignatureInvalid("another merchant")
            if event == "TRANSACTION.SUCCESS":
                return read_payment(plain)
            if event.startswith("REFUND."):
                state = _REFUND_STATES[plain["refund_status"]]
                return ProviderRefund(plain["out_refund_no"], state, _whole(plain["amount"]["refund"]))
        except (KeyError, TypeError, ValueError, AttributeError, OutsideFault) as error:
            raise SignatureInvalid("content") from error
        return None

    async def _look_up(self, path: str) -> dict[str, Any] | None:
        """What is found there; None when WeChat Pay says that it knows no such thing. Raises OutsideFault."""
        answer = await self._call("GET", path, None)
        if answer.status < 300:
            return answer.json()
        code = answer.json().get("code")
        if code in _ABSENT:
            return None
        raise OutsideFault(f"look-up: {answer.status} {code}")

    async def _call(self, method: str, path: str, content: dict[str, Any] | None, *, signed: bool = True) -> Answer:
        """A signed call, its answer verified unless it is one that WeChat Pay does not sign. Raises OutsideFault.

        Serialised once: the bytes that are signed are the bytes that are sent.
        """
        body = orjson.dumps(content) if content is not None else b""
        headers = {
            "Authorization": self._merchant.authorization(method, path, body, self._clock.now()),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "kabao",
        }
        if self._public_key_id:
            headers["Wechatpay-Serial"] = self._public_key_id
        bounds = None if signed else BILL  # what WeChat Pay does not sign is a file
        answer = await self._outgoing.call(method, self._url + path, headers=headers, body=body, bounds=bounds)
        if answer.status < 300 and signed:
            try:
                self._verifier.verify(answer.headers, answer.body, self._clock.now())
            except SignatureInvalid as error:
                raise OutsideFault(f"answer not signed by WeChat Pay: {error}") from error
        elif answer.status >= 500 or answer.status in (401, 429):
            raise OutsideFault(f"status {answer.status}")
        return answer


def read_payment(content: Mapping[str, Any]) -> ProviderPayment:
    """A transaction as a query or a notification tells it. Raises OutsideFault when it lacks what it must have."""
    try:
        payer = content.get("payer") or {}
        state = _STATES[content["trade_state"]]
        # An unpaid order names no payer and, in some answers, no amount; a paid one names both.
        amount = _whole(content["amount"]["total"]) if state is ProviderState.SUCCEEDED else 0
        return ProviderPayment(
            out_trade_no=content["out_trade_no"],
            state=state,
            amount_fen=amount,
            payer_openid=payer.get("openid"),
            transaction_id=content.get("transaction_id"),
            app_id=content["appid"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise OutsideFault("transaction without what it must have") from error


def _read_refund(content: Mapping[str, Any]) -> ProviderRefund:
    try:
        state = _REFUND_STATES[content["status"]]
        return ProviderRefund(content["out_refund_no"], state, _whole(content["amount"]["refund"]))
    except (KeyError, TypeError) as error:
        raise OutsideFault("refund without what it must have") from error


def _content(answer: Answer) -> dict[str, Any]:
    content = answer.json()
    if answer.status >= 300:
        raise ProviderRefused(f"{answer.status} {content.get('code')}")
    return content


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError("an amount must be an integer of fen")
    return value


def _shortened(text: str, most_bytes: int) -> str:
    """The text cut to so many bytes of UTF-8, never within a character."""
    return text.encode()[:most_bytes].decode(errors="ignore")
