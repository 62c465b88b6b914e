"""A gateway that is killed while it and another send: nobody is told a thing twice, and nothing is left lying."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from resolvers.chat.messages.model import MessageState
from scripts.client import Api
from tests.gifts.wrapped import signed_in
from tests.messages.phones import agree, arrived, let_all_be_due, template_of
from tests.messages.test_ledger import EVENT, spend
from tests.payments.money import customer_id, faulty, until
from tests.support.core import books_are_in_order, card_with
from tests.support.gateway_process import GatewayProcess, free_port, open_process
from tests.support.world import World

PEOPLE, EACH, KILLS = 10, 4, 4


@dataclass
class Sending:
    """A product whose messages are sent by two processes; the second can be killed."""

    world: World
    second: GatewayProcess


@pytest.fixture(scope="module")
async def sending(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sending]:
    """Both gateways are up."""
    folder: Path = tmp_path_factory.mktemp("killed")
    async with AsyncExitStack() as stack:
        world, _ = await stack.enter_async_context(open_process(mongodb_uri, folder))
        second = GatewayProcess(world.settings, free_port(), folder / "second.log")
        stack.push_async_callback(second.stop)
        await second.start()
        yield Sending(world, second)
        await books_are_in_order(world)


async def test_nobody_is_told_twice_whoever_is_killed(sending: Sending) -> None:
    """40 things happen to 10 people who want to hear of each; 4 kills while sends are under way."""
    world = sending.world
    people = [(person, await card(world, person)) for person in [await world.person() for _ in range(PEOPLE)]]
    for person, _ in people:
        for _ in range(EACH):
            await agree(world, person, EVENT)

    async def happen(person: Api, card_id: str) -> None:
        for _ in range(EACH):
            await spend(world, person, card_id)

    async with faulty(world, "subscribe/send", "late", times=8):
        happening = asyncio.gather(*(happen(*each) for each in people))
        for _ in range(KILLS):
            await asyncio.sleep(0.8)
            await sending.second.kill()
            await sending.second.start()
        await happening
    rows = world.app.connection.collection("messages")
    everybody = [await customer_id(person) for person, _ in people]

    async def all_over() -> bool:
        await let_all_be_due(world)  # what a dead process held need not wait for its lease here
        over = {"customer_id": {"$in": everybody}, "state": {"$in": ["SENT", "UNKNOWN"]}}
        return await rows.count_documents(over) == PEOPLE * EACH

    await until(all_over, 60)
    states = Counter(
        MessageState(row["state"]) for row in await rows.find({"customer_id": {"$in": everybody}}).to_list(None)
    )
    told = 0
    for person, _ in people:
        balances = [each["data"]["amount4"] for each in await arrived(world, person)]
        assert len(balances) == len(set(balances))
        told += len(balances)
    assert states[MessageState.SENT] <= told <= states[MessageState.SENT] + states[MessageState.UNKNOWN]
    assert states[MessageState.SENT] >= PEOPLE * EACH - 4 * KILLS  # at most what each killed process had in hand
    ledger = world.app.connection.collection("message_consents")
    left = await ledger.find({"_id": {"$regex": f":{template_of(EVENT)}$"}}).to_list(None)
    assert [row["remaining"] for row in left] == [0] * PEOPLE


async def card(world: World, person: Api) -> str:
    """A card with 1 000 yuan."""
    return (await card_with(world, await signed_in(world, person), 100_000)).id
