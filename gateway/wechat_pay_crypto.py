"""WeChat Pay API v3 signatures and envelopes: RSA-SHA256 both ways, AES-256-GCM for notifications."""

import base64
import re
import secrets
from collections.abc import Mapping
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEME = "WECHATPAY2-SHA256-RSA2048"
SKEW_SECONDS = 300
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class SignatureInvalid(Exception):
    """The answer or notification was not signed by WeChat Pay, or not lately, or not for this content."""


def request_message(method: str, path: str, timestamp: str, nonce: str, body: str) -> str:
    """What a request's signature covers; `path` with its query, as sent."""
    return f"{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n"


def answer_message(timestamp: str, nonce: str, body: str) -> str:
    """What the signature of an answer or notification covers."""
    return f"{timestamp}\n{nonce}\n{body}\n"


class Merchant:
    """Signs as the merchant."""

    def __init__(self, mchid: str, serial: str, private_key_pem: str) -> None:
        key = serialization.load_pem_private_key(private_key_pem.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("the merchant key must be RSA")
        self._key = key
        self._mchid = mchid
        self._serial = serial

    def sign(self, message: str) -> str:
        """Base64 of the RSA-SHA256 signature (PKCS#1 v1.5)."""
        return base64.b64encode(self._key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()

    def authorization(self, method: str, path: str, body: bytes, now: datetime) -> str:
        """The Authorization header of a request."""
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        signature = self.sign(request_message(method, path, timestamp, nonce, body.decode()))
        return (
            f'{SCHEME} mchid="{self._mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
            f'serial_no="{self._serial}",signature="{signature}"'
        )

    def pay_sign(self, app_id: str, timestamp: str, nonce: str, package: str) -> str:
        """The signature that wx.requestPayment wants."""
        return self.sign(f"{app_id}\n{timestamp}\n{nonce}\n{package}\n")


class Verifier:
    """Checks what claims to come from WeChat Pay, in public-key and in certificate mode."""

    def __init__(self, public_key_id: str, public_key_pem: str, certificates_pem: str) -> None:
        self._keys: dict[str, RSAPublicKey] = {}
        if public_key_pem:
            self._keys[public_key_id] = _rsa(serialization.load_pem_public_key(public_key_pem.encode()))
        for pem in _PEM.findall(certificates_pem):
            certificate = x509.load_pem_x509_certificate(pem.encode())
            self._keys[f"{certificate.serial_number:X}"] = _rsa(certificate.public_key())

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raise SignatureInvalid unless the body was signed by a key we know, within five minutes of now."""
        timestamp, nonce = headers.get("Wechatpay-Timestamp", ""), headers.get("Wechatpay-Nonce", "")
        serial, signature = headers.get("Wechatpay-Serial", ""), headers.get("Wechatpay-Signature", "")
        if headers.get("Wechatpay-Signature-Type", SCHEME) != SCHEME:
            raise SignatureInvalid("signature type")
        if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
            raise SignatureInvalid("timestamp")
        if abs(now.timestamp() - int(timestamp)) >= SKEW_SECONDS:
            raise SignatureInvalid("timestamp too far away")
        key = self._keys.get(serial) or self._keys.get(serial.upper().lstrip("0"))
        if key is None:
            raise SignatureInvalid("unknown serial")
        try:
            raw = base64.b64decode(signature, validate=True)
            message = answer_message(timestamp, nonce, body.decode())
            key.verify(raw, message.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError) as error:  # ValueError: not base64, or not text
            raise SignatureInvalid("signature") from error


def decrypt_resource(api_v3_key: str, resource: Mapping[str, str | None]) -> bytes:
    """Open a notification's envelope. Raises SignatureInvalid when it was not closed with our key."""
    try:
        return AESGCM(api_v3_key.encode()).decrypt(
            str(resource["nonce"]).encode(),
            base64.b64decode(str(resource["ciphertext"]), validate=True),
            (resource.get("associated_data") or "").encode(),
        )
    except (InvalidTag, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SignatureInvalid("envelope") from error


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey):
        raise TypeError("WeChat Pay's key must be RSA")
    return key
