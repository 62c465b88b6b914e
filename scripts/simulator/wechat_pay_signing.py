"""WeChat Pay's two signatures: checking the merchant's on each request, and putting the platform's on each answer."""

import base64
import re
from collections import OrderedDict
from typing import Any

from starlette.requests import Request

from scripts.simulator.crypto import answer_message, random_text, request_message, sign_rsa, verify_rsa
from scripts.simulator.faulty_transport import REPEATED
from scripts.simulator.wechat_pay_errors import WeChatPayError, sign_error
from scripts.simulator.world import World

PREFIX = b"/wechatpay"
SCHEME = "WECHATPAY2-SHA256-RSA2048"
FIELDS = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}
FIELD = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*')
MAX_SKEW_SECONDS = 300
MAX_NONCE_LENGTH = 32


class Signing:
    """Remembers the nonces of the last minutes, so that no request is accepted twice."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nonces: OrderedDict[str, float] = OrderedDict()

    def check_request(self, request: Request, body: bytes) -> None:
        """Raises WeChatPayError unless the headers are complete and the signature covers exactly what was sent."""
        headers = request.headers
        if not headers.get("user-agent") or "application/json" not in headers.get("accept", ""):
            raise WeChatPayError(400, "PARAM_ERROR", "Http头缺少Accept或User-Agent")
        if body and not headers.get("content-type", "").startswith("application/json"):
            raise WeChatPayError(400, "PARAM_ERROR", "Http头Content-Type须为application/json")
        fields = _authorization(headers.get("authorization", ""))
        credentials = self._world.credentials
        if fields["mchid"] != credentials.wechat_mch_id:
            raise sign_error("商户号不存在，请检查Http头Authorization中的mchid")
        if fields["serial_no"] != credentials.merchant_serial:
            raise sign_error("商户证书序列号有误，请使用签名私钥匹配的证书序列号")
        self._check_freshness(fields["timestamp"], fields["nonce_str"])
        message = request_message(request.method, _target(request), fields["timestamp"], fields["nonce_str"], body)
        if not verify_rsa(credentials.merchant_key.public_key(), message, fields["signature"]):
            raise sign_error("签名错误，请检查后再试")
        if not request.scope.get(REPEATED):
            self._remember(fields["nonce_str"])
        self._check_serial(headers.get("wechatpay-serial"))

    def answer_headers(self, body: bytes, number: int, wrong: bool = False) -> dict[str, str]:
        """The headers that prove an answer; `wrong` makes a proof that does not hold."""
        return {
            **signature_headers(self._world, body, wrong=wrong),
            "Request-ID": f"{random_text(40).upper()}-{number}",
        }

    def _check_freshness(self, timestamp: str, nonce: str) -> None:
        if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 12:
            raise sign_error("Http头Authorization中的timestamp须为秒级时间戳")
        if abs(self._world.clock() - int(timestamp)) > MAX_SKEW_SECONDS:
            raise sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        if not 1 <= len(nonce) <= MAX_NONCE_LENGTH:
            raise sign_error("Http头Authorization中的nonce_str长度有误")

    def _remember(self, nonce: str) -> None:
        now = self._world.clock()
        while self._nonces and next(iter(self._nonces.values())) < now - 2 * MAX_SKEW_SECONDS:
            self._nonces.popitem(last=False)
        if nonce in self._nonces:
            raise sign_error("Http头Authorization中的nonce_str已被使用")
        self._nonces[nonce] = now

    def _check_serial(self, serial: str | None) -> None:
        """In public-key mode the key must be named; a merchant in certificate mode may name either, or none."""
        credentials = self._world.credentials
        if self._world.key_mode == "public_key" and serial != credentials.public_key_id:
            raise WeChatPayError(400, "PARAM_ERROR", "Http头Wechatpay-Serial须为微信支付公钥ID")
        if serial is not None and serial not in (credentials.public_key_id, credentials.certificate_serial):
            raise WeChatPayError(400, "PARAM_ERROR", "Http头Wechatpay-Serial有误")


def signature_headers(
    world: World, body: bytes, wrong: bool = False, age_seconds: float = 0, probe: bool = False
) -> dict[str, str]:
    """The platform's signature on an answer or notification; the options make the broken ones that faults ask for."""
    serial, private_key = world.platform_key()
    timestamp = str(int(world.clock() - age_seconds))
    nonce = random_text(32)
    signature = sign_rsa(private_key, answer_message(timestamp, nonce, body + b" " if wrong else body))
    if probe:
        signature = "WECHATPAY/SIGNTEST/" + base64.b64encode(random_text(96).encode()).decode()
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": signature,
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Serial": serial,
    }


def _target(request: Request) -> str:
    """Path and query as they came over the wire, without the prefix that stands for the host."""
    raw: Any = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    path: bytes = raw.removeprefix(PREFIX)
    return (path + b"?" + query if query else path).decode("latin-1")


def _authorization(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    if scheme != SCHEME:
        raise sign_error("Http头Authorization认证类型不正确")
    fields: dict[str, str] = {}
    for part in rest.split(","):
        found = FIELD.fullmatch(part)
        if found is None or found.group(1) in fields:
            raise sign_error("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
        fields[found.group(1)] = found.group(2)
    if set(fields) != FIELDS:
        raise sign_error("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
    return fields
