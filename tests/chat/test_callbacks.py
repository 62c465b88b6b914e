"""The callback's door: what is let in, in which form it is answered, and that nothing else says why it was not."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from starlette.requests import Request

from gateway.callbacks.endpoint import MAXIMUM_CALLBACK, SKEW_SECONDS, Callbacks, Door
from gateway.callbacks.form import FormInvalid, read_form, write_xml
from gateway.wiring import wire
from scripts.simulator.push_envelope import (
    FORMATS,
    MODES,
    Pushed,
    address_check,
    passive_reply,
    seal,
    sha1_of,
    written,
)
from tests.chat.talking import attempt, event_fields, keys_of, new_user, official, post, said_in, talk, text_fields
from tests.support.world import World, settings_of

REPLY = {"type": "text", "text": "正在为您转接同事，请稍候。"}


async def checked(world: World, query: str, app_id: str | None = None) -> tuple[int, str, str]:
    """What the check of an address is answered: status, body, content type."""
    async with world.http.get(f"{world.gateway}/callbacks/wechat/{app_id or official(world)}?{query}") as answer:
        return answer.status, await answer.text(), answer.headers.get("content-type", "")


async def test_the_check_is_answered_with_its_echo_and_nothing_else(world: World) -> None:
    now, keys = world.clock.now().timestamp(), keys_of(world)
    good = address_check(keys, "4375120948345356249", now)
    assert await checked(world, good) == (200, "4375120948345356249", "text/plain; charset=utf-8")
    for wrong in (
        good.replace("signature=", "signature=0"),
        address_check(replace(keys, token="another"), "1", now),
        address_check(keys, "1", now - SKEW_SECONDS - 5),
        address_check(keys, "1", now + SKEW_SECONDS + 5),
        address_check(keys, "x" * 257, now),
        address_check(keys, "<b>\n</b>", now),
        "",
        "echostr=1&timestamp=x",
    ):
        assert (await checked(world, wrong))[:2] == (403, "")
    assert (await checked(world, good, "wx0000000000000000"))[:2] == (404, "")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("mode", MODES[1:])
async def test_each_sealed_mode_and_form_is_answered_as_it_came(world: World, mode: str, form: str) -> None:
    fields = text_fields(world, f"o-{mode}-{form}", "转人工")
    status, body = await post(world, attempt(world, fields, mode, form))
    assert status == 200
    assert passive_reply(keys_of(world), body, mode, form) == REPLY


@pytest.mark.parametrize("form", FORMATS)
async def test_an_app_without_an_aes_key_is_in_plain_mode(world: World, form: str) -> None:
    keys = keys_of(world)
    door = Door(keys.app_id, keys.token)
    ready = attempt(world, text_fields(world, f"o-plain-{form}", "转人工"), "plain", form)
    body = await _through(world, door, ready)
    assert body[0] == 200
    assert passive_reply(keys, body[1], "plain", form) == REPLY
    assert (await _through(world, door, attempt(world, text_fields(world, "o", "x"), "safe", form)))[0] == 403


async def test_plain_mode_is_refused_beside_a_key_unless_it_is_allowed(world: World) -> None:
    keys = keys_of(world)
    ready = attempt(world, text_fields(world, "o-plain-refused", "转人工"), "plain")
    assert await post(world, ready) == (403, b"")
    allowed = Door(keys.app_id, keys.token, (keys.aes_key,), plain_allowed=True)
    assert (await _through(world, allowed, ready))[0] == 200


async def test_in_a_change_of_keys_both_open(world: World) -> None:
    keys = keys_of(world)
    door = Door(keys.app_id, keys.token, ("n" * 42 + "E", keys.aes_key))
    status, body = await _through(world, door, attempt(world, text_fields(world, "o-rotated", "转人工")))
    assert status == 200
    new = replace(keys, aes_key="n" * 42 + "E")
    assert passive_reply(new, body, "safe", "xml") == REPLY


async def test_what_is_not_authentic_is_refused_without_a_word(world: World) -> None:
    fields = text_fields(world, "o-forged", "转人工")
    good = attempt(world, fields)
    now = world.clock.now().timestamp()
    for wrong in (
        _with(good, msg_signature="0" * 40),
        _with(good, msg_signature=""),
        _with(good, msg_signature=parse_qs(good.query)["signature"][0]),  # the one that does not cover the message
        _with(good, nonce="1"),
        _with(good, timestamp=str(int(now) - 1)),
        _with(good, encrypt_type=""),
        attempt(world, fields, now=now - SKEW_SECONDS - 5),
        attempt(world, fields, now=now + SKEW_SECONDS + 5),
        replace(good, body=b""),
        replace(good, body=b"<xml><Encrypt></Encrypt></xml>"),
        replace(good, body=good.body.replace(b"<Encrypt>", b"<Encrypt>A")),
        replace(good, body=b"[1]"),
        replace(good, body=b"\xff\xfe"),
    ):
        assert await post(world, wrong) == (403, b""), wrong
    assert await world.app.conversations.newest_at_openid(official(world), "o-forged") is None


async def test_another_apps_message_is_refused(world: World) -> None:
    ready = attempt(world, text_fields(world, "o-other", "转人工"), mini_program=True)
    assert await post(world, ready) == (403, b"")
    assert await post(world, ready, "wx0000000000000000") == (404, b"")


HARMFUL = pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE xml><xml><a>1</a></xml>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><FromUserName>&a;</FromUserName></xml>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>',
        b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l "lol"><!ENTITY m "&l;&l;">]><xml><a>&m;</a></xml>',
        b"<xml>" + b"".join(b"<f%d>1</f%d>" % (n, n) for n in range(200)) + b"</xml>",
        b"<xml><FromUserName>a</FromUserName><FromUserName>b</FromUserName></xml>",
        b"<html></html>",
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"FromUserName": 1.5',
    ],
)


@HARMFUL
def test_what_would_harm_is_not_read(body: bytes) -> None:
    with pytest.raises(FormInvalid):
        read_form(body)


@HARMFUL
async def test_nor_is_it_let_in(world: World, body: bytes) -> None:
    ready = attempt(world, text_fields(world, "o-harm", "转人工"))
    status, answer = await post(world, replace(ready, body=body))
    assert (status, answer) == (403, b"")


ITEM = "<List><TemplateId>t{}</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List>"


@pytest.mark.parametrize("mini_program", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_what_is_repeated_inside_a_field_is_taken(world: World, mini_program: bool, count: int) -> None:
    """A person is asked for several kinds of messages at once: one element for each."""
    lists = "".join(ITEM.format(number) for number in range(count))
    fields = event_fields(world, f"o-asked-{count}", "subscribe_msg_popup_event", SubscribeMsgPopupEvent={"List": 0})
    message = written(fields, "xml").replace(b"<List>0</List>", lists.encode())
    keys, now = keys_of(world, mini_program=mini_program), str(fields["CreateTime"])
    sealed = seal(keys, message)
    query = {"encrypt_type": "aes", "timestamp": now, "nonce": "1"}
    query["msg_signature"] = sha1_of(keys.token, now, "1", sealed)
    ready = Pushed(urlencode(query), written({"ToUserName": "gh", "Encrypt": sealed}, "xml"), "text/xml")
    assert await post(world, ready, keys.app_id) == (200, b"success")


def test_repeated_ones_are_numbered_and_hide_nothing() -> None:
    form = read_form(b"<xml><MsgId>1</MsgId><A><B>x</B><MsgId>2</MsgId><B>y</B><B>z</B></A></xml>")
    assert form.fields == {"MsgId": "1", "A": "", "A.B": "x", "A.MsgId": "2", "A.B.2": "y", "A.B.3": "z"}
    for body in (b"<xml><MsgId>1</MsgId><A/><MsgId>2</MsgId></xml>", b"<xml><A><B/></A><A><B/></A></xml>"):
        with pytest.raises(FormInvalid):
            read_form(body)
    with pytest.raises(FormInvalid):
        read_form(b"<xml><A>" + b"<B/>" * 64 + b"</A></xml>")


@pytest.mark.parametrize("encoding", ["bogus", "hex", "idna", "utf-7", "utf-16", "cp037"])
async def test_an_encoding_that_nobody_knows_is_refused_quietly(
    world: World, caplog: pytest.LogCaptureFixture, encoding: str
) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?><xml><Encrypt>1</Encrypt></xml>'.encode()
    ready = attempt(world, text_fields(world, "o-encoding", "转人工"))
    assert await post(world, replace(ready, body=body)) == (403, b"")
    assert [each for each in caplog.records if each.exc_info or each.levelname == "ERROR"] == []


@pytest.mark.parametrize("text", ["好\ufffe\uffff的", "好\x00\x08\x1f的", "好\ud800的", "好]]>\uffff的"])
def test_what_no_xml_can_hold_is_never_written(text: str) -> None:
    assert read_form(write_xml({"Content": text})).fields["Content"] == ("好]]>的" if "]]>" in text else "好的")
    assert read_form(write_xml({"Content": "😀\t\n\ufffd"})).fields["Content"] == "😀\t\n\ufffd"


async def test_a_body_is_bounded(world: World) -> None:
    ready = attempt(world, text_fields(world, "o-large", "转人工"))
    assert (await post(world, replace(ready, body=b"<xml>" + b"x" * MAXIMUM_CALLBACK)))[0] == 413


@pytest.mark.parametrize(
    "fields", [{"MsgType": "text"}, {"FromUserName": "o", "CreateTime": "x", "MsgType": "text"}, {"CreateTime": 1}]
)
async def test_what_is_authentic_and_says_nothing_is_taken_note_of(world: World, fields: dict[str, Any]) -> None:
    whole = {"ToUserName": "gh", "FromUserName": "", **fields}
    assert await post(world, attempt(world, whole)) == (200, b"success")


async def test_the_same_request_again_changes_nothing(world: World) -> None:
    ready = attempt(world, text_fields(world, "o-replayed", "转人工"))
    first = await post(world, ready)
    second = await post(world, ready)
    assert [passive_reply(keys_of(world), body, "safe", "xml") for _, body in (first, second)] == [REPLY, REPLY]
    conversation = await talk(world.app, official(world), "o-replayed")
    assert [each.author.value for each in await said_in(world.app, conversation.id)] == ["CUSTOMER", "BOT"]


async def test_an_app_without_a_token_has_no_door(world: World) -> None:
    assert set(world.wired.doors) == {official(world), world.settings["KABAO_WECHAT_APP_ID"]}
    chat = ("KABAO_WECHAT_OFFICIAL", "KABAO_WECHAT_MESSAGE")
    bare = wire(settings_of({name: value for name, value in world.settings.items() if not name.startswith(chat)}))
    assert bare.doors == {}
    assert set(bare.app.channels) == {world.settings["KABAO_WECHAT_APP_ID"]}
    await bare.close()


async def test_the_mini_program_is_asked_in_json_and_answered_in_json(world: World) -> None:
    user = new_user()
    enter = {"app": "mini_program", "event": "user_enter_tempsession", "session_from": f"from=x&brand={world.brand_id}"}
    assert (await world.phone.say(user, **enter))["reply"] is None
    assert (await world.phone.say(user, app="mini_program", text="客服"))["reply"] == REPLY


def _with(ready: Pushed, **changes: str) -> Pushed:
    query = {name: values[0] for name, values in parse_qs(ready.query).items()} | changes
    return replace(ready, query=urlencode(query))


async def _through(world: World, door: Door, ready: Pushed) -> tuple[int, bytes]:
    """What a door that is set up otherwise answers, without a server before it."""
    endpoint = Callbacks(world.app, {door.app_id: door})
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [],
        "query_string": ready.query.encode(),
        "path_params": {"app_id": door.app_id},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": ready.body, "more_body": False}

    answer = await endpoint(Request(scope, receive))
    return answer.status_code, bytes(answer.body)
