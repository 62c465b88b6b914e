"""A merchant's inbox for notifications, and a reader that opens them with the functions of independent libraries."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from defusedxml.ElementTree import fromstring
from wechatpayv3.utils import aes_decrypt, rsa_verify

from scripts.simulator.app import Serving
from tests.simulator.merchant import Merchant


@dataclass
class Letter:
    """A notification as it arrived."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Inbox:
    """A merchant's notify_url: keeps what comes, answers with the next of `answers` or with acceptance."""

    url: str = ""
    letters: list[Letter] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    accept: bytes = b"<xml><return_code>SUCCESS</return_code></xml>"
    delay_seconds: float = 0.0

    async def take(self, request: web.Request) -> web.Response:
        self.letters.append(Letter(dict(request.headers), await request.read()))
        status, body = self.answers.pop(0) if self.answers else (200, self.accept)
        await asyncio.sleep(self.delay_seconds)
        return web.Response(status=status, body=body)

    async def wait_for(self, count: int) -> list[Letter]:
        """The letters, once there are so many; and no more than that may come in the moment after."""
        for _ in range(6000):
            if len(self.letters) >= count:
                break
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert len(self.letters) == count
        return self.letters


class Reader:
    """Reads letters with the library's functions; the platform's public key is taken from the merchant's settings."""

    def __init__(self, merchant: Merchant, simulator: Serving) -> None:
        self._merchant = merchant
        self._public_key = simulator.world.credentials.public_key_pair.public_key()

    def verifies(self, letter: Letter) -> bool:
        headers = letter.headers
        holds: bool = rsa_verify(
            headers["Wechatpay-Timestamp"],
            headers["Wechatpay-Nonce"],
            letter.body.decode(),
            headers["Wechatpay-Signature"],
            self._public_key,
        )
        return holds

    def age_seconds(self, letter: Letter) -> float:
        return time.time() - int(letter.headers["Wechatpay-Timestamp"])

    def content(self, letter: Letter) -> dict[str, Any]:
        resource = orjson.loads(letter.body)["resource"]
        key = self._merchant.settings["KABAO_WECHAT_PAY_API_V3_KEY"]
        opened = aes_decrypt(resource["nonce"], resource["ciphertext"], resource["associated_data"], key)
        content: dict[str, Any] = orjson.loads(opened)
        return content

    def form(self, letter: Letter) -> dict[str, str]:
        return {element.tag: element.text or "" for element in fromstring(letter.body)}

    def form_holds(self, letter: Letter) -> bool:
        fields = self.form(letter)
        return fields["sign"] == self._merchant.wallet_sign(fields)


async def notified(merchant: Merchant) -> list[tuple[str, int]]:
    """What the provider noted of each attempt: the fault that was in it, and the answer."""
    [payment] = await merchant.control("payments", method="GET")
    return [(one["fault"], one["status"]) for one in payment["notifications"]]
