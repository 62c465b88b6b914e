"""The payment sheet on a simulated phone: wx.requestPayment and qq.requestPayment, and what the person does with it."""

from typing import Any

from scripts.simulator.book import PREPAY_LIFE_SECONDS, Book
from scripts.simulator.crypto import pay_sign_message, verify_rsa
from scripts.simulator.people import People
from scripts.simulator.records import Payment
from scripts.simulator.world import World

OUTCOMES = ("SUCCESS", "FAIL", "ABANDON")
MAX_NONCE_LENGTH = 32
WECHAT_ARGUMENTS = {"timeStamp", "nonceStr", "package", "signType", "paySign"}
QQ_ARGUMENTS = {"package", "bargainor_id"}


class PhoneScreen:
    """What the platform's own app checks before it lets anyone pay."""

    def __init__(self, world: World, people: People, book: Book) -> None:
        self._world = world
        self._people = people
        self._book = book

    def confirm(self, prepay_id: str, outcome: str, user: str | None, arguments: dict[str, Any] | None) -> None:
        """The person pays (SUCCESS), pays in vain (FAIL: the bank says no) or shuts the sheet (ABANDON).

        Only SUCCESS changes the order; it is recorded before this returns and the notification follows by itself.
        Raises ValueError, in words, when a real phone would show an error. `user` is who holds the phone: a WeChat
        order can only be paid by the payer it names; a QQ order can be paid by anyone, and shows a payer only if
        `user` says who. `arguments` is what the front end passes to requestPayment; when given, it is checked as the
        app would, its signature included.
        """
        if outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}")
        found = self._world.store.one(Payment, prepay_id=prepay_id)
        if found is None:
            raise ValueError("unknown prepay_id")
        payment = self._book.now(found)
        if payment.state == "SUCCESS":
            raise ValueError("this order is already paid")
        if payment.state == "CLOSED":
            raise ValueError("this order is closed")
        if self._world.clock() - payment.prepaid_at >= PREPAY_LIFE_SECONDS:
            raise ValueError("this prepay_id has expired")
        if arguments is not None:
            self._check_arguments(payment, arguments)
        openid = payment.openid
        if user is not None:
            openid = self._people.identity(payment.provider, user).openid
            if payment.provider == "wechat" and openid != payment.openid:
                raise ValueError("this order names another payer")
        if outcome == "SUCCESS":
            self._book.pay(payment, openid)

    def _check_arguments(self, payment: Payment, arguments: dict[str, Any]) -> None:
        expected = WECHAT_ARGUMENTS if payment.provider == "wechat" else QQ_ARGUMENTS
        if set(arguments) != expected:
            raise ValueError(f"requestPayment takes exactly {', '.join(sorted(expected))}")
        for name, value in arguments.items():
            if not isinstance(value, str):
                raise ValueError(f"{name} must be a text")
        if arguments["package"] != f"prepay_id={payment.prepay_id}":
            raise ValueError("package must be prepay_id=… of this order")
        credentials = self._world.credentials
        if payment.provider == "qq":
            if arguments["bargainor_id"] != credentials.qq_mch_id:
                raise ValueError("bargainor_id must be the merchant's number")
            return
        if arguments["signType"] != "RSA":
            raise ValueError("signType must be RSA")
        if not (arguments["timeStamp"].isascii() and arguments["timeStamp"].isdigit()):
            raise ValueError("timeStamp must be seconds, as a text")
        if not 1 <= len(arguments["nonceStr"]) <= MAX_NONCE_LENGTH:
            raise ValueError(f"nonceStr must have 1 to {MAX_NONCE_LENGTH} characters")
        message = pay_sign_message(payment.app_id, arguments["timeStamp"], arguments["nonceStr"], arguments["package"])
        if not verify_rsa(credentials.merchant_key.public_key(), message, arguments["paySign"]):
            raise ValueError("paySign does not verify")
