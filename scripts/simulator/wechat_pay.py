"""WeChat Pay API v3, orders: JSAPI prepay, query, close, and the platform certificates."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scripts.simulator.book import ORDER_LIFE_SECONDS, Book, BookRefusal, canonical, new_wechat_prepay_id
from scripts.simulator.crypto import encrypt_aes_gcm, random_text
from scripts.simulator.faulty_transport import FAULT
from scripts.simulator.messages import wechat_transaction
from scripts.simulator.people import People
from scripts.simulator.records import Payment
from scripts.simulator.wechat_pay_errors import WeChatPayError, parameter_error, refusal_error
from scripts.simulator.wechat_pay_fields import CLOSE, OUT_TRADE_NO, PREPAY, Check, text
from scripts.simulator.wechat_pay_signing import Signing
from scripts.simulator.wire_time import parse_rfc3339, rfc3339
from scripts.simulator.world import World

# Bytes are a file, which goes out as it is: unlike all else it is not signed.
Answer = tuple[int, dict[str, Any] | bytes | None]
Handler = Callable[[Request, bytes], Answer]
ORDER_NUMBER = text(6, 32, OUT_TRADE_NO)


class SignedApi:
    """What every WeChat Pay endpoint does around its own work: check the request's signature, sign the answer."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._signing = Signing(world)

    def route(self, path: str, method: str, handler: Handler) -> Route:
        return Route(path, self._endpoint(handler), methods=[method])

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            wrong = request.scope.get(FAULT) == "bad_signature"
            try:
                if request.scope.get(FAULT) == "error":
                    raise WeChatPayError(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
                self._signing.check_request(request, body)
                status, answer = handler(request, body)
            except BookRefusal as refusal:
                return self._refuse(refusal_error(refusal.reason), wrong)
            except WeChatPayError as error:
                return self._refuse(error, wrong)
            if isinstance(answer, bytes):
                return Response(answer, status, {"content-type": "application/octet-stream"})
            return self._answer(status, answer, 0, wrong)

        return endpoint

    def _refuse(self, error: WeChatPayError, wrong: bool) -> Response:
        return self._answer(error.status, error.body, error.number, wrong)

    def _answer(self, status: int, answer: dict[str, Any] | None, number: int, wrong: bool) -> Response:
        content = b"" if answer is None else orjson.dumps(answer)
        headers = self._signing.answer_headers(content, number, wrong)
        if answer is not None:
            headers["content-type"] = "application/json; charset=utf-8"
        return Response(content, status, headers)


class WeChatPay:
    """Orders of the one merchant."""

    def __init__(self, world: World, people: People, book: Book) -> None:
        self._world = world
        self._people = people
        self._book = book

    def routes(self, api: SignedApi) -> list[Route]:
        orders = "/v3/pay/transactions"
        return [
            api.route(f"{orders}/jsapi", "POST", self._prepay),
            api.route(f"{orders}/out-trade-no/{{out_trade_no}}", "GET", self._query),
            api.route(f"{orders}/id/{{transaction_id}}", "GET", self._query),
            api.route(f"{orders}/out-trade-no/{{out_trade_no}}/close", "POST", self._close),
            api.route("/v3/certificates", "GET", self._certificates),
        ]

    def _prepay(self, request: Request, raw: bytes) -> Answer:
        body = json_object(raw, PREPAY)
        now = self._world.clock()
        credentials = self._world.credentials
        if body["mchid"] != credentials.wechat_mch_id or body["appid"] != credentials.wechat_app_id:
            raise WeChatPayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")
        if self._people.by_openid("wechat", body["payer"]["openid"]) is None:
            raise parameter_error("/body/payer/openid", body["payer"]["openid"], "无效的openid，与appid不匹配")
        expires_at = now + ORDER_LIFE_SECONDS
        if "time_expire" in body:
            named = parse_rfc3339(body["time_expire"])
            if named is None or named <= now:
                raise parameter_error("/body/time_expire", body["time_expire"], "须为晚于当前时间的rfc3339时间")
            expires_at = min(named, expires_at)
        order = Payment(
            provider="wechat",
            out_trade_no=body["out_trade_no"],
            app_id=body["appid"],
            prepay_id="",
            prepaid_at=now,
            amount_fen=body["amount"]["total"],
            openid=body["payer"]["openid"],
            attach=body.get("attach", ""),
            notify_url=body["notify_url"],
            request=canonical(body),
            state="NOTPAY",
            transaction_id="",
            created_at=now,
            expires_at=expires_at,
            paid_at=0.0,
        )
        return 200, {"prepay_id": self._book.place(order, new_wechat_prepay_id(now)).prepay_id}

    def _query(self, request: Request, raw: bytes) -> Answer:
        mchid = request.query_params.get("mchid")
        if mchid != self._world.credentials.wechat_mch_id:
            raise parameter_error("/query/mchid", mchid, "商户号与签名的商户号不一致或缺失")
        if "out_trade_no" in request.path_params:
            ORDER_NUMBER(request.path_params["out_trade_no"], "/uri_template/out_trade_no")
        payment = self._book.find("wechat", **request.path_params)
        state = "REFUND" if self._book.refunds(payment) else payment.state
        return 200, wechat_transaction(self._world.credentials, payment, state)

    def _close(self, request: Request, raw: bytes) -> Answer:
        body = json_object(raw, CLOSE)
        if body["mchid"] != self._world.credentials.wechat_mch_id:
            raise parameter_error("/body/mchid", body["mchid"], "商户号与签名的商户号不一致")
        ORDER_NUMBER(request.path_params["out_trade_no"], "/uri_template/out_trade_no")
        self._book.close(self._book.find("wechat", request.path_params["out_trade_no"]))
        return 204, None

    def _certificates(self, request: Request, raw: bytes) -> Answer:
        """The platform certificate, sealed with the APIv3 key; merchants in public-key mode have none."""
        if self._world.key_mode == "public_key":
            message = "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥"
            raise WeChatPayError(404, "RESOURCE_NOT_EXISTS", message)
        credentials = self._world.credentials
        nonce = random_text(12)
        sealed = encrypt_aes_gcm(credentials.api_v3_key, nonce, "certificate", credentials.certificate_pem.encode())
        certificate = credentials.certificate
        entry = {
            "serial_no": credentials.certificate_serial,
            "effective_time": rfc3339(certificate.not_valid_before_utc.timestamp()),
            "expire_time": rfc3339(certificate.not_valid_after_utc.timestamp()),
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce,
                "associated_data": "certificate",
                "ciphertext": sealed,
            },
        }
        return 200, {"data": [entry]}


def json_object(raw: bytes, shape: Check) -> dict[str, Any]:
    """The body, once it has been found to be exactly of this shape."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise WeChatPayError(400, "PARAM_ERROR", "请求体不是合法的JSON") from error
    shape(body, "/body")
    if not isinstance(body, dict):
        raise TypeError("a request's shape is an object")
    return body
