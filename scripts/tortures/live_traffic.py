"""What makes events while clients watch: coupons come and are given on, cards are topped up, orders placed and paid."""

from dataclasses import replace

from resolvers.coupons.store import CouponStore
from resolvers.mongo import Connection
from scripts.tortures import stories_of_cards as cards
from scripts.tortures import stories_of_orders as orders
from scripts.tortures.client import Client
from scripts.tortures.traffic import Traffic

MANY = 100_000  # coupons a person may claim
KEPT = 0.3  # of the coupons stay with whoever claimed them; the others go to a friend, or come back
STORIES = (
    cards.cash_top_up,
    cards.top_up,
    orders.order_at_once,
    orders.order_and_pay,
    orders.order_and_cancel,
    orders.order_and_refund,
)


async def endless_template(connection: Connection, template_id: str) -> str:
    """A copy of a template that can be claimed again and again; its id."""
    store = CouponStore(connection)
    template = await store.template(template_id)
    if template is None:
        raise LookupError(template_id)
    free = {"total": None, "per_day": None, "per_customer_day": None, "starts_at": None, "ends_at": None}
    copy = replace(template, id="tpl_endless", per_customer=MANY, per_customer_most=MANY, giveable=True, **free)
    await store.put_template(copy)
    return copy.id


class LiveTraffic(Traffic):
    """The same clients, with coupons in every second story."""

    template_id = ""

    async def _live(self, client: Client) -> None:
        while not self._stop.is_set():
            await self._coupon(client)
            if client.dice.random() < 0.5:
                await client.dice.choice(STORIES)(client)
            elif client.dice.random() < 0.3:
                await self._give(client)
            await client.stay_signed_in()

    async def _coupon(self, client: Client) -> None:
        claimed = await client.do("claimCoupon", "coupon { id }", templateId=self.template_id)
        if not claimed.done or client.dice.random() < KEPT:
            return
        given = await client.do("give", "gift { id shareToken }", couponId=claimed.told("coupon", "id"))
        if not given.done:
            return
        if client.dice.random() < 0.5:
            friend = client.dice.choice([each for each in self.clients if each is not client])
            await friend.do("claimGift", "preview { status }", token=given.told("gift", "shareToken"))
        else:
            await client.do("withdrawGift", "gift { id }", keyed=False, giftId=given.told("gift", "id"))
