"""Both sides of the counter: staff who are hired for one test, customers who show codes, and a clock that stands."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from resolvers.people.model import Role, SignedIn, Staff
from resolvers.ports import Platform
from scripts.client import Api, GraphQLFailed, Json, Refused, new_key
from scripts.demo_brands import made_id
from tests.payments.money import rows
from tests.support.core import card_now, card_with, member_of_staff
from tests.support.world import World

TIANHE, SHEKOU = (made_id("sto", "seafood", key) for key in ("gz-tianhe", "sz-shekou"))
TEA_BRAND, TEA_STORE = made_id("brd", "teahouse"), made_id("sto", "teahouse", "gz-dongshan")
UNKNOWN_CODE = "88" + "0" * 16  # one of 10^16
REDEMPTION = "redemption { id kind what amount { amountFen } at undoBefore undoneAt }"
PREVIEW = """query($store: ID!, $code: String!) { answer: previewCode(storeId: $store, code: $code) { __typename
  ... on CodePreview { kind title amountNeeded card { id kind balance { amountFen } held { amountFen } }
    order { id number status } customer { id nickname phone memberNumber level points cards { id } } }
  ... on StaffError { codeName retryAt } } }"""


@dataclass(frozen=True, slots=True)
class Guest:
    """A customer with a stored-value card at the seafood house."""

    api: Api
    id: str
    signed: SignedIn
    card_id: str


async def new_guest(world: World, principal_fen: int = 10_000, bonus_fen: int = 0) -> Guest:
    """A new member whose card holds so much."""
    api = await world.person()
    me = (await api.ask("{ me { id } }"))["me"]["id"]
    signed = SignedIn(me, "", Platform.WECHAT, world.settings["KABAO_WECHAT_APP_ID"])
    return Guest(api, me, signed, (await card_with(world, signed, principal_fen, bonus_fen)).id)


async def new_staff(
    world: World, role: str = "CASHIER", store_ids: tuple[str, ...] | None = None, brand_id: str | None = None
) -> Staff:
    """A new member of staff, of the store that never closes unless others are named; with the demo's password."""
    name = f"staff-{uuid.uuid4().hex[:12]}"
    hashed = (await member_of_staff(world, "owner")).password_hash
    works_at = store_ids if store_ids is not None else (world.store_id,)
    staff = Staff(f"stf_{name}", name, "test", brand_id or world.brand_id, Role(role), works_at, hashed)
    assert await world.app.staff.insert(staff)
    return staff


async def hire(
    world: World, role: str = "CASHIER", store_ids: tuple[str, ...] | None = None, brand_id: str | None = None
) -> Api:
    """A new member of staff, signed in."""
    return await world.staff((await new_staff(world, role, store_ids, brand_id)).username)


async def outcome(call: Any) -> str | None:
    """SUCCESS, or the code with which a call is refused."""
    try:
        await call
    except Refused as refused:
        return refused.code
    except GraphQLFailed as failed:
        return failed.code
    return "SUCCESS"


async def show(guest: Guest, **fields: Any) -> str:
    """The digits of a code of the guest's card, unless something else is named."""
    wanted = fields if "couponId" in fields else {"cardId": guest.card_id, **fields}
    digits: str = (await guest.api.do("showCode", "digits", **wanted))["digits"]
    return digits


async def preview(world: World, staff: Api, code: str, store_id: str | None = None) -> Json:
    """What previewCode answers, a refusal too."""
    answer: Json = (await staff.ask(PREVIEW, store=store_id or world.store_id, code=code))["answer"]
    return answer


async def previewed(world: World, staff: Api, code: str, store_id: str | None = None) -> str:
    """SUCCESS, or the code with which a preview is refused."""
    return str((await preview(world, staff, code, store_id)).get("codeName", "SUCCESS"))


async def redeem(
    world: World, staff: Api, code: str, fen: int | None = None, store_id: str | None = None, key: str | None = None
) -> Json:
    """Redeem a code: the redemption. Raises Refused."""
    wanted = {"storeId": store_id or world.store_id, "code": code, "idempotencyKey": key or new_key()}
    answer: Json = await staff.do("redeemCode", REDEMPTION, **wanted, **({} if fen is None else {"amountFen": fen}))
    redemption: Json = answer["redemption"]
    return redemption


async def taken(world: World, staff: Api, guest: Guest, fen: int) -> Json:
    """Take an amount from a guest's card by a code: the redemption."""
    return await redeem(world, staff, await show(guest), fen)


async def undo(staff: Api, redemption: Json, reason: str = "输错金额", key: str | None = None) -> Json:
    """Undo a redemption. Raises Refused."""
    wanted = {"redemptionId": redemption["id"], "reason": reason, "idempotencyKey": key or new_key()}
    undone: Json = (await staff.do("undoRedemption", REDEMPTION, **wanted))["redemption"]
    return undone


async def claimed(world: World, guest: Guest, template: str) -> str:
    """A coupon that a guest has claimed."""
    wanted = {"templateId": world.seeded["template_ids"][template], "idempotencyKey": new_key()}
    coupon_id: str = (await guest.api.do("claimCoupon", "coupon { id }", **wanted))["coupon"]["id"]
    return coupon_id


async def given(world: World, giver: Guest, amount_fen: int | None = None) -> str:
    """The token of a gift of a guest's card, or of a part of it."""
    wanted = {"cardId": giver.card_id, "idempotencyKey": new_key(), "amountFen": amount_fen}
    token: str = (await giver.api.do("give", "gift { shareToken }", **wanted))["gift"]["shareToken"]
    return token


async def received(friend: Api, token: str) -> str:
    """The card that a gift became."""
    answer = await friend.do("claimGift", "card { id }", token=token, idempotencyKey=new_key())
    card_id: str = answer["card"]["id"]
    return card_id


async def balance(world: World, card_id: str) -> int:
    """Everything on a card."""
    return (await card_now(world, card_id)).ledger_fen


async def statement(world: World, card_id: str) -> list[tuple[str, int]]:
    """(why, by how much) of every line of a card's statement, oldest first."""
    return [(row["kind"], row["amount_fen"]) for row in await rows(world, "statement", card_id=card_id)]


async def actions(world: World, target_id: str) -> list[tuple[str, str, int | None, str]]:
    """(who, what, how much, why) of every audit row about a thing."""
    found = await rows(world, "staff_actions", target_id=target_id)
    return [(row["staff_id"], row["verb"], row["amount_fen"], row["memo"]) for row in found]


async def staff_id(staff: Api) -> str:
    """Whose account this is."""
    found: str = (await staff.ask("{ me { id } }"))["me"]["id"]
    return found


@contextmanager
def at(world: World, moment: datetime, **later: float) -> Iterator[None]:
    """The clock stands at a moment, or so much later, for the length of a block."""
    stopped = (moment + timedelta(**later)).astimezone(UTC)
    world.clock.now = lambda: stopped  # type: ignore[method-assign]
    try:
        yield
    finally:
        del world.clock.now  # type: ignore[method-assign]


def moment(text: str) -> datetime:
    """A moment as the API writes it."""
    return datetime.fromisoformat(text)
