"""A merchant for the tests; its signatures come from independent libraries, wechatpayv3 and wechatpy."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from defusedxml.ElementTree import fromstring
from multidict import CIMultiDictProxy
from wechatpayv3.utils import rsa_sign
from wechatpy.pay.utils import calculate_signature, dict_to_xml
from yarl import URL


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> tuple[int, str]:
        """Status and error code, which is what a refusal comes down to."""
        return self.status, self.json["code"]


class Merchant:
    """Calls the simulator as the product would, and wrongly on request."""

    def __init__(self, session: aiohttp.ClientSession, url: str, settings: dict[str, str], key: RSAPrivateKey) -> None:
        self.session = session
        self.url = url
        self.settings = settings
        self.key = key

    async def http(self, method: str, url: str, **arguments: Any) -> Answer:
        async with self.session.request(method, URL(url, encoded=True), **arguments) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """The control call's answer; it must succeed."""
        answer = await self.http(method, f"{self.url}/_control/{path}", json=body)
        assert answer.status == 200, answer.body
        return answer.json

    async def refused_control(self, path: str, body: Any) -> str:
        """Why the control call was refused."""
        answer = await self.http("POST", f"{self.url}/_control/{path}", json=body)
        assert answer.status == 400
        reason: str = answer.json["error"]
        return reason

    async def fault(self, match: str, mode: str, times: int = 1) -> None:
        await self.control("faults", {"match": match, "mode": mode, "times": times})

    async def sign_in(self, platform: str = "wechat", user: str = "ann", **login: Any) -> dict[str, Any]:
        code = (await self.control("login", {"platform": platform, "user": user, **login}))["code"]
        answer: dict[str, Any] = (await self.exchange(platform, code)).json
        return answer

    async def exchange(self, platform: str, code: str, **changes: str) -> Answer:
        """Exchange a sign-in code; an empty change leaves the parameter out."""
        name = platform.upper()
        query = {
            "appid": self.settings[f"KABAO_{name}_APP_ID"],
            "secret": self.settings[f"KABAO_{name}_APP_SECRET"],
            "js_code": code,
            "grant_type": "authorization_code",
            **changes,
        }
        url = URL(f"{self.url}/{platform}/sns/jscode2session").with_query({k: v for k, v in query.items() if v})
        return await self.http("GET", str(url))

    async def token(self, platform: str = "wechat") -> str:
        name = platform.upper()
        path = "cgi-bin/token" if platform == "wechat" else "api/getToken"
        query = {
            "grant_type": "client_credential",
            "appid": self.settings[f"KABAO_{name}_APP_ID"],
            "secret": self.settings[f"KABAO_{name}_APP_SECRET"],
        }
        answer = await self.http("GET", str(URL(f"{self.url}/{platform}/{path}").with_query(query)))
        token: str = answer.json["access_token"]
        return token

    async def pay_v3(self, method: str, target: str, body: Any = b"", **wrong: Any) -> Answer:
        """A signed call of WeChat Pay; `wrong` replaces parts of what is signed or sent."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        timestamp = wrong.get("timestamp", str(int(time.time())))
        nonce = wrong.get("nonce", secrets.token_hex(16))
        signed_body = wrong.get("signed_body", raw).decode()
        text = f"{method}\n{wrong.get('signed_target', target)}\n{timestamp}\n{nonce}\n{signed_body}\n"
        signature = wrong.get("signature", rsa_sign(wrong.get("key", self.key), text))
        mchid = wrong.get("mchid", self.settings["KABAO_WECHAT_PAY_MCHID"])
        serial = wrong.get("serial", self.settings["KABAO_WECHAT_PAY_MERCHANT_SERIAL"])
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "kabao-tests",
            "Wechatpay-Serial": self.settings["KABAO_WECHAT_PAY_PUBLIC_KEY_ID"],
            "Authorization": (
                f'WECHATPAY2-SHA256-RSA2048 mchid="{mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
                f'serial_no="{serial}",signature="{signature}"'
            ),
            **wrong.get("headers", {}),
        }
        sent = {name: value for name, value in headers.items() if value}
        skipped = [name for name, value in headers.items() if not value]
        return await self.http(
            method, f"{self.url}/wechatpay{target}", data=raw, headers=sent, skip_auto_headers=skipped
        )

    def order(self, payer: str, /, **changes: Any) -> dict[str, Any]:
        """A correct prepay request; a change of None leaves the field out."""
        order = {
            "appid": self.settings["KABAO_WECHAT_APP_ID"],
            "mchid": self.settings["KABAO_WECHAT_PAY_MCHID"],
            "description": "储值 100 元",
            "out_trade_no": "KABAO0001",
            "notify_url": "https://shop.example/pay/wechat",
            "amount": {"total": 10000, "currency": "CNY"},
            "payer": {"openid": payer},
            **changes,
        }
        return {name: value for name, value in order.items() if value is not None}

    async def prepay(self, **changes: Any) -> str:
        """The prepay id of a WeChat order by Ann."""
        openid = (await self.sign_in())["openid"]
        answer = await self.pay_v3("POST", "/v3/pay/transactions/jsapi", self.order(openid, **changes))
        assert answer.status == 200, answer.body
        prepay_id: str = answer.json["prepay_id"]
        return prepay_id

    async def paid(self, **changes: Any) -> None:
        """A WeChat order by Ann that she has paid."""
        await self.control("pay", {"prepay_id": await self.prepay(**changes), "outcome": "SUCCESS"})

    async def query(self, out_trade_no: str = "KABAO0001") -> Answer:
        mchid = self.settings["KABAO_WECHAT_PAY_MCHID"]
        return await self.pay_v3("GET", f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={mchid}")

    async def close(self, out_trade_no: str = "KABAO0001") -> Answer:
        body = {"mchid": self.settings["KABAO_WECHAT_PAY_MCHID"]}
        return await self.pay_v3("POST", f"/v3/pay/transactions/out-trade-no/{out_trade_no}/close", body)

    async def refund(self, number: str, refund_fen: int, **changes: Any) -> Answer:
        body = {
            "out_trade_no": "KABAO0001",
            "out_refund_no": number,
            "amount": {"refund": refund_fen, "total": 10000, "currency": "CNY"},
            **changes,
        }
        return await self.pay_v3("POST", "/v3/refund/domestic/refunds", body)

    async def wallet(self, name: str, fields: dict[str, Any], sign: str | None = None, host: str = "qpay") -> Any:
        """A signed call of QQ Wallet; the answer's sign must hold. A field of None is left out."""
        form = {"mch_id": self.settings["KABAO_QQ_PAY_MCH_ID"], "nonce_str": secrets.token_hex(16), **fields}
        form = {field: value for field, value in form.items() if value is not None}
        sign = calculate_signature(form, self.settings["KABAO_QQ_PAY_KEY"]) if sign is None else sign
        answer = await self.wallet_raw(name, dict_to_xml(form, sign).encode(), host)
        assert answer["sign"] == self.wallet_sign(answer)
        return answer

    async def wallet_raw(self, name: str, body: bytes, host: str = "qpay") -> dict[str, str]:
        answer = await self.http("POST", f"{self.url}/{host}/cgi-bin/pay/{name}.cgi", data=body)
        return {element.tag: element.text or "" for element in fromstring(answer.body)}

    def wallet_sign(self, fields: dict[str, str]) -> str:
        unsigned = {name: value for name, value in fields.items() if name != "sign"}
        sign: str = calculate_signature(unsigned, self.settings["KABAO_QQ_PAY_KEY"])
        return sign

    def wallet_order(self, **changes: Any) -> dict[str, Any]:
        return {
            "appid": self.settings["KABAO_QQ_APP_ID"],
            "body": "储值 100 元",
            "out_trade_no": "KABAO0001",
            "fee_type": "CNY",
            "total_fee": "10000",
            "spbill_create_ip": "127.0.0.1",
            "notify_url": "https://shop.example/pay/qq",
            "trade_type": "JSAPI",
            **changes,
        }

    async def wallet_refund(self, number: str, refund_fen: int, password: str, **changes: Any) -> Any:
        fields = {
            "out_trade_no": "KABAO0001",
            "out_refund_no": number,
            "refund_fee": str(refund_fen),
            "op_user_id": self.settings["KABAO_QQ_PAY_OP_USER_ID"],
            "op_user_passwd": password,
            **changes,
        }
        return await self.wallet("qpay_refund", fields, host="qpayapi")

    async def wallet_paid(self, user: str | None = None, **changes: Any) -> None:
        """A QQ order that has been paid, by `user` if one is named."""
        prepay_id = (await self.wallet("qpay_unified_order", self.wallet_order(**changes)))["prepay_id"]
        person = {} if user is None else {"user": user}
        await self.control("pay", {"prepay_id": prepay_id, "outcome": "SUCCESS", **person})

    async def upload_shipping(self, **changes: Any) -> int:
        """The errcode of a correct upload for KABAO0001 by its number of ours; a change of None leaves a field out."""
        upload = {
            "order_key": {
                "order_number_type": 1,
                "mchid": self.settings["KABAO_WECHAT_PAY_MCHID"],
                "out_trade_no": "KABAO0001",
            },
            "logistics_type": 3,
            "delivery_mode": 1,
            "shipping_list": [{"item_desc": "储值 100 元"}],
            "upload_time": "2026-11-21T12:00:00.123+08:00",
            "payer": {"openid": (await self.sign_in())["openid"]},
            **changes,
        }
        sent = {name: value for name, value in upload.items() if value is not None}
        return await self.upload_raw(await self.token(), sent)

    async def upload_raw(self, token: str, body: Any) -> int:
        url = f"{self.url}/wechat/wxa/sec/order/upload_shipping_info?access_token={token}"
        answer = await self.http("POST", url, data=orjson.dumps(body))
        errcode: int = answer.json["errcode"]
        return errcode
