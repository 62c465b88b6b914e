"""Somebody who pays an order partly from a card and partly in the chat app."""

import pytest

from scripts.client import Api, Json, Refused
from tests.payments.money import METHODS, balances, pay_order, place, rows, topped_up
from tests.support.world import World


class Diner:
    """Somebody with 4 000 fen on a card and a pomfret of 9 800 fen ordered."""

    def __init__(self, world: World, platform: str, api: Api, card_id: str, order: Json) -> None:
        self.world, self.platform, self.api, self.card_id, self.order = world, platform, api, card_id, order
        self.outside: Json = {"method": METHODS[platform]}
        self.card: Json = {"method": "STORED_VALUE", "cardId": card_id, "amountFen": 4_000}

    async def pay(self, *tenders: Json, key: str | None = None) -> Json:
        """Ask to pay; answers the outside payment."""
        paying = await pay_order(self.api, self.order, *(tenders or (self.card, self.outside)), key=key)
        payment: Json = paying["payment"]
        return payment

    async def refused(self, *tenders: Json) -> str | None:
        """The code with which paying is refused."""
        with pytest.raises(Refused) as refused:
            await self.pay(*tenders)
        return refused.value.code

    async def balances(self) -> tuple[int, int, int]:
        return await balances(self.api, self.card_id)

    async def statuses(self) -> list[str]:
        """Of the order's payments, oldest first."""
        return [row["status"] for row in await rows(self.world, "payments", order_id=self.order["id"])]


async def new_diner(world: World, platform: str) -> Diner:
    """A diner with a card and an order."""
    api = await world.person(platform)
    opened = await topped_up(world, api, amountFen=4_000)
    return Diner(world, platform, api, opened["card"]["id"], await place(world, api, "pomfret"))
