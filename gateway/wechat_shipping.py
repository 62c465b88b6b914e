"""WeChat's shipping information for trade mini-programs: what is uploaded, and what an answer to it means.

The protocol notes do not name the error codes; these are those of copies of the official table.
"""

from datetime import timedelta, timezone
from typing import Any

from resolvers.ports import OutsideFault, ShippingNotice
from resolvers.ports_payment import ProviderRefused

PATH = "/wxa/sec/order/upload_shipping_info"
MAXIMUM_DESCRIPTION = 120  # characters
CHINA = timezone(timedelta(hours=8))
_BY_TRANSACTION_ID = 2
_VIRTUAL, _PICK_UP = 3, 4
_ALL_AT_ONCE = 1

# Delivered already, its one correction used, nothing new: in each case WeChat has what it wants.
ALREADY_SHIPPED = frozenset({10060002, 10060003, 10060023})
# What no second try mends: the payment's state, the kind of delivery, the texts, the payer, the form of the request.
REFUSED = frozenset(
    {10060004, 10060005, 10060006, 10060007, 10060008, 10060009, 10060014, 10060020, 10060024, 10060025, 10060026}
    | {10060031, 268485194, 268485195, 268485196, 268485197, 268485216, 268485224, 268485226, 268485227, 268485228}
    | {40003, 40097, 47001}
)


def shipping_content(notice: ShippingNotice) -> dict[str, Any]:
    """The request's body: the whole order at once, as virtual goods or to be picked up."""
    return {
        "order_key": {"order_number_type": _BY_TRANSACTION_ID, "transaction_id": notice.transaction_id},
        "logistics_type": _VIRTUAL if notice.virtual else _PICK_UP,
        "delivery_mode": _ALL_AT_ONCE,
        "shipping_list": [{"item_desc": notice.description[:MAXIMUM_DESCRIPTION]}],
        "upload_time": notice.at.astimezone(CHINA).isoformat(timespec="milliseconds"),
        "payer": {"openid": notice.openid},
    }


def check_shipped(answer: dict[str, Any]) -> None:
    """Raises ProviderRefused for a no that stays one, OutsideFault for any other.

    A payment that WeChat does not know (yet) is worth another try: its index lags behind the payment.
    """
    code = answer.get("errcode")
    if code == 0 or code in ALREADY_SHIPPED:
        return
    if code in REFUSED:
        raise ProviderRefused(f"upload_shipping_info: {code}")
    raise OutsideFault(f"upload_shipping_info: {code}")
