"""Libraries by others check what we sign, and we what they sign: wechatpayv3, wechatpy, and cryptography itself."""

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpayv3.utils import aes_decrypt, build_authorization, rsa_sign, rsa_verify
from wechatpy.pay.utils import calculate_signature, dict_to_xml

from gateway.outgoing import Outgoing
from gateway.qq_wallet import read_form, sign_form, write_form
from gateway.wechat_pay import WeChatPay
from gateway.wechat_pay_crypto import Merchant, SignatureInvalid, Verifier, decrypt_resource, request_message
from resolvers.ports_payment import ProviderPayment, ProviderRefund, ProviderState, RefundState
from tests.platforms.conftest import KeyPair, StillClock

SERIAL, KEY_ID, API_KEY = (
    "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
    "PUB_KEY_ID_01",
    "0123456789abcdef0123456789ABCDEF",
)
FIELD = re.compile(r'(\w+)="([^"]*)"')


@pytest.fixture
def merchant(merchant_key: KeyPair) -> Merchant:
    return Merchant("1900000109", SERIAL, merchant_key.private_pem)


@pytest.fixture
def wechat_pay(outgoing: Outgoing, clock: StillClock, merchant: Merchant, platform_key: KeyPair) -> WeChatPay:
    verifier = Verifier(KEY_ID, platform_key.public_pem, "")
    return WeChatPay(
        outgoing,
        clock,
        "http://127.0.0.1:1",
        "wxapp",
        "1900000109",
        merchant,
        verifier,
        API_KEY,
        KEY_ID,
        "https://k.example",
    )


@pytest.mark.parametrize(
    ("method", "path", "body"), [("POST", "/v3/pay/x", '{"名":"值"}'), ("GET", "/v3/y?mchid=1", "")]
)
def test_wechatpayv3_verifies_our_authorization(
    merchant: Merchant, merchant_key: KeyPair, clock: StillClock, method: str, path: str, body: str
) -> None:
    header = merchant.authorization(method, path, body.encode(), clock.now())
    scheme, _, rest = header.partition(" ")
    fields = dict(FIELD.findall(rest))
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert (fields["mchid"], fields["serial_no"]) == ("1900000109", SERIAL)
    assert fields["timestamp"] == str(int(clock.now().timestamp()))
    assert 1 <= len(fields["nonce_str"]) <= 32
    # The library's verifier covers "a\nb\nc\n"; the request's first three lines go in as its first.
    covered = f"{method}\n{path}\n{fields['timestamp']}"
    assert rsa_verify(covered, fields["nonce_str"], body, fields["signature"], merchant_key.private.public_key())
    assert not rsa_verify(
        covered, fields["nonce_str"], body + " ", fields["signature"], merchant_key.private.public_key()
    )


def test_wechatpayv3_signs_requests_as_we_do(merchant: Merchant, merchant_key: KeyPair) -> None:
    """PKCS#1 v1.5 has no randomness: the same message has the same signature."""
    theirs = build_authorization("/v3/pay/x", "POST", "1900000109", SERIAL, merchant_key.private, '{"a":1}', "nonce")
    fields = dict(FIELD.findall(theirs))
    ours = merchant.sign(request_message("POST", "/v3/pay/x", fields["timestamp"], "nonce", '{"a":1}'))
    assert ours == fields["signature"]


def test_wechatpayv3_makes_the_same_pay_sign(wechat_pay: WeChatPay, merchant_key: KeyPair, clock: StillClock) -> None:
    given = wechat_pay.client_parameters("wx201410272009395522657a690389285100", clock.now())
    message = f"wxapp\n{given['timeStamp']}\n{given['nonceStr']}\n{given['package']}\n"
    assert given["paySign"] == rsa_sign(merchant_key.private, message)
    assert given["package"] == "prepay_id=wx201410272009395522657a690389285100"
    assert (given["signType"], given["timeStamp"]) == ("RSA", str(int(clock.now().timestamp())))


def sealed(content: Any, key: str = API_KEY, associated_data: str = "transaction") -> dict[str, str]:
    """An envelope, closed with the library itself."""
    closed = AESGCM(key.encode()).encrypt(b"abcdefghijkl", json.dumps(content).encode(), associated_data.encode())
    return {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(closed).decode(),
        "associated_data": associated_data,
        "nonce": "abcdefghijkl",
    }


def test_wechatpayv3_opens_what_we_open() -> None:
    envelope = sealed({"名": "值"})
    ours = decrypt_resource(API_KEY, envelope).decode()
    assert (
        ours == aes_decrypt("abcdefghijkl", envelope["ciphertext"], "transaction", API_KEY) == '{"\\u540d": "\\u503c"}'
    )
    del (empty := sealed({"a": 1}, associated_data=""))["associated_data"]
    assert decrypt_resource(API_KEY, empty) == b'{"a": 1}'


PAID = {
    "appid": "wxapp",
    "mchid": "1900000109",
    "out_trade_no": "pay_1",
    "transaction_id": "4200001",
    "trade_state": "SUCCESS",
    "payer": {"openid": "o1"},
    "amount": {"total": 20000, "payer_total": 19000, "currency": "CNY", "payer_currency": "CNY"},
}
BACK = {
    "mchid": "1900000109",
    "out_trade_no": "pay_1",
    "out_refund_no": "ref_1",
    "refund_status": "SUCCESS",
    "amount": {"total": 20000, "refund": 700, "payer_total": 19000, "payer_refund": 600},
}
Reader = Callable[..., ProviderPayment | ProviderRefund | None]


@pytest.fixture
def read(wechat_pay: WeChatPay, platform_key: KeyPair, clock: StillClock) -> Reader:
    """Read a notification that was signed with the library itself."""

    def read(event: str, content: Any, **other: Any) -> ProviderPayment | ProviderRefund | None:
        envelope = {"id": "1", "event_type": event, "resource_type": "encrypt-resource", "resource": sealed(content)}
        body = other.get("body", json.dumps({**envelope, **other.get("envelope", {})}).encode())
        timestamp = str(int((clock.now() + timedelta(seconds=other.get("seconds", 0))).timestamp()))
        message = f"{timestamp}\nnonce\n".encode() + body + b"\n"
        signature = base64.b64encode(platform_key.private.sign(message, padding.PKCS1v15(), SHA256())).decode()
        headers = {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": "nonce",
            "Wechatpay-Serial": KEY_ID,
            "Wechatpay-Signature": signature,
        }
        return wechat_pay.read_notice(headers, body)

    return read


def test_notifications_say_what_was_paid_and_what_went_back(read: Reader) -> None:
    paid = ProviderPayment("pay_1", ProviderState.SUCCEEDED, 20000, "o1", "4200001", "wxapp")
    assert read("TRANSACTION.SUCCESS", PAID) == paid
    assert read("REFUND.SUCCESS", BACK) == ProviderRefund("ref_1", RefundState.SETTLED, 700)
    for state, ours in (
        ("ABNORMAL", RefundState.ABNORMAL),
        ("CLOSED", RefundState.CLOSED),
        ("PROCESSING", RefundState.PROCESSING),
    ):
        assert read(f"REFUND.{state}", {**BACK, "refund_status": state}) == ProviderRefund("ref_1", ours, 700)
    assert read("PAYSCORE.USER_OPEN_SERVICE", {"mchid": "1900000109"}) is None


WRONG: dict[str, dict[str, Any]] = {
    "another merchant": {"mchid": "1900000110"},
    "no merchant": {"mchid": None},
    "an amount as text": {"amount": {"total": "20000"}},
    "an amount as a fraction": {"amount": {"total": 20000.0}},
    "an amount that is true": {"amount": {"total": True}},
    "no amount": {"amount": None},
    "an unknown state": {"trade_state": "PAID"},
    "a state that is a list": {"trade_state": ["SUCCESS"]},
    "a payer that is a text": {"payer": "o1"},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_well_signed_notification_that_makes_no_sense_is_refused(read: Reader, name: str) -> None:
    with pytest.raises(SignatureInvalid):
        read("TRANSACTION.SUCCESS", {**PAID, **WRONG[name]})


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"\xff", b'{"event_type": 1, "resource": {}}', b'{"event_type": "x"}']
)
def test_a_well_signed_body_that_is_no_notification_is_refused(read: Reader, body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        read("", {}, body=body)


def test_a_well_signed_notification_from_another_time_or_key_is_refused(read: Reader) -> None:
    for seconds in (-301, 301):
        with pytest.raises(SignatureInvalid, match="timestamp"):
            read("TRANSACTION.SUCCESS", PAID, seconds=seconds)
    with pytest.raises(SignatureInvalid, match="envelope"):
        read("TRANSACTION.SUCCESS", PAID, envelope={"resource": sealed(PAID, API_KEY[::-1])})
    for odd in ("not an object", [1], 7, None):
        with pytest.raises(SignatureInvalid):
            read("TRANSACTION.SUCCESS", odd)


NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,15}\Z").filter(lambda name: name not in ("sign", "xml"))
VALUES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="￾￿"), min_size=1, max_size=30
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=12))
def test_wechatpy_signs_and_writes_forms_as_we_do(fields: dict[str, str]) -> None:
    sign = calculate_signature(fields, "the key")
    assert sign_form(fields, "the key") == sign
    ours = {**fields, "sign": sign_form(fields, "the key")}
    assert read_form(write_form(ours), "the key") == ours
    if not any("]]>" in value for value in fields.values()):
        assert read_form(dict_to_xml(fields, sign).encode(), "the key") == ours
