"""Random histories of one card: after every step its lots, accounts and statement say the same, and refunds restore."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolvers.brands.model import SpendOrder
from resolvers.cards.credit import ensure_card
from resolvers.cards.lapse import post_lapsed
from resolvers.cards.model import Card, StatementKind, Take
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.errors import Refused
from resolvers.gifts.give import give
from resolvers.gifts.give_back import withdraw_gift
from resolvers.gifts.model import GiftStatus
from resolvers.gifts.present import Present
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account, card_account
from resolvers.ledger.posting import post
from resolvers.ordering.cancel import cancel_order
from resolvers.ordering.model import LineRequest, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.refund import refund_order
from resolvers.ordering.refund_rules import LineRefund
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from tests.money.people import settings as settings_of_brand
from tests.support.core import books_are_in_order, card_now, dishes, member_of_staff, new_person, placed
from tests.support.world import World

STEP = st.one_of(
    st.tuples(st.just("credit"), st.integers(1, 20_000), st.integers(0, 9_000), st.sampled_from([None, 1, 5, 30])),
    st.tuples(st.just("buy"), st.integers(1, 4), st.integers(1, 3)),
    st.tuples(st.just("refund line"), st.integers(0, 9), st.integers(1, 3)),
    st.tuples(st.just("refund"), st.integers(0, 9)),
    st.tuples(st.just("hold and let go"), st.integers(1, 2)),
    st.tuples(st.just("give and take back"), st.integers(1, 9_000)),
    st.tuples(st.just("days pass"), st.integers(1, 6)),
)


class History:
    """One person with one card, to whom things happen."""

    def __init__(self, world: World, person: SignedIn, card_id: str) -> None:
        self.world, self.app, self.person, self.card_id = world, world.app, person, card_id
        self.bought: list[str] = []
        self.keys = 0

    def key(self) -> str:
        """A new idempotency key."""
        self.keys += 1
        return f"{self.card_id}-{self.keys}"

    async def do(self, step: tuple[Any, ...]) -> None:
        """One step; what the product refuses changes nothing, which the check after it shows."""
        name, *arguments = step
        verbs: dict[str, Callable[..., Awaitable[None]]] = {
            "credit": self.credit,
            "buy": self.buy,
            "refund line": self.refund_line,
            "refund": self.refund,
            "hold and let go": self.hold_and_let_go,
            "give and take back": self.give_and_take_back,
            "days pass": self.days_pass,
        }
        with contextlib.suppress(Refused):
            await verbs[name](*arguments)
        await self.check()

    async def credit(self, principal: int, bonus: int, days: int | None) -> None:
        """Principal and bonus out of the blue, the bonus with a lot of its own that lapses."""

        async def steps(work: Work) -> dict[str, str]:
            card = await card_now(self.world, self.card_id)
            until = work.now + timedelta(days=days) if days else None
            lots = [Take(work.new_id("lot"), False, principal, None)]
            lots += [Take(work.new_id("lot"), True, bonus, until)] if bonus else []
            lines = [
                Line(brand_account(card.brand_id, BrandAccount.BONUS_GRANTED), -principal),
                Line(brand_account(card.brand_id, BrandAccount.BONUS_GRANTED), -bonus),
                *card_lines(card.id, lots, +1),
            ]
            await post(self.app.ledger, work, EntryKind.TOP_UP, f"test:{self.key()}", card.brand_id, lines)
            into = Movement(StatementKind.TOP_UP, principal + bonus, "test")
            await write_card(self.app.cards, work, card, card.plus(lots), [into])
            return {}

        await self.app.work.run(Call("test", SYSTEM, contends=(self.person.customer_id,)), steps)

    async def _order(self, quantity: int, lines: int) -> Any:
        plain = await dishes(self.world, 3)
        wanted = tuple(LineRequest(dish.id, quantity) for dish in plain[:lines])
        placement = Placement(self.world.store_id, OrderType.PICK_UP, wanted, (), None, None, None, None, None)
        return await placed(self.app, self.person, placement, self.key())

    async def buy(self, quantity: int, lines: int) -> None:
        """An order paid from the card; refunded at once and bought again, which must restore it lot by lot."""
        order = await self._order(quantity, lines)
        tenders = [Tender(PaymentMethod.STORED_VALUE, self.card_id, None)]
        before = await card_now(self.world, self.card_id)
        await pay_order(self.app, self.person, order.id, tenders, self.key())
        owner = await member_of_staff(self.world, "owner")
        await refund_order(self.app, owner, order.id, None, "random", self.key())
        assert _by_lot(await card_now(self.world, self.card_id)) == _by_lot(before)
        order = await self._order(quantity, lines)
        await pay_order(self.app, self.person, order.id, tenders, self.key())
        self.bought.append(order.id)

    async def refund_line(self, which: int, count: int) -> None:
        """Some units of the first line of some order."""
        order = await self.app.orders.order(self.bought[which]) if which < len(self.bought) else None
        if order is not None:
            owner, lines = await member_of_staff(self.world, "owner"), [LineRefund(order.lines[0].id, count)]
            await refund_order(self.app, owner, order.id, lines, "random", self.key())

    async def refund(self, which: int) -> None:
        """All that is left of some order."""
        if which < len(self.bought):
            owner = await member_of_staff(self.world, "owner")
            await refund_order(self.app, owner, self.bought[which], None, "random", self.key())

    async def hold_and_let_go(self, fen: int) -> None:
        """A part held for cash that never comes."""
        order = await self._order(1, 1)
        tenders = [Tender(PaymentMethod.STORED_VALUE, self.card_id, fen), Tender(PaymentMethod.CASH, None, None)]
        await pay_order(self.app, self.person, order.id, tenders, self.key())
        assert (await card_now(self.world, self.card_id)).held_fen == fen
        await cancel_order(self.app, self.person, order.id)
        assert (await card_now(self.world, self.card_id)).held_fen == 0

    async def give_and_take_back(self, fen: int) -> None:
        """A part given, and withdrawn."""
        before = await card_now(self.world, self.card_id)
        gift = await give(self.app, self.person, Present(self.card_id, None, fen, ""), self.key())
        assert (await withdraw_gift(self.app, self.person, gift.id)).status is GiftStatus.WITHDRAWN
        assert _by_lot(await card_now(self.world, self.card_id)) == _by_lot(before)

    async def days_pass(self, days: int) -> None:
        """Time goes by, and what lapsed is posted."""
        self.world.clock.ahead += timedelta(days=days)
        await post_lapsed(self.app)
        card = await card_now(self.world, self.card_id)
        assert [lot for lot in card.lots if lot.bonus and lot.lapsed(self.world.clock.now())] == []

    async def check(self) -> None:
        """Lots, accounts and statement agree."""
        card = await card_now(self.world, self.card_id)
        assert all(lot.left_fen > 0 for lot in card.lots)
        for bonus in (False, True):
            lots = sum(lot.left_fen for lot in card.lots if lot.bonus is bonus)
            assert await self.app.ledger.balance(card_account(card.id, bonus=bonus)) == lots
        rows = await self.app.connection.collection("statement").find({"card_id": card.id}).to_list(None)
        rows.sort(key=lambda row: row["number"])
        running = 0
        for row in rows:
            running += row["amount_fen"]
            assert row["balance_after_fen"] == running
        assert (running, len(rows)) == (card.ledger_fen, card.statement_rows)


def _by_lot(card: Card) -> dict[str, int]:
    return {lot.id: lot.left_fen for lot in card.lots}


async def _begin(world: World, order: SpendOrder) -> History:
    app, person = world.app, await new_person(world)
    await settings_of_brand(world, spend_order=order)
    brand = await app.brands.brand(world.brand_id)
    assert brand is not None
    await ensure_member(app, person.customer_id, brand.id)

    async def steps(work: Work) -> dict[str, str]:
        return {"card": (await ensure_card(app, work, person.customer_id, brand)).id}

    return History(world, person, (await app.work.run(Call("test", SYSTEM), steps))["card"])


async def test_balances_lots_and_journal_agree_after_any_history(time: World) -> None:
    loop = asyncio.get_running_loop()

    def here(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.sampled_from(SpendOrder), st.lists(STEP, min_size=4, max_size=14))
    def lived(order: SpendOrder, steps: list[tuple[Any, ...]]) -> None:
        history = here(_begin(time, order))
        for step in [("credit", 15_000, 4_000, 5), *steps]:
            here(history.do(step))

    try:
        await asyncio.to_thread(lived)
    finally:
        await settings_of_brand(time, spend_order=SpendOrder.BONUS_FIRST)
    await books_are_in_order(time)
