"""The simulator's own arithmetic against examples that the platforms published."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from scripts.simulator.crypto import (
    answer_message,
    decrypt_aes_gcm,
    encrypt_aes_gcm,
    form_md5,
    pay_sign_message,
    request_message,
    verify_rsa,
)

VECTORS = Path(__file__).parents[1] / "vectors"
PAY: dict[str, Any] = json.loads((VECTORS / "wechat_pay_v3.json").read_text("utf-8"))
FORM: dict[str, Any] = json.loads((VECTORS / "form_sign.json").read_text("utf-8"))


def public_key(example: dict[str, Any]) -> RSAPublicKey:
    key = load_pem_public_key(example["public_key_pem"].encode())
    assert isinstance(key, RSAPublicKey)
    return key


@pytest.mark.parametrize("name", ["request_with_body", "request_without_body"])
def test_the_published_requests_verify(name: str) -> None:
    example = PAY[name]
    message = request_message(
        example["method"], example["path"], example["timestamp"], example["nonce"], example["body"].encode()
    )
    assert verify_rsa(public_key(example), message, example["signature"])
    assert not verify_rsa(public_key(example), message + b" ", example["signature"])
    assert not verify_rsa(public_key(example), message, example["signature"][:-8] + "AAAAAA==")
    assert not verify_rsa(public_key(example), message, "not base64 at all!")


def test_the_published_pay_sign_verifies() -> None:
    example = PAY["pay_sign"]
    message = pay_sign_message(example["appid"], example["timestamp"], example["nonce"], example["package"])
    assert verify_rsa(public_key(example), message, example["pay_sign"])


def test_a_real_answer_in_public_key_mode_verifies() -> None:
    example = PAY["answer_in_public_key_mode"]
    message = answer_message(example["timestamp"], example["nonce"], example["body"].encode())
    assert verify_rsa(public_key(example), message, example["signature"])


def test_a_published_notification_verifies_and_opens() -> None:
    example = PAY["notification_in_certificate_mode"]
    headers = example["headers"]
    certificate_key = load_pem_x509_certificate(example["certificate_pem"].encode()).public_key()
    assert isinstance(certificate_key, RSAPublicKey)
    message = answer_message(headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], example["body"].encode())
    assert verify_rsa(certificate_key, message, headers["Wechatpay-Signature"])

    sealed = json.loads(example["body"])["resource"]
    key, nonce, associated = example["api_v3_key"], sealed["nonce"], sealed["associated_data"]
    opened = decrypt_aes_gcm(key, nonce, associated, sealed["ciphertext"])
    content = json.loads(opened)
    assert {name: content[name] for name in example["expect_contains"]} == example["expect_contains"]
    assert encrypt_aes_gcm(key, nonce, associated, opened) == sealed["ciphertext"]
    with pytest.raises(InvalidTag):
        decrypt_aes_gcm(key, nonce, "transaction", sealed["ciphertext"])


def test_the_published_form_has_its_sign() -> None:
    assert form_md5(FORM["fields"], FORM["key"]) == "9A0A8659F005D6984697E2CA0A9CF3B7"
    assert form_md5(FORM["fields"] | {"sign": "x", "attach": ""}, FORM["key"]) == "9A0A8659F005D6984697E2CA0A9CF3B7"
