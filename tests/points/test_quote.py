"""What a quote says that an order would earn, also the fresh one that comes with a refusal."""

from typing import Any

from scripts.client import Api, Json, new_key
from tests.points.club import completed, dish_at
from tests.support.world import World
from tests.till.counter import claimed, new_guest

FIELDS = "payable { amountFen } pointsEarned"
QUOTE = f"""query($input: QuoteOrderInput!) {{ answer: quoteOrder(input: $input) {{ __typename
  ... on OrderQuote {{ {FIELDS} }} ... on OrderError {{ codeName quote {{ {FIELDS} }} }} }} }}"""
PLACE = f"""mutation($input: PlaceOrderInput!) {{ answer: placeOrder(input: $input) {{ __typename
  ... on OrderError {{ codeName quote {{ {FIELDS} }} }} }} }}"""


async def cart(world: World, fen: int, **fields: Any) -> Json:
    """One dish of this price."""
    lines = [{"dishId": await dish_at(world, fen), "quantity": 1}]
    return {"storeId": world.store_id, "type": "PICK_UP", "lines": lines, "couponIds": [], **fields}


async def quoted(api: Api, wanted: Json) -> tuple[int, int]:
    """(payable in fen, points) of a quote, a refusal's too."""
    answer = (await api.ask(QUOTE, input=wanted))["answer"]
    quote = answer["quote"] if answer["__typename"] == "OrderError" else answer
    return quote["payable"]["amountFen"], quote["pointsEarned"]


async def test_a_quote_says_what_the_order_will_earn_when_it_is_paid_in_money(world: World) -> None:
    guest = await new_guest(world)
    assert await quoted(guest.api, await cart(world, 10_090)) == (10_090, 100)
    assert (await completed(world, guest.signed, 10_090)).points_earned == 100
    assert await quoted(guest.api, await cart(world, 10_090)) == (10_090, 126)  # SILVER by now: 100.90 x 1.25
    assert (await completed(world, guest.signed, 10_090)).points_earned == 126


async def test_a_coupon_earns_nothing(world: World) -> None:
    guest = await new_guest(world)
    coupon = await claimed(world, guest, "cash-50")
    assert await quoted(guest.api, await cart(world, 30_000, couponIds=[coupon])) == (25_000, 250)


async def test_who_is_no_member_is_promised_nothing_and_earns_nothing(world: World) -> None:
    assert await quoted(await world.person(), await cart(world, 10_000)) == (10_000, 0)


async def test_the_fresh_quote_of_a_refusal_says_it_too(world: World) -> None:
    guest = await new_guest(world)
    coupon = await claimed(world, guest, "cash-50")
    wanted = await cart(world, 12_000, couponIds=[coupon])  # the coupon is for 300.00 and more
    answer = (await guest.api.ask(QUOTE, input=wanted))["answer"]
    assert (answer["codeName"], await quoted(guest.api, wanted)) == ("COUPON_NOT_APPLICABLE", (12_000, 120))
    wanted = await cart(world, 12_000, expectedPayableFen=11_999, idempotencyKey=new_key())
    answer = (await guest.api.ask(PLACE, input=wanted))["answer"]
    assert (answer["codeName"], answer["quote"]["pointsEarned"]) == ("PRICE_CHANGED", 120)
