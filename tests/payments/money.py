"""What the tests of payments do and look at again and again: top up, order, pay, wait, and read the books."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, TypeVar

from resolvers.audit.run import audit
from resolvers.documents import Document
from resolvers.jobs import poll_once
from scripts.audit_books import provider_rows
from scripts.client import PAYMENT, Api, Json, Phone, new_key
from scripts.demo_brands import made_id
from tests.support.faults import fault
from tests.support.world import World

Found = TypeVar("Found")

PLATFORMS = ["WECHAT", "QQ"]
METHODS = {"WECHAT": "WECHAT_PAY", "QQ": "QQ_WALLET"}
NOTIFY = {"WECHAT": "notify:wechat", "QQ": "notify:qq"}
PREPAY = {"WECHAT": "transactions/jsapi", "QQ": "qpay_unified_order"}
T200, T500, T2000, T3000 = (made_id("tir", "seafood", key) for key in ("t200", "t500", "t2000", "t3000"))
TEAHOUSE_TIER = made_id("tir", "teahouse", "t100")
DESIGN = made_id("dsg", "seafood", "full-tide")
ORDER = """order { id status number payBefore payable { amountFen } paid { amountFen } refunded { amountFen }
  payments { id method status amount { amountFen } } }"""
CARD = "card { id status balance { amountFen } }"
EVENTS = """subscription($after: String) { walletUpdates(after: $after) { __typename
  ... on CardChanged { card { id balance { amountFen } held { amountFen } } }
  ... on OrderChanged { order { id status } } ... on PaymentChanged { payment { id status cards { id } } } } }"""
CARDS = """{ me { wallet { cursor cards { nodes { id kind status balance { amountFen } principal { amountFen }
  bonus { amountFen } held { amountFen } } } } } }"""


async def until(look: Callable[[], Awaitable[Found | None]], seconds: float = 30.0) -> Found:
    """What a look finds at last. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.03)


def faulty(world: World, match: str, mode: str, times: int = 1) -> AbstractAsyncContextManager[None]:
    """A platform that misbehaves within the block."""
    return fault(world.http, world.simulator, match, mode, times)


async def top_up(world: World, person: Api, key: str | None = None, **fields: Any) -> Json:
    """Open a top-up at the seafood house: {payment, card}."""
    wanted = {"brandId": world.brand_id, "idempotencyKey": key or new_key(), **fields}
    return await person.do("topUpCard", f"{PAYMENT} {CARD}", **wanted)


async def topped_up(world: World, person: Api, **fields: Any) -> Json:
    """Top up, pay, and wait for it: {payment, card} as they were opened."""
    opened = await top_up(world, person, **fields)
    await world.phone.pay(opened["payment"])
    await until_status(world, opened["payment"]["id"], "SUCCEEDED")
    return opened


async def cards(person: Api) -> list[Json]:
    """The person's cards."""
    nodes: list[Json] = (await person.ask(CARDS))["me"]["wallet"]["cards"]["nodes"]
    return nodes


async def card(person: Api, card_id: str) -> Json:
    """One of the person's cards."""
    return next(each for each in await cards(person) if each["id"] == card_id)


async def balances(person: Api, card_id: str) -> tuple[int, int, int]:
    """(principal, bonus, held) of a card, in fen."""
    found = await card(person, card_id)
    principal, bonus, held = (found[name]["amountFen"] for name in ("principal", "bonus", "held"))
    return principal, bonus, held


async def place(world: World, person: Api, *dishes: str) -> Json:
    """Place an order of dishes by their demo keys, each once."""
    lines = [{"dishId": made_id("dsh", world.store_id, key), "quantity": 1} for key in dishes]
    wanted = {"storeId": world.store_id, "type": "PICK_UP", "lines": lines, "couponIds": []}
    order: Json = (await person.do("placeOrder", ORDER, **wanted, idempotencyKey=new_key()))["order"]
    return order


async def pay_order(person: Api, order: Json, *tenders: Json, key: str | None = None) -> Json:
    """Ask to pay an order: {order, payment}."""
    wanted = {"orderId": order["id"], "tenders": list(tenders), "idempotencyKey": key or new_key()}
    return await person.do("payOrder", f"{ORDER} {PAYMENT}", **wanted)


async def order_now(person: Api, order: Json) -> Json:
    """The order as it is now."""
    query = f"query($id: ID!) {{ {ORDER.replace('order {', 'order(id: $id) {', 1)} }}"
    found: Json = (await person.ask(query, id=order["id"]))["order"]
    return found


async def until_order(person: Api, order: Json, status: str, seconds: float = 30.0) -> Json:
    """The order once it has a status."""

    async def look() -> Json | None:
        found = await order_now(person, order)
        return found if found["status"] == status else None

    return await until(look, seconds)


async def payment_row(world: World, payment_id: str) -> Document:
    """Our own row of a payment."""
    found = await world.app.connection.collection("payments").find_one({"_id": payment_id})
    assert found is not None
    return found


async def until_status(world: World, payment_id: str, status: str, seconds: float = 30.0) -> Document:
    """Our own row of a payment, once it has a status."""

    async def look() -> Document | None:
        row = await payment_row(world, payment_id)
        return row if row["status"] == status else None

    return await until(look, seconds)


async def rows(world: World, collection: str, **query: Any) -> list[Document]:
    """Documents behind the API, oldest first."""
    return await world.app.connection.collection(collection).find(query).sort("_id", 1).to_list(None)


async def customer_id(person: Api) -> str:
    """Whose account this is."""
    found: str = (await person.ask("{ me { id } }"))["me"]["id"]
    return found


async def count(world: World, collection: str) -> int:
    """How many there are of something."""
    return await world.app.connection.collection(collection).count_documents({})


async def lines_of(world: World, entry_id: str) -> dict[str, int]:
    """A journal entry's lines by account, in fen."""
    [entry] = await rows(world, "journal", _id=entry_id)
    return {line["account"]: line["amount_fen"] for line in entry["lines"]}


async def at_provider(phone: Phone, payment_id: str) -> Json:
    """The provider's own view of a payment."""
    return next(each for each in await phone.payments() if each["out_trade_no"] == payment_id)


async def ask_provider(world: World, payment_id: str) -> None:
    """Let the time come at which the provider is asked about a payment, and have it asked."""
    await let_be_due(world, payment_id)
    await poll_once(world.app)


async def let_be_due(world: World, payment_id: str) -> None:
    """Let the time come at which the provider is asked about a payment."""
    due = {"$set": {"poll_at": world.clock.now() - timedelta(seconds=1)}}
    await world.app.connection.collection("payments").update_one({"_id": payment_id}, due)


async def breaches(world: World) -> list[str]:
    """What the audit finds wrong at this moment."""
    view = provider_rows(await world.phone.payments())
    return [breach for finding in await audit(world.app.connection, view) for breach in finding.breaches]


async def audited(world: World, seconds: float = 30.0) -> None:
    """The books are in order, once what is on its way has arrived."""
    found = await breaches(world)
    try:
        async with asyncio.timeout(seconds):
            while found:
                await asyncio.sleep(0.2)
                found = await breaches(world)
    except TimeoutError:
        raise AssertionError("; ".join(found)) from None


def somebody() -> str:
    """A name that nobody has."""
    return f"user-{uuid.uuid4().hex[:12]}"
