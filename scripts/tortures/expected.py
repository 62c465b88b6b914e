"""What the books must hold, told from the clients' log alone. Pure; all amounts in fen."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from scripts.client import Json
from scripts.tortures.log import CONFIRM, Operation

CARD_METHODS = ("STORED_VALUE", "GIFT_CARD")
OUTSIDE_METHODS = ("WECHAT_PAY", "QQ_WALLET")


@dataclass(slots=True)
class TopUp:
    """A top-up: `source` is the payment's id, for cash the key (nobody is told the payment of a cash top-up)."""

    customer_id: str
    amount_fen: int
    bonus_fen: int
    cash: bool
    paid: bool = False
    refunded_fen: int | None = None  # what went back; None: not refunded

    @property
    def on_card_fen(self) -> int:
        """What it leaves on the card before anything is spent. One with bonus is only ever refunded unspent."""
        gone = 0
        if self.refunded_fen is not None:
            gone = self.refunded_fen + self.bonus_fen
        return self.amount_fen + self.bonus_fen - gone if self.paid else 0


@dataclass(slots=True)
class Parts:
    """Where an order's money came from or went."""

    card_fen: int = 0
    outside_fen: int = 0
    cash_fen: int = 0

    @property
    def total_fen(self) -> int:
        return self.card_fen + self.outside_fen + self.cash_fen


@dataclass(slots=True)
class Ordered:
    """An order, as the answers have told its story."""

    customer_id: str
    payable_fen: int
    status: str = "AWAITING_PAYMENT"
    paid: Parts = field(default_factory=Parts)
    back: Parts = field(default_factory=Parts)
    waiting: tuple[str, Parts] | None = None  # the outside payment (for cash: "cash"), and what is paid when it comes
    tenders: int = 0  # how many were paid
    outside_refunds: int = 0  # how many were asked of the provider
    outside_payments: set[str] = field(default_factory=set)
    unsure: bool = False  # a refused call may have let go of what waited, or not

    def settle(self) -> None:
        """What waited has been paid."""
        if self.waiting is not None:
            self.take(self.waiting[1])

    def take(self, parts: Parts) -> None:
        """It is paid."""
        self.paid, self.status, self.waiting, self.unsure = parts, "PAID", None, False
        self.tenders = sum(1 for fen in (parts.card_fen, parts.outside_fen, parts.cash_fen) if fen)

    def give_back(self, parts: Parts) -> None:
        """Some of it goes back."""
        self.back.card_fen += parts.card_fen
        self.back.outside_fen += parts.outside_fen
        self.back.cash_fen += parts.cash_fen
        self.outside_refunds += 1 if parts.outside_fen else 0

    @property
    def left(self) -> Parts:
        """What has been paid and has not gone back."""
        paid, back = self.paid, self.back
        return Parts(paid.card_fen - back.card_fen, paid.outside_fen - back.outside_fen, paid.cash_fen - back.cash_fen)


@dataclass(slots=True)
class Given:
    """Part of a card that was given away."""

    giver_id: str
    amount_fen: int
    taker_id: str | None = None
    withdrawn: bool = False


class Expected:
    """Reads the log once, in its order. `tiers`: id → (to be paid, given on top)."""

    def __init__(self, log: Iterable[Operation], tiers: Mapping[str, tuple[int, int]]) -> None:
        self.top_ups: dict[str, TopUp] = {}
        self.orders: dict[str, Ordered] = {}
        self.gifts: dict[str, Given] = {}
        self.confirmed: set[str] = set()  # payments that somebody has paid in the chat app
        self.astray: list[str] = []  # acknowledged, and yet it does not follow from what was acknowledged before
        self._tokens: dict[str, str] = {}
        self._of_payment: dict[str, Ordered] = {}
        self._tiers = tiers
        steps: dict[str, Callable[[Operation], None]] = {
            "topUpCard": self._top_up,
            "cashTopUp": self._cash_top_up,
            "refundPayment": self._refund_payment,
            "placeOrder": self._place,
            "payOrder": self._pay,
            "takeCash": self._take_cash,
            "cancelOrder": self._cancel,
            "refundOrder": self._refund_order,
            "give": self._give,
            "claimGift": self._claim,
            "withdrawGift": self._withdraw,
            CONFIRM: self._confirm,
        }
        for operation in log:
            if operation.done:
                try:
                    steps[operation.verb](operation)
                except KeyError as missing:
                    self.astray.append(f"{operation} speaks of {missing}, of which nobody was told")
            elif operation.verb in ("payOrder", "takeCash", "cancelOrder"):
                order = self.orders.get(operation.input["orderId"])
                if order is not None:
                    order.unsure = order.waiting is not None

    def value_of_customers(self) -> dict[str, int]:
        """What each customer's cards hold together."""
        value: dict[str, int] = defaultdict(int)
        for top_up in self.top_ups.values():
            value[top_up.customer_id] += top_up.on_card_fen
        for order in self.orders.values():
            value[order.customer_id] += order.back.card_fen - order.paid.card_fen
        for gift in self.gifts.values():
            if not gift.withdrawn:
                value[gift.giver_id] -= gift.amount_fen
            if gift.taker_id is not None:
                value[gift.taker_id] += gift.amount_fen
        return dict(value)

    def _price(self, operation: Operation) -> tuple[int, int]:
        tier = operation.input.get("tierId")
        return self._tiers[tier] if tier else (operation.input["amountFen"], 0)

    def _top_up(self, operation: Operation) -> None:
        self.top_ups[operation.told("payment", "id")] = TopUp(
            operation.customer_id, *self._price(operation), cash=False
        )

    def _cash_top_up(self, operation: Operation) -> None:
        top_up = TopUp(operation.customer_id, *self._price(operation), cash=True, paid=True)
        self.top_ups[operation.key or ""] = top_up

    def _refund_payment(self, operation: Operation) -> None:
        payment = operation.told("payment")
        refunded = payment["refunded"]["amountFen"] + payment["refunding"]["amountFen"]
        self.top_ups[payment["id"]].refunded_fen = refunded

    def _place(self, operation: Operation) -> None:
        order = operation.told("order")
        self.orders[order["id"]] = Ordered(operation.customer_id, order["payable"]["amountFen"])
        if operation.input.get("tenders"):
            self._tender(self.orders[order["id"]], operation)

    def _pay(self, operation: Operation) -> None:
        self._tender(self.orders[operation.input["orderId"]], operation)

    def _tender(self, order: Ordered, operation: Operation) -> None:
        tenders = operation.input["tenders"]
        card = sum(tender["amountFen"] for tender in tenders if tender["method"] in CARD_METHODS)
        rest = order.payable_fen - card
        methods = Counter(tender["method"] for tender in tenders)
        order.unsure = False
        if any(methods[method] for method in OUTSIDE_METHODS):
            payment_id = operation.told("payment", "id")
            order.waiting = payment_id, Parts(card, rest, 0)
            order.outside_payments.add(payment_id)
            self._of_payment[payment_id] = order
        elif methods["CASH"]:
            order.waiting = "cash", Parts(card, 0, rest)
        else:
            order.take(Parts(card, 0, 0))

    def _confirm(self, operation: Operation) -> None:
        payment_id = operation.input["payment"]
        if operation.input["outcome"] != "SUCCESS":
            return
        self.confirmed.add(payment_id)
        order = self._of_payment.get(payment_id)
        if payment_id in self.top_ups:
            self.top_ups[payment_id].paid = True
        elif order is not None and order.waiting is not None and order.waiting[0] == payment_id:
            order.settle()
        else:
            self.astray.append(f"payment {payment_id} was paid in the chat app, and nothing waited for it")

    def _take_cash(self, operation: Operation) -> None:
        order = self.orders[operation.input["orderId"]]
        if order.waiting is not None and order.waiting[0] == "cash":
            order.settle()
        else:
            order.take(Parts(0, 0, order.payable_fen))

    def _cancel(self, operation: Operation) -> None:
        order = self.orders[operation.input["orderId"]]
        if order.status == "REFUNDED":
            return
        order.give_back(order.left)
        order.status, order.waiting = "CANCELLED", None

    def _refund_order(self, operation: Operation) -> None:
        order = self.orders[operation.input["orderId"]]
        back = _sources(operation.told("bySource"))
        order.give_back(back)
        if order.left.total_fen == 0:
            order.status = "REFUNDED"

    def _give(self, operation: Operation) -> None:
        gift = operation.told("gift")
        self.gifts[gift["id"]] = Given(operation.customer_id, operation.input["amountFen"])
        self._tokens[gift["shareToken"]] = gift["id"]

    def _claim(self, operation: Operation) -> None:
        self.gifts[self._tokens[operation.input["token"]]].taker_id = operation.customer_id

    def _withdraw(self, operation: Operation) -> None:
        self.gifts[operation.input["giftId"]].withdrawn = True


def _sources(by_source: list[Json]) -> Parts:
    parts = Parts()
    for tender in by_source:
        fen = tender["amount"]["amountFen"]
        if tender["method"] in CARD_METHODS:
            parts.card_fen += fen
        elif tender["method"] in OUTSIDE_METHODS:
            parts.outside_fen += fen
        else:
            parts.cash_fen += fen
    return parts
