"""Open data: what a chat app seals for a mini-program with the person's session key (AES-128-CBC, PKCS#7)."""

import base64
import binascii
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from resolvers.ports import TicketRefused


def open_data(session_key: str, encrypted_data: str, iv: str, app_id: str) -> dict[str, Any]:
    """The object that was sealed; all three texts are base64. Raises TicketRefused, also for another app's data."""
    try:
        key, vector, sealed = (base64.b64decode(text, validate=True) for text in (session_key, iv, encrypted_data))
        decryptor = Cipher(AES128(key), CBC(vector)).decryptor()
        unpadder = PKCS7(128).unpadder()
        padded = decryptor.update(sealed) + decryptor.finalize()
        content = orjson.loads(unpadder.update(padded) + unpadder.finalize())
    except (binascii.Error, ValueError) as error:
        raise TicketRefused from error
    watermark = content.get("watermark") if isinstance(content, dict) else None
    if not isinstance(watermark, dict) or watermark.get("appid") != app_id:
        raise TicketRefused
    return dict(content)
