"""`/_control/`: how people and tests move the simulated world; bad input is answered 400 with a reason."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scripts.simulator.book import Book, BookRefusal
from scripts.simulator.courier import Courier
from scripts.simulator.faults import Fault
from scripts.simulator.people import KEEP, People
from scripts.simulator.phone_screen import PhoneScreen
from scripts.simulator.records import Delivery, Payment
from scripts.simulator.world import KEY_MODES, World

PHONE_LENGTHS = range(5, 16)
MAX_NAME = 64


class BadInput(Exception):
    """What a control call asks cannot be done; the text says why."""


class Control:
    """The control calls, each of which takes and gives one JSON object."""

    def __init__(self, world: World, people: People, book: Book, courier: Courier) -> None:
        self._world = world
        self._people = people
        self._book = book
        self._courier = courier
        self._screen = PhoneScreen(world, people, book)

    def routes(self) -> list[Route]:
        return [
            Route("/login", _json(self._login), methods=["POST"]),
            Route("/phone", _json(self._phone), methods=["POST"]),
            Route("/pay", _json(self._pay), methods=["POST"]),
            Route("/notify", _json(self._notify), methods=["POST"]),
            Route("/key_mode", _json(self._key_mode), methods=["POST"]),
            Route("/faults", _json(self._add_fault), methods=["POST"]),
            Route("/faults", _json(self._list_faults), methods=["GET"]),
            Route("/faults", _json(self._clear_faults), methods=["DELETE"]),
            Route("/payments", _json(self._payments), methods=["GET"]),
        ]

    async def _login(self, body: dict[str, Any]) -> Any:
        """{platform, user, unionid?} -> {code}: what wx.login or qq.login gives a phone; unionid null means none."""
        platform, user = _person(body, "unionid")
        unionid = body.get("unionid", KEEP)
        if unionid is not KEEP and unionid is not None and not (isinstance(unionid, str) and unionid):
            raise BadInput("unionid must be a non-empty text or null")
        self._people.identity(platform, user, unionid)
        return {"code": self._people.new_code(platform, "login", user)}

    async def _phone(self, body: dict[str, Any]) -> Any:
        """{platform, user, phone?} -> {code}: what the phone-number button gives; `phone` becomes theirs."""
        platform, user = _person(body, "phone")
        phone = body.get("phone")
        if phone is not None and not (isinstance(phone, str) and phone.isdigit() and len(phone) in PHONE_LENGTHS):
            raise BadInput("phone must be 5 to 15 digits")
        self._people.phone(user, phone)
        return {"code": self._people.new_code(platform, "phone", user)}

    async def _pay(self, body: dict[str, Any]) -> Any:
        """{prepay_id, outcome, user?, arguments?} -> {}: the person's answer to the payment sheet; see phone_screen.

        `prepay_id` may also be the `package` that the front end got, `prepay_id=…`.
        """
        _only(body, {"prepay_id", "outcome"}, {"user", "arguments"})
        arguments = body.get("arguments")
        if arguments is not None and not isinstance(arguments, dict):
            raise BadInput("arguments must be the object that the front end passes to requestPayment")
        user = None if body.get("user") is None else _text(body, "user")
        try:
            self._screen.confirm(
                _text(body, "prepay_id").removeprefix("prepay_id="), _text(body, "outcome"), user, arguments
            )
        except ValueError as error:
            raise BadInput(str(error)) from error
        return {}

    async def _notify(self, body: dict[str, Any]) -> Any:
        """{out_trade_no} -> {accepted}: send that paid order's notification once more, now, under the fault rules."""
        _only(body, {"out_trade_no"})
        number = _text(body, "out_trade_no")
        found = [payment for provider in ("wechat", "qq") if (payment := self._paid(provider, number))]
        if not found:
            raise BadInput(f"no paid order {number}")
        return {"accepted": all([await self._courier.attempt(self._book.payment_job(payment)) for payment in found])}

    def _paid(self, provider: str, out_trade_no: str) -> Payment | None:
        try:
            payment = self._book.find(provider, out_trade_no)
        except BookRefusal:
            return None
        return payment if payment.state == "SUCCESS" else None

    async def _key_mode(self, body: dict[str, Any]) -> Any:
        """{mode} -> {}: sign with the public-key pair or with the platform certificate from now on."""
        _only(body, {"mode"})
        for mode in KEY_MODES:
            if body["mode"] == mode:
                self._world.key_mode = mode
                return {}
        raise BadInput(f"mode must be one of {', '.join(KEY_MODES)}")

    async def _add_fault(self, body: dict[str, Any]) -> Any:
        """{match, mode, times?} -> {}: see faults for what matches what."""
        _only(body, {"match", "mode"}, {"times"})
        times = body.get("times", 1)
        if isinstance(times, bool) or not isinstance(times, int):
            raise BadInput("times must be a whole number")
        try:
            self._world.faults.add(Fault(_text(body, "match"), _text(body, "mode"), times))
        except ValueError as error:
            raise BadInput(str(error)) from error
        return {}

    async def _list_faults(self, body: dict[str, Any]) -> Any:
        return self._world.faults.list()

    async def _clear_faults(self, body: dict[str, Any]) -> Any:
        self._world.faults.clear()
        return {}

    async def _payments(self, body: dict[str, Any]) -> Any:
        """Every order as the provider sees it, with its refunds and what became of its notifications, oldest first."""
        return [self._shown(self._book.now(payment)) for payment in self._world.store.find(Payment)]

    def _shown(self, payment: Payment) -> dict[str, Any]:
        refunds = self._book.refunds(payment)
        deliveries = self._world.store.find(Delivery, provider=payment.provider, out_trade_no=payment.out_trade_no)
        return {
            "provider": payment.provider,
            "out_trade_no": payment.out_trade_no,
            "transaction_id": payment.transaction_id or None,
            "prepay_id": payment.prepay_id,
            "amount_fen": payment.amount_fen,
            "state": payment.state,
            "payer_openid": payment.openid or None,
            "refunds": [
                {
                    "out_refund_no": refund.out_refund_no,
                    "refund_id": refund.refund_id,
                    "amount_fen": refund.amount_fen,
                    "state": refund.state,
                }
                for refund in refunds
            ],
            "notifications": [
                {name: value for name, value in asdict(one).items() if name in ("event_type", "at", "fault", "status")}
                for one in deliveries
            ],
        }


def _json(handler: Callable[[dict[str, Any]], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        status = 200
        try:
            answer = await handler(await _body(request))
        except BadInput as error:
            status, answer = 400, {"error": str(error)}
        return Response(orjson.dumps(answer), status, {"content-type": "application/json"})

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        return {}
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadInput("the body must be JSON") from error
    if not isinstance(body, dict):
        raise BadInput("the body must be a JSON object")
    return body


def _only(body: dict[str, Any], required: set[str], optional: Collection[str] = ()) -> None:
    missing = required - set(body)
    unknown = set(body) - required - set(optional)
    if missing:
        raise BadInput(f"missing: {', '.join(sorted(missing))}")
    if unknown:
        raise BadInput(f"unknown: {', '.join(sorted(unknown))}")


def _text(body: dict[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or not value:
        raise BadInput(f"{name} must be a non-empty text")
    return value


def _person(body: dict[str, Any], optional: str) -> tuple[str, str]:
    _only(body, {"platform", "user"}, {optional})
    platform, user = _text(body, "platform").lower(), _text(body, "user")
    if platform not in ("wechat", "qq"):
        raise BadInput("platform must be wechat or qq")
    if len(user) > MAX_NAME:
        raise BadInput(f"user must be at most {MAX_NAME} characters")
    return platform, user
