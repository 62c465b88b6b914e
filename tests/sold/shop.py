"""What the tests of sold coupons and passes do again and again: offer, buy, look, use, and read the books."""

from datetime import timedelta
from typing import Any

from resolvers.coupons.model import CouponKind, Template
from resolvers.documents import Document
from scripts.client import PAYMENT, Api, Json, new_key
from scripts.demo_brands import made_id
from tests.coupons.offered import offer
from tests.payments.money import ask_provider, lines_of, rows, until_status
from tests.support.world import World

SESAME, PLUM, RICE = "black-sesame", "sour-plum", "plain-rice"  # dishes of 2 000, 1 600 and 300 fen at every level
WALLET = """{ me { wallet { coupons { nodes { id status usesLeft template { id } } }
  cards(status: [ACTIVE, GIFTING, USED_UP, EXPIRED, GIFTED, CLOSED]) { nodes { id kind status usesLeft title canGive
    expiresAt balance { amountFen } statement { nodes { kind memo amount { amountFen } } } } } } } }"""
BOUGHT = "payment { id status canRefund refundable { amountFen } cards { id } coupons { id status usesLeft } }"
ORDER = """order { id number status payable { amountFen } paid { amountFen } refunded { amountFen }
  lines { id quantity refundedQuantity total { amountFen } }
  payments { id method status uses amount { amountFen } refunded { amountFen } } }"""


def dish(world: World, key: str) -> str:
    """A dish of the store that never closes."""
    return made_id("dsh", world.store_id, key)


async def a_voucher(world: World, price_fen: int = 800, **values: Any) -> Template:
    """A voucher that is sold: ten yuan off."""
    wanted: dict[str, Any] = {"amount_off_fen": 1_000, "price_fen": price_fen, "per_customer": 20, **values}
    return await offer(world, CouponKind.CASH, **wanted)


async def a_tea_card(world: World, **values: Any) -> Template:
    """A tea card that is sold: three times a second sour plum for fifteen yuan."""
    plum = (dish(world, PLUM),)
    wanted: dict[str, Any] = {"price_fen": 1_500, "uses": 3, "buy_dish_ids": plum, "get_dish_ids": plum, **values}
    return await offer(world, CouponKind.BUY_GET, **{"per_customer": 20, **wanted})


async def a_pass(world: World, uses: int = 3, price_fen: int = 1_000, **values: Any) -> Template:
    """A pass: so many dishes of sesame paste."""
    wanted: dict[str, Any] = {"price_fen": price_fen, "pass_uses": uses, "per_customer": 20, **values}
    return await offer(world, CouponKind.EXCHANGE, **{"free_dish_ids": (dish(world, SESAME),), **wanted})


async def buy(person: Api, template: Template, quantity: int = 1, key: str | None = None) -> Json:
    """Open a payment. Raises Refused."""
    wanted = {"templateId": template.id, "quantity": quantity, "idempotencyKey": key or new_key()}
    payment: Json = (await person.do("buyCoupon", PAYMENT, **wanted))["payment"]
    return payment


async def bought(world: World, person: Api, template: Template, quantity: int = 1) -> Document:
    """Buy and pay: our own row of the payment."""
    payment = await buy(person, template, quantity)
    await world.phone.pay(payment)
    return await until_status(world, payment["id"], "SUCCEEDED")


async def a_bought_pass(world: World, person: Api, **values: Any) -> str:
    """The id of a pass that a person has bought."""
    row = await bought(world, person, await a_pass(world, **values))
    card_id: str = row["card_ids"][0]
    return card_id


async def let_close(world: World, payment_id: str) -> None:
    """Nobody pays in time: the poller closes the payment."""
    over = {"$set": {"expires_at": world.clock.now() - timedelta(seconds=1)}}
    await world.app.connection.collection("payments").update_one({"_id": payment_id}, over)
    await ask_provider(world, payment_id)
    await until_status(world, payment_id, "CLOSED")


async def coupons(person: Api) -> list[Json]:
    """The person's usable coupons."""
    nodes: list[Json] = (await person.ask(WALLET))["me"]["wallet"]["coupons"]["nodes"]
    return nodes


async def card(person: Api, card_id: str) -> Json:
    """A card of the person's."""
    nodes: list[Json] = (await person.ask(WALLET))["me"]["wallet"]["cards"]["nodes"]
    return next(each for each in nodes if each["id"] == card_id)


async def uses(person: Api, card_id: str) -> tuple[str, int]:
    """(status, uses left) of a pass."""
    found = await card(person, card_id)
    return found["status"], found["usesLeft"]


def tender(card_id: str, count: int | None = None) -> Json:
    """A pass as a tender."""
    return {"method": "PASS", "cardId": card_id, **({} if count is None else {"uses": count})}


def cart(world: World, *lines: tuple[str, int], **fields: Any) -> Json:
    """An order of dishes by their demo keys."""
    wanted = [{"dishId": dish(world, key), "quantity": quantity} for key, quantity in lines]
    return {"storeId": world.store_id, "type": "PICK_UP", "lines": wanted, "couponIds": [], **fields}


async def place(world: World, person: Api, *lines: tuple[str, int], **fields: Any) -> Json:
    """Place an order, and pay it with the tenders if there are any: {order, payment}. Raises Refused."""
    wanted = cart(world, *lines, **fields)
    return await person.do("placeOrder", f"{ORDER} {PAYMENT}", **wanted, idempotencyKey=new_key())


async def refund(staff: Api, order: Json, lines: dict[int, int] | None = None) -> Json:
    """Refund an order, or so many of its lines by their index. Raises Refused."""
    some = None
    if lines is not None:
        some = [{"lineId": order["lines"][index]["id"], "quantity": count} for index, count in lines.items()]
    wanted = "refunded { amountFen } bySource { method uses amount { amountFen } card { id usesLeft } }"
    return await staff.do(
        "refundOrder", wanted, orderId=order["id"], lines=some, reason="少上", idempotencyKey=new_key()
    )


async def entry(world: World, key: str) -> dict[str, int]:
    """A journal entry's lines, by account without the ids of brand and card."""
    return {each.rpartition(":")[2]: amount for each, amount in (await lines_of(world, key)).items()}


async def sold_fen(world: World, name: str = "vouchers_sold") -> int:
    """What the journal holds on one account of the seafood house, in fen or uses."""
    account = f"brand:{world.brand_id}:{name}"
    found = await rows(world, "journal", **{"lines.account": account})
    return sum(line["amount_fen"] for each in found for line in each["lines"] if line["account"] == account)
