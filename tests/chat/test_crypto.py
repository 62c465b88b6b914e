"""Safe mode against published examples, and against wechatpy, an implementation by others; in both directions."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import check_signature as wechatpy_check

from gateway.callbacks.crypto import NotAuthentic, Seal, check_signature, read_key, signature
from gateway.callbacks.form import read_form, write_xml
from scripts.simulator import push_envelope

PUSH: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "message_push.json").read_text("utf-8"))
CHECK, SEALED = PUSH["callback_url_check"], PUSH["callback_encrypt"]
JSON, XML = PUSH["callback_safe_mode_json"], PUSH["callback_safe_mode_xml"]
TOKEN, KEY, APP = "token-of-ours", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx0123456789abcdef"
TEXTS = ["", "a", "x" * 31, "x" * 32, "我是中文abcd123", "a\n<xml>]]></xml>" * 50]


def test_the_check_of_an_address_has_the_published_signature() -> None:
    assert signature(CHECK["token"], CHECK["timestamp"], CHECK["nonce"]) == CHECK["signature"]
    check_signature(CHECK["signature"], CHECK["token"], CHECK["timestamp"], CHECK["nonce"])
    for wrong in ("", CHECK["signature"].upper(), CHECK["signature"][:-1] + "7", "é" * 40):
        with pytest.raises(NotAuthentic):
            check_signature(wrong, CHECK["token"], CHECK["timestamp"], CHECK["nonce"])


@pytest.mark.parametrize("example", [JSON, XML], ids=["json", "xml"])
def test_published_messages_are_signed_and_open(example: dict[str, Any]) -> None:
    given = signature(example["token"], example["timestamp"], example["nonce"], example["encrypt"])
    assert given == example["msg_signature"]
    opened = Seal(example["appid"], [example["encoding_aes_key"]]).open(example["encrypt"])
    fields = read_form(opened).fields
    if example is JSON:
        assert opened.decode() == example["expect"]
        assert fields["CreateTime"] == "1714112445"
    else:
        assert len(opened) == example["expect"]["bytes"]
        for name in ("FromUserName", "Content", "MsgId"):
            assert fields[name] == example["expect"][name]


def test_the_signature_that_is_not_to_be_trusted_does_not_cover_the_message() -> None:
    untrusted = JSON["signature_not_to_be_trusted"]
    assert untrusted == signature(JSON["token"], JSON["timestamp"], JSON["nonce"])
    with pytest.raises(NotAuthentic):
        check_signature(untrusted, JSON["token"], JSON["timestamp"], JSON["nonce"], JSON["encrypt"])


def test_a_message_is_sealed_to_the_published_letter() -> None:
    seal = Seal(SEALED["appid"], [SEALED["encoding_aes_key"]])
    assert seal.seal(SEALED["message"].encode(), SEALED["random"].encode()) == SEALED["encrypt"]
    assert seal.open(SEALED["encrypt"]).decode() == SEALED["message"]


def test_the_simulator_opens_the_published_messages_too() -> None:
    for example in (JSON, XML):
        keys = push_envelope.PushKeys(example["appid"], example["token"], example["encoding_aes_key"])
        opened = push_envelope.unseal(keys, example["encrypt"])
        assert opened == Seal(example["appid"], [example["encoding_aes_key"]]).open(example["encrypt"])


@pytest.mark.parametrize("text", TEXTS[1:])
def test_wechatpy_opens_what_we_seal(text: str) -> None:
    encrypted = Seal(APP, [KEY]).seal(text.encode())
    envelope = write_xml({"ToUserName": "gh_1", "Encrypt": encrypted})
    counterpart = WeChatCrypto(TOKEN, KEY, APP)
    given = signature(TOKEN, "1714112445", "nonce", encrypted)
    opened = counterpart.decrypt_message(envelope, given, "1714112445", "nonce")
    assert (opened if isinstance(opened, str) else opened.decode()) == text
    with pytest.raises(InvalidSignatureException):
        counterpart.decrypt_message(envelope, given[::-1], "1714112445", "nonce")
    with pytest.raises(InvalidAppIdException):
        WeChatCrypto(TOKEN, KEY, "wxffffffffffffffff").decrypt_message(envelope, given, "1714112445", "nonce")


@pytest.mark.parametrize("text", TEXTS[1:])
def test_we_open_what_wechatpy_seals(text: str) -> None:
    fields = read_form(WeChatCrypto(TOKEN, KEY, APP).encrypt_message(text, "nonce", "1714112445").encode()).fields
    check_signature(fields["MsgSignature"], TOKEN, fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
    assert Seal(APP, [KEY]).open(fields["Encrypt"]).decode() == text


def test_wechatpy_agrees_on_the_plain_signature() -> None:
    wechatpy_check(TOKEN, signature(TOKEN, "1714112445", "nonce"), "1714112445", "nonce")
    with pytest.raises(InvalidSignatureException):
        wechatpy_check(TOKEN, signature(TOKEN, "1714112446", "nonce"), "1714112445", "nonce")


@pytest.mark.parametrize("text", TEXTS)
def test_whatever_is_not_sealed_for_this_app_does_not_open(text: str) -> None:
    encrypted = Seal(APP, [KEY]).seal(text.encode())
    raw = bytearray(base64.b64decode(encrypted))
    raw[-1] ^= 1
    cut = base64.b64encode(bytes(raw)).decode()
    other = "x" * 42 + "E"
    for seal, what in (
        (Seal("wxffffffffffffffff", [KEY]), encrypted),
        (Seal(APP, [other]), encrypted),
        (Seal(APP, [KEY]), cut),
        (Seal(APP, [KEY]), encrypted[:-4]),
        (Seal(APP, [KEY]), ""),
        (Seal(APP, [KEY]), "!" * 44),
        (Seal(APP, [KEY]), "é"),
    ):
        with pytest.raises(NotAuthentic):
            seal.open(what)


def test_a_key_that_was_replaced_still_opens_and_the_new_one_seals() -> None:
    new = "z" * 42 + "E"
    both = Seal(APP, [new, KEY])
    assert both.open(Seal(APP, [KEY]).seal(b"old")) == b"old"
    assert Seal(APP, [new]).open(both.seal(b"new")) == b"new"
    with pytest.raises(ValueError, match="43"):
        read_key("short")
