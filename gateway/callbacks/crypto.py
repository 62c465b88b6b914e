"""The message push's signature and safe mode: SHA-1 over sorted parts, AES-256-CBC under the EncodingAESKey."""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # bytes to which a message is padded: twice what AES would need
KEY_LENGTH = 43  # characters of an EncodingAESKey; the last `=` of its base64 is left out
_NOISE = 16  # random bytes before the length


class NotAuthentic(Exception):
    """A callback that the platform has not sent, or not to this app."""


def signature(*parts: str) -> str:
    """What the platform signs: the parts sorted and joined, as SHA-1 in hex."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def check_signature(given: str, *parts: str) -> None:
    """Raise NotAuthentic unless this is the signature of these parts."""
    if not hmac.compare_digest(given.encode(), signature(*parts).encode()):
        raise NotAuthentic("signature")


class Seal:
    """Opens and seals the messages of one app. Of several keys the first seals; older ones still open."""

    def __init__(self, app_id: str, encoded_keys: Sequence[str]) -> None:
        self._app_id = app_id.encode()
        self._keys = [read_key(each) for each in encoded_keys]

    def open(self, encrypted: str) -> bytes:
        """The message inside. Raises NotAuthentic, without a word on what is wrong with it."""
        try:
            sealed = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError) as error:
            raise NotAuthentic("sealed") from error
        for key in self._keys:
            message = self._opened(key, sealed)
            if message is not None:
                return message
        raise NotAuthentic("sealed")

    def seal(self, message: bytes, noise: bytes | None = None) -> str:
        """A message as the platform takes it; `noise` is what else would be random."""
        plain = (noise or secrets.token_bytes(_NOISE)) + struct.pack(">I", len(message)) + message + self._app_id
        fill = BLOCK - len(plain) % BLOCK
        key = self._keys[0]
        encryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).encryptor()
        sealed = encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def _opened(self, key: bytes, sealed: bytes) -> bytes | None:
        if not sealed or len(sealed) % 16:
            return None
        decryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).decryptor()
        plain = decryptor.update(sealed) + decryptor.finalize()
        fill = plain[-1]
        if not 1 <= fill <= BLOCK or plain[-fill:] != bytes([fill]) * fill:
            return None
        plain = plain[_NOISE:-fill]
        if len(plain) < 4:
            return None
        (length,) = struct.unpack(">I", plain[:4])
        message, app_id = plain[4 : 4 + length], plain[4 + length :]
        return message if len(message) == length and hmac.compare_digest(app_id, self._app_id) else None


def read_key(encoded: str) -> bytes:
    """The AES key of an EncodingAESKey. Raises ValueError for what is none."""
    if len(encoded) != KEY_LENGTH or not encoded.isascii() or not encoded.isalnum():
        raise ValueError(f"an EncodingAESKey has {KEY_LENGTH} letters and digits")
    return base64.b64decode(encoded + "=")
