"""The arithmetic of the platforms' protocols, written apart from the product's: RSA-SHA256, AES-GCM, MD5 forms."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256


def request_message(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What a merchant signs: five lines, each ended; `target` is path and query exactly as they were sent."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the platform signs on answers and notifications; an empty body still ends its line."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def pay_sign_message(app_id: str, timestamp: str, nonce: str, package: str) -> bytes:
    """What the merchant signs for the phone that is about to confirm a payment."""
    return f"{app_id}\n{timestamp}\n{nonce}\n{package}\n".encode()


def sign_rsa(private_key: rsa.RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(private_key.sign(message, padding.PKCS1v15(), SHA256())).decode()


def verify_rsa(public_key: rsa.RSAPublicKey, message: bytes, signature: str) -> bool:
    """True only for a well-formed base64 signature over exactly these bytes."""
    try:
        public_key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def encrypt_aes_gcm(key: str, nonce: str, associated_data: str, plaintext: bytes) -> str:
    """Base64 of ciphertext and tag; the key is used as the ASCII text it is."""
    sealed = AESGCM(key.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return base64.b64encode(sealed).decode()


def decrypt_aes_gcm(key: str, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """The reverse of `encrypt_aes_gcm`; raises InvalidTag when anything was altered."""
    return AESGCM(key.encode()).decrypt(nonce.encode(), base64.b64decode(ciphertext), associated_data.encode())


def form_md5(fields: Mapping[str, str], key: str) -> str:
    """The sign of a QQ Wallet form: sorted by name, empty values and `sign` left out, the key last, upper-case hex."""
    pairs = [f"{name}={fields[name]}" for name in sorted(fields) if fields[name] != "" and name != "sign"]
    return hashlib.md5("&".join([*pairs, f"key={key}"]).encode(), usedforsecurity=False).hexdigest().upper()


def md5_hex(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def random_text(length: int) -> str:
    """Letters and digits, as the platforms' nonces are."""
    return "".join(
        secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") for _ in range(length)
    )


def random_digits(length: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(length))
