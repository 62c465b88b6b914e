"""Messages to somebody with two apps: each keeps its consents, and what happens to either account is told."""

from scripts.client import Api
from tests.joining.accounts import bind, id_of, join_code, known, two_accounts
from tests.messages.phones import agree, arrived, remaining
from tests.messages.test_ledger import EVENT, spend
from tests.money.people import until
from tests.support.core import card_with
from tests.support.world import World


async def told(world: World, person: Api, platform: str) -> bool:
    """Whether a message has arrived in that app."""
    return bool(await arrived(world, person, EVENT, platform))


async def test_what_either_account_agreed_to_holds_for_both(world: World) -> None:
    """By QQ they agreed before the join; a card of the WeChat account pays after it, and the QQ phone is told."""
    other, caller, number = await two_accounts(world)
    card = await card_with(world, await known(world, other, "WECHAT"), 20_000)
    await agree(world, caller, EVENT, platform="QQ")
    gone = await id_of(caller)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    assert (await remaining(world, caller, EVENT), await remaining(world, other, EVENT)) == (1, 0)
    await spend(world, other, card.id)
    await until(lambda: told(world, caller, "QQ"))
    assert await remaining(world, caller, EVENT) == 0
    assert await id_of(caller) != gone
    await agree(world, other, EVENT)
    await spend(world, caller, card.id)
    await until(lambda: told(world, other, "WECHAT"))
