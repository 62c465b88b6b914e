"""Watching a table: the cart at once, every change in order, and what is said when some were missed."""

import asyncio

import pytest

from resolvers.live.listener import Listener
from resolvers.paging import encode_cursor
from scripts.client import GraphQLFailed, Json, Stream
from tests.support.following import follow
from tests.support.world import World
from tests.tables.tables import UPDATES, TableOf, add, change, guests, look, new_table, pay, place
from tests.till.counter import Guest


async def _next(stream: Stream) -> tuple[int, bool]:
    event = await stream.next()
    return event["table"]["revision"], event["resync"]


async def _one(guest: Guest, code: str, after: str | None) -> Json:
    """The first event of a new subscription."""
    async with guest.api.socket() as socket:
        return await (await socket.subscribe(UPDATES, code=code, after=after)).next()


async def test_whoever_watches_sees_every_change_whole(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    async with bob.api.socket() as socket:
        stream = await socket.subscribe(UPDATES, code=table.code)
        assert (await stream.next())["table"] is None  # at once, so that a page has something to show
        cart = await add(ann.api, table, table.fish)
        event = await stream.next()
        assert (event["resync"], event["table"]["revision"]) == (False, 1)
        assert [(line["dish"]["name"], line["mine"]) for line in event["table"]["lines"]] == [("鱼", False)]
        await change(ann.api, table, cart["lines"][0], 3)
        await add(bob.api, table, table.soup)
        assert [await _next(stream), await _next(stream)] == [(2, False), (3, False)]
        order = await place(ann.api, table, "EACH_PAYS_OWN")
        event = await stream.next()
        assert (event["table"]["placed"], event["table"]["order"]["status"]) == (True, "AWAITING_PAYMENT")
        await pay(ann, order, order["shares"][0])
        assert await _next(stream) == (5, False)
        await pay(bob, order, order["shares"][1])
        event = await stream.next()
        assert (event["table"]["placed"], event["table"]["order"]["status"]) == (False, "PAID")
        assert event["table"]["id"] == cart["id"]
        await add(ann.api, table, table.tea)
        event = await stream.next()
        assert (event["table"]["revision"], event["resync"], event["table"]["id"] == cart["id"]) == (1, True, False)


async def test_cancelled_is_told_too(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    await add(ann.api, table, table.fish)
    await add(bob.api, table, table.fish)
    order = await place(ann.api, table)
    async with bob.api.socket() as socket:
        stream = await socket.subscribe(UPDATES, code=table.code)
        assert (await stream.next())["table"]["placed"] is True
        await ann.api.do("cancelOrder", "order { id }", orderId=order["id"])
        event = await stream.next()
        assert (event["table"]["placed"], event["table"]["order"], event["resync"]) == (False, None, False)


async def test_going_on_after_a_cursor(world: World) -> None:
    table, (ann,) = await new_table(world), await guests(world, 1)
    cursors = []
    for _ in range(3):
        await add(ann.api, table, table.tea)
        cursors.append((await _one(ann, table.code, None))["cursor"])
    assert await _seen(ann, table.code, None) == (3, False)
    assert await _seen(ann, table.code, cursors[1]) == (3, False)  # the very next one
    assert await _seen(ann, table.code, cursors[0]) == (3, True)
    async with ann.api.socket() as socket:
        stream = await socket.subscribe(UPDATES, code=table.code, after=cursors[2])
        with pytest.raises(TimeoutError):
            await stream.next(0.5)  # it is known
        await add(ann.api, table, table.tea)
        assert await _next(stream) == (4, False)


async def _seen(guest: Guest, code: str, after: str | None) -> tuple[int, bool]:
    event = await _one(guest, code, after)
    return event["table"]["revision"], event["resync"]


async def test_going_on_after_a_cart_that_is_over(world: World) -> None:
    table, (ann,) = await new_table(world), await guests(world, 1)
    await add(ann.api, table, table.tea)
    cursor = (await _one(ann, table.code, None))["cursor"]
    order = await place(ann.api, table)
    await pay(ann, order, None)
    event = await _one(ann, table.code, cursor)  # how it has ended
    assert (event["table"]["order"]["status"], event["resync"]) == ("PAID", True)
    await add(ann.api, table, table.soup)
    event = await _one(ann, table.code, event["cursor"])
    assert ([line["dish"]["name"] for line in event["table"]["lines"]], event["resync"]) == (["汤"], True)


async def test_a_cursor_of_another_table_and_a_table_that_is_none(world: World) -> None:
    table, other, (ann,) = await new_table(world), await new_table(world), await guests(world, 1)
    await add(ann.api, table, table.tea)
    cursor = (await _one(ann, table.code, None))["cursor"]
    for code, after in (
        (other.code, cursor),
        (table.code, "x"),
        (table.code, encode_cursor(("x", "tab_x"))),
        ("none", None),
        ("x" * 33, None),
    ):
        with pytest.raises(GraphQLFailed) as failed:
            await _one(ann, code, after)
        assert failed.value.code == "BAD_USER_INPUT"
    unknown = encode_cursor((7, "tab_0"))  # of a cart that we have not
    assert await _seen(ann, table.code, unknown) == (1, True)


async def test_what_was_missed_is_said(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    await add(ann.api, table, table.tea)
    async with bob.api.socket() as socket:
        stream = await socket.subscribe(UPDATES, code=table.code)
        assert await _next(stream) == (1, False)
        await world.app.hub._lose_everything()
        with pytest.raises(TimeoutError):
            await stream.next(0.5)  # nothing was missed
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Listener, "push", lambda *_: None)
            await add(ann.api, table, table.tea)
            await asyncio.sleep(0.5)
        await world.app.hub._lose_everything()
        assert await _next(stream) == (2, True)


@pytest.mark.parametrize("after", [(7, "tab_nobody_knows"), (99, None)], ids=["another cart", "ahead"])
async def test_a_cursor_that_nobody_knows_gets_what_stands_with_resync(
    world: World, after: tuple[int, str | None]
) -> None:
    table, (ann,) = await new_table(world), await guests(world, 1)
    cart = await add(ann.api, table, table.tea)
    event = await _one(ann, table.code, encode_cursor((after[0], after[1] or cart["id"])))
    assert (event["table"]["revision"], event["resync"]) == (1, True)
    empty = await new_table(world)
    event = await _one(ann, empty.code, encode_cursor((7, "tab_nobody_knows")))
    assert (event["table"], event["resync"]) == (None, True)
    again = await _one_more(world, ann, empty, event["cursor"])
    assert (again["table"]["revision"], again["resync"]) == (1, False)


async def _one_more(world: World, guest: Guest, table: TableOf, after: str) -> Json:
    """The first event after a cursor, which is an add."""
    async with guest.api.socket() as socket:
        stream = await follow(world.app, socket, UPDATES, code=table.code, after=after)
        await add(guest.api, table, table.tea)
        return await stream.next()


async def test_many_watch_and_all_see_the_same(world: World) -> None:
    table, (ann, *others) = await new_table(world), await guests(world, 8)
    async with ann.api.socket() as socket:
        streams = [await socket.subscribe(UPDATES, code=table.code) for _ in range(5)]
        for stream in streams:
            assert (await stream.next())["table"] is None
        await asyncio.gather(*(add(guest.api, table, table.tea) for guest in others))
        for stream in streams:
            assert [await _next(stream) for _ in range(7)] == [(number, False) for number in range(1, 8)]
    cart = await look(ann.api, table)
    assert cart is not None
    assert cart["revision"] == 7
