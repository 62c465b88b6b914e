"""Private messages: only whoever it was sent to can claim, with a ticket that only their own session key opens."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC

from gateway.open_data import open_data
from resolvers.ports import TicketRefused
from scripts.client import Api, Json
from tests.gifts import wrapped
from tests.gifts.wrapped import balance, claim, code_of, decline, gift_now, give, holding, preview
from tests.support.world import World

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "encrypted_data.json").read_text("utf-8"))


async def sent(world: World, gift: Json, to: Api) -> None:
    """The giver's chat app sends the private message."""
    await world.phone.control("private_send", activity_id=gift["activityId"], to=to.user)  # type: ignore[attr-defined]


async def ticket(world: World, activity_id: str, friend: Api) -> Json:
    """What wx.authPrivateMessage answers on the friend's phone, as the input that the claim takes."""
    opened = await world.phone.control(
        "private_open",
        platform="WECHAT",
        user=friend.user,  # type: ignore[attr-defined]
        activity_id=activity_id,
    )
    assert opened["valid"]
    return {"encryptedData": opened["encryptedData"], "iv": opened["iv"]}


async def a_private_gift(world: World, friend: Api) -> tuple[Api, Json]:
    """300 of 1 000 fen, sent to the friend: (giver, gift)."""
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=300, privateMessage=True)
    await sent(world, gift, friend)
    return giver, gift


async def test_the_one_it_was_sent_to_gets_it(world: World) -> None:
    friend = await world.person()
    giver, gift = await a_private_gift(world, friend)
    assert gift["activityId"]
    seen = await preview(friend, gift)
    assert (seen["privateMessage"], seen["status"], seen["amount"]) == (True, "PENDING", {"amountFen": 300})
    mine = await ticket(world, gift["activityId"], friend)
    assert (await claim(friend, gift, privateMessage=mine))["card"]["balance"]["amountFen"] == 300
    assert (await claim(friend, gift))["card"]["balance"]["amountFen"] == 300  # again, and without a ticket
    done = await gift_now(giver, gift)
    assert (done["status"], done["activityId"]) == ("CLAIMED", None)


async def test_the_link_alone_is_not_enough(world: World) -> None:
    friend, stranger = await world.person(), await world.person()
    giver, gift = await a_private_gift(world, friend)
    theirs = await ticket(world, gift["activityId"], friend)
    other_giver, other = await a_private_gift(world, stranger)
    of_another_gift = await ticket(world, other["activityId"], stranger)
    for brought in (
        None,
        theirs,
        of_another_gift,
        altered(theirs),
        {"encryptedData": "", "iv": ""},
        {**theirs, "iv": "é"},
    ):
        assert await code_of(claim(stranger, gift, privateMessage=brought)) == "NOT_THE_RECIPIENT"
        assert await code_of(decline(stranger, gift, privateMessage=brought)) == "NOT_THE_RECIPIENT"
    assert await code_of(claim(await world.person("QQ"), gift, privateMessage=theirs)) == "NOT_THE_RECIPIENT"
    assert (await gift_now(giver, gift))["status"] == "PENDING"
    assert (await gift_now(other_giver, other))["status"] == "PENDING"
    assert (await decline(friend, gift, privateMessage=theirs))["status"] == "DECLINED"
    assert (await decline(friend, gift))["status"] == "DECLINED"  # asked again, the same
    assert await balance(giver) == 1_000


def altered(brought: Json) -> Json:
    """The ticket with one bit of its first block turned over."""
    raw = bytearray(base64.b64decode(brought["encryptedData"]))
    raw[3] ^= 1
    return {**brought, "encryptedData": base64.b64encode(bytes(raw)).decode()}


async def test_a_ticket_of_an_old_session_key_no_longer_opens(world: World) -> None:
    """Signing in again changes the key: the old ticket is refused, one taken after it is good."""
    friend = await world.person()
    _, gift = await a_private_gift(world, friend)
    old = await ticket(world, gift["activityId"], friend)
    friend = await wrapped.again(world, friend)
    assert await code_of(claim(friend, gift, privateMessage=old)) == "NOT_THE_RECIPIENT"
    new = await ticket(world, gift["activityId"], friend)
    assert await code_of(claim(friend, gift, privateMessage=new)) == "SUCCESS"


async def test_on_qq_there_are_none(world: World) -> None:
    giver, card = await holding(world, 1_000, platform="QQ")
    with pytest.raises(wrapped.Refused) as refused:
        await give(giver, cardId=card.id, amountFen=300, privateMessage=True)
    assert (refused.value.code, refused.value.error["field"]) == ("NOT_GIVABLE", ["input", "privateMessage"])
    assert await balance(giver) == 1_000


@pytest.mark.parametrize("match", ["/wechat/cgi-bin/message/wxopen/activityid/create", "/wechat/wxa/msg_sec_check"])
async def test_nothing_is_given_while_the_platform_is_away(world: World, match: str) -> None:
    giver, card = await holding(world, 1_000)
    await world.phone.control("faults", match=match, mode="error", times=20)
    try:
        refused = await code_of(give(giver, cardId=card.id, amountFen=300, greeting="你好", privateMessage=True))
    finally:
        async with world.http.delete(f"{world.simulator}/_control/faults") as answer:
            assert answer.status == 200
    assert (refused, await balance(giver)) == ("PLATFORM_UNAVAILABLE", 1_000)


async def test_a_risky_greeting_gives_nothing(world: World) -> None:
    """The text is one of those that WeChat publishes for trying its check out."""
    giver, card = await holding(world, 1_000)
    text = "特3456书yuuo莞6543李zxcz蒜7782法fgnv级"
    assert await code_of(give(giver, cardId=card.id, amountFen=300, greeting=text)) == "GREETING_REJECTED"
    assert await balance(giver) == 1_000


def test_the_published_example_is_opened() -> None:
    opened = open_data(VECTOR["session_key"], VECTOR["encrypted_data"], VECTOR["iv"], VECTOR["appid"])
    assert {name: opened[name] for name in VECTOR["expect"]} == VECTOR["expect"]


def sealed(content: Any, key: bytes = bytes(16), iv: bytes = bytes(16)) -> tuple[str, str, str]:
    """(session key, data, iv) of what somebody who knew the key could make."""
    plain = content if isinstance(content, bytes) else json.dumps(content).encode()
    fill = 16 - len(plain) % 16
    encryptor = Cipher(AES128(key), CBC(iv)).encryptor()
    raw = encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()
    return tuple(base64.b64encode(each).decode() for each in (key, raw, iv))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "content",
    [
        {"activityId": "a"},
        {"activityId": "a", "watermark": {"appid": "wx_other"}},
        {"activityId": "a", "watermark": "wx_app"},
        ["activityId"],
        "text",
        b"not json",
        b"\xff\xfe",
    ],
)
def test_what_is_not_of_this_app_is_refused(content: Any) -> None:
    key, data, iv = sealed(content)
    with pytest.raises(TicketRefused):
        open_data(key, data, iv, "wx_app")


@pytest.mark.parametrize("part", ["session_key", "encrypted_data", "iv"])
@pytest.mark.parametrize("value", ["", "AAAA", "!", "é", "A" * 5_000])
def test_what_is_no_ticket_is_refused(part: str, value: str) -> None:
    brought = {**VECTOR, part: value}
    with pytest.raises(TicketRefused):
        open_data(brought["session_key"], brought["encrypted_data"], brought["iv"], brought["appid"])
