"""Paying an order from stored value at 32 callers, against the bare driver performing the same transaction."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from resolvers.cards.model import Card
from resolvers.documents import to_document
from resolvers.mongo import Session
from resolvers.ordering.model import LineRequest, Order, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import SignedIn
from scripts.benchmarks.timing import row
from tests.support.core import card_with, dishes, new_person, placed
from tests.support.world import World

CALLERS = 32
ORDERS_EACH = 8


async def pay_from_stored_value(world: World) -> list[str]:
    """The verb itself, without HTTP, so that both sides are compared at the same place."""
    people = [await new_person(world) for _ in range(CALLERS)]
    dish = min(await dishes(world), key=lambda each: each.price_fen)
    cards = [await card_with(world, person, dish.price_fen * (ORDERS_EACH + 1)) for person in people]
    line = Placement(world.store_id, OrderType.PICK_UP, (LineRequest(dish.id, 1),), (), None, None, None, None, None)
    orders = [await _placed(world, person, line) for person in people]

    async def ours(number: int) -> None:
        tenders = [Tender(PaymentMethod.STORED_VALUE, cards[number].id, None)]
        for order in orders[number]:
            await pay_order(world.app, people[number], order.id, tenders, f"pay-{order.id}")

    for number in range(CALLERS):
        await _copy(world, cards[number], orders[number])
    paid = await _timed(ours)
    bare = await _timed(lambda number: _bare(world, people[number], cards[number], orders[number]))
    return [row("pay an order from stored value", paid, bare, f"{CALLERS} callers, one customer each")]


async def _placed(world: World, person: SignedIn, placement: Placement) -> list[Order]:
    return [await placed(world.app, person, placement, f"o{number}") for number in range(ORDERS_EACH)]


async def _timed(call: Any) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(CALLERS)))
    return CALLERS * ORDERS_EACH / (time.perf_counter() - started)


def _twin(card: Card) -> str:
    return f"bare-{card.id}"


async def _copy(world: World, card: Card, orders: list[Order]) -> None:
    """What the bare driver works on, put there before the clock starts."""
    database, twin = world.app.connection, _twin(card)
    await database.collection("bench_cards").insert_one(to_document(card) | {"_id": twin})
    await database.collection("bench_accounts").insert_one({"_id": twin, "balance_fen": 10**9})
    for order in orders:
        await database.collection("bench_orders").insert_one(to_document(order) | {"_id": f"bare-{order.id}"})


async def _bare(world: World, person: SignedIn, card: Card, orders: list[Order]) -> None:
    """The same reads, writes and commit in the same order, on copies, with nothing but the driver."""
    database, now = world.app.connection, datetime.now(UTC)
    twin = _twin(card)
    for order in orders:
        key = f"bare-{order.id}"
        document = to_document(replace(order, id=key)) | {"open": True}
        # Outside the transaction, as the verb: the key, the order, what is begun, the card, the pay password, the key.
        await database.collection("bench_keys").find_one({"_id": key})
        await database.collection("bench_orders").find_one({"_id": key})
        await database.collection("bench_keys").find_one({"_id": key})
        await database.collection("bench_cards").find_one({"_id": twin})
        await database.collection("pay_passwords").find_one({"_id": person.customer_id})
        await database.collection("bench_keys").find_one({"_id": key})

        async def body(session: Session, key: str = key, document: dict[str, Any] = document) -> None:
            await database.collection("bench_keys").find_one({"_id": key}, session=session)
            await database.collection("bench_keys").insert_one({"_id": key, "state": "RUNNING"}, session=session)
            await database.collection("bench_orders").find_one({"_id": key}, session=session)
            await database.collection("pay_passwords").find_one({"_id": person.customer_id}, session=session)
            await database.collection("bench_cards").find_one({"_id": twin}, session=session)
            await database.collection("bench_payments").insert_one(
                {"_id": key, "customer_id": person.customer_id}, session=session
            )
            lines = [{"account": twin, "amount_fen": -1}, {"account": "sales", "amount_fen": 1}]
            await database.collection("bench_journal").insert_one(
                {"_id": key, "lines": lines, "at": now}, session=session
            )
            await database.collection("bench_accounts").update_one(
                {"_id": twin, "balance_fen": {"$gte": 1}}, {"$inc": {"balance_fen": -1}}, session=session
            )
            await database.collection("bench_cards").replace_one(
                {"_id": twin}, to_document(card) | {"_id": twin}, session=session
            )
            await database.collection("bench_statement").insert_many([{"_id": key, "card_id": twin}], session=session)
            await database.collection("bench_orders").replace_one({"_id": key}, document, session=session)
            await database.collection("bench_keys").update_one(
                {"_id": key}, {"$set": {"state": "DONE"}}, session=session
            )
            await database.collection("customers").find_one_and_update(
                {"_id": person.customer_id}, {"$inc": {"bench": 3}}, session=session
            )
            events = [{"_id": f"{key}-{number}", "snapshot": document} for number in range(3)]
            await database.collection("bench_events").insert_many(events, session=session)

        await database.transaction(body)
