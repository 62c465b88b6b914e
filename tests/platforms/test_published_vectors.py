"""The gateway's signatures and envelopes against examples that the platforms published, and everything beside them."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.qq_wallet import sign_form
from gateway.wechat_pay_crypto import SignatureInvalid, Verifier, answer_message, decrypt_resource, request_message

VECTORS = Path(__file__).parents[1] / "vectors"
PAY: dict[str, Any] = json.loads((VECTORS / "wechat_pay_v3.json").read_text("utf-8"))
FORM: dict[str, Any] = json.loads((VECTORS / "form_sign.json").read_text("utf-8"))
ANSWER, NOTICE = PAY["answer_in_public_key_mode"], PAY["notification_in_certificate_mode"]
KEY_ID = "PUB_KEY_ID_0000000000000024101100397200000006"


def check(public_key_pem: str, message: str, signature: str) -> None:
    """Verify with the library itself; raises InvalidSignature."""
    key = load_pem_public_key(public_key_pem.encode())
    assert isinstance(key, RSAPublicKey)
    key.verify(b64decode(signature), message.encode(), padding.PKCS1v15(), SHA256())


def moment(timestamp: str, seconds: float = 0) -> datetime:
    return datetime.fromtimestamp(int(timestamp) + seconds, UTC)


def answer_headers(**other: str) -> dict[str, str]:
    """The headers of the real answer, with some replaced."""
    headers = {
        "Wechatpay-Timestamp": ANSWER["timestamp"],
        "Wechatpay-Nonce": ANSWER["nonce"],
        "Wechatpay-Serial": KEY_ID,
        "Wechatpay-Signature": ANSWER["signature"],
    }
    return headers | {name.replace("_", "-"): value for name, value in other.items()}


@pytest.fixture
def public_key_mode() -> Verifier:
    return Verifier(KEY_ID, ANSWER["public_key_pem"], "")


@pytest.fixture
def both_modes() -> Verifier:
    return Verifier(KEY_ID, ANSWER["public_key_pem"], NOTICE["certificate_pem"])


@pytest.mark.parametrize("name", ["request_with_body", "request_without_body"])
def test_the_published_requests_are_signed_over_our_message(name: str) -> None:
    example = PAY[name]
    message = request_message(
        example["method"], example["path"], example["timestamp"], example["nonce"], example["body"]
    )
    check(example["public_key_pem"], message, example["signature"])


def test_the_published_pay_sign_is_over_our_message() -> None:
    example = PAY["pay_sign"]
    message = f"{example['appid']}\n{example['timestamp']}\n{example['nonce']}\n{example['package']}\n"
    check(example["public_key_pem"], message, example["pay_sign"])


def test_a_real_answer_in_public_key_mode_is_believed(public_key_mode: Verifier, both_modes: Verifier) -> None:
    check(
        ANSWER["public_key_pem"],
        answer_message(ANSWER["timestamp"], ANSWER["nonce"], ANSWER["body"]),
        ANSWER["signature"],
    )
    for verifier in (public_key_mode, both_modes):
        verifier.verify(answer_headers(), ANSWER["body"].encode(), moment(ANSWER["timestamp"]))
        named = answer_headers(Wechatpay_Signature_Type="WECHATPAY2-SHA256-RSA2048")
        verifier.verify(named, ANSWER["body"].encode(), moment(ANSWER["timestamp"]))


def test_a_published_notification_in_certificate_mode_is_believed_and_opens(both_modes: Verifier) -> None:
    headers, body = NOTICE["headers"], NOTICE["body"].encode()
    for verifier in (both_modes, Verifier("", "", NOTICE["certificate_pem"])):
        verifier.verify(headers, body, moment(headers["Wechatpay-Timestamp"]))
    opened = json.loads(decrypt_resource(NOTICE["api_v3_key"], json.loads(body)["resource"]))
    assert {name: opened[name] for name in NOTICE["expect_contains"]} == {
        "mchid": "1234567890",
        "appid": "054aa7d7a2a54ab5898df65bd96f001c",
        "out_contract_code": "21640bdbd08e473e828f3206a2741c6e",
    }


@pytest.mark.parametrize("written", ["d7ce59d1f522d701", "00D7CE59D1F522D701"])
def test_a_serial_is_the_same_however_its_hex_is_written(both_modes: Verifier, written: str) -> None:
    headers = {**NOTICE["headers"], "Wechatpay-Serial": written}
    both_modes.verify(headers, NOTICE["body"].encode(), moment(headers["Wechatpay-Timestamp"]))


@pytest.mark.parametrize(
    ("seconds", "believed"), [(-299, True), (299, True), (-301, False), (301, False), (300, False)]
)
def test_five_minutes_are_the_most(both_modes: Verifier, seconds: int, believed: bool) -> None:
    at = moment(ANSWER["timestamp"], seconds)
    if believed:
        both_modes.verify(answer_headers(), ANSWER["body"].encode(), at)
    else:
        with pytest.raises(SignatureInvalid, match="timestamp too far away"):
            both_modes.verify(answer_headers(), ANSWER["body"].encode(), at)


SIGNATURE: str = ANSWER["signature"]
REFUSED: dict[str, dict[str, str]] = {
    "the other key's serial": {"Wechatpay_Serial": "D7CE59D1F522D701"},
    "an unknown serial": {"Wechatpay_Serial": "7132D72A03E93CDDF8C03BBD1F37EEDF"},
    "no serial": {"Wechatpay_Serial": ""},
    "another nonce": {"Wechatpay_Nonce": "d824f2e086d3c1df967785d13fcd22ee"},
    "another second": {"Wechatpay_Timestamp": str(int(ANSWER["timestamp"]) + 1)},
    "no timestamp": {"Wechatpay_Timestamp": ""},
    "a timestamp with a sign": {"Wechatpay_Timestamp": "+1722850421"},
    "a timestamp with a fraction": {"Wechatpay_Timestamp": "1722850421.0"},
    "a timestamp in other digits": {"Wechatpay_Timestamp": "１７２２８５０４２１"},
    "a timestamp of a thousand digits": {"Wechatpay_Timestamp": "9" * 1000},
    "another signature type": {"Wechatpay_Signature_Type": "WECHATPAY2-SM2-WITH-SM3"},
    "an empty signature type": {"Wechatpay_Signature_Type": ""},
    "the probe": {"Wechatpay_Signature": f"WECHATPAY/SIGNTEST/{SIGNATURE[19:]}"},
    "a short probe": {"Wechatpay_Signature": "WECHATPAY/SIGNTEST/9b2d"},
    "no signature": {"Wechatpay_Signature": ""},
    "a signature cut short": {"Wechatpay_Signature": SIGNATURE[:-4]},
    "a signature with rubbish after it": {"Wechatpay_Signature": f"{SIGNATURE}!"},
    "a signature with a line break": {"Wechatpay_Signature": f"{SIGNATURE[:64]}\n{SIGNATURE[64:]}"},
    "no base64": {"Wechatpay_Signature": "not base64 at all"},
    "a signature that is no ASCII": {"Wechatpay_Signature": "签名é"},
    "a nonce that is no text": {"Wechatpay_Nonce": "\udce9"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_exactly_so_is_refused(both_modes: Verifier, name: str) -> None:
    with pytest.raises(SignatureInvalid):
        both_modes.verify(answer_headers(**REFUSED[name]), ANSWER["body"].encode(), moment(ANSWER["timestamp"]))


@pytest.mark.parametrize("header", ["Timestamp", "Nonce", "Serial", "Signature"])
def test_a_missing_header_is_refused(both_modes: Verifier, header: str) -> None:
    headers = answer_headers()
    del headers[f"Wechatpay-{header}"]
    with pytest.raises(SignatureInvalid):
        both_modes.verify(headers, ANSWER["body"].encode(), moment(ANSWER["timestamp"]))


BODY: str = ANSWER["body"]


@pytest.mark.parametrize(
    "body", [b"", BODY.encode() + b" ", BODY.replace("JyC", "JyD").encode(), b"\xff" + BODY.encode()]
)
def test_an_altered_body_is_refused(both_modes: Verifier, body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        both_modes.verify(answer_headers(), body, moment(ANSWER["timestamp"]))


def test_nobody_is_believed_without_a_key() -> None:
    with pytest.raises(SignatureInvalid, match="unknown serial"):
        Verifier("", "", "").verify(answer_headers(), BODY.encode(), moment(ANSWER["timestamp"]))


SEALED: dict[str, str] = json.loads(NOTICE["body"])["resource"]


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("testMchAPIv3Key1", {}),
        ("testMchAPIv3Key", {}),
        ("", {}),
        ("testMchAPIv3Key0", {"associated_data": "transaction"}),
        ("testMchAPIv3Key0", {"associated_data": None}),
        ("testMchAPIv3Key0", {"nonce": "Kj7QIyUiYx1r"}),
        ("testMchAPIv3Key0", {"nonce": ""}),
        ("testMchAPIv3Key0", {"nonce": 7}),
        ("testMchAPIv3Key0", {"ciphertext": SEALED["ciphertext"][:-8] + "AAAAAA=="}),
        ("testMchAPIv3Key0", {"ciphertext": "签名"}),
        ("testMchAPIv3Key0", {"ciphertext": ""}),
        ("testMchAPIv3Key0", {"ciphertext": 7}),
        ("testMchAPIv3Key0", {"associated_data": 7}),
    ],
)
def test_an_envelope_that_was_not_closed_with_our_key_stays_shut(key: str, other: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid, match="envelope"):
        decrypt_resource(key, {**SEALED, **other})


def test_the_published_form_has_its_sign() -> None:
    assert sign_form(FORM["fields"], FORM["key"]) == "9A0A8659F005D6984697E2CA0A9CF3B7"
    assert sign_form(FORM["fields"] | {"sign": "x", "attach": ""}, FORM["key"]) == "9A0A8659F005D6984697E2CA0A9CF3B7"
    assert sign_form(FORM["fields"] | {"attach": "x"}, FORM["key"]) != "9A0A8659F005D6984697E2CA0A9CF3B7"
