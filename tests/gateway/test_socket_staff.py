"""What staff may do on a socket is what they may do now: who is shown the door, demoted or moved loses it at once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway import sign_in_check
from resolvers.mongo import PyMongoError
from resolvers.people.model import Role, Staff
from scripts.client import Api
from tests.gateway.raw import Frames, eventually, signed_in_socket
from tests.support.world import World

PASSWORD = "only for this test"
ME = "{ me { id role } }"
CURSOR = "query($id: ID!) { ordersCursor(storeId: $id) }"
WATCH = "subscription($id: ID!) { storeUpdates(storeId: $id) { cursor } }"
CASH = (
    """mutation($id: ID!) { takeCash(input: {storeId: $id, orderId: "ord_x", idempotencyKey: "k"}) { __typename } }"""
)
ISSUE = """mutation($id: ID!) { issueCoupons(input: {templateId: $id, customerIds: ["cus_x"], idempotencyKey: "k"}) {
  __typename ... on StaffError { code } } }"""


class Person:
    """A member of staff whom a test may change as it likes."""

    def __init__(self, world: World, staff_id: str, token: str) -> None:
        self._world = world
        self.id = staff_id
        self.token = token

    async def becomes(self, **changes: Any) -> None:
        """Somebody in the office writes this into the database."""
        staff = self._world.app.connection.collection("staff")
        assert (await staff.update_one({"_id": self.id}, {"$set": changes})).matched_count == 1


@pytest.fixture
async def manager(world: World) -> AsyncIterator[Person]:
    """A manager of one store, signed in; gone when the test is over."""
    name = f"manager-{uuid.uuid4().hex[:12]}"
    password = await world.app.vault.hash_password(PASSWORD)
    staff = Staff(f"stf_{name}", name, "Manager", world.brand_id, Role.MANAGER, (world.store_id,), password)
    assert await world.app.staff.insert(staff)
    signed = await Api(world.http, world.console).do("signIn", "accessToken", username=name, password=PASSWORD)
    yield Person(world, staff.id, signed["accessToken"])
    await world.app.connection.collection("staff").delete_one({"_id": staff.id})


@pytest.fixture
def no_recheck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only operations look who it is."""
    monkeypatch.setattr(sign_in_check, "RECHECK_SECONDS", 600.0)


@pytest.fixture
def quick_recheck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks so often that a test sees many times."""
    monkeypatch.setattr(sign_in_check, "RECHECK_SECONDS", 0.05)


async def answer(frames: Frames, query: str, **variables: Any) -> Any:
    """What a query or mutation answers."""
    operation_id = uuid.uuid4().hex
    await frames.subscribe(operation_id, query, **variables)
    while (frame := await frames.receive()).get("id") != operation_id:
        pass
    assert frame["type"] == "next"
    assert await frames.receive() == {"type": "complete", "id": operation_id}
    return frame["payload"]


async def watch(world: World, frames: Frames) -> None:
    """Watch the store, and be sure that the stream runs."""
    before = len(world.app.hub._stores.get(world.store_id, ()))
    await frames.subscribe("watch", WATCH, id=world.store_id)
    await eventually(lambda: len(world.app.hub._stores.get(world.store_id, ())) == before + 1)


@pytest.mark.parametrize("query", [ME, CASH, CURSOR, WATCH])
@pytest.mark.usefixtures("no_recheck")
async def test_an_operation_of_somebody_who_became_inactive_is_refused_and_closes_the_socket(
    world: World, manager: Person, query: str
) -> None:
    async with signed_in_socket(world, manager.token, world.console) as frames:
        assert (await answer(frames, ME))["data"]["me"]["id"] == manager.id
        await manager.becomes(active=False)
        await frames.subscribe("late", query, id=world.store_id)
        message = await frames.connection.receive(15)
        assert message.type is aiohttp.WSMsgType.CLOSE, message  # and not a word before it
        assert frames.connection.close_code == 4403


@pytest.mark.usefixtures("no_recheck")
async def test_a_demotion_takes_effect_at_the_next_operation(world: World, manager: Person) -> None:
    template_id = world.seeded["template_ids"]["welcome"]
    async with signed_in_socket(world, manager.token, world.console) as frames:
        issued = (await answer(frames, ISSUE, id=template_id))["data"]["issueCoupons"]
        assert issued.get("code") != "NOT_ALLOWED"
        await manager.becomes(role="CASHIER")
        assert (await answer(frames, ME))["data"]["me"]["role"] == "CASHIER"
        refused = (await answer(frames, ISSUE, id=template_id))["data"]["issueCoupons"]
        assert refused == {"__typename": "StaffError", "code": "NOT_ALLOWED"}


@pytest.mark.usefixtures("no_recheck")
async def test_so_does_a_move_to_another_store(world: World, manager: Person) -> None:
    async with signed_in_socket(world, manager.token, world.console) as frames:
        assert "errors" not in await answer(frames, CURSOR, id=world.store_id)
        await manager.becomes(store_ids=["sto_elsewhere"])
        refused = await answer(frames, CURSOR, id=world.store_id)
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_running_stream_ends_within_seconds_when_its_reader_becomes_inactive(
    world: World, manager: Person
) -> None:
    async with signed_in_socket(world, manager.token, world.console) as frames:
        await watch(world, frames)
        await manager.becomes(active=False)
        assert await frames.close_code(15) == 4403
        await eventually(lambda: world.store_id not in world.app.hub._stores)


async def test_so_does_a_socket_on_which_nothing_runs(world: World, manager: Person) -> None:
    async with signed_in_socket(world, manager.token, world.console) as frames:
        await manager.becomes(active=False)
        assert await frames.close_code(15) == 4403


@pytest.mark.parametrize("changes", [{"store_ids": []}, {"brand_id": "brd_elsewhere"}])
async def test_a_stream_of_a_store_that_was_lost_ends_within_seconds_and_is_refused_anew(
    world: World, manager: Person, changes: dict[str, Any]
) -> None:
    async with signed_in_socket(world, manager.token, world.console) as frames:
        await watch(world, frames)
        await manager.becomes(**changes)
        assert await answer(frames, ME)  # an operation that sees the new powers hides nothing of the old stream's
        assert await frames.close_code(15) == 1013  # come back and ask again
        await eventually(lambda: world.store_id not in world.app.hub._stores)
    async with signed_in_socket(world, manager.token, world.console) as frames:
        await frames.subscribe("again", WATCH, id=world.store_id)
        frame = await frames.receive()
        assert (frame["type"], frame["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")


@pytest.mark.usefixtures("quick_recheck")
async def test_who_stays_what_they_are_keeps_watching_and_so_does_everybody_while_mongodb_is_away(
    world: World, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    async def away(_: str) -> Staff | None:
        nonlocal looked
        looked += 1
        raise PyMongoError("away")

    async with signed_in_socket(world, manager.token, world.console) as frames:
        await watch(world, frames)
        await manager.becomes(wrong_tries=2)  # no power of theirs
        with monkeypatch.context() as patched:
            patched.setattr(world.app.staff, "staff", away)
            await eventually(lambda: looked > 3)
        assert await frames.is_alive()
        assert world.store_id in world.app.hub._stores


@pytest.mark.usefixtures("quick_recheck")
async def test_a_stream_that_was_ended_by_its_reader_does_not_count_any_more(world: World, manager: Person) -> None:
    async with signed_in_socket(world, manager.token, world.console) as frames:
        await watch(world, frames)
        await frames.send({"type": "complete", "id": "watch"})
        await eventually(lambda: world.store_id not in world.app.hub._stores)
        await manager.becomes(store_ids=["sto_elsewhere"])
        assert (await answer(frames, CURSOR, id=world.store_id))["errors"]
        await asyncio.sleep(0.5)  # long enough to have looked several times
        assert await frames.is_alive()
