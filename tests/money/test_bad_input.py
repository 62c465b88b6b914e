"""Bad amounts and things of others, at every door where money passes: a typed refusal, and nothing changed."""

import hashlib
import json
from typing import Any

import pytest

from scripts.client import Api, GraphQLFailed, Json, Refused, new_key
from scripts.demo_brands import made_id
from tests.money.people import topped_up
from tests.payments.money import pay_order, place
from tests.support.core import books_are_in_order
from tests.support.world import World

MONEY = [
    "cards",
    "accounts",
    "journal",
    "statement",
    "payments",
    "refunds",
    "order_refunds",
    "orders",
    "gifts",
    "coupons",
    "redemptions",
    "memberships",
    "idempotency",
    "staff_actions",
    "cash_shifts",
    "top_up_counts",
]
POLLING = {"poll_at": 0, "polls": 0}  # when the provider is asked next: what other tests have left pending goes on
BEYOND = 2**53
NOTHING_LIKE_AN_AMOUNT = [1.5, "100", True, None, [1], {"fen": 1}]


async def books(world: World) -> dict[str, str]:
    """A digest of every collection that money stands in."""
    digests = {}
    for name in MONEY:
        found = world.app.connection.collection(name).find({}, projection=POLLING).sort("_id", 1)
        rows = await found.to_list(None)
        digests[name] = hashlib.sha256(json.dumps(rows, default=str, sort_keys=True).encode()).hexdigest()
    return digests


async def refusal(call: Any) -> str:
    """The code with which a call is refused, typed or as a malformed request."""
    try:
        await call
    except Refused as refused:
        return str(refused.code)
    except GraphQLFailed as failed:
        return str(failed.code)
    return "ok"


class Doors:
    """A customer with a card of 50.00 principal and 5.00 bonus, a paid and an unpaid order; and their till."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.person: Api
        self.owner: Api
        self.card_id = self.me = self.unpaid = self.paid = self.line_id = self.digits = ""

    async def open(self) -> "Doors":
        """Make all of it."""
        world = self.world
        self.person, self.owner = await world.person(), await world.staff("owner")
        self.me = (await self.person.ask("{ me { id } }"))["me"]["id"]
        self.card_id = (await topped_up(world, self.person, amountFen=50_000))["card"]["id"]
        self.unpaid = (await place(world, self.person, "razor-clams"))["id"]
        paid = await place(world, self.person, "razor-clams")
        await pay_order(self.person, paid, {"method": "STORED_VALUE", "cardId": self.card_id})
        self.paid = paid["id"]
        query = "query($id: ID!) { order(id: $id) { lines { id } } }"
        self.line_id = (await self.person.ask(query, id=self.paid))["order"]["lines"][0]["id"]
        wanted = {"cardId": self.card_id, "maxFen": 10_000}
        self.digits = (await self.person.do("showCode", "digits", **wanted))["digits"]
        return self

    def calls(self, amount: Any) -> dict[str, Any]:
        """Every mutation with an amount, with this one."""
        store, key = self.world.store_id, new_key
        tender = {"method": "STORED_VALUE", "cardId": self.card_id, "amountFen": amount}
        design = made_id("dsg", "seafood", "full-tide")
        lines = [{"dishId": made_id("dsh", store, "razor-clams"), "quantity": 1}]
        cart = {"storeId": store, "type": "PICK_UP", "lines": lines, "couponIds": []}
        person, owner = self.person, self.owner
        return {
            "topUpCard": lambda: person.do(
                "topUpCard", "card { id }", brandId=self.world.brand_id, amountFen=amount, idempotencyKey=key()
            ),
            "buyGiftCard": lambda: person.do(
                "buyGiftCard", "payment { id }", designId=design, faceValueFen=amount, idempotencyKey=key()
            ),
            "payOrder": lambda: person.do(
                "payOrder", "order { id }", orderId=self.unpaid, tenders=[tender], idempotencyKey=key()
            ),
            "placeOrder": lambda: person.do(
                "placeOrder", "order { id }", **cart, tenders=[tender], idempotencyKey=key()
            ),
            "placeOrder expecting": lambda: person.do(
                "placeOrder", "order { id }", **cart, expectedPayableFen=amount, idempotencyKey=key()
            ),
            "give": lambda: person.do(
                "give", "gift { id }", cardId=self.card_id, amountFen=amount, idempotencyKey=key()
            ),
            "showCode": lambda: person.do("showCode", "digits", cardId=self.card_id, maxFen=amount),
            "redeemCode": lambda: owner.do(
                "redeemCode",
                "redemption { id }",
                storeId=store,
                code=self.digits,
                amountFen=amount,
                idempotencyKey=key(),
            ),
            "cashTopUp": lambda: owner.do(
                "cashTopUp", "card { id }", storeId=store, customerId=self.me, amountFen=amount, idempotencyKey=key()
            ),
            "takeCash": lambda: owner.do(
                "takeCash", "order { id }", storeId=store, orderId=self.unpaid, amountFen=amount, idempotencyKey=key()
            ),
        }


# What each answers to: 0, -1, a fen below its least, a fen above its most (each its own bound), and 2^53 - 1.
EXPECTED: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "topUpCard": ("AMOUNT_INVALID", [(99, "AMOUNT_INVALID"), (500_001, "AMOUNT_INVALID")]),
    "buyGiftCard": ("AMOUNT_INVALID", [(9_999, "AMOUNT_INVALID"), (10_001, "AMOUNT_INVALID")]),
    "payOrder": ("AMOUNT_INVALID", [(6_799, "AMOUNT_INVALID"), (6_801, "AMOUNT_INVALID")]),
    "placeOrder": ("AMOUNT_INVALID", [(6_799, "AMOUNT_INVALID"), (6_801, "AMOUNT_INVALID")]),
    "placeOrder expecting": ("PRICE_CHANGED", [(6_799, "PRICE_CHANGED"), (6_801, "PRICE_CHANGED")]),
    "give": ("AMOUNT_INVALID", [(43_201, "AMOUNT_INVALID")]),
    "showCode": ("AMOUNT_INVALID", [(43_201, "INSUFFICIENT_BALANCE")]),
    "redeemCode": ("AMOUNT_INVALID", [(10_001, "INSUFFICIENT_BALANCE")]),
    "cashTopUp": ("AMOUNT_INVALID", [(99, "AMOUNT_INVALID"), (456_801, "BALANCE_LIMIT"), (500_001, "AMOUNT_INVALID")]),
    "takeCash": ("AMOUNT_INVALID", [(6_801, "AMOUNT_INVALID")]),
}


async def test_amounts_outside_their_bounds_are_refused_and_change_nothing(world: World) -> None:
    doors = await Doors(world).open()
    before = await books(world)
    found: dict[str, Any] = {}
    for name, (code, bounds) in EXPECTED.items():
        for amount in (0, -1):
            found[f"{name} {amount}"] = (await refusal(doors.calls(amount)[name]()), code)
        for amount, wanted in bounds:
            found[f"{name} {amount}"] = (await refusal(doors.calls(amount)[name]()), wanted)
        largest = {"showCode": "INSUFFICIENT_BALANCE", "redeemCode": "INSUFFICIENT_BALANCE"}.get(name, code)
        found[f"{name} 2^53-1"] = (await refusal(doors.calls(BEYOND - 1)[name]()), largest)
        found[f"{name} 2^53"] = (await refusal(doors.calls(BEYOND)[name]()), "BAD_USER_INPUT")
    assert {name: code for name, (code, wanted) in found.items() if code != wanted} == {}
    assert await books(world) == before
    await books_are_in_order(world)


@pytest.mark.parametrize("amount", NOTHING_LIKE_AN_AMOUNT, ids=str)
async def test_what_is_no_whole_number_never_reaches_a_verb(world: World, amount: Any) -> None:
    doors = await Doors(world).open()
    before = await books(world)
    may_be_left_out = ("takeCash", "placeOrder expecting", "payOrder", "placeOrder", "give", "showCode")
    for name in EXPECTED:
        if amount is None and name in may_be_left_out:
            continue
        wanted = {None: ("AMOUNT_INVALID", "BAD_USER_INPUT")}.get(amount if amount is None else 0, ("BAD_USER_INPUT",))
        assert await refusal(doors.calls(amount)[name]()) in wanted, name
    assert await books(world) == before


async def test_things_of_others_look_absent_and_stay_as_they_are(world: World) -> None:
    doors, others = await Doors(world).open(), await Doors(world).open()
    before = await books(world)
    person, teahouse = doors.person, await world.staff(await _teahouse_owner(world))
    mine: list[tuple[Api, str, str, Json]] = [
        (person, "payOrder", "order { id }", {"orderId": others.unpaid, "tenders": [{"method": "WECHAT_PAY"}]}),
        (person, "payOrder", "order { id }", {"orderId": doors.unpaid, "tenders": [_card(others.card_id)]}),
        (person, "give", "gift { id }", {"cardId": others.card_id}),
        (teahouse, "refundOrder", "order { id }", {"orderId": doors.paid, "reason": "x"}),
        (teahouse, "takeCash", "order { id }", {"storeId": world.store_id, "orderId": doors.unpaid}),
        (teahouse, "cashTopUp", "card { id }", {"storeId": world.store_id, "customerId": doors.me, "amountFen": 100}),
    ]
    for api, verb, select, fields in mine:
        assert await refusal(api.do(verb, select, **fields, idempotencyKey=new_key())) == "NOT_FOUND", verb
    assert await refusal(person.do("cancelOrder", "order { id }", orderId=others.unpaid)) == "NOT_FOUND"
    assert await refusal(person.do("showCode", "digits", cardId=others.card_id)) == "NOT_FOUND"
    wrong = {"orderId": doors.paid, "reason": "x", "lines": [{"lineId": others.line_id, "quantity": 1}]}
    call = doors.owner.do("refundOrder", "order { id }", **wrong, idempotencyKey=new_key())
    assert await refusal(call) == "NOT_FOUND"
    assert await books(world) == before


def _card(card_id: str) -> Json:
    return {"method": "STORED_VALUE", "cardId": card_id}


async def _teahouse_owner(world: World) -> str:
    staff = await world.app.connection.collection("staff").find_one(
        {"brand_id": {"$ne": world.brand_id}, "role": "OWNER"}
    )
    assert staff is not None
    return str(staff["username"])
