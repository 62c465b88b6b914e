"""Orders: paid, held and refunded as acknowledged, each part once."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from scripts.client import Json
from scripts.tortures.books import Books
from scripts.tortures.expected import Expected, Ordered
from scripts.tortures.movements import Movements

PAID = ("SUCCEEDED", "PARTIALLY_REFUNDED", "REFUNDED")
OUTSIDE = ("WECHAT_PAY", "QQ_WALLET")


def order_breaches(expected: Expected, books: Books, moved: Movements) -> Iterator[str]:
    """Where an order's row, its tenders or its entries are not what was acknowledged."""
    payments: dict[str, list[Json]] = {}
    for payment in books.payments.values():
        payments.setdefault(payment.get("order_id") or "", []).append(payment)
    for order_id, order in expected.orders.items():
        found = books.orders.get(order_id)
        if found is None:
            yield f"acknowledged, and not in the books: order {order_id} of {order.customer_id}"
            continue
        for what, here, said in _figures(order, found, payments.get(order_id, []), books, order_id, moved):
            if here != said:
                yield f"order {order_id}: {what} {here} in the books, {said} acknowledged"


def _figures(
    order: Ordered, found: Json, tenders: list[Json], books: Books, order_id: str, moved: Movements
) -> Iterator[tuple[str, object, object]]:
    status = order.status
    if status == "AWAITING_PAYMENT" and found["pay_before"] < datetime.now(UTC):
        status = found["status"]  # its time is over, and the product ends it by itself
    yield "status", found["status"], status
    yield "customer", found["customer_id"], order.customer_id
    yield "payable", found["payable_fen"], order.payable_fen
    yield "paid", found["paid_fen"], order.paid.total_fen
    yield "refunded", found["refunded_fen"], order.back.total_fen
    yield "refunding", found["refunding_fen"], 0
    paid = [tender for tender in tenders if tender["status"] in PAID]
    yield "tenders paid", len(paid), order.tenders
    entries: Mapping[str, int] = moved.entries.get(order_id, {})
    captures = {f"capture:{tender['_id']}" for tender in paid}
    yield (
        "entries of tenders",
        {each: n for each, n in entries.items() if each.startswith("capture:")},
        dict.fromkeys(captures, 1),
    )
    yield "entries twice", {each: times for each, times in entries.items() if times > 1}, {}
    yield "taken from cards less put back", -moved.on_cards(order_id), order.left.card_fen
    yield "taken by the provider less given back", moved.at_provider(order_id), order.left.outside_fen
    yield "taken in cash less given back", moved.in_drawer(order_id), order.left.cash_fen
    ids = {tender["_id"] for tender in tenders}
    refunds = [each for each in books.refunds.values() if each["payment_id"] in ids]
    yield "refunds asked of the provider", len(refunds), order.outside_refunds
    yield "refunds not settled", [each["_id"] for each in refunds if each["status"] != "SETTLED"], []
    waits = {tender["_id"] for tender in tenders if tender["status"] == "PENDING"}
    held = sum(tender["amount_fen"] for tender in tenders if tender["_id"] in waits and tender.get("takes"))
    if order.waiting is not None and found["status"] == "AWAITING_PAYMENT":
        let_go = order.unsure and not waits
        yield "held on cards", held, 0 if let_go else order.waiting[1].card_fen
    elif found["status"] != "AWAITING_PAYMENT":
        yield "tenders that still wait", sorted(waits), []
