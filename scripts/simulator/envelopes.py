"""A notification ready to send: sealed and signed for WeChat Pay, signed XML for QQ Wallet, or deliberately wrong."""

import secrets
from dataclasses import dataclass
from typing import Any

import orjson

from scripts.simulator.crypto import encrypt_aes_gcm, random_digits, random_text
from scripts.simulator.qq_forms import signed_form
from scripts.simulator.records import Job
from scripts.simulator.wechat_pay_signing import signature_headers
from scripts.simulator.wire_time import rfc3339
from scripts.simulator.world import World

STALE_SECONDS = 600
SUMMARIES = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}


@dataclass(frozen=True)
class Envelope:
    """Headers and exact bytes of one POST."""

    headers: dict[str, str]
    body: bytes


def wechat_envelope(world: World, job: Job, fault: str) -> Envelope:
    """The same notification id at each attempt; nonce, timestamp and signature are fresh."""
    content = orjson.loads(job.content)
    _spoil(content, fault)
    original_type = "transaction" if job.event_type.startswith("TRANSACTION") else "refund"
    nonce = random_text(12)
    key = world.credentials.api_v3_key
    body = orjson.dumps(
        {
            "id": job.job_id,
            "create_time": rfc3339(world.clock()),
            "resource_type": "encrypt-resource",
            "event_type": job.event_type,
            "summary": SUMMARIES[job.event_type],
            "resource": {
                "original_type": original_type,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": encrypt_aes_gcm(key, nonce, original_type, orjson.dumps(content)),
                "associated_data": original_type,
                "nonce": nonce,
            },
        }
    )
    signature = signature_headers(
        world,
        body,
        wrong=fault == "bad_signature",
        age_seconds=STALE_SECONDS if fault == "stale" else 0,
        probe=fault == "probe",
    )
    return Envelope({**signature, "Content-Type": "application/json", "Request-ID": secrets.token_hex(16)}, body)


def qq_envelope(world: World, job: Job, fault: str) -> Envelope:
    content = orjson.loads(job.content)
    _spoil(content, fault)
    body = signed_form(content, world.credentials.qq_key, wrong=fault == "bad_signature")
    return Envelope({"Content-Type": "text/xml; charset=utf-8"}, body)


def _spoil(content: dict[str, Any], fault: str) -> None:
    """Another amount, or a payment that nobody made."""
    if fault == "unknown":
        content["out_trade_no"] = "NOBODY" + random_digits(20)
        content["transaction_id"] = random_digits(28)
    if fault == "wrong_amount":
        if "amount" in content:
            content["amount"] = {name: _more(value) for name, value in content["amount"].items()}
        else:
            content |= {name: str(int(content[name]) + 1) for name in ("total_fee", "cash_fee")}


def _more(value: int | str) -> int | str:
    return value + 1 if isinstance(value, int) else value
