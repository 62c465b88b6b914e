"""The core's enums as both endpoints show them, each value described."""

from resolvers.cards.model import CardKind, CardStatus, StatementKind
from resolvers.chat.links.model import SceneKind
from resolvers.chat.messages.model import MessageEvent, MessageScene
from resolvers.coupons.model import CouponKind, CouponStatus
from resolvers.coupons.rules import UnusedReason
from resolvers.gifts.model import GiftDirection, GiftSplit, GiftStatus
from resolvers.ordering.model import OrderStatus, OrderStep, OrderType
from resolvers.payments.model import PaymentMethod, PaymentStatus
from resolvers.people.model import Role
from resolvers.ports import Platform
from resolvers.tables.model import TableSplit
from resolvers.till.model import CodeKind
from schema.common import described

described(
    Platform,
    "ChatPlatform",
    "The chat app a person comes from.",
    {"WECHAT": "WeChat 微信.", "QQ": "QQ."},
)
described(
    CardKind,
    "CardKind",
    "What a card holds.",
    {
        "STORED_VALUE": "Stored value 储值卡, one per customer and brand.",
        "GIFT_CARD": "A gift card 礼品卡, bought or received.",
        "PASS": "A number of uses 次卡.",
    },
)
described(
    CardStatus,
    "CardStatus",
    "What can be done with a card.",
    {
        "ACTIVE": "It can be used.",
        "GIFTING": "It is on its way to a friend: nothing else can be done with it.",
        "GIFTED": "A friend has it.",
        "FROZEN": "It was blocked.",
        "EXPIRED": "Its time is over.",
        "USED_UP": "All uses are gone.",
        "CLOSED": "It was closed.",
    },
)
described(
    StatementKind,
    "StatementKind",
    "Why a card's balance changed.",
    {
        "TOP_UP": "Principal that was paid for.",
        "BONUS": "Bonus that the brand granted.",
        "PURCHASE": "Spent.",
        "REFUND": "Came back from an order; negative: went back to whoever had paid for the top-up or gift card.",
        "GIFT_OUT": "Given to a friend.",
        "GIFT_IN": "Received from a friend.",
        "GIFT_RETURNED": "A gift that came back.",
        "EXPIRY": "Lapsed.",
        "ADJUSTMENT": "Corrected by the brand; with a refunded top-up: principal that paid for bonus already spent.",
        "REVERSAL": "A redemption was undone; with a refunded top-up: bonus that was taken back.",
    },
)
described(
    CouponKind,
    "CouponKind",
    "What a coupon gives.",
    {
        "CASH": "An amount off 代金券.",
        "DISCOUNT": "A percentage off 折扣券.",
        "EXCHANGE": "A free dish 礼品券.",
        "BUY_GET": "Set B free with set A 买A送B, a number of times.",
    },
)
described(
    CouponStatus,
    "CouponStatus",
    "What can be done with a coupon.",
    {
        "AVAILABLE": "It can be used.",
        "HELD": "An order that is not paid yet has reserved it.",
        "REDEEMED": "It was used.",
        "GIFTING": "It is on its way to a friend.",
        "GIFTED": "A friend has it, as a new one.",
        "EXPIRED": "Its time is over.",
        "VOIDED": "The brand took it back.",
    },
)
described(
    UnusedReason,
    "UnusedReason",
    "Why a coupon takes nothing off an order.",
    {
        "MINIMUM_SPEND": "The order is too small.",
        "NO_MATCHING_DISH": "The dish it is for is not in the order.",
        "WRONG_STORE": "It is for other stores.",
        "OUTSIDE_WINDOW": "It is for other days or times.",
        "NOT_STACKABLE": "It cannot be combined with the ones used.",
        "WORSE_OFFER": "Another coupon takes off more.",
        "NOT_YET_VALID": "Its time has not begun.",
        "EXPIRED": "Its time is over.",
        "NOT_AVAILABLE": "It is held or on its way to a friend.",
        "LEVEL_TOO_LOW": "It is for a higher level.",
    },
)
described(
    PaymentStatus,
    "PaymentStatus",
    "How far a payment is.",
    {
        "PENDING": "Waits for the person to pay.",
        "SUCCEEDED": "Paid.",
        "CLOSED": "Can no longer be paid.",
        "FAILED": "Could not be opened.",
        "PARTIALLY_REFUNDED": "Paid, and part of it went back.",
        "REFUNDED": "Paid, and all of it went back.",
    },
)
described(
    PaymentMethod,
    "PaymentMethod",
    "What is paid with.",
    {
        "STORED_VALUE": "A stored-value card.",
        "GIFT_CARD": "A gift card.",
        "PASS": "A use of a pass.",
        "WECHAT_PAY": "WeChat Pay 微信支付.",
        "QQ_WALLET": "QQ Wallet QQ钱包.",
        "CASH": "Cash at the till.",
    },
)
described(
    OrderType,
    "OrderType",
    "Where the food is eaten.",
    {"DINE_IN": "At the table 堂食.", "PICK_UP": "Taken away 自取."},
)
described(
    OrderStatus,
    "OrderStatus",
    "How far an order is.",
    {
        "AWAITING_PAYMENT": "Placed; cancelled by itself at payBefore.",
        "PAID": "Paid; the shop has not looked at it yet.",
        "ACCEPTED": "The shop is preparing it.",
        "READY": "It can be had.",
        "COMPLETED": "Handed over.",
        "CANCELLED": "Ended without being eaten; what was paid goes back.",
        "REFUNDED": "All of it was refunded.",
    },
)
described(
    OrderStep,
    "OrderStep",
    "What a shop does with an order.",
    {
        "ACCEPT": "Begin to prepare it.",
        "READY": "It can be had.",
        "COMPLETE": "Hand it over.",
        "CANCEL": "End it and give back what was paid; needs a reason.",
    },
)
described(
    TableSplit,
    "TableSplit",
    "Who pays what of a table's order.",
    {
        "ONE_PAYS": "Who places it pays for all, with their coupons.",
        "EACH_PAYS_OWN": "Everybody pays for what they added.",
        "EQUAL": "Everybody who added something at any time, and who places it, pays the same.",
    },
)
described(
    GiftDirection,
    "GiftDirection",
    "Which way a gift went.",
    {"SENT": "I gave it.", "RECEIVED": "I got it."},
)
described(
    GiftSplit,
    "GiftSplit",
    "How the value of a gift is shared.",
    {
        "WHOLE": "One friend gets all of it.",
        "EQUAL": "Each share holds the same, give or take a fen.",
        "LUCKY": "Each share holds what chance gives it, at least one fen; the sum is exact.",
    },
)
described(
    GiftStatus,
    "GiftStatus",
    "How far a gift is.",
    {
        "SCHEDULED": "It will be delivered later.",
        "PENDING": "It waits to be claimed; of a group gift, some shares still do.",
        "CLAIMED": "A friend has it; of a group gift, every share is gone.",
        "DECLINED": "A friend did not want it; it came back.",
        "WITHDRAWN": "The giver took it back, or what was left of it.",
        "EXPIRED": "Not claimed in time; it came back, or what was left of it.",
    },
)
described(
    Role,
    "StaffRole",
    "What a member of staff may do; each role may do all that a cashier may.",
    {
        "OWNER": "Everything, at every store.",
        "MANAGER": "Also refunds, cancelling paid orders, issuing coupons.",
        "CASHIER": "Redeem, advance orders, take cash.",
    },
)
described(
    CodeKind,
    "CodeKind",
    "What a code at the till stands for.",
    {
        "CARD": "A card, from which an amount is taken.",
        "COUPON": "A coupon, which is used.",
        "ORDER": "An order, which is handed over.",
    },
)

described(
    SceneKind,
    "SceneKind",
    "What a mini-program code leads to.",
    {
        "TABLE": "A table of a shop: its cart.",
        "STORE": "A shop.",
        "COUPON": "A coupon to be claimed.",
        "GIFT": "A gift to be claimed.",
    },
)
described(
    MessageScene,
    "MessageScene",
    "What kind of thing a person agrees to be told about by a message.",
    {
        "ORDER_CHANGED": "An order is ready, or money goes back.",
        "GIFT_CHANGED": "A gift was received, claimed, or is coming back.",
        "COUPON_RECEIVED": "A coupon has arrived.",
        "COUPON_EXPIRING": "A coupon lapses soon.",
        "BALANCE_CHANGED": "A card was topped up, spent from, or refunded to.",
    },
)
described(
    MessageEvent,
    "MessageEvent",
    "What a message tells; each has a template of its own.",
    {
        "COUPON_ARRIVED": "A coupon has arrived that you did not take yourself just now.",
        "COUPON_EXPIRING": "A coupon lapses in 3 days, or in one.",
        "BALANCE_CHANGED": "The balance of a card has changed, otherwise than by a gift.",
        "GIFT_RECEIVED": "You have claimed a gift.",
        "GIFT_CLAIMED": "Somebody has claimed your gift, or a share of it.",
        "GIFT_RETURNED": "Your gift was declined, or nobody claimed it in time: it is yours again.",
        "ORDER_READY": "Your order can be fetched.",
        "REFUND": "Money goes back to you.",
    },
)

__all__ = [
    "CardKind",
    "CardStatus",
    "CodeKind",
    "CouponKind",
    "CouponStatus",
    "GiftDirection",
    "GiftSplit",
    "GiftStatus",
    "MessageEvent",
    "MessageScene",
    "OrderStatus",
    "OrderStep",
    "OrderType",
    "PaymentMethod",
    "PaymentStatus",
    "Platform",
    "Role",
    "SceneKind",
    "StatementKind",
    "TableSplit",
    "UnusedReason",
]
