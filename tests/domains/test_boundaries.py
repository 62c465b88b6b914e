"""Other people's things, other brands' things, roles, and input that is out of bounds: refused, and nothing changes."""

from dataclasses import replace
from typing import Any

import pytest

from resolvers.people.model import Role
from scripts.client import Api, GraphQLFailed, Refused, new_key
from tests.support.world import World

HUGE = [0, -1, 2**53]
MENU = """query($id: ID!) { store(id: $id) { menu { sections { items { available
  dish { id optionGroups { minimum options { id } } } } } } } }"""


async def _refused(call: Any) -> str | None:
    try:
        await call
    except Refused as refusal:
        return refusal.code
    except GraphQLFailed as failed:
        return failed.code
    return "SUCCESS"


async def _with_things(world: World) -> tuple[Api, dict[str, str]]:
    """A person with a coupon, a membership and an order."""
    api = await world.person()
    coupon = await api.do(
        "claimCoupon", "coupon { id }", templateId=world.seeded["template_ids"]["cash-50"], idempotencyKey="c"
    )
    menu = await api.ask(
        MENU,
        id=world.store_id,
    )
    items = [item for section in menu["store"]["menu"]["sections"] for item in section["items"]]
    dish_id = next(item["dish"]["id"] for item in items if item["available"] and not item["dish"]["optionGroups"])
    lines = [{"dishId": dish_id, "quantity": 1}]
    order = await api.do(
        "placeOrder",
        "order { id }",
        storeId=world.store_id,
        type="PICK_UP",
        lines=lines,
        couponIds=[],
        idempotencyKey="o",
    )
    me = (await api.ask("{ me { id memberships { id } wallet { cards { nodes { id } } } } }"))["me"]
    return api, {
        "customer": me["id"],
        "membership": me["memberships"][0]["id"],
        "coupon": coupon["coupon"]["id"],
        "order": order["order"]["id"],
        "dish": dish_id,
    }


async def test_other_peoples_things_look_absent(world: World) -> None:
    _, theirs = await _with_things(world)
    stranger, visitor = await world.person(), world.visitor()
    for kind in ("customer", "membership", "coupon", "order"):
        for api in (stranger, visitor):
            found = await api.ask("query($id: ID!) { node(id: $id) { id } }", id=theirs[kind])
            assert found == {"node": None}, kind
    assert await stranger.ask("query($id: ID!) { order(id: $id) { id } }", id=theirs["order"]) == {"order": None}
    tender = [{"method": "WECHAT_PAY"}]
    for verb, fields in (
        ("payOrder", {"orderId": theirs["order"], "tenders": tender, "idempotencyKey": "k"}),
        ("cancelOrder", {"orderId": theirs["order"]}),
        ("give", {"couponId": theirs["coupon"], "idempotencyKey": "k"}),
        ("showCode", {"couponId": theirs["coupon"]}),
        ("withdrawGift", {"giftId": "gft_none"}),
    ):
        assert await _refused(stranger.do(verb, "__typename", **fields)) == "NOT_FOUND", verb


async def test_ones_own_things_are_found_by_id(world: World) -> None:
    api, mine = await _with_things(world)
    for kind, typename in (("customer", "Me"), ("membership", "Membership"), ("coupon", "Coupon"), ("order", "Order")):
        found = await api.ask("query($id: ID!) { node(id: $id) { __typename id } }", id=mine[kind])
        assert found["node"] == {"__typename": typename, "id": mine[kind]}
    public = await world.visitor().ask("query($id: ID!) { node(id: $id) { __typename } }", id=mine["dish"])
    assert public["node"] == {"__typename": "Dish"}
    for nothing in ("", "x", "crd_", "cus_" + "z" * 200, "brd_none"):
        assert await api.ask("query($id: ID!) { node(id: $id) { id } }", id=nothing) == {"node": None}


async def test_a_brand_sees_nothing_of_another(world: World) -> None:
    _, theirs = await _with_things(world)
    tea = await world.staff("tea-owner")
    order = await tea.ask("query($id: ID!) { order(id: $id) { id } }", id=theirs["order"])
    assert order == {"order": None}
    assert await _refused(tea.ask("query($id: ID!) { orders(storeId: $id) { nodes { id } } }", id=world.store_id)) == (
        "FORBIDDEN"
    )
    refused = [
        await _refused(
            tea.do("refundOrder", "refunded { amountFen }", orderId=theirs["order"], reason="x", idempotencyKey="k")
        ),
        await _refused(tea.do("advanceOrder", "order { id }", orderId=theirs["order"], step="ACCEPT")),
        await _refused(
            tea.do("takeCash", "order { id }", storeId=world.store_id, orderId=theirs["order"], idempotencyKey="k")
        ),
        await _refused(
            tea.do(
                "issueCoupons",
                "issued",
                templateId=world.seeded["template_ids"]["welcome"],
                customerIds=[theirs["customer"]],
                idempotencyKey="k",
            )
        ),
    ]
    assert refused == ["NOT_FOUND"] * 4


async def test_a_coupon_of_one_brand_is_worth_nothing_at_another(world: World) -> None:
    api, mine = await _with_things(world)
    tea = await (await world.staff("tea-owner")).ask("{ me { brand { id } stores { id } } }")
    store_id = tea["me"]["stores"][0]["id"]
    menu = await api.ask(
        MENU,
        id=store_id,
    )
    dish = next(
        item["dish"] for section in menu["store"]["menu"]["sections"] for item in section["items"] if item["available"]
    )
    options = [each["id"] for group in dish["optionGroups"] for each in group["options"][: group["minimum"]]]
    lines = [{"dishId": dish["id"], "quantity": 1, "optionIds": options}]
    quote = "query($input: QuoteOrderInput!) { quoteOrder(input: $input) { __typename ... on UserError { codeName } } }"
    cart = {"storeId": store_id, "type": "PICK_UP", "lines": lines, "couponIds": [mine["coupon"]]}
    assert (await api.ask(quote, input=cart))["quoteOrder"] == {
        "__typename": "OrderError",
        "codeName": "COUPON_NOT_APPLICABLE",
    }
    dish_of_another = {"storeId": store_id, "type": "PICK_UP", "lines": [{"dishId": mine["dish"], "quantity": 1}]}
    answer = (await api.ask(quote, input=dish_of_another))["quoteOrder"]
    assert answer == {"__typename": "OrderError", "codeName": "DISH_UNAVAILABLE"}


ROLES = [
    ("advanceOrder", {"step": "CANCEL", "reason": "x"}, "SUCCESS", "SUCCESS"),  # of an unpaid order
    (
        "refundOrder",
        {"reason": "x", "idempotencyKey": "KEY"},
        "NOT_ALLOWED",
        "STATUS_INVALID",
    ),  # unpaid: nothing to refund
]


@pytest.mark.parametrize(("verb", "fields", "cashier", "manager"), ROLES)
async def test_a_role_may_do_what_it_may(
    world: World, verb: str, fields: dict[str, Any], cashier: str, manager: str
) -> None:
    for username, wanted in (("cashier-riverside", cashier), ("manager-gz", manager)):
        _, things = await _with_things(world)
        api = await world.staff(username)
        sent = {name: new_key() if value == "KEY" else value for name, value in fields.items()}
        assert await _refused(api.do(verb, "__typename", orderId=things["order"], **sent)) == wanted


async def test_staff_of_another_store_may_not(world: World) -> None:
    _, things = await _with_things(world)
    elsewhere = await world.staff("cashier-shekou")
    assert await _refused(elsewhere.do("advanceOrder", "order { id }", orderId=things["order"], step="ACCEPT")) == (
        "NOT_ALLOWED"
    )
    redeem = elsewhere.do("redeemCode", "__typename", storeId=world.store_id, code="8" * 18, idempotencyKey=new_key())
    assert await _refused(redeem) == "NOT_ALLOWED"
    assert await elsewhere.ask("query($id: ID!) { order(id: $id) { id } }", id=things["order"]) == {"order": None}


async def test_only_managers_issue_coupons_and_who_gets_none_is_told_why(world: World) -> None:
    _, things = await _with_things(world)
    stranger = (await (await world.person()).ask("{ me { id } }"))["me"]["id"]
    wanted = {
        "templateId": world.seeded["template_ids"]["welcome"],
        "customerIds": [things["customer"], stranger, things["customer"]],
        "idempotencyKey": new_key(),
    }
    cashier, manager = await world.staff("cashier-riverside"), await world.staff("manager-gz")
    assert await _refused(cashier.do("issueCoupons", "issued", **wanted)) == "NOT_ALLOWED"
    issued = await manager.do("issueCoupons", "issued skipped { customerId reason }", **wanted)
    assert (issued["issued"], issued["skipped"]) == (1, [{"customerId": stranger, "reason": "NOT_FOUND"}])
    again = await manager.do("issueCoupons", "issued", **wanted)
    assert again["issued"] == 1
    other = wanted | {"idempotencyKey": new_key()}
    limited = await manager.do("issueCoupons", "issued skipped { customerId reason }", **other)
    assert limited["issued"] == 0
    assert {"customerId": things["customer"], "reason": "LIMIT_REACHED"} in limited["skipped"]
    assert Role.OWNER.value == "OWNER"


@pytest.mark.parametrize(
    ("quantity", "code"),
    [(0, "EMPTY"), (-1, "EMPTY"), (1_000, "AMOUNT_INVALID"), (10**9, "AMOUNT_INVALID"), (2**31, "BAD_USER_INPUT")],
)
async def test_quantities_out_of_bounds_are_refused(world: World, quantity: int, code: str) -> None:
    api, things = await _with_things(world)
    lines = [{"dishId": things["dish"], "quantity": quantity}]
    place = api.do(
        "placeOrder", "order { id }", storeId=world.store_id, type="PICK_UP", lines=lines, idempotencyKey="q"
    )
    assert await _refused(place) == code
    orders = await api.ask("{ me { orders { nodes { id } } } }")
    assert [node["id"] for node in orders["me"]["orders"]["nodes"]] == [things["order"]]


@pytest.mark.parametrize("amount", HUGE)
async def test_amounts_out_of_bounds_are_refused_everywhere(world: World, amount: int) -> None:
    api, things = await _with_things(world)
    too_big = amount == 2**53
    wanted = {"BAD_USER_INPUT"} if too_big else {"AMOUNT_INVALID", "NOT_FOUND"}
    tenders = [{"method": "WECHAT_PAY", "amountFen": amount}]
    codes = {
        await _refused(
            api.do("topUpCard", "payment { id }", brandId=world.brand_id, amountFen=amount, idempotencyKey="a")
        ),
        await _refused(
            api.do("payOrder", "order { id }", orderId=things["order"], tenders=tenders, idempotencyKey="b")
        ),
        await _refused(api.do("give", "gift { id }", cardId="crd_none", amountFen=amount, idempotencyKey="g")),
    }
    assert codes <= wanted
    order = (await api.ask("query($id: ID!) { order(id: $id) { status payments { id } } }", id=things["order"]))[
        "order"
    ]
    assert order == {"status": "AWAITING_PAYMENT", "payments": []}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lines": []}, "EMPTY"),
        ({"storeId": "sto_none"}, "NOT_FOUND"),
        ({"couponIds": ["cpn_none"]}, "NOT_FOUND"),
        ({"partySize": 0}, "BAD_USER_INPUT"),
        ({"note": "x" * 201}, "BAD_USER_INPUT"),
        ({"tableCode": "x" * 33}, "BAD_USER_INPUT"),
        ({"tableCode": "T99"}, "TABLE_UNKNOWN"),
        ({"pickUpAt": "2020-01-01T00:00:00Z"}, "SLOT_UNAVAILABLE"),
        ({"pickUpAt": "2030-01-01T00:00:00Z"}, "SLOT_UNAVAILABLE"),
        ({"pickUpAt": "2026-11-22T12:00:00"}, "BAD_USER_INPUT"),
        ({"expectedPayableFen": 1}, "PRICE_CHANGED"),
        ({"type": "FLY"}, "BAD_USER_INPUT"),
    ],
)
async def test_an_order_that_cannot_be_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    api, things = await _with_things(world)
    order: dict[str, Any] = {
        "storeId": world.store_id,
        "type": "PICK_UP",
        "lines": [{"dishId": things["dish"], "quantity": 1}],
        "idempotencyKey": "x",
    }
    assert await _refused(api.do("placeOrder", "order { id }", **order | changes)) == code


async def test_wrong_options_are_refused(world: World) -> None:
    api, _ = await _with_things(world)
    menu = await world.app.menus.menu(world.store_id)
    assert menu is not None
    dish = next(
        each for each in menu.dishes() if any(group.minimum == 1 for group in each.option_groups) and not each.mealtimes
    )
    group = next(group for group in dish.option_groups if group.minimum == 1)
    cases: list[list[str]] = [[], ["opt_none"], [option.id for option in group.options][: group.maximum + 1]]
    for option_ids in cases:
        lines = [{"dishId": dish.id, "quantity": 1, "optionIds": option_ids}]
        place = api.do(
            "placeOrder", "order { id }", storeId=world.store_id, type="PICK_UP", lines=lines, idempotencyKey="o2"
        )
        assert await _refused(place) == "OPTION_INVALID"


async def test_an_option_that_is_sold_out_is_shown_so_and_cannot_be_ordered(world: World) -> None:
    menu = await world.app.menus.menu(world.store_id)
    assert menu is not None
    dish = next(each for each in menu.dishes() if each.option_groups and not each.mealtimes)
    group = dish.option_groups[0]
    gone = replace(group, options=(replace(group.options[0], sold_out=True), *group.options[1:]))
    changed = replace(dish, option_groups=(gone, *dish.option_groups[1:]))
    sections = tuple(
        replace(section, dishes=tuple(changed if each.id == dish.id else each for each in section.dishes))
        for section in menu.sections
    )
    await world.app.menus.put(replace(menu, sections=sections, version="one-option-gone"))
    try:
        shown = await world.visitor().ask(
            "query($id: ID!) { node(id: $id) { ... on Dish { optionGroups { options { soldOut } } } } }", id=dish.id
        )
        assert shown["node"]["optionGroups"][0]["options"][0] == {"soldOut": True}
        others = [option.id for each in dish.option_groups[1:] for option in each.options[: each.minimum]]
        lines = [{"dishId": dish.id, "quantity": 1, "optionIds": [group.options[0].id, *others]}]
        place = (await world.person()).do(
            "placeOrder", "order { id }", storeId=world.store_id, type="PICK_UP", lines=lines, idempotencyKey="gone"
        )
        assert await _refused(place) == "OPTION_INVALID"
    finally:
        await world.app.menus.put(menu)


async def test_price_changed_brings_the_fresh_quote(world: World) -> None:
    api, things = await _with_things(world)
    data = await api.ask(
        """mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { ... on OrderError { code
        quote { payable { amountFen } usedCoupons { discount { amountFen } } } } } }""",
        input={
            "storeId": world.store_id,
            "type": "PICK_UP",
            "lines": [{"dishId": things["dish"], "quantity": 1}],
            "expectedPayableFen": 1,
            "idempotencyKey": "p",
        },
    )
    assert data["placeOrder"]["code"] == "PRICE_CHANGED"
    assert data["placeOrder"]["quote"]["payable"]["amountFen"] > 1


async def test_a_cashier_with_wrong_codes_is_told_and_then_slowed_down(world: World) -> None:
    api = await world.staff("cashier-tianhe")
    store_id = (await api.ask("{ me { stores { id } } }"))["me"]["stores"][0]["id"]
    wanted = {"storeId": store_id, "code": "880000000000000000"}
    codes = [await _refused(api.do("redeemCode", "__typename", **wanted, idempotencyKey=new_key())) for _ in range(11)]
    assert codes == ["CODE_INVALID"] * 10 + ["TOO_MANY_TRIES"]


async def test_guessing_a_staff_password_locks_the_account_for_a_while(world: World) -> None:
    api = Api(world.http, world.console)
    tries = [
        await _refused(api.do("signIn", "accessToken", username="cashier-shekou", password=f"no{n}")) for n in range(6)
    ]
    assert tries == ["SIGN_IN_FAILED"] * 5 + ["LOCKED"]
    unknown = await _refused(api.do("signIn", "accessToken", username="nobody", password="x"))
    assert unknown == "SIGN_IN_FAILED"
    await world.app.staff.forget_tries((await world.app.staff.named("cashier-shekou")).id)  # type: ignore[union-attr]
