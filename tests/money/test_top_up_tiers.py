"""Tiers and their refunds through the API: bonus, points, coupons, windows, caps that ten payments at once meet."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from resolvers.coupons.model import Template
from resolvers.jobs import run_outbox_once
from scripts.client import PAYMENT, Api, Json, Refused, new_key
from scripts.demo_brands import made_id
from tests.money.people import (
    new_tier,
    pay_for,
    points,
    refund_payment,
    settings,
    top_up,
    topped_up,
    until_back,
)
from tests.payments.money import card, pay_order, place, until
from tests.points.club import spent
from tests.support.core import books_are_in_order
from tests.support.world import World

GIFT_COUPON = made_id("tpl", "seafood", "top-up-50")
COUPONS = "{ me { wallet { coupons(status: [AVAILABLE, VOIDED, HELD]) { nodes { id status template { id } } } } } }"


async def refusal(call: object) -> str:
    """The code with which a call is refused, or `ok`."""
    try:
        await call  # type: ignore[misc]
    except Refused as refused:
        return str(refused.code)
    return "ok"


async def coupons(person: Api) -> Counter[tuple[str, str]]:
    """(template, status) of the person's coupons."""
    nodes = (await person.ask(COUPONS))["me"]["wallet"]["coupons"]["nodes"]
    return Counter((each["template"]["id"], each["status"]) for each in nodes)


async def parts(person: Api, card_id: str) -> tuple[int, int]:
    """(principal, bonus) of a card, in fen."""
    found = await card(person, card_id)
    return found["principal"]["amountFen"], found["bonus"]["amountFen"]


async def statement(person: Api, card_id: str) -> list[tuple[str, int, int]]:
    """(kind, change, balance after) of a card's statement, newest first."""
    query = """query($id: ID!) { node(id: $id) { ... on Card { statement { nodes { kind amount { amountFen }
      balanceAfter { amountFen } } } } } }"""
    nodes = (await person.ask(query, id=card_id))["node"]["statement"]["nodes"]
    return [(each["kind"], each["amount"]["amountFen"], each["balanceAfter"]["amountFen"]) for each in nodes]


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
async def test_a_tier_gives_all_that_it_says_and_a_refund_takes_it_all_back(world: World, platform: str) -> None:
    tier = await new_tier(world, 100_000, 15_000, bonus_days=30, bonus_points=1_000, template_ids=(GIFT_COUPON,) * 2)
    person = await world.person(platform)
    opened = await topped_up(world, person, tierId=tier.id)
    assert await parts(person, opened["card"]["id"]) == (100_000, 15_000)
    assert await points(person) == 1_000
    assert await coupons(person) == {(GIFT_COUPON, "AVAILABLE"): 2}
    assert await statement(person, opened["card"]["id"]) == [("BONUS", 15_000, 115_000), ("TOP_UP", 100_000, 100_000)]

    refunded = await refund_payment(person, opened["payment"]["id"])
    assert (refunded["refunding"]["amountFen"], refunded["canRefund"]) == (100_000, False)
    await until_back(world, opened["payment"]["id"])
    assert await parts(person, opened["card"]["id"]) == (0, 0)
    assert await points(person) == 0
    assert await coupons(person) == {(GIFT_COUPON, "VOIDED"): 2}
    assert (await statement(person, opened["card"]["id"]))[:2] == [
        ("REVERSAL", -15_000, 0),
        ("REFUND", -100_000, 15_000),
    ]
    [at_provider] = [row for row in await world.phone.payments() if row["out_trade_no"] == opened["payment"]["id"]]
    assert [(each["amount_fen"], each["state"]) for each in at_provider["refunds"]] == [(100_000, "SUCCESS")]
    assert await refusal(refund_payment(person, opened["payment"]["id"])) == "NOT_REFUNDABLE"


async def test_what_was_spent_counts_at_paid_by_paid_and_bonus(world: World) -> None:
    """300 paid and 100 bonus, an order of 68.00 spent: 68 x 3/4 = 51 is kept, 249.00 goes back, nothing stays."""
    person = await world.person()
    tier = await new_tier(world, 30_000, 10_000, bonus_points=50)
    opened = await topped_up(world, person, tierId=tier.id)
    order = await place(world, person, "razor-clams")
    card_id = opened["card"]["id"]
    await pay_order(person, order, {"method": "STORED_VALUE", "cardId": card_id})
    assert await parts(person, card_id) == (30_000, 3_200)  # bonus first
    refunded = await refund_payment(person, opened["payment"]["id"])
    assert (refunded["refunding"]["amountFen"], refunded["canRefund"]) == (24_900, False)
    assert await statement(person, card_id) == [
        ("ADJUSTMENT", -5_100, 0),
        ("REVERSAL", -3_200, 5_100),
        ("REFUND", -24_900, 8_300),
        ("PURCHASE", -6_800, 33_200),
        ("BONUS", 10_000, 40_000),
        ("TOP_UP", 30_000, 30_000),
    ]
    await until_back(world, opened["payment"]["id"])
    payment = await world.app.payments.payment(opened["payment"]["id"])
    assert payment is not None
    assert (payment.status.value, payment.refunded_fen) == ("PARTIALLY_REFUNDED", 24_900)
    await books_are_in_order(world)


async def test_points_that_are_spent_already_are_owed_and_settled_first(world: World) -> None:
    person = await world.person()
    tier = await new_tier(world, 10_000, bonus_points=300)
    opened = await topped_up(world, person, tierId=tier.id)
    me = (await person.ask("{ me { id memberships { id } } }"))["me"]
    await spent(world, me["id"], 180)
    await refund_payment(person, opened["payment"]["id"])
    await until_back(world, opened["payment"]["id"])
    member = await world.app.people.membership(me["id"], world.brand_id)
    assert member is not None
    assert (member.points, member.points_debt) == (0, 180)
    await topped_up(world, person, tierId=(await new_tier(world, 10_000, bonus_points=100)).id)
    member = await world.app.people.membership(me["id"], world.brand_id)
    assert member is not None
    assert (member.points, member.points_debt) == (0, 80)
    await topped_up(world, person, tierId=(await new_tier(world, 10_000, bonus_points=100)).id)
    assert await points(person) == 20
    await books_are_in_order(world)


async def test_a_cap_holds_when_one_person_pays_ten_top_ups_at_once(world: World) -> None:
    person = await world.person()
    tier = await new_tier(world, 1_000, 500, per_customer=3)
    opened = await asyncio.gather(*(top_up(world, person, tierId=tier.id) for _ in range(10)))
    await pay_for(world, *opened)
    assert await parts(person, opened[0]["card"]["id"]) == (3_000, 1_500)
    for each in opened:
        await until(lambda each=each: _at_rest(world, each["payment"]["id"]), 20)
    states = Counter([(await world.app.payments.payment(each["payment"]["id"])).status.value for each in opened])  # type: ignore[union-attr]
    assert states == {"SUCCEEDED": 3, "REFUNDED": 7}
    assert await refusal(top_up(world, person, tierId=tier.id)) == "LIMIT_REACHED"
    await books_are_in_order(world)


async def _at_rest(world: World, payment_id: str) -> bool:
    payment = await world.app.payments.payment(payment_id)
    return payment is not None and payment.status.value != "PENDING" and payment.refunding_fen == 0


async def test_a_first_top_up_is_the_first_even_of_ten_at_once(world: World) -> None:
    person = await world.person()
    tier = await new_tier(world, 1_000, 900, first_only=True)
    opened = await asyncio.gather(*(top_up(world, person, tierId=tier.id) for _ in range(10)))
    await pay_for(world, *opened)
    assert await parts(person, opened[0]["card"]["id"]) == (1_000, 900)
    assert await refusal(top_up(world, person, tierId=tier.id)) == "LIMIT_REACHED"
    assert await refusal(topped_up(world, person, amountFen=100)) == "ok"
    late = await world.person()
    await topped_up(world, late, amountFen=100)
    assert await refusal(top_up(world, late, tierId=tier.id)) == "LIMIT_REACHED"


async def test_a_tier_is_there_from_its_start_to_its_end_and_not_a_moment_longer(world: World) -> None:
    person, now = await world.person(), world.clock.now()
    tier = await new_tier(world, 1_000, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    assert await refusal(top_up(world, person, tierId=tier.id)) == "TIER_UNKNOWN"
    tiers = "query($id: ID!) { brand(id: $id) { topUpTiers { id } } }"
    shown = (await person.ask(tiers, id=world.brand_id))["brand"]["topUpTiers"]
    assert tier.id not in [each["id"] for each in shown]
    ended = await new_tier(world, 1_000, ends_at=now)
    assert await refusal(top_up(world, person, tierId=ended.id)) == "TIER_UNKNOWN"
    current = await new_tier(world, 1_000, starts_at=now, ends_at=now + timedelta(hours=2))
    assert await refusal(top_up(world, person, tierId=current.id)) == "ok"


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (100, "ok"),
        (500_000, "ok"),
        (99, "AMOUNT_INVALID"),
        (500_001, "AMOUNT_INVALID"),
        (0, "AMOUNT_INVALID"),
        (-1, "AMOUNT_INVALID"),
        (2**53 - 1, "AMOUNT_INVALID"),
    ],
)
async def test_custom_amounts_keep_within_the_bounds(world: World, amount: int, code: str) -> None:
    assert await refusal(top_up(world, await world.person(), amountFen=amount)) == code


async def test_a_coupon_of_which_there_are_few_comes_with_a_top_up_or_somebody_is_told(world: World) -> None:
    base = await world.app.coupons.template(GIFT_COUPON)
    assert base is not None
    scarce = replace(base, id=made_id("tpl", "test", new_key()), total=1)
    await _put(world, scarce)
    tier = await new_tier(world, 1_000, template_ids=(scarce.id,))
    lucky, late = await world.person(), await world.person()
    await topped_up(world, lucky, tierId=tier.id)
    await until(lambda: _has(lucky, scarce.id))
    opened = await topped_up(world, late, tierId=tier.id)
    owner = await world.staff("owner")
    summary = await until(lambda: _owed(owner, opened["payment"]["id"], world))
    assert "储值赠 50 元代金券" in summary["summary"]
    await world.app.connection.collection("templates").update_one({"_id": scarce.id}, {"$set": {"total": 2}})
    await world.app.connection.collection("counters").update_one({"_id": scarce.counter_id}, {"$inc": {"left": 1}})
    await owner.do("retryIncident", "incident { id }", incidentId=summary["id"])
    await until(lambda: _has(late, scarce.id))
    assert await _owed(owner, opened["payment"]["id"], world) is None
    await books_are_in_order(world)


async def _put(world: World, template: Template) -> None:
    await world.app.coupons.put_template(template)
    await world.app.work_store.make_counter(template.counter_id or "", template.total or 0)


async def _has(person: Api, template_id: str) -> bool:
    return bool((await coupons(person))[template_id, "AVAILABLE"])


async def _owed(owner: Api, payment_id: str, world: World) -> Json | None:
    await run_outbox_once(world.app)
    nodes = (await owner.ask("{ incidents { nodes { id kind summary } } }"))["incidents"]["nodes"]
    rows = world.app.connection.collection("incidents").find({"subject_id": payment_id, "kind": "COUPON_OWED"})
    ids = {row["_id"] for row in await rows.to_list(None)}
    return next((each for each in nodes if each["id"] in ids), None)


async def test_what_cannot_be_refunded_says_why_and_changes_nothing(world: World) -> None:
    person, other = await world.person(), await world.person()
    opened = await topped_up(world, person, tierId=(await new_tier(world, 20_000, 2_000)).id)
    payment_id, card_id = opened["payment"]["id"], opened["card"]["id"]
    assert await refusal(refund_payment(other, payment_id)) == "NOT_FOUND"
    assert await refusal(refund_payment(person, "pay_none")) == "NOT_FOUND"
    pending = await top_up(world, person, amountFen=100)
    assert await refusal(refund_payment(person, pending["payment"]["id"])) == "NOT_REFUNDABLE"

    order = await place(world, person, "razor-clams")
    await pay_order(person, order, {"method": "STORED_VALUE", "cardId": card_id, "amountFen": 100}, {"method": "CASH"})
    assert await refusal(refund_payment(person, payment_id)) == "NOT_REFUNDABLE"  # held
    await person.do("cancelOrder", "order { id }", orderId=order["id"])
    gift = (await person.do("give", "gift { id }", cardId=card_id, idempotencyKey=new_key()))["gift"]
    assert await refusal(refund_payment(person, payment_id)) == "NOT_REFUNDABLE"  # being given
    await person.do("withdrawGift", "gift { id }", giftId=gift["id"])
    was = await settings(world, top_up_refund_days=0)
    assert await refusal(refund_payment(person, payment_id)) == "NOT_REFUNDABLE"  # too late
    await settings(world, top_up_refund_days=was.top_up_refund_days)
    assert await parts(person, card_id) == (20_000, 2_000)
    assert await refusal(refund_payment(person, payment_id)) == "ok"


async def test_fifty_copies_of_a_refund_refund_once(world: World) -> None:
    person = await world.person()
    opened = await topped_up(world, person, amountFen=12_300)
    key = new_key()
    answers = await asyncio.gather(*(refund_payment(person, opened["payment"]["id"], key) for _ in range(50)))
    assert {(each["id"], each["amount"]["amountFen"]) for each in answers} == {(opened["payment"]["id"], 12_300)}
    keys = (refusal(refund_payment(person, opened["payment"]["id"])) for _ in range(5))
    assert Counter(await asyncio.gather(*keys)) == {"NOT_REFUNDABLE": 5}
    other = await topped_up(world, person, amountFen=100)
    assert await refusal(refund_payment(person, other["payment"]["id"], key)) == "IDEMPOTENCY_KEY_REUSED"
    await until_back(world, opened["payment"]["id"])
    rows = await world.app.connection.collection("refunds").find({"payment_id": opened["payment"]["id"]}).to_list(None)
    assert [row["amount_fen"] for row in rows] == [12_300]


async def test_gift_cards_go_back_while_all_are_whole_and_mine(world: World) -> None:
    person = await world.person()
    design = made_id("dsg", "seafood", "full-tide")
    query = "query($id: ID!) { node(id: $id) { ... on GiftCardDesign { faceValues { amountFen } } } }"
    face = (await person.ask(query, id=design))["node"]["faceValues"][0]["amountFen"]
    bought = await _buy_cards(world, person, design, face)
    ids = [each["id"] for each in (await _payment(person, bought))["cards"]]
    gift = await person.do("give", "gift { id shareToken }", cardId=ids[0], amountFen=1, idempotencyKey=new_key())
    assert await refusal(refund_payment(person, bought)) == "NOT_REFUNDABLE"  # one of the two is short of a fen
    await person.do("withdrawGift", "gift { id }", giftId=gift["gift"]["id"])
    assert (await _payment(person, bought))["canRefund"] is True
    assert (await refund_payment(person, bought))["refunding"]["amountFen"] == 2 * face
    await until_back(world, bought)
    closed = await world.app.cards.cards(ids)
    assert [(each.status.value, each.ledger_fen) for each in closed] == [("CLOSED", 0)] * 2

    given = await _buy_cards(world, person, design, face)
    ids = [each["id"] for each in (await _payment(person, given))["cards"]]
    gift = await person.do("give", "gift { id shareToken }", cardId=ids[0], idempotencyKey=new_key())
    friend = await world.person()
    await friend.do("claimGift", "card { id }", token=gift["gift"]["shareToken"], idempotencyKey=new_key())
    assert await refusal(refund_payment(person, given)) == "NOT_REFUNDABLE"
    assert (await _payment(person, given))["canRefund"] is False


async def _buy_cards(world: World, person: Api, design: str, face: int) -> str:
    wanted = {"designId": design, "faceValueFen": face, "quantity": 2, "idempotencyKey": new_key()}
    opened = await person.do("buyGiftCard", PAYMENT, **wanted)
    await pay_for(world, opened)
    payment_id: str = opened["payment"]["id"]
    return payment_id


async def _payment(person: Api, payment_id: str) -> Json:
    query = "query($id: ID!) { node(id: $id) { ... on Payment { status canRefund cards { id status } } } }"
    found: Json = (await person.ask(query, id=payment_id))["node"]
    return found


async def test_what_comes_back_to_a_refunded_top_up_comes_at_what_was_kept_for_it(world: World) -> None:
    """300 paid and 100 bonus, 68.00 spent, 249.00 refunded: 51.00 was kept, so the order's refund brings 51.00 back."""
    person, owner = await world.person(), await world.staff("owner")
    tier = await new_tier(world, 30_000, 10_000)
    opened = await topped_up(world, person, tierId=tier.id)
    order = await place(world, person, "razor-clams")
    await pay_order(person, order, {"method": "STORED_VALUE", "cardId": opened["card"]["id"]})
    await refund_payment(person, opened["payment"]["id"])
    back = await owner.do(
        "refundOrder", "refunded { amountFen }", orderId=order["id"], reason="x", idempotencyKey=new_key()
    )
    assert back["refunded"]["amountFen"] == 6_800
    assert await parts(person, opened["card"]["id"]) == (5_100, 0)
    await until_back(world, opened["payment"]["id"])
    await books_are_in_order(world)
