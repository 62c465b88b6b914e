"""The wallet and its cursor fit together while it changes: what an answer shows is never older than its cursor says."""

import asyncio
from typing import Any

from resolvers.live.model import EventKind, WalletEvent, number_of
from scripts.client import Api, Json, Refused
from tests.support.core import dishes
from tests.support.world import World

WALLET = """{ me { id wallet { cursor cards { nodes { id revision status balance { amountFen } } }
  coupons(first: 100, status: [AVAILABLE, HELD, GIFTING, REDEEMED, EXPIRED, VOIDED, GIFTED]) {
    nodes { id revision status } } } } }"""
KINDS = {EventKind.CARD_CHANGED, EventKind.COUPON_RECEIVED, EventKind.COUPON_CHANGED}
ROUNDS = 12

State = dict[str, tuple[int, str]]


def things(wallet: Json) -> State:
    """Revision and status of every card and coupon that an answer shows."""
    nodes = [*wallet["cards"]["nodes"], *wallet["coupons"]["nodes"]]
    return {node["id"]: (node["revision"], node["status"]) for node in nodes}


def told(event: WalletEvent) -> tuple[int, str]:
    """The same of an event's snapshot."""
    return event.snapshot["revision"], event.snapshot["status"]


def pieced_together(start: State, cursor: int, log: list[WalletEvent]) -> State:
    """What a client knows that has shown the answer and then every event after its cursor, keeping the newest."""
    known = dict(start)
    for event in log:
        if event.number > cursor and event.kind in KINDS:
            known[event.subject_id] = max(known.get(event.subject_id, (0, "")), told(event))
    return known


def older_than_their_cursor(start: State, cursor: int, log: list[WalletEvent]) -> list[str]:
    """Things that an answer shows older than an event that its cursor says is known."""
    before = [event for event in log if event.number <= cursor and event.kind in KINDS]
    return [event.subject_id for event in before if start.get(event.subject_id, (0, ""))[0] < told(event)[0]]


async def change_much(world: World, person: Api, staff: Api, me: str) -> None:
    """Coupons, cash top-ups, orders with the best coupons, half of them cancelled and half paid from the card."""
    dish = (await dishes(world))[0]
    for key in ("welcome", "cash-50", "off-12", "free-dessert"):
        template_id = world.seeded["template_ids"][key]
        await person.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey=key)
    for number in range(ROUNDS):
        key = f"round-{number}"
        await staff.do(
            *("cashTopUp", "card { id }"),
            **{"storeId": world.store_id, "customerId": me, "amountFen": 20_000, "idempotencyKey": key},
        )
        order: dict[str, Any] = {
            **{"storeId": world.store_id, "type": "PICK_UP", "lines": [{"dishId": dish.id, "quantity": 2}]},
            "idempotencyKey": f"{key}/order",
        }
        try:
            placed = await person.do("placeOrder", "order { id payable { amountFen } }", **order)
        except Refused:
            continue
        if number % 2:
            await person.do("cancelOrder", "order { id }", orderId=placed["order"]["id"])


async def test_query_then_subscribe_misses_nothing_whenever_the_query_was(world: World) -> None:
    person, staff = await world.person(), await world.staff()
    await person.do("joinBrand", "membership { id }", brandId=world.brand_id)
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    changing = asyncio.create_task(change_much(world, person, staff, me))
    answers: list[Json] = []

    async def keep_asking() -> None:
        while not changing.done():
            answers.append((await person.ask(WALLET))["me"]["wallet"])

    await asyncio.gather(changing, *(keep_asking() for _ in range(4)))
    final = things((await person.ask(WALLET))["me"]["wallet"])
    log = await whole_log(world, me)
    assert len({answer["cursor"] for answer in answers}) > 10  # they did fall in between
    for answer in answers:
        cursor, start = number_of(answer["cursor"], me), things(answer)
        assert older_than_their_cursor(start, cursor, log) == []
        assert pieced_together(start, cursor, log) == final


async def whole_log(world: World, customer_id: str) -> list[WalletEvent]:
    """Every event of a customer."""
    log: list[WalletEvent] = []
    while more := await world.app.live.backlog(customer_id, len(log)):
        log += more
    assert [event.number for event in log] == list(range(1, len(log) + 1))
    return log
