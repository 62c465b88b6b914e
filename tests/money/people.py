"""What the tests of money do again and again: tiers of their own, top-ups that are paid, and what came of them."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

from resolvers.brands.model import BrandSettings
from resolvers.cards.offers import TopUpTier
from scripts.client import PAYMENT, Api, Json, new_key
from tests.payments.money import until
from tests.support.world import World

ME = "{ me { id memberships { id points pointsStatement { nodes { change balanceAfter memo } } } } }"
REFUND = "payment { id status canRefund amount { amountFen } refunded { amountFen } refunding { amountFen } }"


async def new_tier(world: World, amount: int, bonus: int = 0, **values: Any) -> TopUpTier:
    """A tier that no other test uses."""
    tier = TopUpTier(f"tir_{uuid.uuid4().hex[:26]}", world.brand_id, "test", amount, bonus, None)
    tier = replace(tier, **values)
    await world.app.cards.put_tier(tier)
    return tier


async def top_up(world: World, person: Api, **fields: Any) -> Json:
    """Open a top-up: {payment, card}."""
    wanted = {"brandId": world.brand_id, "idempotencyKey": new_key(), **fields}
    return await person.do("topUpCard", f"{PAYMENT} card {{ id }}", **wanted)


async def pay_for(world: World, *opened: Json) -> None:
    """Confirm payments in the chat app and wait until each is settled here, whichever way."""
    await asyncio.gather(*(world.phone.pay(each["payment"]) for each in opened))
    for each in opened:
        await until(lambda each=each: _settled(world, each["payment"]["id"]))  # type: ignore[misc]


async def _settled(world: World, payment_id: str) -> bool:
    payment = await world.app.payments.payment(payment_id)
    return payment is not None and payment.status.value != "PENDING"


async def topped_up(world: World, person: Api, **fields: Any) -> Json:
    """Top up and pay."""
    opened = await top_up(world, person, **fields)
    await pay_for(world, opened)
    return opened


async def refund_payment(person: Api, payment_id: str, key: str | None = None) -> Json:
    """refundPayment's payment. Raises Refused."""
    answer = await person.do("refundPayment", REFUND, paymentId=payment_id, idempotencyKey=key or new_key())
    payment: Json = answer["payment"]
    return payment


async def until_back(world: World, payment_id: str) -> None:
    """Wait until the provider has carried out every refund of a payment."""

    async def settled() -> bool:
        payment = await world.app.payments.payment(payment_id)
        return payment is not None and payment.refunding_fen == 0 and payment.refunded_fen > 0

    await until(settled, 20)


async def points(person: Api) -> int:
    """The person's points at the only brand they are a member of."""
    found: int = (await person.ask(ME))["me"]["memberships"][0]["points"]
    return found


async def settings(world: World, **values: Any) -> BrandSettings:
    """Change the seafood house's settings; answers what they were."""
    brand = await world.app.brands.brand(world.brand_id)
    assert brand is not None
    await world.app.brands.put_brand(replace(brand, settings=replace(brand.settings, **values)))
    return brand.settings
