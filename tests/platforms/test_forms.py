"""QQ Wallet's forms: only a small flat XML object, signed with our key, is one."""

import pytest

from gateway.outgoing import Outgoing
from gateway.qq_wallet import FormInvalid, QQWallet, read_form, sign_form, write_form
from resolvers.ports_payment import ProviderPayment, ProviderState

KEY = "192006250b4c09247ec02edce69f6a2d"
PAID = {
    "appid": "1112223334",
    "mch_id": "1900000109",
    "nonce_str": "n",
    "out_trade_no": "pay_1",
    "transaction_id": "1000001",
    "trade_state": "SUCCESS",
    "total_fee": "20000",
    "openid": "o1",
}


def signed(fields: dict[str, str], key: str = KEY) -> bytes:
    """A form as the wallet would send it."""
    return write_form({**fields, "sign": sign_form(fields, key)})


@pytest.fixture
def wallet(outgoing: Outgoing) -> QQWallet:
    url = "http://127.0.0.1:1"
    return QQWallet(outgoing, url, url, "1112223334", "1900000109", KEY, "operator", "password", "https://k.example")


def test_a_signed_form_is_read() -> None:
    fields = {"b": "<&>\"'", "a": "汐满楼", "c": "]]>"}
    assert read_form(signed(fields), KEY) == {**fields, "sign": sign_form(fields, KEY)}
    declared = b'<?xml version="1.0" encoding="UTF-8"?>\n' + signed(fields)
    assert read_form(declared, KEY)["a"] == "汐满楼"


def test_a_value_with_line_ends_of_any_kind_keeps_its_sign() -> None:
    fields = {"body": "一\r\n二\r三\n四\t五"}
    assert read_form(signed(fields), KEY)["body"] == "一\r\n二\r三\n四\t五"


SIGN = sign_form({"a": "1"}, KEY)
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"<xml><a>&b;</a><sign>{SIGN}</sign></xml>"
)
REFUSED = {
    "nothing": "",
    "text": "hello",
    "JSON": '{"a": "1"}',
    "another root": f"<form><a>1</a><sign>{SIGN}</sign></form>",
    "a field twice": f"<xml><a>1</a><a>1</a><sign>{SIGN}</sign></xml>",
    "two signs": f"<xml><a>1</a><sign>{SIGN}</sign><sign>{SIGN}</sign></xml>",
    "a field within a field": f"<xml><a>1<b/></a><sign>{SIGN}</sign></xml>",
    "a document type": f"<!DOCTYPE xml><xml><a>1</a><sign>{SIGN}</sign></xml>",
    "an entity": f'<!DOCTYPE x [<!ENTITY one "1">]><xml><a>&one;</a><sign>{SIGN}</sign></xml>',
    "a bomb": BOMB,
    "a file": f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><xml><a>&f;</a><sign>{SIGN}</sign></xml>',
    "an undeclared entity": f"<xml><a>&one;</a><sign>{SIGN}</sign></xml>",
    "no end": f"<xml><a>1</a><sign>{SIGN}</sign>",
    "something after the end": f"<xml><a>1</a><sign>{SIGN}</sign></xml><xml/>",
    "an unknown encoding": f'<?xml version="1.0" encoding="klingon"?><xml><a>1</a><sign>{SIGN}</sign></xml>',
    "an encoding that is none": f'<?xml version="1.0" encoding="hex"?><xml><a>1</a><sign>{SIGN}</sign></xml>',
    "a wide encoding": f'<?xml version="1.0" encoding="gb18030"?><xml><a>1</a><sign>{SIGN}</sign></xml>',
    "a name space": f'<xml xmlns="urn:x"><a>1</a><sign>{SIGN}</sign></xml>',
    "no sign": "<xml><a>1</a></xml>",
    "an empty sign": "<xml><a>1</a><sign></sign></xml>",
    "a sign in lower case": f"<xml><a>1</a><sign>{SIGN.lower()}</sign></xml>",
    "a sign in other letters": "<xml><a>1</a><sign>签名</sign></xml>",
    "another value": f"<xml><a>2</a><sign>{SIGN}</sign></xml>",
    "another field": f"<xml><a>1</a><b>2</b><sign>{SIGN}</sign></xml>",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_signed_form_is_refused(name: str) -> None:
    assert read_form(f"<xml><a>1</a><sign>{SIGN}</sign></xml>".encode(), KEY) == {"a": "1", "sign": SIGN}
    with pytest.raises(FormInvalid):
        read_form(REFUSED[name].encode(), KEY)


def test_more_than_32_kilobytes_are_not_even_parsed() -> None:
    assert read_form(signed({"a": "x" * 32_000}), KEY)["a"] == "x" * 32_000
    with pytest.raises(FormInvalid, match="too large"):
        read_form(signed({"a": "x" * 33_000}), KEY)


def test_deep_nesting_harms_nobody() -> None:
    with pytest.raises(FormInvalid):
        read_form(b"<xml>" + b"<a>" * 4_000 + b"</a>" * 4_000 + b"</xml>", KEY)


def test_a_notification_says_what_was_paid(wallet: QQWallet) -> None:
    paid = ProviderPayment("pay_1", ProviderState.SUCCEEDED, 20000, "o1", "1000001", "1112223334")
    assert wallet.read_notice(signed(PAID)) == paid
    unnamed = {name: value for name, value in PAID.items() if name != "openid"}
    assert wallet.read_notice(signed(unnamed)).payer_openid is None


@pytest.mark.parametrize(
    "other",
    [
        {"mch_id": "1900000110"},
        {"mch_id": ""},
        {"total_fee": "20000.0"},
        {"total_fee": "-20000"},
        {"total_fee": "２００００"},
        {"total_fee": ""},
        {"total_fee": "9" * 5_000},
        {"trade_state": "PAID"},
        {"trade_state": ""},
        {"out_trade_no": ""},
    ],
)
def test_a_well_signed_notification_that_makes_no_sense_is_refused(wallet: QQWallet, other: dict[str, str]) -> None:
    with pytest.raises(FormInvalid):
        wallet.read_notice(signed({**PAID, **other}))


def test_a_notification_signed_with_another_key_is_refused(wallet: QQWallet) -> None:
    with pytest.raises(FormInvalid, match="signature"):
        wallet.read_notice(signed(PAID, "another key"))
