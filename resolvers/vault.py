"""Keys and secrets: one master key, from which every use derives its own; sealing, tokens' keys, password hashes."""

import asyncio
import hashlib
import hmac
import secrets

import argon2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12  # AES-GCM's standard nonce
# About 30 ms a hash on one core: dear for a guesser, unnoticed by a person. (OWASP's minimum: 19 MiB, t=2, p=1.)
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


class Vault:
    """Derives a key per purpose from the master key and keeps passwords and session keys out of plain sight."""

    def __init__(self, master: bytes) -> None:
        if len(master) < 32:
            raise ValueError("the master key needs at least 32 bytes")
        self._master = master
        self._keys: dict[str, bytes] = {}
        self._nobody = _HASHER.hash(secrets.token_hex(16))

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose; knowing one tells nothing of another or of the master key."""
        if purpose not in self._keys:
            derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=b"kabao", info=purpose.encode())
            self._keys[purpose] = derivation.derive(self._master)
        return self._keys[purpose]

    def mac(self, purpose: str, text: str) -> str:
        """A hex HMAC-SHA256 of a text: how random secrets (till codes) are stored."""
        return hmac.new(self.key(purpose), text.encode(), hashlib.sha256).hexdigest()

    def seal(self, text: str, context: str) -> bytes:
        """Encrypt a text (AES-256-GCM), bound to its context so that it cannot be moved to another row."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.key("seal")).encrypt(nonce, text.encode(), context.encode())

    def unseal(self, sealed: bytes, context: str) -> str:
        """The text again. Raises ValueError when it was altered or belongs to another context."""
        try:
            plain = AESGCM(self.key("seal")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
        except InvalidTag as error:
            raise ValueError("sealed text was altered") from error
        return plain.decode()

    async def hash_password(self, password: str) -> str:
        """argon2id over the peppered password, off the event loop."""
        return await asyncio.to_thread(_HASHER.hash, self._peppered(password))

    async def password_matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one; takes as long when there is none, so that names cannot be probed."""

        def verify() -> bool:
            try:
                return _HASHER.verify(stored or self._nobody, self._peppered(password)) and stored is not None
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False

        return await asyncio.to_thread(verify)

    def _peppered(self, password: str) -> str:
        return self.mac("pepper", password)
