"""What each role may do, verb by verb and store by store, and the audit row that each thing done leaves."""

from dataclasses import replace

import pytest

from schema.console.schema import console_schema
from scripts.client import Api, GraphQLFailed, Refused
from scripts.seed import PASSWORD
from tests.payments.money import count, rows
from tests.support.world import World
from tests.till import roles
from tests.till.counter import SHEKOU, TEA_BRAND, TEA_STORE, hire, new_guest, staff_id
from tests.till.roles import CAST, Case, Scene, do, keyed
from tests.till.roles_of_chat import CHAT

# Everybody above the one who may: what they are told.
#           visitor         cashier     elsewhere   manager  elsewhere   owner   of another brand
CASHIERS = "UNAUTHENTICATED SUCCESS     NOT_ALLOWED SUCCESS  NOT_ALLOWED SUCCESS NOT_FOUND"
MANAGERS = "UNAUTHENTICATED NOT_ALLOWED NOT_ALLOWED SUCCESS  NOT_ALLOWED SUCCESS NOT_FOUND"
ANYWHERE = "UNAUTHENTICATED NOT_ALLOWED NOT_ALLOWED SUCCESS  SUCCESS     SUCCESS NOT_FOUND"
LIMITED_ = "UNAUTHENTICATED LIMIT_REACHED NOT_ALLOWED SUCCESS NOT_ALLOWED SUCCESS NOT_FOUND"
STORES_ = "UNAUTHENTICATED SUCCESS     FORBIDDEN   SUCCESS  FORBIDDEN   SUCCESS FORBIDDEN"
HIDDEN_ = "UNAUTHENTICATED SUCCESS     null        SUCCESS  null        SUCCESS null"
BRANDS_ = "UNAUTHENTICATED SUCCESS     SUCCESS     SUCCESS  SUCCESS     SUCCESS null"
NO_CASH = "UNAUTHENTICATED FORBIDDEN   FORBIDDEN   SUCCESS  SUCCESS     SUCCESS SUCCESS"
OF_BRAND = "UNAUTHENTICATED SUCCESS     SUCCESS     SUCCESS  SUCCESS     SUCCESS SUCCESS"
SIGNED_ = "null            SUCCESS     SUCCESS     SUCCESS  SUCCESS     SUCCESS SUCCESS"
ANYBODY = "SUCCESS         SUCCESS     SUCCESS     SUCCESS  SUCCESS     SUCCESS SUCCESS"

ORDER = "query($id: ID!) { answer: order(id: $id) { id } }"
CURSOR = "query($id: ID!) { ordersCursor(storeId: $id) }"

TABLE = [
    Case("me", "", roles.nothing, lambda _, staff, __: staff.ask("{ answer: me { id } }"), SIGNED_),
    Case("order", "", roles.an_order, lambda _, staff, order: staff.ask(ORDER, id=order["id"]), HIDDEN_),
    Case("orders", "", roles.an_order, roles.page("orders"), STORES_),
    Case("ordersCursor", "", roles.nothing, lambda scene, s, _: s.ask(CURSOR, id=scene.world.store_id), STORES_),
    Case("customer", "", roles.a_member_number, lambda _, s, each: s.ask(roles.BY_NUMBER, number=each), BRANDS_),
    Case("previewCode", "card", roles.a_cards_code, roles.looking, CASHIERS),
    Case("previewCode", "order", roles.an_orders_code, roles.looking, CASHIERS),
    Case("redemptions", "", roles.the_cashiers_redemption, roles.page("redemptions"), STORES_),
    Case("colleagues", "", roles.nothing, lambda _, s, __: s.ask("{ colleagues { id } }"), OF_BRAND),
    Case("makeCode", "store", roles.nothing, roles.making_a_code, MANAGERS, "makeCode"),
    Case("incidents", "", roles.an_incident, lambda _, s, __: s.ask("{ incidents { nodes { id } } }"), NO_CASH),
    Case(
        "signIn",
        "",
        roles.the_brands_owner,
        do("signIn", "accessToken", lambda _, name: {"username": name, "password": PASSWORD}),
        ANYBODY,
    ),
    Case(
        "refreshSession",
        "",
        roles.a_refresh_token,
        do("refreshSession", "accessToken", lambda _, token: {"refreshToken": token}),
        ANYBODY,
    ),
    Case("redeemCode", "card", roles.a_cards_code, roles.redeeming(100), CASHIERS, "redeemCode"),
    Case("redeemCode", "coupon", roles.a_coupons_code, roles.redeeming(None), CASHIERS, "redeemCode"),
    Case("redeemCode", "order", roles.an_orders_code, roles.redeeming(None), CASHIERS, "redeemCode"),
    Case("undoRedemption", "own", roles.the_cashiers_redemption, roles.UNDOING, CASHIERS, "undoRedemption"),
    Case("undoRedemption", "others", roles.somebodys_redemption, roles.UNDOING, MANAGERS, "undoRedemption"),
    Case(
        "issueCoupons",
        "",
        roles.nothing,
        do(
            "issueCoupons",
            "issued",
            lambda scene, _: keyed(
                templateId=scene.world.seeded["template_ids"]["top-up-50"], customerIds=[scene.guest.id]
            ),
        ),
        ANYWHERE,
        "issueCoupons",
    ),
    Case("cashTopUp", "within", roles.nothing, roles.topping_up(100), CASHIERS, "cashTopUp"),
    Case("cashTopUp", "above", roles.nothing, roles.topping_up(300_001), LIMITED_, "cashTopUp"),
    Case(
        "refundTopUp",
        "",
        roles.a_cash_top_up,
        do("refundTopUp", "card { id }", lambda _, payment_id: keyed(paymentId=payment_id, reason="x")),
        MANAGERS,
        "refundTopUp",
    ),
    Case(
        "takeCash",
        "",
        roles.an_order,
        do(
            "takeCash",
            "order { id }",
            lambda scene, order: keyed(storeId=scene.world.store_id, orderId=order["id"]),
        ),
        CASHIERS,
        "takeCash",
    ),
    Case("advanceOrder", "ACCEPT", roles.order_at(), roles.advancing("ACCEPT"), CASHIERS, "advanceOrder:ACCEPT"),
    Case("advanceOrder", "READY", roles.order_at("ACCEPT"), roles.advancing("READY"), CASHIERS, "advanceOrder:READY"),
    Case(
        "advanceOrder",
        "COMPLETE",
        roles.order_at("ACCEPT", "READY"),
        roles.advancing("COMPLETE"),
        CASHIERS,
        "advanceOrder:COMPLETE",
    ),
    Case("advanceOrder", "CANCEL", roles.an_order, roles.advancing("CANCEL"), CASHIERS, "advanceOrder:CANCEL"),
    Case("advanceOrder", "paid", roles.a_paid_order, roles.advancing("CANCEL"), MANAGERS, "advanceOrder:CANCEL"),
    Case(
        "refundOrder",
        "line",
        roles.a_paid_order,
        do(
            "refundOrder",
            "order { id }",
            lambda _, order: keyed(orderId=order["id"], reason="x", lines=[{"lineId": order["line"], "quantity": 1}]),
        ),
        MANAGERS,
        "refundOrder",
    ),
    Case("refundOrder", "whole", roles.a_paid_order, roles.REFUNDING, MANAGERS, "refundOrder"),
    Case(
        "retryIncident",
        "",
        roles.an_incident,
        do("retryIncident", "incident { id }", lambda _, incident_id: {"incidentId": incident_id}),
        ANYWHERE,
        "retryIncident",
    ),
    *CHAT,
]


@pytest.fixture(scope="module")
async def cast(world: World) -> dict[str, Api]:
    """One of each."""
    people = [
        Api(world.http, world.console),
        await hire(world),
        await hire(world, store_ids=(SHEKOU,)),
        await hire(world, "MANAGER"),
        await hire(world, "MANAGER", (SHEKOU,)),
        await hire(world, "OWNER", ()),
        await hire(world, "OWNER", (TEA_STORE,), TEA_BRAND),
    ]
    return dict(zip(CAST, people, strict=True))


async def came_of(case: Case, scene: Scene, staff: Api, thing: object) -> str | None:
    """SUCCESS, null, or the code of the refusal."""
    try:
        answer = await case.ask(scene, staff, thing)
    except Refused as refused:
        return refused.code
    except GraphQLFailed as failed:
        return failed.code
    if "answer" in answer:
        answer = answer["answer"]
    return "null" if answer is None else str(answer.get("codeName", "SUCCESS"))


@pytest.mark.parametrize("case", [pytest.param(each, id=f"{each.field}-{each.case}") for each in TABLE])
async def test_each_may_do_what_the_table_says_and_what_is_done_is_noted(
    world: World, cast: dict[str, Api], case: Case
) -> None:
    found, noted, moved = {}, {}, {}
    for name, staff in cast.items():
        scene = Scene(world, cast, await new_guest(world, 30_000))
        thing = await case.prepare(scene)
        if case.case == "line":
            [row] = await rows(world, "orders", _id=thing["id"])
            thing["line"] = row["lines"][0]["id"]
        before = {row["_id"] for row in await rows(world, "staff_actions")}
        entries = await count(world, "journal")
        found[name] = await came_of(case, scene, staff, thing)
        actions = [row for row in await rows(world, "staff_actions") if row["_id"] not in before]
        noted[name] = [(row["staff_id"], row["verb"]) for row in actions]
        moved[name] = await count(world, "journal") - entries
    assert found == dict(zip(CAST, case.expected.split(), strict=True))
    for name, code in found.items():
        if code != "SUCCESS":
            assert (noted[name], moved[name]) == ([], 0), name
        else:
            who = await staff_id(cast[name]) if case.audit else None
            assert noted[name] == ([(who, case.audit)] if case.audit else []), name


async def test_the_table_has_every_field_of_the_schema() -> None:
    schema = console_schema._schema
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    assert {case.field for case in TABLE} == {*schema.query_type.fields, *schema.mutation_type.fields}
    assert {case.field for case in TABLE if case.audit} | {"signIn", "refreshSession"} == {*schema.mutation_type.fields}


async def test_the_table_says_something_about_each_person() -> None:
    assert all(len(case.expected.split()) == len(CAST) for case in TABLE)
    assert len({(case.field, case.case) for case in TABLE}) == len(TABLE)


async def test_who_has_left_may_nothing_any_more(world: World) -> None:
    cashier = await hire(world)
    left = {"$set": {"active": False}}
    await world.app.connection.collection("staff").update_one({"_id": await staff_id(cashier)}, left)
    scene = Scene(world, {"OWNER": await hire(world, "OWNER", ()), "CASHIER": cashier}, await new_guest(world))
    for case in (next(each for each in TABLE if each.field == field) for field in ("order", "redeemCode")):
        thing = await replace(case).prepare(scene)
        assert await came_of(case, scene, cashier, thing) == "UNAUTHENTICATED"
