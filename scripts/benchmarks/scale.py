"""What must not grow: retries when a whole brand pays at once, a payment's cost with the length of the statement."""

import asyncio
import statistics
import time

from resolvers.cards.model import Card, StatementEntry, StatementKind
from resolvers.documents import to_document
from resolvers.ids import new_id
from resolvers.ordering.menu import Dish
from resolvers.ordering.model import LineRequest, Order, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import SignedIn
from tests.support.core import card_with, dishes, new_person, placed
from tests.support.world import World

AT_ONCE = 200
SHORT, LONG = 10, 100_000  # rows of a statement
ROUNDS = 60


async def one_brand(world: World) -> list[str]:
    """200 customers of one brand pay at the same moment: they meet on no document."""
    dish = min(await dishes(world), key=lambda each: each.price_fen)
    people = [await new_person(world) for _ in range(AT_ONCE)]
    cards = [await card_with(world, person, dish.price_fen) for person in people]
    orders = [await _order(world, person, dish, "o") for person in people]
    before, started = world.app.connection.retries, time.perf_counter()
    await asyncio.gather(*(_pay(world, *each) for each in zip(people, cards, orders, strict=True)))
    seconds = time.perf_counter() - started
    retries = (world.app.connection.retries - before) / AT_ONCE
    return [f"{AT_ONCE} payments at one brand at once: {retries:.3f} retries a payment, {AT_ONCE / seconds:.0f}/s"]


async def statement(world: World) -> list[str]:
    """The same payment from a card with a short statement and from one with a long one, in turns."""
    dish = min(await dishes(world), key=lambda each: each.price_fen)
    seconds: dict[int, list[float]] = {SHORT: [], LONG: []}
    payers: dict[int, tuple[SignedIn, Card]] = {}
    for rows in seconds:
        person = await new_person(world)
        payers[rows] = person, await _with_rows(world, person, dish.price_fen * (ROUNDS + 1), rows)
    for number in range(ROUNDS):
        for rows, (person, card) in payers.items():
            order = await _order(world, person, dish, f"o{number}")
            started = time.perf_counter()
            await _pay(world, person, card, order)
            seconds[rows].append(time.perf_counter() - started)
    short, long = statistics.median(seconds[SHORT]), statistics.median(seconds[LONG])
    return [
        f"a payment from a card with {LONG:,} statement rows costs {long / short:.2f} x one with {SHORT} "
        f"({long * 1_000:.1f} ms, {short * 1_000:.1f} ms, medians of {ROUNDS} in turns)"
    ]


async def _order(world: World, person: SignedIn, dish: Dish, key: str) -> Order:
    lines = (LineRequest(dish.id, 1),)
    placement = Placement(world.store_id, OrderType.PICK_UP, lines, (), None, None, None, None, None)
    return await placed(world.app, person, placement, key)


async def _pay(world: World, person: SignedIn, card: Card, order: Order) -> None:
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, None)]
    await pay_order(world.app, person, order.id, tenders, f"pay-{order.id}")


async def _with_rows(world: World, person: SignedIn, fen: int, rows: int) -> Card:
    """A card whose statement has so many rows."""
    card, now = await card_with(world, person, fen), world.clock.now()
    statement = world.app.connection.collection("statement")
    filler = [
        to_document(StatementEntry(new_id("ste", now), card.id, number, StatementKind.ADJUSTMENT, 0, fen, "", now))
        for number in range(card.statement_rows + 1, rows + 1)
    ]
    for start in range(0, len(filler), 10_000):
        await statement.insert_many(filler[start : start + 10_000])
    await world.app.connection.collection("cards").update_one({"_id": card.id}, {"$set": {"statement_rows": rows}})
    return card
