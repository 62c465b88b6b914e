"""`/wxa/sec/order/upload_shipping_info`: what a trade mini-program must say before WeChat lets go of the money.

Fields and the one correction are official. The error codes are those of copies of the official table; the protocol
notes do not name them, so they count as unconfirmed: no client's test may rest on one of them.
"""

import re
import uuid
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.book import Book, BookRefusal, canonical
from scripts.simulator.open_api import OpenApiError, answering, json_body, require_token
from scripts.simulator.records import Payment, Shipment
from scripts.simulator.wire_time import parse_rfc3339
from scripts.simulator.world import World

PATH = "/wxa/sec/order/upload_shipping_info"
EXPRESS, LOGISTICS_TYPES, MODES = 1, (1, 2, 3, 4), (1, 2)
UNIFIED, SPLIT = MODES
MAX_ITEMS, MAX_DESCRIPTION, MAX_UPLOADS = 15, 120, 2
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}(Z|[+-]\d{2}:\d{2})")
KNOWN = {
    "order_key",
    "logistics_type",
    "delivery_mode",
    "is_all_delivered",
    "shipping_list",
    "upload_time",
    "payer",
}
ITEM_FIELDS = {"tracking_no", "express_company", "item_desc", "contact"}


class Shipping:
    """Keeps every upload that was taken: the first, and one correction."""

    def __init__(self, world: World, book: Book) -> None:
        self._world = world
        self._book = book

    def wechat_routes(self) -> list[Route]:
        return [Route(PATH, answering(self._upload, "POST"), methods=["GET", "POST"])]

    async def _upload(self, request: Request) -> dict[str, Any]:
        require_token(self._world, "wechat", request)
        body = await json_body(request)
        if set(body) - KNOWN:
            raise OpenApiError(10060014, "参数错误")
        payment = self._payment(body.get("order_key"))
        logistics_type = _check(body)
        payer = body.get("payer")
        if not isinstance(payer, dict) or payer.get("openid") != payment.openid:
            raise OpenApiError(10060031, "该笔支付单不属于 openid 所指定的用户")
        content = canonical({name: value for name, value in body.items() if name not in ("upload_time", "order_key")})
        earlier = self._world.store.find(Shipment, out_trade_no=payment.out_trade_no)
        if earlier and earlier[-1].content == content:
            raise OpenApiError(10060023, "发货信息未更新")
        if len(earlier) >= MAX_UPLOADS:
            raise OpenApiError(10060003, "支付单已使用重新发货机会")
        now = self._world.clock()
        self._world.store.save(Shipment(str(uuid.uuid4()), payment.out_trade_no, logistics_type, content, now))
        return {"errcode": 0, "errmsg": "ok"}

    def _payment(self, key: Any) -> Payment:
        """The paid order that `order_key` names, by WeChat's number or by the merchant's."""
        if not isinstance(key, dict):
            raise OpenApiError(10060014, "参数错误")
        match key.get("order_number_type"):
            case 2 if not isinstance(key["order_number_type"], bool):
                numbers = {"transaction_id": _number(key, "transaction_id", 268485195)}
            case 1 if not isinstance(key["order_number_type"], bool):
                if _number(key, "mchid", 268485196) != self._world.credentials.wechat_mch_id:
                    raise OpenApiError(10060001, "支付单不存在")
                numbers = {"out_trade_no": _number(key, "out_trade_no", 268485197)}
            case _:
                raise OpenApiError(268485194, "订单单号类型非法")
        try:
            payment = self._book.find("wechat", **numbers)
        except BookRefusal as refusal:
            raise OpenApiError(10060001, "支付单不存在") from refusal
        if payment.state != "SUCCESS":
            raise OpenApiError(10060004, "支付单处于不可发货的状态")
        return payment


def _number(key: dict[str, Any], name: str, errcode: int) -> str:
    value = key.get(name)
    if not isinstance(value, str) or not value:
        raise OpenApiError(errcode, f"{name} 字段不能为空")
    return value


def _check(body: dict[str, Any]) -> int:
    """The kind of delivery, once everything about it has been found to be as documented."""
    logistics_type, mode = body.get("logistics_type"), body.get("delivery_mode")
    if isinstance(logistics_type, bool) or logistics_type not in LOGISTICS_TYPES:
        raise OpenApiError(10060005, "物流类型有误")
    if isinstance(mode, bool) or mode not in MODES:
        raise OpenApiError(268485224, "发货模式非法")
    if mode == SPLIT and logistics_type != EXPRESS:
        raise OpenApiError(10060006, "非快递发货时不允许分拆发货")
    if not isinstance(body.get("is_all_delivered", False), bool):
        raise OpenApiError(10060014, "参数错误")
    if mode == SPLIT and "is_all_delivered" not in body:
        raise OpenApiError(10060007, "分拆发货模式下必须填写 is_all_delivered 字段")
    items = body.get("shipping_list")
    if not isinstance(items, list) or not items:
        raise OpenApiError(10060014, "参数错误")
    if len(items) > MAX_ITEMS:
        raise OpenApiError(10060024, "物流信息列表太长")
    if mode == UNIFIED and len(items) != 1:
        raise OpenApiError(268485228, "统一发货模式下物流信息列表长度必须为 1")
    for item in items:
        _check_item(item, logistics_type)
    moment = body.get("upload_time")
    if not isinstance(moment, str) or not MOMENT.fullmatch(moment) or parse_rfc3339(moment) is None:
        raise OpenApiError(268485216, "上传时间非法，请按照 RFC 3339 格式填写")
    return int(logistics_type)


def _check_item(item: Any, logistics_type: int) -> None:
    if not isinstance(item, dict) or set(item) - ITEM_FIELDS or not isinstance(item.get("contact", {}), dict):
        raise OpenApiError(10060014, "参数错误")
    description = item.get("item_desc")
    if not isinstance(description, str) or not description:
        raise OpenApiError(10060008, "商品描述 item_desc 字段不能为空")
    if len(description) > MAX_DESCRIPTION:
        raise OpenApiError(10060009, "商品描述 item_desc 字段太长")
    if logistics_type == EXPRESS:
        for name, errcode in (("tracking_no", 268485226), ("express_company", 268485227)):
            if not isinstance(item.get(name), str) or not item[name]:
                raise OpenApiError(errcode, f"{name} 字段不能为空")
