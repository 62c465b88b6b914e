"""Every answer of the platform to every call of the channel, and what the product makes of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.outgoing import Outgoing
from gateway.wechat_service import WeChatService
from resolvers.chat.desk.deliver import ATTEMPT, deliver
from resolvers.chat.desk.model import ChatMessage
from resolvers.jobs import run_outbox_once
from resolvers.ports import OutsideFault
from resolvers.ports_chat import (
    Button,
    ButtonKind,
    MenuRefused,
    Message,
    MessageKind,
    MessageRefused,
    NotFollowing,
    PlatformBusy,
    QuotaExceeded,
    WindowClosed,
)
from scripts.client import new_key
from tests.chat.talking import CONVERSATION, MESSAGE, quota_of, waiting_talk
from tests.platforms.stub import Stub, serving_stub
from tests.support.faults import fault
from tests.support.world import World

SEND, CREATE, GET, INFO = (
    "/cgi-bin/message/custom/send",
    "/cgi-bin/menu/create",
    "/cgi-bin/menu/get",
    "/cgi-bin/user/info",
)
OK = {"errcode": 0, "errmsg": "ok"}
HELLO = Message(MessageKind.TEXT, text="你好")
MENU = (
    Button("列", buttons=(Button("扫", ButtonKind.SCAN_WAIT, key="s"),)),
    Button("看", ButtonKind.VIEW, url="https://a"),
)


class Tokens:
    """A token that is `old` until it is refused."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.broken = False
        self.hangs = ""

    async def get(self, refused: str = "") -> str:
        """A good token, as far as it is known."""
        if self.broken:
            raise OutsideFault("token: -1")
        if refused:
            self.refused.append(refused)
        token = "new" if self.refused else "old"
        if token == self.hangs:
            await asyncio.sleep(60)
        return token


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with serving_stub() as stub:
        yield stub


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
async def service(stub: Stub, tokens: Tokens) -> AsyncIterator[WeChatService]:
    outgoing = Outgoing()
    yield WeChatService(outgoing, stub.url, tokens, card_app_id="wxcard")
    await outgoing.close()


def calls(service: WeChatService) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Every call of the channel by its path."""
    return {
        SEND: lambda: service.send("o1", HELLO),
        CREATE: lambda: service.create_menu(MENU),
        GET: service.read_menu,
        INFO: lambda: service.unionid("o1"),
    }


REACTIONS: list[tuple[str, int, type[Exception] | None]] = [
    (SEND, 0, None),
    (SEND, -1, PlatformBusy),
    (SEND, 45009, PlatformBusy),
    (SEND, 45011, PlatformBusy),
    (SEND, 45015, WindowClosed),
    (SEND, 45047, QuotaExceeded),
    (SEND, 40003, NotFollowing),
    (SEND, 43004, NotFollowing),
    (SEND, 40013, MessageRefused),
    (SEND, 70000, MessageRefused),
    (SEND, 43002, MessageRefused),
    (SEND, 44002, MessageRefused),
    (SEND, 47001, MessageRefused),
    (SEND, 50004, MessageRefused),
    (CREATE, 0, None),
    (CREATE, 40018, MenuRefused),
    (CREATE, 43002, MenuRefused),
    (CREATE, 47001, MenuRefused),
    (CREATE, -1, OutsideFault),
    (CREATE, 45009, OutsideFault),
    (CREATE, 45011, OutsideFault),
    (GET, -1, OutsideFault),
    (GET, 45009, OutsideFault),
    (GET, 40013, OutsideFault),
    (INFO, -1, OutsideFault),
    (INFO, 45009, OutsideFault),
    (INFO, 40013, OutsideFault),
]


@pytest.mark.parametrize(("path", "errcode", "reaction"), REACTIONS, ids=[f"{p}-{c}" for p, c, _ in REACTIONS])
async def test_each_code_has_its_reaction(
    service: WeChatService, stub: Stub, path: str, errcode: int, reaction: type[Exception] | None
) -> None:
    stub.answers(path, {"errcode": errcode, "errmsg": "said, rid: 1-2-3"})
    if reaction is None:
        await calls(service)[path]()
    else:
        with pytest.raises(reaction) as raised:
            await calls(service)[path]()
        assert type(raised.value) is reaction
        assert str(errcode) in str(raised.value)
    assert stub.times(path) == 1


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
@pytest.mark.parametrize("path", [SEND, CREATE, GET, INFO])
async def test_a_refused_token_is_fetched_anew_and_the_call_made_once_more(
    service: WeChatService, stub: Stub, tokens: Tokens, path: str, errcode: int
) -> None:
    good: dict[str, Any] = {**OK, "menu": {"button": []}}
    stub.answers(path, {"errcode": errcode, "errmsg": "invalid"}, good)
    await calls(service)[path]()
    assert [each.query["access_token"] for each in stub.asked] == ["old", "new"]
    assert tokens.refused == ["old"]


@pytest.mark.parametrize("path", [SEND, CREATE, GET, INFO])
async def test_a_token_refused_twice_or_not_to_be_had_means_later(
    service: WeChatService, stub: Stub, tokens: Tokens, path: str
) -> None:
    stub.answers(path, {"errcode": 40001, "errmsg": "invalid"})
    with pytest.raises(PlatformBusy if path == SEND else OutsideFault):
        await calls(service)[path]()
    assert stub.times(path) == 2
    tokens.broken = True
    with pytest.raises(PlatformBusy if path == SEND else OutsideFault):
        await calls(service)[path]()
    assert stub.times(path) == 2


@pytest.mark.parametrize("refused", [False, True], ids=["at first", "after the first was refused"])
async def test_a_token_that_hangs_has_sent_nothing(
    service: WeChatService, stub: Stub, tokens: Tokens, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    """However long it hangs: the message can be sent later."""
    monkeypatch.setattr("gateway.outgoing.CALL_SECONDS", 0.2)
    stub.answers(SEND, {"errcode": 40001, "errmsg": "invalid"})
    tokens.hangs = "new" if refused else "old"
    with pytest.raises(PlatformBusy, match="no token: too slow"):
        await service.send("o1", HELLO)
    assert stub.times(SEND) == int(refused)


@pytest.mark.parametrize("said", [b"<html>", b"[]", b"", b'{"errcode": "x"}'])
@pytest.mark.parametrize("path", [SEND, CREATE, GET, INFO])
async def test_what_cannot_be_read_is_a_fault(service: WeChatService, stub: Stub, path: str, said: bytes) -> None:
    stub.answers(path, said)
    with pytest.raises(OutsideFault):
        await calls(service)[path]()


async def test_nobody_there_means_that_nothing_was_sent(tokens: Tokens) -> None:
    outgoing = Outgoing()
    service = WeChatService(outgoing, "http://127.0.0.1:9", tokens)
    with pytest.raises(PlatformBusy):
        await service.send("o1", HELLO)
    await outgoing.close()


@pytest.mark.parametrize(
    ("message", "content"),
    [
        (HELLO, {"msgtype": "text", "text": {"content": "你好"}}),
        (Message(MessageKind.IMAGE, media_id="m"), {"msgtype": "image", "image": {"media_id": "m"}}),
        (
            Message(MessageKind.MINI_PROGRAM, title="t", page_path="p", media_id="m"),
            {
                "msgtype": "miniprogrampage",
                "miniprogrampage": {"title": "t", "pagepath": "p", "thumb_media_id": "m", "appid": "wxcard"},
            },
        ),
        (
            Message(MessageKind.NEWS, title="t", description="d", picture_url="https://p", url="https://u"),
            {
                "msgtype": "news",
                "news": {"articles": [{"title": "t", "description": "d", "url": "https://u", "picurl": "https://p"}]},
            },
        ),
    ],
    ids=lambda each: each.kind.value if isinstance(each, Message) else "",
)
async def test_messages_go_out_as_real_utf8(
    service: WeChatService, stub: Stub, message: Message, content: dict[str, Any]
) -> None:
    stub.answers(SEND, OK)
    await service.send("o1", message)
    assert json.loads(stub.asked[0].body) == {"touser": "o1", **content}
    assert b"\\u" not in stub.asked[0].body


async def test_a_menu_is_read_as_it_was_written(service: WeChatService, stub: Stub) -> None:
    stub.answers(CREATE, OK)
    await service.create_menu(MENU)
    wire = json.loads(stub.asked[0].body)
    assert wire == {
        "button": [
            {"name": "列", "sub_button": [{"type": "scancode_waitmsg", "name": "扫", "key": "s"}]},
            {"type": "view", "name": "看", "url": "https://a"},
        ]
    }
    wire["button"][1]["sub_button"] = []  # as the platform adds it
    stub.answers(GET, {"menu": wire}, {"errcode": 46003, "errmsg": "menu no exist"})
    assert await service.read_menu() == MENU
    assert await service.read_menu() == ()


async def test_the_unionid_is_told_of_those_who_follow(service: WeChatService, stub: Stub) -> None:
    stub.answers(INFO, {"subscribe": 1, "openid": "o1", "unionid": "u1"}, {"subscribe": 0, "openid": "o1"})
    stub.answers(INFO, {"errcode": 40003, "errmsg": "invalid openid"})
    assert [await service.unionid("o1") for _ in range(3)] == ["u1", None, None]


# What becomes of a message in the queue


async def _queued(world: World, text: str = "您好") -> tuple[str, str, str]:
    """(user, conversation, message) of a message that waits to be sent."""
    user, talk = await waiting_talk(world)
    staff = await world.staff()
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    said = (await staff.do("sendMessage", MESSAGE, conversationId=talk, text=text, idempotencyKey=new_key()))["said"]
    return user, talk, said["id"]


async def _message(world: World, message_id: str) -> ChatMessage:
    message = await world.app.conversations.message(message_id)
    assert message is not None
    return message


async def _drain(world: World) -> None:
    while await run_outbox_once(world.app):
        pass


@pytest.mark.parametrize(
    ("errcode", "failure", "left"),
    [
        (45015, "WINDOW_CLOSED", 0),
        (45047, "QUOTA_REACHED", 0),
        (40003, "NOT_FOLLOWING", 4),
        (43004, "NOT_FOLLOWING", 4),
        (70000, "REFUSED", 5),
    ],
)
async def test_what_the_platform_will_not_take_has_failed_with_the_reason(
    quiet: World, errcode: int, failure: str, left: int
) -> None:
    await _drain(quiet)  # what another test has left would have the fault
    user, talk, message_id = await _queued(quiet)
    async with fault(quiet.http, quiet.simulator, "custom/send", f"errcode:{errcode}", 1):
        await _drain(quiet)
    message = await _message(quiet, message_id)
    assert (message.delivery and message.delivery.value, message.failure and message.failure.value) == (
        "FAILED",
        failure,
    )
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == left
    quiet.clock.ahead += timedelta(seconds=60)
    await _drain(quiet)
    assert await quiet.phone.sent(user) == []


@pytest.mark.parametrize("errcode", [-1, 45009, 45011])
async def test_what_it_cannot_take_now_is_sent_later_and_once(quiet: World, errcode: int) -> None:
    user, _, message_id = await _queued(quiet)
    async with fault(quiet.http, quiet.simulator, "custom/send", f"errcode:{errcode}", 2):
        await _drain(quiet)
        message = await _message(quiet, message_id)
        assert message.delivery is not None
        assert message.delivery.value == "QUEUED"
        assert await quiet.phone.sent(user) == []
        for _ in range(2):
            quiet.clock.ahead += timedelta(seconds=5)
            await _drain(quiet)
    assert len(await quiet.phone.sent(user)) == 1
    assert (await _message(quiet, message_id)).delivery == "SENT"


async def test_a_message_for_which_no_token_was_to_be_had_in_time_is_sent_later(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was asked of the platform, so nothing is unknown: once the token is there, it arrives."""
    user, talk, message_id = await _queued(quiet)
    conversation = await quiet.app.conversations.conversation(talk)
    assert conversation is not None
    service = quiet.app.channels[conversation.app_id].service

    async def hangs(refused: str = "") -> str:
        await asyncio.sleep(60)
        return refused

    with monkeypatch.context() as slow:
        slow.setattr("gateway.outgoing.CALL_SECONDS", 0.2)
        slow.setattr(service._token, "get", hangs)  # type: ignore[attr-defined]
        await _drain(quiet)
    assert (await _message(quiet, message_id)).delivery == "QUEUED"
    quiet.clock.ahead += timedelta(seconds=5)
    await _drain(quiet)
    assert (await _message(quiet, message_id)).delivery == "SENT"
    assert len(await quiet.phone.sent(user)) == 1


async def test_what_waits_past_its_window_is_never_sent(quiet: World) -> None:
    user, _, message_id = await _queued(quiet)
    quiet.clock.ahead += timedelta(hours=48)
    await _drain(quiet)
    message = await _message(quiet, message_id)
    assert (message.delivery, message.failure) == ("FAILED", "WINDOW_CLOSED")
    assert await quiet.phone.sent(user) == []


async def test_an_answer_that_got_lost_is_unknown_and_nothing_is_sent_again(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform took it and the connection hung: the phone has it once, and an agent sees that it is not known."""
    monkeypatch.setattr("gateway.outgoing.CALL_SECONDS", 0.5)
    user, _, message_id = await _queued(quiet)
    async with fault(quiet.http, quiet.simulator, "custom/send", "timeout", 1):
        await _drain(quiet)
    for _ in range(3):
        quiet.clock.ahead += timedelta(seconds=60)
        await _drain(quiet)
    assert (await _message(quiet, message_id)).delivery == "UNKNOWN"
    assert len(await quiet.phone.sent(user)) == 1


async def test_a_process_that_dies_while_it_sends_leaves_it_unknown(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, _, message_id = await _queued(quiet)

    class Death(BaseException):
        """Nothing catches it."""

    async def dies(*_: object) -> None:
        raise Death

    monkeypatch.setattr(WeChatService, "send", dies)
    with pytest.raises(Death):
        await deliver(quiet.app, message_id)
    monkeypatch.undo()
    assert (await _message(quiet, message_id)).delivery == "SENDING"
    with pytest.raises(PlatformBusy):  # it may be under way: another worker is never told that it died
        await deliver(quiet.app, message_id)
    quiet.clock.ahead += ATTEMPT
    for _ in range(2):
        await deliver(quiet.app, message_id)
    assert (await _message(quiet, message_id)).delivery == "UNKNOWN"
    assert await quiet.phone.sent(user) == []


async def test_a_person_who_left_is_told_nothing(quiet: World) -> None:
    """The platform's own count agrees with ours: whoever unfollows gets nothing, and it is not even tried."""
    user, talk = await waiting_talk(quiet)
    now = quiet.clock.now().timestamp()
    await quiet.phone.say(user, event="unsubscribe", created_at=now, sent_at=now)
    staff = await quiet.staff()
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    assert (await quota_of(quiet.app, talk)).until(quiet.clock.now()) is None
