"""A client: one person with a phone, who asks for one thing after the other and remembers what is still open."""

import random
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from scripts.client import Api, Json, Phone, sign_in
from scripts.tortures.caller import Caller
from scripts.tortures.log import CONFIRM, Operation

TOKEN_SECONDS = 600.0  # an access token lives 15 minutes; sign in again well before

CARDS = (
    """{ me { wallet { cards(first: 100) { nodes { id kind status balance { amountFen } held { amountFen } } } } } }"""
)
METHODS = {"WECHAT": "WECHAT_PAY", "QQ": "QQ_WALLET"}
PAYMENT = """payment { id amount { amountFen } clientParameters { ... on WeChatPayParameters { package }
  ... on QQWalletParameters { package } } }"""


@dataclass(frozen=True, slots=True)
class Shop:
    """What all clients know of the place: its ids, what it sells, and its owner's desk."""

    brand_id: str
    store_id: str
    dishes: dict[str, int]  # id: price in fen
    tiers: dict[str, tuple[int, int]]  # id: (to be paid, given on top), in fen
    gateways: tuple[str, ...]
    app_ids: dict[str, str]
    staff: Json  # username and password of an owner


@dataclass(slots=True)
class Sheet:
    """A payment sheet that is open on the phone."""

    payment_id: str
    package: str


@dataclass(slots=True)
class Client:
    """A person. `platform` is WECHAT or QQ; everything one does is in the caller's log."""

    name: str
    platform: str
    shop: Shop
    http: aiohttp.ClientSession
    phone: Phone
    caller: Caller
    dice: random.Random
    api: Api
    desk: Api  # the owner's, for what the shop does about this person
    id: str = ""
    sheets: list[Sheet] = field(default_factory=list)  # left open, to be confirmed later or never
    signed_at: float = 0.0

    async def sign_in(self) -> None:
        """Sign in, or again before the token is too old; for a moment in which nothing is being killed."""
        url, app_id = f"{self.shop.gateways[0]}/graphql", self.shop.app_ids[self.platform]
        api = await sign_in(self.http, url, self.phone, self.platform, app_id, self.name)
        self.api.token = api.token
        self.id = (await api.ask("{ me { id } }"))["me"]["id"]
        self.signed_at = time.monotonic()

    async def stay_signed_in(self) -> None:
        """Sign in again when it is time; whatever is in the way is tried again at the next step."""
        if time.monotonic() - self.signed_at < TOKEN_SECONDS:
            return
        try:
            await self.sign_in()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LookupError, RuntimeError):
            return

    async def do(self, verb: str, wanted: str, *, keyed: bool = True, **fields: Any) -> Operation:
        """A mutation of the person's own."""
        return await self.caller.do(self.api, self.id, verb, wanted, keyed=keyed, **fields)

    async def at_desk(self, verb: str, wanted: str, **fields: Any) -> Operation:
        """A mutation that the shop's owner makes for this person."""
        return await self.caller.do(self.desk, self.id, verb, wanted, **fields)

    async def confirm(self, sheet: Sheet, outcome: str = "SUCCESS") -> bool:
        """Answer the payment sheet; False when the chat app says that it cannot be paid (any more)."""
        given = {"payment": sheet.payment_id, "outcome": outcome}
        operation = self.caller.log.begin(self.id, CONFIRM, None, given)
        operation.tries = 1
        try:
            await self.phone.control("pay", prepay_id=sheet.package.removeprefix("prepay_id="), outcome=outcome)
        except RuntimeError as refused:
            operation.refusal = str(refused)
        else:
            operation.answer = {"outcome": outcome}
        operation.answered_at = time.monotonic()
        return operation.done

    async def answer_sheet(self, payment: Json) -> bool:
        """What people do with a payment sheet: most pay, some later, some never; True when it is paid now."""
        sheet = Sheet(payment["id"], payment["clientParameters"]["package"])
        chance = self.dice.random()
        if chance < 0.70:
            return await self.confirm(sheet)
        if chance < 0.80:  # the bank says no, then yes
            await self.confirm(sheet, "FAIL")
            return await self.confirm(sheet)
        if chance < 0.90:
            self.sheets.append(sheet)
        else:
            await self.confirm(sheet, "ABANDON")
        return False

    async def confirm_later(self) -> None:
        """Come back to a sheet that was left open."""
        if self.sheets:
            await self.confirm(self.sheets.pop(0))

    async def cards(self) -> list[Json]:
        """The person's cards that can be used."""
        nodes = (await self.caller.ask(self.api, CARDS))["me"]["wallet"]["cards"]["nodes"]
        return [card for card in nodes if card["status"] == "ACTIVE"]

    async def richest(self) -> Json | None:
        """The card with the most on it, if any has something."""
        cards = [card for card in await self.cards() if card["balance"]["amountFen"] > 0]
        return max(cards, key=lambda card: int(card["balance"]["amountFen"]), default=None)
