"""After a join: every kind of thing of either account is the joint one's, by both ids, with what limits it."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from resolvers.coupons.issue_job.model import CustomerList, Naming
from resolvers.coupons.issue_job.plan import plan_batch
from resolvers.people.joining.join import contend, join_accounts
from resolvers.people.points import grant_points, take_back_points
from resolvers.work.model import SYSTEM, Call
from scripts.client import Api, Json, Refused, new_key
from tests.joining.accounts import (
    PASSWORD,
    bind,
    id_of,
    join_code,
    joined,
    known,
    two_accounts,
    with_card,
)
from tests.money.people import new_tier, pay_for, top_up, topped_up, until_back
from tests.payments.money import pay_order
from tests.support.core import card_now, dishes
from tests.support.world import World
from tests.till.counter import outcome

CARDS = "{ me { wallet { totalBalance { amountFen } cards { totalCount nodes { id balance { amountFen } } } } } }"
ORDER = "order { id status payments { id } paid { amountFen } refunded { amountFen } }"
NODE = "query($id: ID!) { node(id: $id) { __typename id } }"


async def node(person: Api, node_id: str) -> str | None:
    """What kind of thing of theirs an id stands for."""
    found = (await person.ask(NODE, id=node_id))["node"]
    return found["__typename"] if found else None


async def an_order(world: World, person: Api) -> Json:
    """An order for one dish that waits to be paid."""
    lines = [{"dishId": (await dishes(world))[0].id, "quantity": 1}]
    wanted = {"storeId": world.store_id, "type": "PICK_UP", "lines": lines, "couponIds": []}
    order: Json = (await person.do("placeOrder", ORDER, **wanted, idempotencyKey=new_key()))["order"]
    return order


async def limited(world: World, per_customer: int) -> str:
    """A coupon template of its own, of which one may have so many."""
    templates, made = world.app.connection.collection("templates"), f"tpl_{uuid.uuid4().hex[:26]}"
    welcome = await templates.find_one({"_id": world.seeded["template_ids"]["welcome"]})
    assert welcome is not None
    await templates.insert_one({**welcome, "_id": made, "per_customer": per_customer, "total": None, "giveable": True})
    return made


async def claimed(person: Api, template_id: str) -> str:
    """SUCCESS, or how claiming a coupon is refused."""
    key = new_key()
    return str(await outcome(person.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey=key)))


async def with_proof(world: World, other: Api, caller: Api, number: str) -> None:
    """Join the two, and let both apps go on as the one account."""
    kept = await id_of(other)
    bound = await bind(world, caller, "QQ", number, proof=await join_code(other))
    assert (bound["mergedAccounts"], await id_of(caller)) == (1, kept)


async def test_both_cards_are_seen_and_pay_for_either_apps_orders(world: World) -> None:
    other, caller, number = await two_accounts(world, 50_000, 40_000)
    theirs = [each["id"] for each in (await other.ask(CARDS))["me"]["wallet"]["cards"]["nodes"]]
    own = [each["id"] for each in (await caller.ask(CARDS))["me"]["wallet"]["cards"]["nodes"]]
    waiting = await an_order(world, caller)
    await with_proof(world, other, caller, number)
    for person in (other, caller):
        wallet = (await person.ask(CARDS))["me"]["wallet"]
        assert (wallet["totalBalance"]["amountFen"], wallet["cards"]["totalCount"]) == (90_000, 2)
        assert {each["id"] for each in wallet["cards"]["nodes"]} == {*theirs, *own}
        assert [await node(person, each) for each in (*theirs, *own, waiting["id"])] == ["Card", "Card", "Order"]
    tenders = [{"method": "STORED_VALUE", "cardId": own[0]}]
    paid = await other.do("payOrder", ORDER, orderId=waiting["id"], tenders=tenders, idempotencyKey=new_key())
    assert (paid["order"]["status"], len(paid["order"]["payments"])) == ("PAID", 1)
    assert await node(caller, paid["order"]["payments"][0]["id"]) == "Payment"
    cancelled = await caller.do("cancelOrder", ORDER, orderId=waiting["id"])
    assert (cancelled["order"]["status"], cancelled["order"]["refunded"]) == ("CANCELLED", paid["order"]["paid"])
    assert (await caller.ask(CARDS))["me"]["wallet"]["totalBalance"]["amountFen"] == 90_000


async def test_a_coupon_of_the_absorbed_account_is_listed_shown_given_and_used(world: World) -> None:
    other, caller, number = await two_accounts(world, 100, 0)
    template = await limited(world, 3)
    got = [
        (await caller.do("claimCoupon", "coupon { id }", templateId=template, idempotencyKey=new_key()))["coupon"]["id"]
        for _ in range(3)
    ]
    await with_proof(world, other, caller, number)
    listed = (await other.ask("{ me { wallet { coupons { totalCount nodes { id } } } } }"))["me"]["wallet"]["coupons"]
    assert (listed["totalCount"], {each["id"] for each in listed["nodes"]}) == (3, set(got))
    lines = [{"dishId": (await dishes(world))[0].id, "quantity": 9}]
    order = {"storeId": world.store_id, "type": "PICK_UP", "lines": lines}
    query = (
        "query($i: QuoteOrderInput!) { quoteOrder(input: $i) { ... on OrderQuote { usedCoupons { coupon { id } } } } }"
    )
    quote = await other.ask(query, i=order)
    [best] = quote["quoteOrder"]["usedCoupons"]
    assert best["coupon"]["id"] in got
    placed = await other.do("placeOrder", ORDER, **order, couponIds=[got[0]], idempotencyKey=new_key())
    assert placed["order"]["status"] == "AWAITING_PAYMENT"
    assert len((await other.do("showCode", "digits", couponId=got[1]))["digits"]) == 18
    given = await caller.do("give", "gift { shareToken }", couponId=got[2], greeting="", idempotencyKey=new_key())
    friend = await world.person()
    token = given["gift"]["shareToken"]
    assert (await friend.do("claimGift", "coupon { status }", token=token, idempotencyKey=new_key()))["coupon"]
    await other.do("cancelOrder", ORDER, orderId=placed["order"]["id"])
    left = (await other.ask("{ me { wallet { coupons { nodes { id status } } } } }"))["me"]["wallet"]["coupons"]
    assert {each["id"]: each["status"] for each in left["nodes"]} == dict.fromkeys(got[:2], "AVAILABLE")


async def test_what_both_have_had_counts_towards_one_limit(world: World) -> None:
    template = await limited(world, 2)
    other, caller, number = await two_accounts(world)
    assert [await claimed(other, template), await claimed(caller, template)] == ["SUCCESS", "SUCCESS"]
    await with_proof(world, other, caller, number)
    assert [await claimed(other, template), await claimed(caller, template)] == ["LIMIT_REACHED"] * 2
    query = "query($id: ID!) { node(id: $id) { ... on CouponTemplate { claimedByMe } } }"
    assert (await caller.ask(query, id=template))["node"] == {"claimedByMe": 2}


async def test_what_one_has_had_leaves_the_rest_of_the_limit(world: World) -> None:
    template = await limited(world, 2)
    other, caller, number = await two_accounts(world)
    await claimed(caller, template)
    await with_proof(world, other, caller, number)
    assert [await claimed(other, template), await claimed(other, template)] == ["SUCCESS", "LIMIT_REACHED"]


async def test_a_list_that_names_both_ids_issues_once_and_counts_both(world: World) -> None:
    template = await limited(world, 1)
    other, caller, number = await two_accounts(world, 100, 100)
    kept, gone = await id_of(other), await id_of(caller)
    await claimed(caller, template)
    await with_proof(world, other, caller, number)
    found = await world.app.coupons.template(template)
    assert found is not None
    stranger = await world.person()
    await with_card(world, stranger, "WECHAT", 1)
    names = (kept, gone, await id_of(stranger))
    listed = CustomerList(Naming.CUSTOMER_ID, names)
    batch = await plan_batch(world.app, found, listed, 0, 10, None)
    assert [each.reason for each in batch.outcomes] == ["LIMIT_REACHED", "DUPLICATE", None]
    fresh = replace(found, per_customer=2)
    assert (await plan_batch(world.app, fresh, listed, 0, 10, None)).customer_ids == (kept, names[2])


async def test_a_first_top_up_is_the_first_of_both(world: World) -> None:
    tier = await new_tier(world, 1_000, 900, first_only=True)
    other, caller, number = await two_accounts(world)
    await topped_up(world, caller, amountFen=1_000)
    await with_proof(world, other, caller, number)
    with pytest.raises(Refused) as refused:
        await top_up(world, other, tierId=tier.id)
    assert refused.value.code == "LIMIT_REACHED"


async def test_a_top_up_under_way_is_credited_and_refunded_after_the_join(world: World) -> None:
    other, caller, number = await two_accounts(world, 2_000)
    opened = await top_up(world, caller, amountFen=1_000)
    await with_proof(world, other, caller, number)
    await pay_for(world, opened)
    assert (await other.ask(CARDS))["me"]["wallet"]["totalBalance"]["amountFen"] == 3_000
    payment_id = opened["payment"]["id"]
    about = await other.ask("query($id: ID!) { node(id: $id) { ... on Payment { status canRefund } } }", id=payment_id)
    assert about["node"] == {"status": "SUCCEEDED", "canRefund": True}
    await other.do("refundPayment", "payment { id }", paymentId=payment_id, idempotencyKey=new_key())
    await until_back(world, payment_id)
    assert (await other.ask(CARDS))["me"]["wallet"]["totalBalance"]["amountFen"] == 2_000


async def test_an_order_held_for_an_outside_payment_is_captured_after_the_join(world: World) -> None:
    other, caller, number = await two_accounts(world, 500, 1_000)
    card = (await caller.ask(CARDS))["me"]["wallet"]["cards"]["nodes"][0]["id"]
    order = await an_order(world, caller)
    tenders = [{"method": "STORED_VALUE", "cardId": card, "amountFen": 400}, {"method": "QQ_WALLET"}]
    paying = await pay_order(caller, order, *tenders)
    await with_proof(world, other, caller, number)
    await pay_for(world, paying)
    seen = await other.ask(
        "query($id: ID!) { order(id: $id) { status paid { amountFen } payable { amountFen } } }", id=order["id"]
    )
    assert (seen["order"]["status"], seen["order"]["paid"]) == ("PAID", seen["order"]["payable"])
    assert (await card_now(world, card)).ledger_fen == 600


async def test_a_top_up_after_the_join_goes_to_the_card_there_is(world: World) -> None:
    other, caller, number = await two_accounts(world, 0, 700)
    card = (await caller.ask(CARDS))["me"]["wallet"]["cards"]["nodes"][0]["id"]
    await with_proof(world, other, caller, number)
    opened = await topped_up(world, other, amountFen=1_000)
    assert opened["card"]["id"] == card
    assert (await card_now(world, card)).ledger_fen == 1_700


async def test_ones_own_gift_is_ones_own_and_can_be_taken_back(world: World) -> None:
    other, caller, number = await two_accounts(world, 100, 900)
    card = await with_card(world, caller, "QQ", 100)
    gift = (await caller.do("give", "gift { id shareToken }", cardId=card.id, greeting="", idempotencyKey=new_key()))[
        "gift"
    ]
    await with_proof(world, other, caller, number)
    assert (await card_now(world, card.id)).status.value == "GIFTING"
    for verb in ("claimGift", "declineGift"):
        key = {"idempotencyKey": new_key()} if verb == "claimGift" else {}
        with pytest.raises(Refused) as refused:
            await other.do(verb, "preview { status }", token=gift["shareToken"], **key)
        assert refused.value.code == "OWN_GIFT"
    seen = await other.ask(
        "query($t: String!) { gift(token: $t) { mine claimedByMe giver { mine } } }", t=gift["shareToken"]
    )
    assert seen["gift"] == {"mine": True, "claimedByMe": False, "giver": {"mine": True}}
    sent = await other.ask("{ me { gifts(direction: SENT) { nodes { id canWithdraw } } } }")
    assert sent["me"]["gifts"]["nodes"] == [{"id": gift["id"], "canWithdraw": True}]
    await other.do("withdrawGift", "gift { status }", giftId=gift["id"])
    assert (await other.ask(CARDS))["me"]["wallet"]["totalBalance"]["amountFen"] == 1_100


async def test_a_gift_claimed_from_oneself_before_stays_claimed(world: World) -> None:
    other, caller, number = await two_accounts(world, 900)
    card = (await other.ask(CARDS))["me"]["wallet"]["cards"]["nodes"][0]["id"]
    gift = (
        await other.do(
            "give", "gift { id shareToken }", cardId=card, amountFen=300, greeting="", idempotencyKey=new_key()
        )
    )["gift"]
    got = await caller.do("claimGift", "card { id }", token=gift["shareToken"], idempotencyKey=new_key())
    await with_proof(world, other, caller, number)
    again = await other.do("claimGift", "card { id }", token=gift["shareToken"], idempotencyKey=new_key())
    assert again["card"]["id"] == got["card"]["id"]
    assert (await other.ask(CARDS))["me"]["wallet"]["totalBalance"]["amountFen"] == 900


async def test_a_friend_still_gets_what_the_absorbed_account_gave(world: World) -> None:
    other, caller, number = await two_accounts(world, 100, 900)
    card = (await caller.ask(CARDS))["me"]["wallet"]["cards"]["nodes"][0]["id"]
    gift = (
        await caller.do(
            "give", "gift { id shareToken }", cardId=card, amountFen=300, greeting="", idempotencyKey=new_key()
        )
    )["gift"]
    await with_proof(world, other, caller, number)
    friend = await world.person()
    got = await friend.do(
        "claimGift", "card { balance { amountFen } }", token=gift["shareToken"], idempotencyKey=new_key()
    )
    assert got["card"]["balance"]["amountFen"] == 300
    assert (await other.ask(CARDS))["me"]["wallet"]["totalBalance"]["amountFen"] == 700


async def points_of(world: World, person: Api, platform: str, points: int, growth: int = 0) -> None:
    """Give somebody points; below 0, take more away than there are."""
    signed, verb = await known(world, person, platform), grant_points if points > 0 else take_back_points

    async def steps(work: Any) -> dict[str, str]:
        key = f"test:{uuid.uuid4().hex}"
        await verb(world.app, work, signed.customer_id, world.brand_id, abs(points), key, "test", growth)
        return {}

    await world.app.work.run(Call("test", SYSTEM), steps)


MEMBER = """{ me { memberships { id number points growth level
  pointsStatement { nodes { change balanceAfter memo } } } } }"""


async def test_memberships_of_one_brand_become_one(world: World) -> None:
    other, caller, number = await two_accounts(world, 100, 100)
    await points_of(world, other, "WECHAT", 30)
    await points_of(world, caller, "QQ", 12)
    mine, gone = [(await api.ask(MEMBER))["me"]["memberships"][0] for api in (other, caller)]
    await with_proof(world, other, caller, number)
    [kept] = (await other.ask(MEMBER))["me"]["memberships"]
    assert (kept["id"], kept["number"], kept["points"]) == (mine["id"], mine["number"], 42)
    assert kept["pointsStatement"]["nodes"][0] == {"change": 12, "balanceAfter": 42, "memo": "账号合并转入"}
    assert await node(other, gone["id"]) == "Membership"
    entries = await world.app.connection.collection("points_statement").find({"membership_id": gone["id"]}).to_list(9)
    assert sorted((each["number"], each["change"]) for each in entries) == [(1, 12), (2, -12)]
    staff = await world.staff("owner")
    for number_said in (mine["number"], gone["number"]):
        found = await staff.ask(
            "query($n: String!) { customer(memberNumber: $n) { memberNumber points cards { id } } }", n=number_said
        )
        assert (found["customer"]["memberNumber"], found["customer"]["points"]) == (mine["number"], 42)
        assert len(found["customer"]["cards"]) == 2


async def test_points_debt_is_settled_from_what_the_other_brings(world: World) -> None:
    other, caller, number = await two_accounts(world, 100, 100)
    await points_of(world, other, "WECHAT", -7)
    await points_of(world, caller, "QQ", 12)
    await with_proof(world, other, caller, number)
    [kept] = (await other.ask(MEMBER))["me"]["memberships"]
    assert (kept["points"], [each["change"] for each in kept["pointsStatement"]["nodes"]]) == (5, [-7, 12])
    member = await world.app.people.membership(await id_of(other), world.brand_id)
    assert member is not None
    assert member.points_debt == 0


async def test_the_membership_of_another_brand_comes_along(world: World) -> None:
    other, caller, number = await two_accounts(world)
    await caller.do("joinBrand", "membership { id }", brandId=world.brand_id)
    [own] = (await caller.ask(MEMBER))["me"]["memberships"]
    await with_proof(world, other, caller, number)
    [kept] = (await other.ask(MEMBER))["me"]["memberships"]
    assert kept["id"] == own["id"]
    again = await other.do("joinBrand", "membership { id }", brandId=world.brand_id)
    assert again["membership"]["id"] == own["id"]


async def test_the_other_accounts_password_is_taken_over_where_there_is_none(world: World) -> None:
    other, caller, number = await two_accounts(world, 100, 50_000)
    await caller.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    await with_proof(world, other, caller, number)
    card = next(
        each
        for each in (await other.ask(CARDS))["me"]["wallet"]["cards"]["nodes"]
        if each["balance"]["amountFen"] == 50_000
    )
    order = await an_order(world, other)
    wanted = {"orderId": order["id"], "tenders": [{"method": "STORED_VALUE", "cardId": card["id"]}]}
    assert await outcome(other.do("payOrder", ORDER, **wanted, idempotencyKey=new_key())) == "PAY_PASSWORD_REQUIRED"
    assert (
        await outcome(other.do("payOrder", ORDER, **wanted, payPassword="310007", idempotencyKey=new_key()))
        == "PAY_PASSWORD_WRONG"
    )
    assert (
        await outcome(other.do("payOrder", ORDER, **wanted, payPassword=PASSWORD, idempotencyKey=new_key()))
        == "SUCCESS"
    )


async def test_the_survivors_password_stays_with_the_stricter_lock(world: World) -> None:
    other, caller, number = await two_accounts(world, 100, 100)
    await other.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    await caller.do("setPayPassword", "me { id }", newPassword="705316")
    for guess in range(5):
        await outcome(caller.do("showJoinCode", "joinCode", payPassword=f"31000{guess}"))
    code = await join_code(other, payPassword=PASSWORD)
    await bind(world, caller, "QQ", number, proof=code)
    assert await outcome(other.do("showJoinCode", "joinCode", payPassword=PASSWORD)) == "PAY_PASSWORD_LOCKED"
    stored = await world.app.pay_passwords.pay_password(await id_of(other))
    assert stored is not None
    assert stored.wrong_tries == 5


async def test_the_till_redeems_both_cards(world: World) -> None:
    other, _, _, _ = await joined(world, 5_000, 3_000)
    cards = (await other.ask(CARDS))["me"]["wallet"]["cards"]["nodes"]
    staff = await world.staff("owner")
    for card in cards:
        digits = (await other.do("showCode", "digits", cardId=card["id"]))["digits"]
        done = await staff.do(
            "redeemCode",
            "redemption { id amount { amountFen } }",
            storeId=world.store_id,
            code=digits,
            amountFen=1_000,
            idempotencyKey=new_key(),
        )
        assert done["redemption"]["amount"]["amountFen"] == 1_000
    assert (await other.ask(CARDS))["me"]["wallet"]["totalBalance"]["amountFen"] == 6_000


async def test_an_account_that_joined_others_can_be_joined_itself(world: World) -> None:
    other, _, kept, gone = await joined(world, 5_000, 3_000)
    people = world.app.people
    third = await world.person("QQ")
    await with_card(world, third, "QQ", 1_000)
    third_id = await id_of(third)

    async def steps(work: Any) -> dict[str, str]:
        survivor, absorbed = await people.customer(third_id, work.session), await people.customer(kept, work.session)
        assert survivor is not None
        assert absorbed is not None
        await contend(world.app, work, survivor, absorbed)
        await join_accounts(world.app, work, survivor, absorbed)
        return {}

    await world.app.work.run(Call("test", SYSTEM), steps)
    for person in (third, other):
        assert await id_of(person) == third_id
        assert (await person.ask(CARDS))["me"]["wallet"]["totalBalance"]["amountFen"] == 9_000
        assert [await node(person, each) for each in (third_id, kept, gone)] == ["Me", "Me", "Me"]
    assert [set(await people.ids_of(each)) for each in (gone, kept, third_id)] == [{gone, kept, third_id}] * 3
