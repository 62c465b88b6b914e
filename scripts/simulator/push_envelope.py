"""Pushed messages on the wire: their XML and JSON, their signatures, and safe mode in both directions."""

import base64
import hashlib
import secrets
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

MODES = ("plain", "compatible", "safe")
FORMATS = ("xml", "json")


@dataclass(frozen=True)
class PushKeys:
    """What an app's console says about message push."""

    app_id: str
    token: str
    aes_key: str


@dataclass(frozen=True)
class Pushed:
    """One attempt, ready to be sent."""

    query: str
    body: bytes
    content_type: str


def sha1_of(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def pushed(keys: PushKeys, fields: dict[str, Any], mode: str, form: str, now: float) -> Pushed:
    """A message as the platform sends it; each attempt has a nonce of its own."""
    timestamp, nonce = str(int(now)), str(secrets.randbelow(10**10))
    query = {
        "signature": sha1_of(keys.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": fields["FromUserName"],
    }
    body = fields
    if mode != "plain":
        encrypted = seal(keys, written(fields, form))
        query |= {"encrypt_type": "aes", "msg_signature": sha1_of(keys.token, timestamp, nonce, encrypted)}
        only_sealed = {"ToUserName": fields["ToUserName"], "Encrypt": encrypted}
        body = only_sealed if mode == "safe" else {**fields, "Encrypt": encrypted}
    content_type = "text/xml" if form == "xml" else "application/json"
    return Pushed(urlencode(query), written(body, form), content_type)


def address_check(keys: PushKeys, echo: str, now: float) -> str:
    """The query of the GET by which an address is checked."""
    timestamp, nonce = str(int(now)), str(secrets.randbelow(10**10))
    signature = sha1_of(keys.token, timestamp, nonce)
    return urlencode({"signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echo})


def written(fields: dict[str, Any], form: str) -> bytes:
    return orjson.dumps(fields) if form == "json" else f"<xml>{_elements(fields)}</xml>".encode()


def _elements(fields: dict[str, Any]) -> str:
    return "\n".join(f"<{name}>{_element(value)}</{name}>" for name, value in fields.items())


def _element(value: Any) -> str:
    if isinstance(value, dict):
        return _elements(value)
    return str(value) if isinstance(value, int) else f"<![CDATA[{str(value).replace(']]>', ']]]]><![CDATA[>')}]]>"


def seal(keys: PushKeys, message: bytes) -> str:
    key = base64.b64decode(keys.aes_key + "=")
    plain = secrets.token_bytes(16) + struct.pack("!I", len(message)) + message + keys.app_id.encode()
    count = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([count] * count)) + encryptor.finalize()).decode()


def unseal(keys: PushKeys, encrypted: str) -> bytes:
    """Raises ValueError for what was not sealed for this app."""
    key = base64.b64decode(keys.aes_key + "=")
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).decryptor()
    plain = decryptor.update(base64.b64decode(encrypted)) + decryptor.finalize()
    plain = plain[16 : -plain[-1]]
    (length,) = struct.unpack("!I", plain[:4])
    if plain[4 + length :] != keys.app_id.encode():
        raise ValueError("sealed for another app")
    return plain[4 : 4 + length]


def passive_reply(keys: PushKeys, body: bytes, mode: str, form: str) -> dict[str, Any] | None:
    """What the person gets to see of an answer; None for `success` and for nothing. Raises ValueError when abnormal."""
    if body in (b"", b"success"):
        return None
    content = _read(body, form)
    if mode != "plain":
        expected = sha1_of(keys.token, str(content["TimeStamp"]), str(content["Nonce"]), content["Encrypt"])
        if content["MsgSignature"] != expected:
            raise ValueError("the answer's signature is wrong")
        content = _read(unseal(keys, content["Encrypt"]), form)
    match content.get("MsgType"):
        case "text":
            return {"type": "text", "text": content["Content"]}
        case "image":
            return {"type": "image", "media_id": content["Image"]["MediaId"]}
        case "news":
            return {"type": "news", "article": content["Articles"]["item"]}
        case "transfer_customer_service":
            return {"type": "transfer", "account": content.get("TransInfo", {}).get("KfAccount", "")}
        case other:
            raise ValueError(f"no such answer: {other}")


def _read(body: bytes, form: str) -> dict[str, Any]:
    if form == "json":
        value = orjson.loads(body)
        if not isinstance(value, dict):
            raise ValueError("not an object")
        return value
    content = _tree(fromstring(body, forbid_dtd=True))
    if not isinstance(content, dict):
        raise ValueError("an answer without fields")
    return content


def _tree(element: Any) -> Any:
    return {child.tag: _tree(child) for child in element} if len(element) else element.text or ""
