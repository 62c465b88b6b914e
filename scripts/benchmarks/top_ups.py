"""Handling the word that a top-up is paid, at 32 callers, against the bare driver performing the same transaction."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from resolvers.cards.model import Card
from resolvers.documents import to_document
from resolvers.ids import new_id
from resolvers.mongo import Session
from resolvers.payments.model import Payment, PaymentMethod, PaymentStatus, Purpose
from resolvers.payments.settle import settle
from resolvers.people.model import SignedIn
from resolvers.ports_payment import ProviderPayment, ProviderState
from scripts.benchmarks.timing import row
from tests.support.core import card_with, new_person
from tests.support.world import World

CALLERS = 32
TOP_UPS_EACH = 8
FEN = 1_000


async def notifications(world: World) -> list[str]:
    """The handling itself, after the signature was verified, so that both sides are compared at the same place."""
    people = [await new_person(world) for _ in range(CALLERS)]
    cards = [await card_with(world, person, 100) for person in people]
    payments = [await _opened(world, person) for person in people]
    await _copies(world, cards, payments)

    async def ours(number: int) -> None:
        for payment in payments[number]:
            payer = payment.payer_openid
            word = ProviderPayment(payment.id, ProviderState.SUCCEEDED, FEN, payer, "bench", payment.app_id or "")
            await settle(world.app, word)

    handled = await _timed(ours)
    bare = await _timed(lambda number: _bare(world, people[number], cards[number], payments[number]))
    return [row("handle a top-up's notification", handled, bare, f"{CALLERS} callers, one customer each")]


async def _opened(world: World, person: SignedIn) -> list[Payment]:
    """Payments as they are while they wait for the provider's word; no provider knows them."""
    now = world.clock.now()
    payments = [
        Payment(
            id=new_id("pay", now),
            customer_id=person.customer_id,
            brand_id=world.brand_id,
            method=PaymentMethod.QQ_WALLET,  # as WeChat's, but for shipping info that nobody could upload
            purpose=Purpose.TOP_UP,
            status=PaymentStatus.PENDING,
            amount_fen=FEN,
            description="bench",
            created_at=now,
            app_id=person.app_id,
            payer_openid="bench",
            prepay_id="bench",
        )
        for _ in range(TOP_UPS_EACH)
    ]
    await world.app.connection.collection("payments").insert_many([to_document(each) for each in payments])
    return payments


async def _timed(call: Any) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(CALLERS)))
    return CALLERS * TOP_UPS_EACH / (time.perf_counter() - started)


def _twin(thing: str) -> str:
    return f"bare-{thing}"


async def _copies(world: World, cards: list[Card], payments: list[list[Payment]]) -> None:
    database = world.app.connection
    for card, opened in zip(cards, payments, strict=True):
        await database.collection("bench_top_cards").insert_one(to_document(card) | {"_id": _twin(card.id)})
        await database.collection("bench_accounts").insert_one({"_id": _twin(card.id), "balance_fen": 0})
        copies = [to_document(each) | {"_id": _twin(each.id)} for each in opened]
        await database.collection("bench_payments").insert_many(copies)


async def _bare(world: World, person: SignedIn, card: Card, payments: list[Payment]) -> None:
    """The same reads, writes and commit in the same order, on copies, with nothing but the driver."""
    database, now, twin = world.app.connection, datetime.now(UTC), _twin(card.id)
    document = to_document(card) | {"_id": twin}
    for payment in payments:
        key = _twin(payment.id)
        await database.collection("bench_payments").find_one({"_id": key})

        async def body(session: Session, key: str = key) -> None:
            rows, cards = database.collection("bench_payments"), database.collection("bench_top_cards")
            await rows.find_one({"_id": key}, session=session)
            await rows.find_one_and_update({"_id": key}, {"$set": {"status": "SUCCEEDED"}}, session=session)
            await database.collection("brands").find_one({"_id": world.brand_id}, session=session)
            await cards.find_one({"_id": twin}, session=session)
            await database.collection("bench_counts").update_one(
                {"_id": twin}, {"$inc": {"count": 1}}, upsert=True, session=session
            )
            await cards.find_one({"_id": twin}, session=session)
            lines = [{"account": twin, "amount_fen": FEN}, {"account": "psp", "amount_fen": -FEN}]
            await database.collection("bench_journal").insert_one(
                {"_id": key, "lines": lines, "at": now}, session=session
            )
            await database.collection("bench_accounts").update_one(
                {"_id": twin}, {"$inc": {"balance_fen": FEN}}, session=session
            )
            await rows.update_one({"_id": key}, {"$set": {"card_id": twin}}, session=session)
            await cards.replace_one({"_id": twin}, document, session=session)
            await database.collection("bench_statement").insert_many([{"_id": key, "card_id": twin}], session=session)
            await database.collection("incidents").update_one(
                {"key": key, "resolved_at": None}, {"$set": {"resolved_at": now}}, session=session
            )
            await rows.find_one({"_id": key}, session=session)
            await database.collection("customers").find_one_and_update(
                {"_id": person.customer_id}, {"$inc": {"bench": 2}}, session=session
            )
            events = [{"_id": f"{key}-{number}", "snapshot": document} for number in range(2)]
            await database.collection("bench_events").insert_many(events, session=session)

        await database.transaction(body)
