"""The audit finds nothing in honest books, and names the document when somebody breaks an invariant by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from resolvers.audit.model import ProviderRow
from resolvers.audit.run import audit
from resolvers.coupons.claim import claim_coupon
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.ordering.model import LineRequest, OrderStep, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.refund import refund_order
from resolvers.ordering.shop import advance_order
from resolvers.ordering.take_cash import take_cash
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from scripts.audit_books import provider_rows
from scripts.client import PAYMENT, Api
from tests.sold.shop import PLUM, SESAME, a_pass, a_voucher, bought, buy, place, tender
from tests.support.core import card_with, dishes, member_of_staff, new_person, placed
from tests.support.world import World, open_product
from tests.tables import tables

Break = Callable[[World], Awaitable[str]]


@pytest.fixture(scope="module")
async def books(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A product of its own in which a little of everything has happened."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("books"))) as world:
        await _live_a_little(world)
        yield world


async def _live_a_little(world: World) -> None:
    app, giver, friend = world.app, await new_person(world), await new_person(world)
    coupon = await claim_coupon(app, giver, world.seeded["template_ids"]["cash-50"], "k")
    card = await card_with(world, giver, 60_000, 6_000)
    line = LineRequest(next(dish for dish in await dishes(world) if dish.price_fen >= 3_000).id, 12)
    with_coupon = Placement(world.store_id, OrderType.PICK_UP, (line,), (coupon.id,), None, None, None, None, None)
    held = await placed(app, giver, with_coupon, "held")
    plain = Placement(
        world.store_id, OrderType.PICK_UP, (LineRequest(line.dish_id, 1),), (), None, None, None, None, None
    )
    paid = await placed(app, giver, plain, "paid")
    await pay_order(app, giver, paid.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], "pay")
    await refund_order(app, await member_of_staff(world, "owner"), paid.id, None, "test", "refund")
    waits, in_cash = await placed(app, giver, plain, "waits"), await placed(app, giver, plain, "in-cash")
    some = [Tender(PaymentMethod.STORED_VALUE, card.id, 100), Tender(PaymentMethod.CASH, None, None)]
    await pay_order(app, giver, waits.id, some, "pay-some")
    owner = await member_of_staff(world, "owner")
    await take_cash(app, owner, world.store_id, in_cash.id, None, "cash")
    await refund_order(app, owner, in_cash.id, None, "test", "refund-cash")
    done = await placed(app, giver, plain, "done")
    await take_cash(app, owner, world.store_id, done.id, None, "cash-done")
    for step in (OrderStep.ACCEPT, OrderStep.COMPLETE):
        await advance_order(app, owner, done.id, step, None)
    claimed = await give(app, giver, Present(card.id, None, 10_000, ""), "give-1")
    await claim_gift(app, friend, share_token(app.vault, claimed.id), "claim")
    await give(app, giver, Present(card.id, None, 5_000, ""), "give-2")
    assert held.status.value == "AWAITING_PAYMENT"
    api = await world.person()
    bought = await api.do(
        "topUpCard", f"{PAYMENT} card {{ id }}", brandId=world.brand_id, amountFen=5_000, idempotencyKey="t"
    )
    await world.phone.pay(bought["payment"])
    wanted = {"_id": bought["payment"]["id"], "status": "SUCCEEDED"}
    async with asyncio.timeout(30):
        while not await app.connection.collection("payments").find_one(wanted):
            await asyncio.sleep(0.05)
    await _sell_a_little(world, api)
    await _share_a_table(world)
    again = await api.do(
        "topUpCard", f"{PAYMENT} card {{ id }}", brandId=world.brand_id, amountFen=1_000, idempotencyKey="t2"
    )
    await world.phone.pay(again["payment"])
    async with asyncio.timeout(30):
        while not await app.connection.collection("payments").find_one({**wanted, "_id": again["payment"]["id"]}):
            await asyncio.sleep(0.05)
        await api.do("refundPayment", "payment { id }", paymentId=again["payment"]["id"], idempotencyKey="r2")
        while not await app.connection.collection("refunds").find_one({"status": "SETTLED"}):
            await asyncio.sleep(0.05)


async def _sell_a_little(world: World, api: Api) -> None:
    """Two passes, one of them on its way to a friend and one that an unfinished payment holds; a voucher not paid."""
    row = await bought(world, api, await a_pass(world, 3, 1_000, total=5), 2)
    given, held = row["card_ids"]
    await place(world, api, (SESAME, 1), tenders=[tender(given)])
    await api.do("give", "gift { id }", cardId=given, idempotencyKey="give-pass")
    await place(world, api, (SESAME, 1), (PLUM, 1), tenders=[tender(held), {"method": "CASH"}])
    await buy(api, await a_voucher(world, 800, total=5), 2)


async def _share_a_table(world: World) -> None:
    """An order in two shares that was eaten, and one of which one share is paid."""
    people = await tables.guests(world, 2)
    for eaten in (True, False):
        table = await tables.new_table(world)
        for guest in people:
            await tables.add(guest.api, table, table.fish)
        order = await tables.place(people[0].api, table, "EACH_PAYS_OWN")
        for guest, share in list(zip(people, order["shares"], strict=True))[: 1 + eaten]:
            await tables.pay(guest, order, share)
        for step in (OrderStep.ACCEPT, OrderStep.COMPLETE) if eaten else ():
            await advance_order(world.app, await member_of_staff(world, "owner"), order["id"], step, None)


async def _breaches(world: World) -> dict[int, tuple[str, ...]]:
    findings = await audit(world.app.connection, provider_rows(await world.phone.payments()))
    return {finding.number: finding.breaches for finding in findings if finding.breaches}


async def test_honest_books_have_no_breach_and_everything_was_looked_at(books: World) -> None:
    findings = await audit(books.app.connection, provider_rows(await books.phone.payments()))
    assert [finding.breaches for finding in findings] == [()] * 9
    assert [finding.number for finding in findings if finding.checked == 0] == []


def _collection(world: World, name: str) -> Any:
    return world.app.connection.collection(name)


async def _entry_off_by_a_fen(world: World) -> str:
    entry = await _collection(world, "journal").find_one({"kind": "CLAIM"})
    await _collection(world, "journal").update_one({"_id": entry["_id"]}, {"$inc": {"lines.0.amount_fen": 1}})
    return str(entry["_id"])


async def _balance_off_by_a_fen(world: World) -> str:
    account = await _collection(world, "accounts").find_one({"_id": {"$regex": "^card:"}, "balance_fen": {"$gt": 0}})
    await _collection(world, "accounts").update_one({"_id": account["_id"]}, {"$inc": {"balance_fen": 1}})
    return str(account["_id"])


async def _lot_off_by_a_fen(world: World) -> str:
    card = await _collection(world, "cards").find_one({"lots": {"$ne": []}})
    await _collection(world, "cards").update_one({"_id": card["_id"]}, {"$inc": {"lots.0.left_fen": -1}})
    return str(card["_id"])


async def _gift_that_exists_twice(world: World) -> str:
    gift = await _collection(world, "gifts").find_one({"status": "CLAIMED"})
    await _collection(world, "gifts").update_one({"_id": gift["_id"]}, {"$set": {"status": "PENDING"}})
    return str(gift["_id"])


async def _payment_without_an_entry(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"method": "WECHAT_PAY"})
    await _collection(world, "journal").delete_one({"_id": f"capture:{payment['_id']}"})
    return str(payment["_id"])


async def _one_piece_too_many(world: World) -> str:
    template_id = world.seeded["template_ids"]["cash-50"]
    await _collection(world, "counters").update_one({"_id": f"template:{template_id}"}, {"$inc": {"left": 1}})
    return str(template_id)


async def _one_too_many_for_a_customer(world: World) -> str:
    count = await _collection(world, "coupon_counts").find_one({})
    await _collection(world, "coupon_counts").update_one({"_id": count["_id"]}, {"$set": {"count": 99}})
    return str(count["_id"])


async def _coupon_held_by_nothing(world: World) -> str:
    coupon = await _collection(world, "coupons").find_one({"status": "HELD"})
    await _collection(world, "coupons").update_one({"_id": coupon["_id"]}, {"$set": {"order_id": "ord_none"}})
    return str(coupon["_id"])


async def _hole_in_the_log(world: World) -> str:
    event = await _collection(world, "events").find_one({"number": 2})
    await _collection(world, "events").delete_one({"_id": event["_id"]})
    return str(event["customer_id"])


async def _order_that_says_it_is_paid(world: World) -> str:
    order = await _collection(world, "orders").find_one({"status": "AWAITING_PAYMENT"})
    await _collection(world, "orders").update_one({"_id": order["_id"]}, {"$set": {"paid_fen": order["payable_fen"]}})
    return str(order["_id"])


async def _statement_that_ends_elsewhere(world: World) -> str:
    card = await _collection(world, "cards").find_one({"statement_rows": {"$gt": 1}})
    newest = {"card_id": card["_id"], "number": card["statement_rows"]}
    await _collection(world, "statement").update_one(newest, {"$inc": {"balance_after_fen": 1}})
    return str(card["_id"])


async def _point_out_of_nothing(world: World) -> str:
    """The statement tells of it, the account does not."""
    member = await _collection(world, "memberships").find_one({"points_rows": {"$gt": 0}})
    newest = {"membership_id": member["_id"], "number": member["points_rows"]}
    more = {"$inc": {"change": 1, "balance_after": 1}}
    await _collection(world, "points_statement").update_one(newest, more)
    await _collection(world, "memberships").update_one({"_id": member["_id"]}, {"$inc": {"points": 1}})
    return str(member["_id"])


async def _point_that_the_statement_forgets(world: World) -> str:
    """Points and account agree."""
    member = await _collection(world, "memberships").find_one({"points_rows": {"$gt": 0}})
    newest = {"membership_id": member["_id"], "number": member["points_rows"]}
    await _collection(world, "points_statement").delete_one(newest)
    return str(member["_id"])


async def _growth_out_of_nothing(world: World) -> str:
    member = await _collection(world, "memberships").find_one({"growth": {"$gt": 0}})
    await _collection(world, "memberships").update_one({"_id": member["_id"]}, {"$inc": {"growth": 1}})
    return str(member["_id"])


async def _order_that_forgets_its_growth(world: World) -> str:
    order = await _collection(world, "orders").find_one({"growth_earned": {"$gt": 0}})
    await _collection(world, "orders").update_one({"_id": order["_id"]}, {"$set": {"growth_earned": 0}})
    member = await _collection(world, "memberships").find_one({"customer_id": order["customer_id"]})
    return str(member["_id"])


async def _shared_order_that_forgets_a_payers_growth(world: World) -> str:
    order = await _collection(world, "orders").find_one({"earners.growth": {"$gt": 0}})
    await _collection(world, "orders").update_one({"_id": order["_id"]}, {"$set": {"earners.1.growth": 0}})
    customer_id = order["earners"][1]["customer_id"]
    member = await _collection(world, "memberships").find_one({"customer_id": customer_id})
    return str(member["_id"])


async def _shares_of_more_than_is_payable(world: World) -> str:
    order = await _collection(world, "orders").find_one({"shares.paid_fen": {"$gt": 0}})
    await _collection(world, "orders").update_one({"_id": order["_id"]}, {"$inc": {"shares.0.amount_fen": 1}})
    return str(order["_id"])


async def _cart_whose_order_has_ended(world: World) -> str:
    cart = await _collection(world, "table_carts").find_one({"open": True, "order_id": {"$ne": None}})
    await _collection(world, "table_carts").update_one({"_id": cart["_id"]}, {"$set": {"order_id": "ord_none"}})
    return str(cart["_id"])


async def _share_that_says_it_is_paid(world: World) -> str:
    order = await _collection(world, "orders").find_one({"status": "AWAITING_PAYMENT", "shares.paid_fen": 0})
    await _collection(world, "orders").update_one({"_id": order["_id"]}, {"$set": {"shares.1.paid_fen": 3_000}})
    return str(order["_id"])


async def _entry_off_by_a_point(world: World) -> str:
    """In fen it still sums to zero."""
    entry = await _collection(world, "journal").find_one({"kind": "PURCHASE"})
    point = {"account": "brand:x:points_granted", "amount_fen": 1, "currency": "POINTS"}
    await _collection(world, "journal").update_one({"_id": entry["_id"]}, {"$push": {"lines": point}})
    return str(entry["_id"])


async def _card_payment_without_an_entry(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"method": "STORED_VALUE", "status": "REFUNDED"})
    await _collection(world, "journal").delete_one({"_id": f"capture:{payment['_id']}"})
    return str(payment["_id"])


async def _card_payment_booked_while_it_waits(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"method": "STORED_VALUE"})
    await _collection(world, "payments").update_one({"_id": payment["_id"]}, {"$set": {"status": "PENDING"}})
    return str(payment["_id"])


async def _refund_that_the_order_does_not_know(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"method": "STORED_VALUE", "status": "REFUNDED"})
    await _collection(world, "payments").update_one({"_id": payment["_id"]}, {"$inc": {"refunded_fen": -1}})
    return str(payment["order_id"])


async def _more_refunded_than_paid(world: World) -> str:
    order = await _collection(world, "orders").find_one({"status": "REFUNDED"})
    await _collection(world, "orders").update_one({"_id": order["_id"]}, {"$inc": {"refunded_fen": 1}})
    return str(order["_id"])


async def _hold_of_a_payment_that_is_over(world: World) -> str:
    card = await _collection(world, "cards").find_one({"lots": {"$ne": []}})
    hold = {"payment_id": "pay_gone", "takes": []}
    await _collection(world, "cards").update_one({"_id": card["_id"]}, {"$push": {"holds": hold}})
    return str(card["_id"])


async def _refund_booked_twice(world: World) -> str:
    """A second reversal of a refund that the provider has carried out once."""
    refund = await _collection(world, "refunds").find_one({"status": "SETTLED"})
    await _collection(world, "refunds").update_one({"_id": refund["_id"]}, {"$set": {"status": "PROCESSING"}})
    return str(refund["_id"])


async def _order_paid_by_nothing(world: World) -> str:
    order = await _collection(world, "orders").find_one({"status": "AWAITING_PAYMENT"})
    await _collection(world, "orders").update_one({"_id": order["_id"]}, {"$set": {"status": "PAID"}})
    return str(order["_id"])


async def _cash_refund_without_an_entry(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"method": "CASH", "status": "REFUNDED"})
    await _collection(world, "journal").delete_one({"_id": {"$regex": f"^refund:{payment['_id']}"}})
    return str(payment["_id"])


async def _cash_sale_booked_under_a_second_key(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"method": "CASH", "status": "REFUNDED"})
    entry = await _collection(world, "journal").find_one({"_id": f"capture:{payment['_id']}"})
    await _collection(world, "journal").insert_one({**entry, "_id": f"capture2:{payment['_id']}"})
    return f"brand:{world.brand_id}:cash"


async def _hold_that_is_lost(world: World) -> str:
    card = await _collection(world, "cards").find_one({"holds": {"$ne": []}})
    await _collection(world, "cards").update_one({"_id": card["_id"]}, {"$set": {"holds": []}})
    return str(card["holds"][0]["payment_id"])


async def _hold_of_more_than_there_is(world: World) -> str:
    card = await _collection(world, "cards").find_one({"holds": {"$ne": []}})
    more = {"$set": {"holds.0.takes.0.amount_fen": 10_000_000}}
    await _collection(world, "cards").update_one({"_id": card["_id"]}, more)
    return str(card["_id"])


async def _staff_action_that_is_gone(world: World) -> str:
    await _collection(world, "staff_actions").delete_many({})
    entry = await _collection(world, "journal").find_one({"actor_id": {"$regex": "^stf_"}})
    return str(entry["_id"])


async def _use_out_of_nothing(world: World) -> str:
    card = await _collection(world, "cards").find_one({"kind": "PASS"})
    await _collection(world, "cards").update_one({"_id": card["_id"]}, {"$inc": {"uses.left": 1, "uses.bought": 1}})
    return str(card["_id"])


async def _use_that_only_the_account_has(world: World) -> str:
    account = await _collection(world, "accounts").find_one({"_id": {"$regex": "^card:.*:uses$"}})
    await _collection(world, "accounts").update_one({"_id": account["_id"]}, {"$inc": {"balance_fen": 1}})
    return str(account["_id"].split(":")[1])


async def _use_that_was_never_taken(world: World) -> str:
    """Card and account agree; what was bought is not all there, nor is the price of it."""
    card = await _collection(world, "cards").find_one({"kind": "PASS", "status": "ACTIVE"})
    await _collection(world, "cards").update_one({"_id": card["_id"]}, {"$set": {"uses.taken": 1}})
    return str(card["_id"])


async def _price_of_a_use_that_is_not_in_the_books(world: World) -> str:
    card = await _collection(world, "cards").find_one({"kind": "PASS", "uses.taken": 1})
    await _collection(world, "cards").update_one({"_id": card["_id"]}, {"$set": {"uses.price_fen": 1_100}})
    return f"brand:{world.brand_id}:vouchers_sold"


async def _gift_of_more_uses_than_wait(world: World) -> str:
    gift = await _collection(world, "gifts").find_one({"uses": {"$gt": 0}})
    await _collection(world, "gifts").update_one({"_id": gift["_id"]}, {"$inc": {"uses": 1}})
    return str(gift["_id"])


async def _held_use_that_is_free(world: World) -> str:
    card = await _collection(world, "cards").find_one({"kind": "PASS", "holds": {"$ne": []}})
    await _collection(world, "cards").update_one({"_id": card["_id"]}, {"$set": {"holds.0.uses": 0}})
    return str(card["holds"][0]["payment_id"])


async def _more_uses_held_than_there_are(world: World) -> str:
    card = await _collection(world, "cards").find_one({"kind": "PASS", "holds": {"$ne": []}})
    await _collection(world, "cards").update_one({"_id": card["_id"]}, {"$set": {"holds.0.uses": 4}})
    return str(card["_id"])


async def _pass_payment_without_an_entry(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"method": "PASS", "status": "SUCCEEDED"})
    await _collection(world, "journal").delete_one({"_id": f"capture:{payment['_id']}"})
    return str(payment["_id"])


async def _waiting_purchase_without_its_pieces(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"purpose": "COUPONS", "status": "PENDING"})
    counter = {"_id": f"template:{payment['template_id']}"}
    await _collection(world, "counters").update_one(counter, {"$inc": {"left": 2}})
    return str(payment["template_id"])


async def _pieces_of_a_purchase_that_are_lost(world: World) -> str:
    payment = await _collection(world, "payments").find_one({"purpose": "COUPONS", "status": "PENDING"})
    await _collection(world, "payments").update_one({"_id": payment["_id"]}, {"$set": {"status": "CLOSED"}})
    return str(payment["template_id"])


async def _pass_of_which_there_is_no_piece(world: World) -> str:
    card = await _collection(world, "cards").find_one({"kind": "PASS"})
    counter = {"_id": f"template:{card['uses']['template_id']}"}
    await _collection(world, "counters").update_one(counter, {"$inc": {"left": 1}})
    return str(card["uses"]["template_id"])


BREAKS: list[tuple[int, Break, tuple[str, ...]]] = [
    (1, _entry_off_by_a_fen, ("journal",)),
    (2, _balance_off_by_a_fen, ("accounts",)),
    (2, _lot_off_by_a_fen, ("cards",)),
    (1, _entry_off_by_a_point, ("journal",)),
    (2, _statement_that_ends_elsewhere, ("statement",)),
    (2, _point_out_of_nothing, ("memberships", "points_statement")),
    (2, _point_that_the_statement_forgets, ("points_statement",)),
    (2, _growth_out_of_nothing, ("memberships",)),
    (2, _order_that_forgets_its_growth, ("orders",)),
    (2, _shared_order_that_forgets_a_payers_growth, ("orders",)),
    (2, _use_out_of_nothing, ("cards",)),
    (2, _use_that_only_the_account_has, ("accounts",)),
    (2, _use_that_was_never_taken, ("cards",)),
    (2, _price_of_a_use_that_is_not_in_the_books, ("cards",)),
    (2, _more_uses_held_than_there_are, ("cards",)),
    (3, _gift_of_more_uses_than_wait, ("gifts",)),
    (5, _waiting_purchase_without_its_pieces, ("counters",)),
    (5, _pieces_of_a_purchase_that_are_lost, ("payments",)),
    (5, _pass_of_which_there_is_no_piece, ("counters",)),
    (6, _held_use_that_is_free, ("cards",)),
    (8, _pass_payment_without_an_entry, ("journal",)),
    (3, _gift_that_exists_twice, ("gifts",)),
    (4, _refund_booked_twice, ("refunds",)),
    (4, _payment_without_an_entry, ("journal",)),
    (5, _one_piece_too_many, ("counters",)),
    (5, _one_too_many_for_a_customer, ("coupon_counts",)),
    (6, _coupon_held_by_nothing, ("coupons",)),
    (6, _hold_of_a_payment_that_is_over, ("cards",)),
    (6, _cart_whose_order_has_ended, ("table_carts",)),
    (4, _cash_sale_booked_under_a_second_key, ("journal",)),
    (6, _hold_that_is_lost, ("cards",)),
    (6, _hold_of_more_than_there_is, ("cards",)),
    (8, _order_paid_by_nothing, ("orders",)),
    (8, _cash_refund_without_an_entry, ("journal",)),
    (8, _card_payment_without_an_entry, ("journal",)),
    (8, _card_payment_booked_while_it_waits, ("payments",)),
    (8, _refund_that_the_order_does_not_know, ("payments",)),
    (8, _more_refunded_than_paid, ("orders",)),
    (8, _shares_of_more_than_is_payable, ("orders",)),
    (8, _share_that_says_it_is_paid, ("orders",)),
    (7, _hole_in_the_log, ("events",)),
    (8, _order_that_says_it_is_paid, ("orders",)),
    (9, _staff_action_that_is_gone, ("staff_actions",)),
]


@pytest.mark.parametrize(("number", "broken", "touched"), BREAKS, ids=[each[1].__name__.strip("_") for each in BREAKS])
async def test_a_broken_invariant_is_found_and_the_document_named(
    books: World, number: int, broken: Break, touched: tuple[str, ...]
) -> None:
    kept = {name: await _collection(books, name).find({}).to_list(None) for name in touched}
    try:
        document_id = await broken(books)
        breaches = await _breaches(books)
        assert any(document_id in breach for breach in breaches.get(number, ()))
    finally:
        for name, documents in kept.items():
            await _collection(books, name).delete_many({})
            await _collection(books, name).insert_many(documents)
    assert await _breaches(books) == {}


async def test_money_that_only_the_provider_has_is_found(books: World) -> None:
    rows = provider_rows(await books.phone.payments())
    stranger = ProviderRow("pay_nobody", 1_234, done=True, is_refund=False)
    findings = await audit(books.app.connection, [*rows, stranger])
    assert findings[3].breaches == ("pay_nobody: 0 fen here, 1234 fen at the provider",)


async def test_money_that_only_we_have_is_found(books: World) -> None:
    rows = provider_rows(await books.phone.payments())
    paid = next(row for row in rows if row.done)
    findings = await audit(books.app.connection, [row for row in rows if row is not paid])
    assert findings[3].breaches == (f"{paid.number}: {paid.amount_fen} fen here, 0 fen at the provider",)
