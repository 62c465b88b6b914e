"""`/_control/`: how people and tests move the simulated world; bad input is answered 400 with a reason."""

from typing import Any

from starlette.routing import Route

from scripts.simulator.book import Book, BookRefusal
from scripts.simulator.control_input import BadInput, answering_json, only, person_of, text_of, times_of
from scripts.simulator.control_money import MoneyControl
from scripts.simulator.courier import Courier
from scripts.simulator.faults import Fault
from scripts.simulator.people import KEEP, People
from scripts.simulator.phone_screen import PhoneScreen
from scripts.simulator.records import Payment
from scripts.simulator.world import KEY_MODES, World

PHONE_LENGTHS = range(5, 16)


class Control:
    """The control calls, each of which takes and gives one JSON object."""

    def __init__(self, world: World, people: People, book: Book, courier: Courier) -> None:
        self._world = world
        self._people = people
        self._book = book
        self._courier = courier
        self._screen = PhoneScreen(world, people, book)
        self._money = MoneyControl(world, book)

    def routes(self) -> list[Route]:
        return [
            Route("/login", answering_json(self._login), methods=["POST"]),
            Route("/phone", answering_json(self._phone), methods=["POST"]),
            Route("/pay", answering_json(self._pay), methods=["POST"]),
            Route("/notify", answering_json(self._notify), methods=["POST"]),
            Route("/key_mode", answering_json(self._key_mode), methods=["POST"]),
            Route("/faults", answering_json(self._add_fault), methods=["POST"]),
            Route("/faults", answering_json(self._list_faults), methods=["GET"]),
            Route("/faults", answering_json(self._clear_faults), methods=["DELETE"]),
            *self._money.routes(),
        ]

    async def _login(self, body: dict[str, Any]) -> Any:
        """{platform, user, unionid?} -> {code}: what wx.login or qq.login gives a phone; unionid null means none."""
        platform, user = person_of(body, "unionid")
        unionid = body.get("unionid", KEEP)
        if unionid is not KEEP and unionid is not None and not (isinstance(unionid, str) and unionid):
            raise BadInput("unionid must be a non-empty text or null")
        self._people.identity(platform, user, unionid)
        return {"code": self._people.new_code(platform, "login", user)}

    async def _phone(self, body: dict[str, Any]) -> Any:
        """{platform, user, phone?} -> {code}: what the phone-number button gives; `phone` becomes theirs."""
        platform, user = person_of(body, "phone")
        phone = body.get("phone")
        if phone is not None and not (isinstance(phone, str) and phone.isdigit() and len(phone) in PHONE_LENGTHS):
            raise BadInput("phone must be 5 to 15 digits")
        self._people.phone(user, phone)
        return {"code": self._people.new_code(platform, "phone", user)}

    async def _pay(self, body: dict[str, Any]) -> Any:
        """{prepay_id, outcome, user?, arguments?} -> {}: the person's answer to the payment sheet; see phone_screen.

        `prepay_id` may also be the `package` that the front end got, `prepay_id=…`.
        """
        only(body, {"prepay_id", "outcome"}, {"user", "arguments"})
        arguments = body.get("arguments")
        if arguments is not None and not isinstance(arguments, dict):
            raise BadInput("arguments must be the object that the front end passes to requestPayment")
        user = None if body.get("user") is None else text_of(body, "user")
        try:
            self._screen.confirm(
                text_of(body, "prepay_id").removeprefix("prepay_id="), text_of(body, "outcome"), user, arguments
            )
        except ValueError as error:
            raise BadInput(str(error)) from error
        return {}

    async def _notify(self, body: dict[str, Any]) -> Any:
        """{out_trade_no} -> {accepted}: send that paid order's notification once more, now, under the fault rules."""
        only(body, {"out_trade_no"})
        number = text_of(body, "out_trade_no")
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
        only(body, {"mode"})
        for mode in KEY_MODES:
            if body["mode"] == mode:
                self._world.key_mode = mode
                return {}
        raise BadInput(f"mode must be one of {', '.join(KEY_MODES)}")

    async def _add_fault(self, body: dict[str, Any]) -> Any:
        """{match, mode, times?} -> {}: see faults for what matches what."""
        only(body, {"match", "mode"}, {"times"})
        try:
            self._world.faults.add(Fault(text_of(body, "match"), text_of(body, "mode"), times_of(body)))
        except ValueError as error:
            raise BadInput(str(error)) from error
        return {}

    async def _list_faults(self, body: dict[str, Any]) -> Any:
        return self._world.faults.list()

    async def _clear_faults(self, body: dict[str, Any]) -> Any:
        self._world.faults.clear()
        return {}
