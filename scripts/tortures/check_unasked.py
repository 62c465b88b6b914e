"""What nobody asked for: everything in the books must belong to an acknowledged key, or be an attempt that ended.

A call that was cut off and refused at its next try, or begun anew under its key, leaves a payment or an order that
ended before any money moved; such a one is in order as long as its customer tried again or was refused.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from scripts.client import Json
from scripts.tortures.books import Books
from scripts.tortures.expected import Expected
from scripts.tortures.log import Log
from scripts.tortures.movements import Movements

_ENDED_PAYMENT = ("CLOSED", "FAILED")
_OPENS_PAYMENT = ("topUpCard", "placeOrder", "payOrder")


def unasked_breaches(log: Log, expected: Expected, books: Books, moved: Movements) -> Iterator[str]:
    """Payments, orders, gifts, refunds and entries that no acknowledged operation has made."""
    results = {row["_id"]: row["result"] for rows in books.keys.values() for row in rows}
    asked = defaultdict(set)
    for result in results.values():
        for name, found in result.items():
            asked[name].add(found)
    asked["payment"] |= expected.top_ups.keys() | {
        each for order in expected.orders.values() for each in order.outside_payments
    }
    cut_off = _cut_off(log)
    for order_id, order in books.orders.items():
        if order_id not in expected.orders:
            ended = order["status"] == "CANCELLED" and not order["paid_fen"] and not moved.entries.get(order_id)
            yield from _unless_cut_off(f"order {order_id}", order, ended, cut_off, ("placeOrder",))
    for payment_id, payment in books.payments.items():
        if payment["order_id"] in expected.orders and payment["method"] not in ("WECHAT_PAY", "QQ_WALLET"):
            continue  # the order's own figures say how many there may be
        if payment_id not in asked["payment"]:
            ended = payment["status"] in _ENDED_PAYMENT and f"capture:{payment_id}" not in _entries(moved)
            with_order = payment["order_id"] is not None and payment["order_id"] not in expected.orders
            if not (ended and with_order):  # else it was judged with its order
                yield from _unless_cut_off(f"payment {payment_id}", payment, ended, cut_off, _OPENS_PAYMENT)
    yield from (f"unasked in the books: gift {each}" for each in sorted(books.gifts.keys() - expected.gifts.keys()))
    yield from (
        f"unasked in the books: refund of an order {each}"
        for each in sorted(books.order_refunds.keys() - asked["refund"])
    )
    known = expected.orders.keys() | expected.gifts.keys() | asked["payment"]
    for refund_id, refund in books.refunds.items():
        payment = books.payments.get(refund["payment_id"], {})
        if payment.get("order_id") not in expected.orders and refund["payment_id"] not in asked["payment"]:
            yield f"unasked in the books: refund {refund_id}"
    for subject, entries in moved.entries.items():
        if subject not in known and not subject.startswith("points:"):
            yield f"unasked in the books: entries {', '.join(sorted(entries))}"


def _entries(moved: Movements) -> set[str]:
    return {entry_id for entries in moved.entries.values() for entry_id in entries}


def _cut_off(log: Log) -> Counter[tuple[str, str]]:
    """How often a customer's call was tried again or refused: (customer, verb) → attempts that may have ended."""
    found = Counter[tuple[str, str]]()
    for operation in log:
        found[operation.customer_id, operation.verb] += operation.tries - (1 if operation.done else 0)
    return found


def _unless_cut_off(
    name: str, document: Json, ended: bool, cut_off: Counter[tuple[str, str]], verbs: tuple[str, ...]
) -> Iterator[str]:
    attempt = next(((document["customer_id"], verb) for verb in verbs if cut_off[document["customer_id"], verb]), None)
    if not ended or attempt is None:
        yield f"unasked in the books: {name} ({document['status']}) of {document['customer_id']}"
    else:
        cut_off[attempt] -= 1  # one attempt accounts for one thing that ended
