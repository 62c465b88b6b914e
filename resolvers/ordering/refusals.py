"""What ordering and paying may be refused for."""

from resolvers.errors import Refused


class Empty(Refused):
    """No line, or a line of nothing."""

    code = "EMPTY"
    message = "还没有点菜"


class DishUnavailable(Refused):
    """The dish is not on this store's menu, or not at this time of day. `details` holds the dish ids."""

    code = "DISH_UNAVAILABLE"
    message = "菜品当前不供应"


class DishSoldOut(Refused):
    """Today's stock of a dish does not suffice. `details` holds the dish ids."""

    code = "SOLD_OUT"
    message = "菜品已售罄"


class OptionInvalid(Refused):
    """An option does not belong to the dish, or too few or too many of a group were chosen."""

    code = "OPTION_INVALID"
    message = "请重新选择口味规格"


class SlotUnavailable(Refused):
    """The pick-up time is past, too far away or taken by as many orders as it has places, or nobody picks up."""

    code = "SLOT_UNAVAILABLE"
    message = "取餐时间须在现在起 30 天内"


class TableUnknown(Refused):
    """The store has no table with this code, or the order is not eaten there."""

    code = "TABLE_UNKNOWN"
    message = "没有这张桌台，请重新扫码"


class LineChanged(Refused):
    """A shared table's line, or cart, is not as the caller has seen it: look at the table again."""

    code = "LINE_CHANGED"
    message = "同桌刚刚修改过，请刷新后再试"


class CouponNotApplicable(Refused):
    """A coupon that was named takes nothing off this order. `details` holds the fresh quote."""

    code = "COUPON_NOT_APPLICABLE"
    message = "优惠券不可用"


class CouponTaken(CouponNotApplicable):
    """A coupon was used or given between being quoted and being held."""

    message = "优惠券状态已变化，请重新确认"


class PriceChanged(Refused):
    """The order would cost something else than expected. `details` holds the fresh quote."""

    code = "PRICE_CHANGED"
    message = "价格有变动，请确认"


class NotPayable(Refused):
    """The order is not waiting for payment (any more)."""

    code = "NOT_PAYABLE"
    message = "订单当前不可支付"


class NotCancellable(Refused):
    """The shop has accepted the order already."""

    code = "NOT_CANCELLABLE"
    message = "商家已接单，请联系门店取消"


class StatusInvalid(Refused):
    """The step does not follow from the state the order is in."""

    code = "STATUS_INVALID"
    message = "订单状态不允许此操作"
