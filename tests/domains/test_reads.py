"""Reading stays cheap: a page costs a constant number of database commands, and every query is covered by an index."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from resolvers.brands.model import Store
from resolvers.coupons.claim import claim_coupon
from resolvers.ordering.model import LineRequest, OrderType
from resolvers.ordering.place import Placement
from resolvers.ordering.scarce import resize_stock
from resolvers.people.model import SignedIn
from scripts.client import Api, Refused
from tests.support.core import dishes, placed
from tests.support.watching import Commands, scan_of, watching
from tests.support.world import World


@pytest.fixture(scope="module")
async def watched(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, Commands]]:
    """A product whose database commands are listened to."""
    async with watching(mongodb_uri, Path(tmp_path_factory.mktemp("reads"))) as found:
        yield found


WALLET = """query($first: Int!) { me { nickname memberships { brand { name } } wallet { cursor totalBalance { display }
  cards { totalCount nodes { id brand { name } } }
  coupons(first: $first) { totalCount nodes { id
    template { title brand { name } remaining claimedByMe notClaimable } } } }
  orders(first: $first) { nodes { id store { name brand { name } } lines { dish { name } } payments { id }
    usedCoupons { coupon { id } } } } gifts(direction: SENT) { nodes { id } } } }"""


async def _someone(world: World) -> tuple[Api, SignedIn]:
    api = await world.person()
    customer_id = (await api.ask("{ me { id } }"))["me"]["id"]
    customer = await world.app.people.customer(customer_id)
    assert customer is not None
    identity = customer.identities[0]
    return api, SignedIn(customer_id, "ses_test", identity.platform, identity.app_id)


async def test_a_wallet_page_costs_the_same_for_two_things_and_for_twenty(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    api, person = await _someone(world)
    for template in world.seeded["template_ids"].values():
        found = await world.app.coupons.template(template)
        free = found is not None and found.claimable and not (found.levels or found.points_price or found.price_fen)
        if found is not None and free:
            for number in range(min(found.per_customer, found.per_customer_day or found.per_customer)):
                await claim_coupon(world.app, person, template, f"{template}-{number}")
    plain = await dishes(world, least=10)
    for number in range(20):
        lines = tuple(LineRequest(dish.id, 1) for dish in plain[number % 5 : number % 5 + 3])
        order = Placement(world.store_id, OrderType.PICK_UP, lines, (), None, None, None, None, None)
        await placed(world.app, person, order, f"o{number}")
    counts = {}
    for first in (2, 20):
        commands.seen.clear()
        data = await api.ask(WALLET, first=first)
        counts[first] = len(commands.seen)
        assert len(data["me"]["orders"]["nodes"]) == first
    assert counts[2] == counts[20]
    assert counts[20] <= 20


async def test_a_menu_costs_three_reads(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    commands.seen.clear()
    await world.visitor().ask(
        "query($id: ID!) { store(id: $id) { menu { sections { items { soldOut dish { name } } } } } }",
        id=world.store_id,
    )
    assert [(name, command[name]) for name, command in commands.seen] == [
        ("find", "stores"),
        ("find", "menus"),
        ("find", "counters"),
    ]


KNOWN = "query($id: ID!, $known: String) { store(id: $id) { menu(partySize: 4, knownVersion: $known) { version } } }"


async def test_a_menu_that_is_known_costs_its_stamp_and_for_a_person_their_memberships(
    watched: tuple[World, Commands],
) -> None:
    world, commands = watched
    api, _ = await _someone(world)
    for who, account, membership in ((world.visitor(), [], []), (api, ["customers"], ["memberships"])):
        known = (await who.ask(KNOWN, id=world.store_id))["store"]["menu"]["version"]
        commands.seen.clear()
        assert (await who.ask(KNOWN, id=world.store_id, known=known))["store"]["menu"] is None
        read = [command.get("find") for _, command in commands.seen]
        assert read == [*account, "stores", "menus", *membership]
        assert commands.seen[read.index("menus")][1]["projection"] == {"stamp": 1}


async def test_pick_up_slots_cost_one_read_where_they_have_places(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    store = await _store(world)
    query = "query($id: ID!) { store(id: $id) { pickUpSlots } }"
    for capacity, reads in ((None, ["stores"]), (3, ["stores", "counters"])):
        await world.app.brands.put_store(replace(store, slot_capacity=capacity, slot_lead_minutes=0))
        commands.seen.clear()
        shown = (await world.visitor().ask(query, id=world.store_id))["store"]["pickUpSlots"]
        assert [command[name] for name, command in commands.seen] == (reads if shown else ["stores"])
    await world.app.brands.put_store(store)


async def test_every_query_of_the_story_uses_an_index(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    api, person = await _someone(world)
    commands.seen.clear()
    await api.do("joinBrand", "membership { id }", brandId=world.brand_id)
    await api.do("claimCoupon", "coupon { id }", templateId=world.seeded["template_ids"]["cash-50"], idempotencyKey="k")
    dish = (await dishes(world))[0]
    order = Placement(world.store_id, OrderType.PICK_UP, (LineRequest(dish.id, 1),), None, None, None, None, None, None)
    theirs = await placed(world.app, person, order, "o")
    await api.ask(WALLET, first=20)
    await api.ask("query($t: String!) { gift(token: $t) { title } }", t="x")
    await api.ask('{ storeByTable(tableCode: "T01") { id } }')
    await resize_stock(world.app, await _store(world))
    await api.ask(
        """query($id: ID!) { brand(id: $id) { stores { nodes { id } } topUpTiers { id } giftCardDesigns { id }
        claimableCoupons { nodes { id } } } }""",
        id=world.brand_id,
    )
    await api.ask(
        "query { me { gifts(direction: RECEIVED) { nodes { id } } orders(status: [PAID]) { nodes { id } } } }"
    )
    for job in ("orders.lapsed", "gifts.lapsed"):
        store, name = job.split(".")
        await getattr(getattr(world.app, store), name)(world.clock.now(), 10)
    await world.app.orders.changed_since(world.store_id, theirs.changed_at, 10)
    await world.app.orders.by_verification_code(world.store_id, "000000")
    await world.app.payments.claim_due(world.clock.now())
    await world.app.payments.claim_due_refund(world.clock.now(), world.clock.now())
    await world.app.work_store.overdue(world.clock.now())
    await world.app.live.backlog(person.customer_id, 0)
    await world.app.people.sessions_ended_since(world.clock.now())
    scans = [await scan_of(world, name, command) for name, command in list(commands.seen)]
    assert [scan for scan in scans if scan] == []
    assert len({command[name] for name, command in commands.seen if name == "find"}) >= 15  # collections looked at


async def test_a_query_without_an_index_is_noticed(watched: tuple[World, Commands]) -> None:
    world, _ = watched
    assert await scan_of(world, "find", {"find": "orders", "filter": {"note": "x"}}) == "find on orders: {'note': 'x'}"


async def _store(world: World) -> Store:
    store = await world.app.brands.store(world.store_id)
    assert store is not None
    return store


async def test_a_token_of_no_gift_costs_the_same_however_it_looks(watched: tuple[World, Commands]) -> None:
    """Not a word of the time it takes, which a machine decides: the same commands, on the same index, each time."""
    world, commands = watched
    person, _ = await _someone(world)
    costs = set()
    for token in ("A" * 43, "", "x", "é" * 43, "gft_1", "A" * 5_000):
        commands.seen.clear()
        assert (await world.visitor().ask("query($t: String!) { gift(token: $t) { status } }", t=token))["gift"] is None
        looked = [(name, command[name], *command["filter"]) for name, command in commands.seen]
        commands.seen.clear()
        for verb, more in (("claimGift", {"idempotencyKey": "k"}), ("declineGift", {})):
            with pytest.raises(Refused, match="NOT_FOUND"):
                await person.do(verb, "preview { status }", token=token, **more)
        tried = [(name, command[name], *command["filter"]) for name, command in commands.seen if name == "find"]
        costs.add((*looked, *tried))
    [cost] = costs
    assert cost[0] == ("find", "gifts", "token_mac")
