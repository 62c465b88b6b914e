"""Claiming gifts at 32 callers, against the bare driver performing the same transaction."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from resolvers.documents import to_document
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.model import Gift
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.mongo import Session
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from scripts.benchmarks.timing import row
from tests.support.core import card_with, new_person
from tests.support.world import World

CALLERS = 32
GIFTS_EACH = 8
FEN = 100


async def claims(world: World) -> list[str]:
    """The verb itself, without HTTP; each friend claims parts of one giver's card."""
    givers = [await new_person(world) for _ in range(CALLERS)]
    friends = [await new_person(world) for _ in range(CALLERS)]
    given = [await _given(world, giver) for giver in givers]
    for friend, gifts in zip(friends, given, strict=True):
        await ensure_member(world.app, friend.customer_id, world.brand_id)
        copies = [to_document(gift) | {"_id": _twin(gift)} for gift in gifts]
        await world.app.connection.collection("bench_gifts").insert_many(copies)
        await world.app.connection.collection("bench_accounts").insert_many(
            {"_id": _twin(gift), "balance_fen": FEN} for gift in gifts
        )

    async def ours(number: int) -> None:
        for gift in given[number]:
            await claim_gift(world.app, friends[number], share_token(world.app.vault, gift.id), f"claim-{gift.id}")

    claimed = await _timed(ours)
    bare = await _timed(lambda number: _bare(world, givers[number], friends[number], given[number]))
    return [row("claim a gift", claimed, bare, f"{CALLERS} friends, {GIFTS_EACH} gifts each")]


async def _given(world: World, giver: SignedIn) -> list[Gift]:
    card = await card_with(world, giver, FEN * GIFTS_EACH)
    present = Present(card.id, None, FEN, "")
    return [await give(world.app, giver, present, f"give-{number}") for number in range(GIFTS_EACH)]


async def _timed(call: Any) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(CALLERS)))
    return CALLERS * GIFTS_EACH / (time.perf_counter() - started)


def _twin(gift: Gift) -> str:
    return f"bare-{gift.id}"


async def _bare(world: World, giver: SignedIn, friend: SignedIn, gifts: list[Gift]) -> None:
    """The same reads, writes and commit in the same order, on copies, with nothing but the driver."""
    database, now = world.app.connection, datetime.now(UTC)
    keys, gifts_of, cards = (database.collection(f"bench_{name}") for name in ("keys", "gifts", "cards"))
    for gift in gifts:
        key, snapshot = _twin(gift), to_document(gift)
        card = {"_id": key, "customer_id": friend.customer_id, "revision": 1, "lots": snapshot["takes"]}
        # Outside the transaction, as the verb: the gift, the key, the membership, the key; and the gift at its end.
        await gifts_of.find_one({"_id": key})
        await keys.find_one({"_id": key})
        await database.collection("memberships").find_one(
            {"customer_id": friend.customer_id, "brand_id": world.brand_id}
        )
        await keys.find_one({"_id": key})

        async def body(
            session: Session, key: str = key, card: dict[str, Any] = card, snapshot: dict[str, Any] = snapshot
        ) -> None:
            await keys.find_one({"_id": key}, session=session)
            await keys.insert_one({"_id": key, "state": "RUNNING"}, session=session)
            await gifts_of.find_one({"_id": key}, session=session)
            lines = [{"account": key, "amount_fen": -FEN}, {"account": f"card-{key}", "amount_fen": FEN}]
            await database.collection("bench_journal").insert_one(
                {"_id": key, "lines": lines, "at": now}, session=session
            )
            accounts = database.collection("bench_accounts")
            await accounts.update_one(
                {"_id": f"card-{key}"}, {"$inc": {"balance_fen": FEN}}, upsert=True, session=session
            )
            await accounts.update_one(
                {"_id": key, "balance_fen": {"$gte": FEN}}, {"$inc": {"balance_fen": -FEN}}, session=session
            )
            await cards.insert_one(card, session=session)
            await cards.replace_one({"_id": key, "revision": 1}, card | {"revision": 2}, session=session)
            await database.collection("bench_statement").insert_many([{"_id": key, "card_id": key}], session=session)
            await gifts_of.replace_one({"_id": key, "revision": 1}, snapshot | {"_id": key}, session=session)
            await keys.update_one({"_id": key}, {"$set": {"state": "DONE"}}, session=session)
            for person in (giver, friend):
                await database.collection("customers").find_one_and_update(
                    {"_id": person.customer_id}, {"$inc": {"bench": 1}}, session=session
                )
            events = [{"_id": f"{key}-{number}", "snapshot": snapshot} for number in range(3)]
            await database.collection("bench_events").insert_many(events, session=session)

        await database.transaction(body)
        await gifts_of.find_one({"_id": key})
