"""The simulator as a process: it starts quickly, writes the merchant's settings, stops at once and forgets nothing."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from scripts.simulator.credentials import Credentials
from tests.simulator.letters import Inbox
from tests.simulator.merchant import Merchant

ROOT = Path(__file__).parents[2]
Start = Callable[..., Awaitable[tuple[asyncio.subprocess.Process, str]]]
SETTINGS = {
    "KABAO_WECHAT_API_URL",
    "KABAO_WECHAT_APP_ID",
    "KABAO_WECHAT_APP_SECRET",
    "KABAO_WECHAT_MESSAGE_TOKEN",
    "KABAO_WECHAT_MESSAGE_AES_KEY",
    "KABAO_WECHAT_OFFICIAL_APP_ID",
    "KABAO_WECHAT_OFFICIAL_APP_SECRET",
    "KABAO_WECHAT_OFFICIAL_TOKEN",
    "KABAO_WECHAT_OFFICIAL_AES_KEY",
    "KABAO_WECHAT_PAY_URL",
    "KABAO_WECHAT_PAY_MCHID",
    "KABAO_WECHAT_PAY_MERCHANT_SERIAL",
    "KABAO_WECHAT_PAY_MERCHANT_KEY",
    "KABAO_WECHAT_PAY_API_V3_KEY",
    "KABAO_WECHAT_PAY_PUBLIC_KEY_ID",
    "KABAO_WECHAT_PAY_PUBLIC_KEY",
    "KABAO_WECHAT_PAY_CERTIFICATES",
    "KABAO_QQ_API_URL",
    "KABAO_QQ_APP_ID",
    "KABAO_QQ_APP_SECRET",
    "KABAO_QQ_PAY_URL",
    "KABAO_QQ_PAY_API_URL",
    "KABAO_QQ_PAY_MCH_ID",
    "KABAO_QQ_PAY_KEY",
    "KABAO_QQ_PAY_OP_USER_ID",
    "KABAO_QQ_PAY_OP_USER_PASSWORD",
}


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts the simulator on the test's folder and gives the process and its base URL."""
    started: list[asyncio.subprocess.Process] = []

    async def begin(*options: str) -> tuple[asyncio.subprocess.Process, str]:
        command = [sys.executable, "-m", "scripts.simulator", "--data", str(tmp_path), *options]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        word, _, rest = (await process.stdout.readline()).decode().partition(" ")
        assert word == "ready"
        return process, json.loads(rest)["url"]

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()


def read_settings(folder: Path) -> dict[str, str]:
    settings: dict[str, str] = json.loads((folder / "gateway-settings.json").read_text("utf-8"))
    return settings


async def stop(process: asyncio.subprocess.Process, number: int) -> float:
    """Seconds that it took."""
    asked_at = time.monotonic()
    process.send_signal(number)
    assert await process.wait() == 0
    return time.monotonic() - asked_at


async def test_it_starts_serves_and_stops_though_a_call_hangs(
    start: Start, tmp_path: Path, session: aiohttp.ClientSession, credentials: Credentials
) -> None:
    process, url = await start("--port", "0")
    settings = read_settings(tmp_path)
    assert set(settings) == SETTINGS
    assert settings["KABAO_WECHAT_APP_ID"].startswith("wx")
    assert len(settings["KABAO_WECHAT_APP_ID"]) == 18
    assert len(settings["KABAO_WECHAT_PAY_API_V3_KEY"]) == 32
    assert settings["KABAO_QQ_PAY_API_URL"] == f"{url}/qpayapi"
    assert (tmp_path / "gateway-settings.json").stat().st_mode & 0o077 == 0
    merchant = Merchant(session, url, settings, credentials.merchant_key)
    assert "openid" in await merchant.sign_in()
    await merchant.fault("stable_token", "timeout")
    hanging = asyncio.create_task(merchant.http("POST", f"{url}/wechat/cgi-bin/stable_token"))
    await asyncio.sleep(0.1)
    assert await stop(process, signal.SIGTERM) < 10  # the call hangs for a minute
    with pytest.raises(aiohttp.ClientConnectionError):
        await hanging


async def test_a_restart_keeps_keys_persons_payments_and_what_is_still_to_be_told(
    start: Start, tmp_path: Path, session: aiohttp.ClientSession, inbox: Inbox
) -> None:
    process, url = await start("--key-mode", "certificate", "--speed", "10")
    before = read_settings(tmp_path)
    key = load_pem_private_key(before["KABAO_WECHAT_PAY_MERCHANT_KEY"].encode(), None)
    assert isinstance(key, RSAPrivateKey)
    merchant = Merchant(session, url, before, key)
    token = await merchant.token()
    openid = (await merchant.sign_in())["openid"]
    inbox.answers = [(500, b"")]
    await merchant.paid(notify_url=inbox.url)
    await inbox.wait_for(1)
    assert (await merchant.refund("R1", 4000)).status == 200
    payments = await merchant.control("payments", method="GET")
    await stop(process, signal.SIGINT)

    assert len(inbox.letters) == 1
    process, url = await start("--key-mode", "certificate")
    await inbox.wait_for(2)
    after = read_settings(tmp_path)
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {name for name in SETTINGS if name.endswith("_URL")}
    merchant = Merchant(session, url, after, key)
    assert (await merchant.sign_in())["openid"] == openid
    path = f"{url}/wechat/wxa/business/getuserphonenumber?access_token={token}"
    assert (await merchant.http("POST", path, json={"code": "unknown"})).json["errcode"] == 40029
    [payment] = await merchant.control("payments", method="GET")
    assert payment["transaction_id"] == payments[0]["transaction_id"]
    assert (payment["state"], payment["payer_openid"], payment["amount_fen"]) == ("SUCCESS", openid, 10000)
    assert [(refund["out_refund_no"], refund["state"]) for refund in payment["refunds"]] == [("R1", "SUCCESS")]
