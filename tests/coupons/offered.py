"""Templates that a brand offers for one test, coupons that people have of them, and quotes of what they order."""

import uuid
from typing import Any

from resolvers.coupons.model import CouponKind, Template
from resolvers.coupons.publish import publish
from resolvers.ordering.menu import Dish
from scripts.client import Api, Json, new_key
from tests.coupons.making import template
from tests.support.core import dishes
from tests.support.world import World

QUOTE = """query($input: QuoteOrderInput!) { answer: quoteOrder(input: $input) { __typename
  ... on OrderQuote { subtotal { amountFen } memberDiscount { amountFen } couponDiscount { amountFen }
    payable { amountFen } lines { name quantity discount { amountFen } total { amountFen } }
    usedCoupons { coupon { id title } discount { amountFen } }
    unusedCoupons { coupon { id title } reason explanation } }
  ... on OrderError { codeName message field quote { payable { amountFen } usedCoupons { coupon { id } }
    unusedCoupons { coupon { id } reason explanation } } } } }"""


async def offer(world: World, kind: CouponKind, **values: Any) -> Template:
    """A template of the seafood house that no other test uses, published."""
    key = uuid.uuid4().hex
    made = template(kind, key, brand_id=world.brand_id, **{"title": key[:6], **values})
    await publish(world.app, made)
    return made


async def claim(person: Api, offered: Template, key: str | None = None) -> str:
    """The id of a coupon that a person claims. Raises Refused."""
    wanted = {"templateId": offered.id, "idempotencyKey": key or new_key()}
    coupon_id: str = (await person.do("claimCoupon", "coupon { id }", **wanted))["coupon"]["id"]
    return coupon_id


def cart(world: World, *lines: tuple[Dish, int], **fields: Any) -> Json:
    """The input of a quote, or most of an order."""
    wanted = [{"dishId": dish.id, "quantity": quantity} for dish, quantity in lines]
    return {"storeId": world.store_id, "type": "PICK_UP", "lines": wanted, **fields}


async def quote(world: World, person: Api, *lines: tuple[Dish, int], **fields: Any) -> Json:
    """What a cart costs a person, or the refusal."""
    answer: Json = (await person.ask(QUOTE, input=cart(world, *lines, **fields)))["answer"]
    return answer


def used(quoted: Json) -> dict[str, int]:
    """What every coupon that is used takes off, by coupon id."""
    return {each["coupon"]["id"]: each["discount"]["amountFen"] for each in quoted["usedCoupons"]}


def unused(quoted: Json) -> dict[str, tuple[str, str]]:
    """(reason, sentence) of every coupon that is not used, by coupon id."""
    return {each["coupon"]["id"]: (each["reason"], each["explanation"]) for each in quoted["unusedCoupons"]}


async def two_dishes(world: World) -> tuple[Dish, Dish]:
    """Two plain dishes of different prices, the dearer first."""
    plain = sorted(await dishes(world, 2), key=lambda dish: -dish.price_fen)
    dear = next(dish for dish in plain if not dish.member_prices_fen)
    cheap = next(dish for dish in reversed(plain) if not dish.member_prices_fen and dish.price_fen < dear.price_fen)
    return dear, cheap
