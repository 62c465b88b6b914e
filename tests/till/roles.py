"""Every verb of the console, and what comes of it for each of seven people."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from scripts.client import Api, Json, new_key
from tests.payments.money import pay_order, place, rows
from tests.support.core import member_of_staff
from tests.support.world import World
from tests.till.counter import REDEMPTION, Guest, claimed, hire, preview, show, taken

CAST = ("VISITOR", "CASHIER", "CASHIER_ELSEWHERE", "MANAGER", "MANAGER_ELSEWHERE", "OWNER", "OWNER_OF_ANOTHER")


@dataclass(frozen=True, slots=True)
class Scene:
    """A product, those who work there, and a guest who has 30 000 fen on a card."""

    world: World
    cast: dict[str, Api]
    guest: Guest


@dataclass(frozen=True, slots=True)
class Case:
    """A field of the schema, a case of it, what is prepared and then asked, and what comes of it for each person."""

    field: str
    case: str
    prepare: Callable[[Scene], Awaitable[Any]]
    ask: Callable[[Scene, Api, Any], Awaitable[Any]]
    expected: str
    audit: str | None = None  # the verb that the audit row of a success names


async def nothing(scene: Scene) -> None:
    """Nothing needs to be there."""


async def an_order(scene: Scene) -> Json:
    """An order of 9 800 fen that waits to be paid."""
    return await place(scene.world, scene.guest.api, "pomfret")


async def a_paid_order(scene: Scene) -> Json:
    """The same, paid from the card."""
    order = await an_order(scene)
    await pay_order(scene.guest.api, order, {"method": "STORED_VALUE", "cardId": scene.guest.card_id})
    return order


def order_at(*steps: str) -> Callable[[Scene], Awaitable[Json]]:
    """A paid order that has gone so many steps."""

    async def prepare(scene: Scene) -> Json:
        order, owner = await a_paid_order(scene), scene.cast["OWNER"]
        for step in steps:
            await owner.do("advanceOrder", "order { id }", orderId=order["id"], step=step)
        return order

    return prepare


async def an_orders_code(scene: Scene) -> str:
    """The verification code of a paid order."""
    [row] = await rows(scene.world, "orders", _id=(await a_paid_order(scene))["id"])
    code: str = row["verification_code"]
    return code


async def a_cards_code(scene: Scene) -> str:
    """A code of the guest's card."""
    return await show(scene.guest)


async def a_coupons_code(scene: Scene) -> str:
    """A code of a coupon."""
    return await show(scene.guest, couponId=await claimed(scene.world, scene.guest, "cash-50"))


async def the_cashiers_redemption(scene: Scene) -> Json:
    """What the cashier of the store has redeemed."""
    return await taken(scene.world, scene.cast["CASHIER"], scene.guest, 100)


async def somebodys_redemption(scene: Scene) -> Json:
    """What another cashier of the store has redeemed."""
    return await taken(scene.world, await hire(scene.world), scene.guest, 100)


async def a_cash_top_up(scene: Scene) -> str:
    """The payment of a cash top-up."""
    wanted = {"storeId": scene.world.store_id, "customerId": scene.guest.id, "amountFen": 500}
    await scene.cast["OWNER"].do("cashTopUp", "card { id }", **wanted, idempotencyKey=new_key())
    [payment] = await rows(scene.world, "payments", customer_id=scene.guest.id)
    return str(payment["_id"])


async def an_incident(scene: Scene) -> str:
    """An incident of the brand, about a task that is not there."""
    key, now = f"task:{uuid.uuid4().hex}", scene.world.clock.now()
    await scene.world.app.incidents.open("DEAD_LETTER", key, "test", scene.world.brand_id, key, now)
    [row] = await rows(scene.world, "incidents", key=key)
    return str(row["_id"])


async def a_member_number(scene: Scene) -> str:
    """The guest's number at the brand."""
    [row] = await rows(scene.world, "memberships", customer_id=scene.guest.id)
    return str(row["number"])


async def a_refresh_token(scene: Scene) -> str:
    """The refresh token of somebody who has just signed in."""
    return str((await hire(scene.world)).refresh_token)


def page(field: str) -> Callable[[Scene, Api, Any], Awaitable[Any]]:
    """Ask for a list of the store."""
    query = f"query($id: ID!) {{ {field}(storeId: $id) {{ nodes {{ id }} }} }}"
    return lambda scene, staff, _: staff.ask(query, id=scene.world.store_id)


def do(verb: str, wanted: str, fields: Callable[[Scene, Any], Json]) -> Callable[[Scene, Api, Any], Awaitable[Any]]:
    """Send a mutation with these fields."""
    return lambda scene, staff, thing: staff.do(verb, wanted, **fields(scene, thing))


def keyed(**fields: Any) -> Json:
    """Fields with a key of their own."""
    return {**fields, "idempotencyKey": new_key()}


def advancing(step: str) -> Callable[[Scene, Api, Any], Awaitable[Any]]:
    """Take an order a step."""
    return do("advanceOrder", "order { id }", lambda _, order: {"orderId": order["id"], "step": step, "reason": "x"})


def topping_up(fen: int) -> Callable[[Scene, Api, Any], Awaitable[Any]]:
    """Take cash for the guest's card."""
    return do(
        "cashTopUp",
        "card { id }",
        lambda scene, _: keyed(storeId=scene.world.store_id, customerId=scene.guest.id, amountFen=fen),
    )


def redeeming(fen: int | None) -> Callable[[Scene, Api, Any], Awaitable[Any]]:
    """Redeem a code at the store."""
    return do(
        "redeemCode", REDEMPTION, lambda scene, code: keyed(storeId=scene.world.store_id, code=code, amountFen=fen)
    )


async def looking(scene: Scene, staff: Api, code: str) -> Json:
    """Preview a code at the store."""
    return await preview(scene.world, staff, code)


UNDOING = do("undoRedemption", REDEMPTION, lambda _, redemption: keyed(redemptionId=redemption["id"], reason="x"))
REFUNDING = do("refundOrder", "order { id }", lambda _, order: keyed(orderId=order["id"], reason="x"))
BY_NUMBER = "query($number: String!) { answer: customer(memberNumber: $number) { id } }"


async def the_brands_owner(scene: Scene) -> str:
    """The username of somebody who may sign in."""
    return (await member_of_staff(scene.world, "owner")).username


async def making_a_code(scene: Scene, staff: Api, _: object) -> Json:
    """Have a code made for the store."""
    return await staff.do("makeCode", "scene", kind="STORE", id=scene.world.store_id)
