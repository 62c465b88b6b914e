"""Accounts that are joined while their person writes: what they say is in the one conversation that both then show."""

import asyncio
from typing import Any

import pytest

from resolvers.chat.desk.agents import take_conversation
from resolvers.chat.desk.speak import send_message, write_to_desk
from resolvers.chat.incoming.answer import answer
from scripts.client import Api, new_key
from tests.chat.talking import event_fields, keys_of, new_user, said_to_us, text_fields
from tests.joining.accounts import BOUND, bind, code_of, id_of, known, new_number
from tests.joining.test_conversations import mine
from tests.support.core import member_of_staff
from tests.support.racing import settled
from tests.support.world import World

ROUNDS = 20


async def about_to_join(world: World, user: str | None = None) -> tuple[Api, Api, str]:
    """(who has the number, by QQ; who is about to bind it, by WeChat; the number): the WeChat account goes in."""
    kept, caller, number = await world.person("QQ"), await world.person("WECHAT", name=user), new_number()
    await bind(world, kept, "QQ", number)
    return kept, caller, number


async def living(world: World, *customer_ids: str) -> list[dict[str, Any]]:
    """The conversations of these that go on."""
    found = world.app.connection.collection("conversations").find(
        {"customer_id": {"$in": list(customer_ids)}, "merged_into": None}
    )
    return await found.to_list(None)


async def test_a_word_written_while_the_account_is_joined_is_the_survivors(world: World) -> None:
    """Each round writes a little later into the join: wherever it falls, both apps show it, and the answer to it."""
    agent = await member_of_staff(world, "owner")
    for number in range(ROUNDS):
        kept, caller, phone = await about_to_join(world)
        ids, me = (await id_of(kept), await id_of(caller)), await known(world, caller, "WECHAT")
        code = await code_of(world, caller, "WECHAT", phone)

        async def writes(number: int = number, me: Any = me) -> str:
            await asyncio.sleep(0.0015 * number)
            return await settled(lambda: write_to_desk(world.app, me, world.brand_id, "我的钱呢", new_key()))

        bound, wrote = await asyncio.gather(
            caller.do("bindPhone", BOUND, code=code, idempotencyKey=new_key()), writes()
        )
        assert (bound["mergedAccounts"], wrote) == (1, "won")
        [talk] = await living(world, *ids)
        assert talk["person_key"] == ids[0]
        await take_conversation(world.app, agent, talk["_id"])
        await send_message(world.app, agent, talk["_id"], "马上为您查", None, new_key())
        assert (await mine(world, kept))["texts"] == ["马上为您查", "我的钱呢"]


async def test_a_join_in_the_midst_of_writing_is_seen_before_it_is_written(world: World) -> None:
    """The account is joined after the transaction has looked for its conversation: it looks again."""
    kept, caller, phone = await about_to_join(world)
    ids, me = (await id_of(kept), await id_of(caller)), await known(world, caller, "WECHAT")
    store, looked = world.app.conversations, world.app.conversations.of_person

    async def joined_meanwhile(*args: Any) -> Any:
        found = await looked(*args)
        store.of_person = looked  # type: ignore[method-assign]
        await bind(world, caller, "WECHAT", phone)
        return found

    store.of_person = joined_meanwhile  # type: ignore[method-assign]
    await write_to_desk(world.app, me, world.brand_id, "我的钱呢", new_key())
    [talk] = await living(world, *ids)
    assert talk["person_key"] == ids[0]
    assert (await mine(world, caller))["texts"] == ["我的钱呢"]


async def customer_service(world: World, person: Api) -> tuple[str, str]:
    """(app, openid) of a person who has pressed the brand's button for the mini-program's customer service."""
    app_id, openid = keys_of(world, mini_program=True).app_id, await openid_in(world, person)
    entered = event_fields(world, openid, "user_enter_tempsession", SessionFrom=f"brand={world.brand_id}")
    await answer(world.app, *said_to_us(world, entered, mini_program=True))
    return app_id, openid


async def openid_in(world: World, person: Api) -> str:
    """The person's openid in the mini-program."""
    customer = await world.app.people.customer_now(await id_of(person))
    assert customer is not None
    return next(each.openid for each in customer.identities if each.platform == "WECHAT")


async def test_a_callback_of_an_account_that_is_joined_meanwhile_is_the_survivors(world: World) -> None:
    """In one round after another the join falls before, into and after the transaction: one conversation, one count."""
    for number in range(ROUNDS):
        kept, caller, phone = await about_to_join(world)
        ids = (await id_of(kept), await id_of(caller))
        app_id, openid = await customer_service(world, caller)
        code = await code_of(world, caller, "WECHAT", phone)

        async def writes(number: int = number, openid: str = openid) -> Any:
            await asyncio.sleep(0.002 * number)
            fields = text_fields(world, openid, "客服")
            return await answer(world.app, *said_to_us(world, fields, mini_program=True))

        bound, replied = await asyncio.gather(
            caller.do("bindPhone", BOUND, code=code, idempotencyKey=new_key()), writes()
        )
        assert (bound["mergedAccounts"], replied is not None) == (1, True)
        again = text_fields(world, openid, "还在吗")
        await answer(world.app, *said_to_us(world, again, mini_program=True))
        [talk] = await living(world, *ids)
        assert (talk["person_key"], talk["app_id"], talk["openid"]) == (ids[0], app_id, openid)
        assert [text for text in (await mine(world, kept))["texts"] if text in ("客服", "还在吗")] == ["还在吗", "客服"]


@pytest.mark.parametrize("begun", [False, True], ids=["begins one", "was a visitor before"])
async def test_a_join_in_the_midst_of_a_callback_is_seen_before_it_is_written(world: World, begun: bool) -> None:
    """The account is joined after the transaction has looked for its conversations: it looks again."""
    user, openid, mini_program = new_user(), "", False
    if begun:
        await world.phone.say(user, text="客服")
        found = await world.app.connection.collection("conversations").find_one({}, sort=[("last_at", -1)])
        assert found is not None
        openid = found["openid"]
    kept, caller, phone = await about_to_join(world, user)
    if not begun:
        (_, openid), mini_program = await customer_service(world, caller), True
    ids = (await id_of(kept), await id_of(caller))
    store, looked = world.app.conversations, world.app.conversations.of_people

    async def joined_meanwhile(*args: Any) -> Any:
        store.of_people = looked  # type: ignore[method-assign]
        found = await looked(*args)
        await bind(world, caller, "WECHAT", phone)
        return found

    store.of_people = joined_meanwhile  # type: ignore[method-assign]
    fields = text_fields(world, openid, "我的钱呢")
    await answer(world.app, *said_to_us(world, fields, mini_program=mini_program))
    [talk] = await living(world, *ids)
    assert (talk["person_key"], talk["openid"]) == (ids[0], openid)
    assert "我的钱呢" in (await mine(world, kept))["texts"]


async def test_a_callback_whose_account_is_joined_before_its_transaction_goes_to_the_survivor(world: World) -> None:
    user = new_user()
    kept, caller, phone = await about_to_join(world, user)
    ids = (await id_of(kept), await id_of(caller))
    await world.phone.say(user, text="客服")
    [talk] = await living(world, *ids)
    assert talk["person_key"] == ids[1]
    rules, read = world.app.reply_rules, world.app.reply_rules.rules_of

    async def joined_meanwhile(*args: Any) -> Any:
        rules.rules_of = read  # type: ignore[method-assign]
        await bind(world, caller, "WECHAT", phone)
        return await read(*args)

    rules.rules_of = joined_meanwhile  # type: ignore[method-assign]
    await answer(world.app, *said_to_us(world, text_fields(world, talk["openid"], "我的钱呢")))
    [goes_on] = await living(world, *ids)
    assert (goes_on["_id"], goes_on["person_key"]) == (talk["_id"], ids[0])
    assert (await mine(world, kept))["texts"][0] == "我的钱呢"
