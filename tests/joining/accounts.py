"""What the tests of joining do again and again: two apps of one person, a number, and something that they hold."""

import itertools
import uuid
from typing import Any

from resolvers.cards.model import Card
from resolvers.people.model import SignedIn
from scripts.client import Api, Json, new_key
from tests.support.core import card_with
from tests.support.world import World

PASSWORD = "482915"
BOUND = "mergedAccounts session { accessToken refreshToken me { id phone identities { platform } } }"
_numbers = itertools.count(int(uuid.uuid4().int % 10_000_000))


def new_number() -> str:
    """A number that nobody has."""
    return f"139{next(_numbers) % 100_000_000:08d}"


async def code_of(world: World, person: Api, platform: str, number: str) -> str:
    """What the phone-number button gives a person whose number this is."""
    code: str = (await world.phone.control("phone", platform=platform, user=person.user, phone=number))["code"]  # type: ignore[attr-defined]
    return code


async def bind(world: World, person: Api, platform: str, number: str, key: str | None = None, **fields: Any) -> Json:
    """Bind a number, and go on as whoever one is then. Raises Refused."""
    code = await code_of(world, person, platform, number)
    bound = await person.do("bindPhone", BOUND, code=code, idempotencyKey=key or new_key(), **fields)
    person.token, person.refresh_token = bound["session"]["accessToken"], bound["session"]["refreshToken"]
    return bound


async def id_of(person: Api) -> str:
    """The customer id as `me` says it."""
    found: str = (await person.ask("{ me { id } }"))["me"]["id"]
    return found


async def known(world: World, person: Api, platform: str) -> SignedIn:
    """The person, as verbs know them now."""
    customer = await world.app.people.customer_now(await id_of(person))
    assert customer is not None
    app_id = world.settings[f"KABAO_{platform}_APP_ID"]
    identity = next(each for each in customer.identities if each.app_id == app_id)
    return SignedIn(customer.id, "ses_test", identity.platform, app_id, customer.also)


async def with_card(world: World, person: Api, platform: str, fen: int, bonus_fen: int = 0) -> Card:
    """The person's stored-value card with so much more on it."""
    return await card_with(world, await known(world, person, platform), fen, bonus_fen)


async def two_accounts(world: World, other_fen: int = 0, own_fen: int = 0) -> tuple[Api, Api, str]:
    """(who has the number, by WeChat; who is about to bind it, by QQ; the number), each with so much on a card."""
    other, caller, number = await world.person("WECHAT"), await world.person("QQ"), new_number()
    await bind(world, other, "WECHAT", number)
    for person, platform, fen in ((other, "WECHAT", other_fen), (caller, "QQ", own_fen)):
        if fen:
            await with_card(world, person, platform, fen)
    return other, caller, number


async def join_code(person: Api, **fields: Any) -> str:
    """A join code shown in an account."""
    code: str = (await person.do("showJoinCode", "joinCode expiresAt", **fields))["joinCode"]
    return code


async def joined(world: World, other_fen: int = 5_000, own_fen: int = 3_000) -> tuple[Api, Api, str, str]:
    """(survivor's app, the other app, survivor's id, absorbed id) of two accounts that were just joined."""
    other, caller, number = await two_accounts(world, other_fen, own_fen)
    kept, gone = await id_of(other), await id_of(caller)
    bound = await bind(world, caller, "QQ", number, proof=await join_code(other))
    assert (bound["mergedAccounts"], bound["session"]["me"]["id"]) == (1, kept)
    return other, caller, kept, gone
